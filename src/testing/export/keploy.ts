import type { Har, HarPair, HarPostData, Noise } from '../har/format.ts'
import { type ExportedRequest, idsIn, requestsOf, withBraces } from './requests.ts'
import { toYaml, type Yaml } from './yaml.ts'

export interface KeployOptions {
  /** The name of the test set, and of its folder. Default `recording`. */
  readonly set?: string
  /** Which origins are other servers: their answers become mocks. Default: none. */
  readonly third?: readonly string[]
}

export interface KeployExport {
  /** By path, from the folder `keploy` on. No token is in any of them. */
  readonly files: ReadonlyMap<string, string>
  /** What `secret.yaml` must hold before the tests run: Keploy sends an empty text for what is missing. */
  readonly secrets: readonly string[]
}

/**
 * The recording as Keploy test cases, with mocks for other servers. Each token is `{{string .secret.access_p1_1}}`: write
 * the values into `secret.yaml`, which is in the `.gitignore` that comes with it, just before the run:
 * `tokenward token --login ./login.mjs --write keploy/recording/secret.yaml`.
 *
 * @throws {@link RecordingError} `invalid_har`, `secret_survived`: see {@link fromHar}.
 * @throws `TypeError` when the name of the set is no name of a folder.
 *
 * @example
 *   import { toKeploy, type Har } from 'tokenward/testing'
 *
 *   export const files = (har: Har): string[] => [...toKeploy(har).files.keys()]
 */
export function toKeploy(har: Har, { set = 'recording', third = [] }: KeployOptions = {}): KeployExport {
  if (!/^[\w-]+$/.test(set)) throw new TypeError('toKeploy: set must be a name of letters, digits, - and _.')
  const requests = requestsOf(har)
  const isThird = ({ url }: ExportedRequest): boolean => third.includes(url.origin)
  const noise = har.log._noise ?? []
  const tests = requests.filter((request) => !isThird(request))
  const mocks = requests.filter(isThird)
  const secrets = idsIn(requests)
  const files = new Map<string, string>()
  for (const [at, request] of tests.entries()) {
    const name = `test-${at + 1}`
    files.set(`${set}/tests/${name}.yaml`, toYaml(toTest(name, request, noise)))
  }
  if (mocks.length > 0)
    files.set(`${set}/mocks.yaml`, mocks.map((request, at) => toYaml(toMock(`mock-${at}`, request))).join('---\n'))
  files.set(`${set}/.gitignore`, '/secret.yaml\n')
  return { files, secrets }
}

function toTest(name: string, request: ExportedRequest, noise: readonly Noise[]): Yaml {
  const paths = noise.filter(({ entry }) => entry === undefined || entry === request.index).map(({ path }) => path)
  return {
    version: 'api.keploy.io/v1beta1',
    kind: 'Http',
    name,
    spec: {
      metadata: {},
      ...exchangeOf(request),
      objects: [],
      assertions: { noise: Object.fromEntries(['header.Date', ...paths].map((path) => [path, []])) },
      created: createdOf(request),
      app_port: Number(request.url.port || (request.url.protocol === 'https:' ? 443 : 80)),
    },
  }
}

function toMock(name: string, request: ExportedRequest): Yaml {
  const { req, resp } = exchangeOf(request)
  return {
    version: 'api.keploy.io/v1beta1',
    kind: 'Http',
    name,
    spec: {
      metadata: { name: 'Http', type: 'HTTP_CLIENT', operation: request.method },
      req,
      resp,
      objects: [],
      created: createdOf(request),
      reqTimestampMock: new Date(request.entry.startedDateTime),
      resTimestampMock: answeredAt(request),
    },
    connectionId: '0',
  }
}

function exchangeOf(request: ExportedRequest): { readonly req: Yaml; readonly resp: Yaml } {
  const { entry, method, url, headers, bearer } = request
  const { status, statusText, headers: answered, content } = entry.response
  const sent = bearer === undefined ? headers : [...headers, { name: 'Authorization', value: `Bearer {{${bearer}}}` }]
  return {
    req: {
      method,
      proto_major: 1,
      proto_minor: 1,
      url: secret(withBraces(url.href)),
      header: { ...headersOf(sent), Host: url.host },
      ...bodyOf(entry.request.postData),
      timestamp: new Date(entry.startedDateTime),
    },
    resp: {
      status_code: status,
      header: headersOf(answered),
      body: content.encoding === undefined ? secret(content.text ?? '') : '',
      status_message: statusText,
      proto_major: 0,
      proto_minor: 0,
      timestamp: answeredAt(request),
    },
  }
}

/** A body of bytes has no place in YAML that is text. */
function bodyOf({ text = '', params, _encoding }: Partial<HarPostData> = {}): {
  readonly body: string
  readonly form?: Yaml
} {
  if (!params) return { body: _encoding === undefined ? secret(text) : '' }
  const form = params.map(({ name, value, fileName }) => ({
    key: secret(name),
    values: value === undefined ? [] : [secret(value)],
    ...(fileName !== undefined && { paths: [secret(fileName)] }),
  }))
  return { body: '', form }
}

/** Names as Go writes them; of several values of one name, the list (RFC 9110 section 5.3). */
function headersOf(pairs: readonly HarPair[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { name, value } of pairs) {
    const spelled = name.toLowerCase().replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase())
    const before = Object.hasOwn(headers, spelled) ? `${headers[spelled] ?? ''}, ` : ''
    headers[spelled] = before + secret(value)
  }
  return headers
}

/** Keploy fills in what Go's text/template says; any other brace of the recording must not be taken for that. */
function secret(text: string): string {
  return text
    .split(/\{\{([a-z]+_p\d+_\d+(?:_(?:payload|signature))?)\}\}/)
    .map((part, at) => (at % 2 === 1 ? `{{string .secret.${part} }}` : part.replaceAll('{{', '{{"{{"}}')))
    .join('')
}

function answeredAt({ entry }: ExportedRequest): Date {
  return new Date(Date.parse(entry.startedDateTime) + Math.max(0, entry.time))
}

function createdOf({ entry }: ExportedRequest): number {
  return Math.floor(Date.parse(entry.startedDateTime) / 1_000)
}
