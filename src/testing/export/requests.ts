import { parseUrl } from '../../lib/url.ts'
import { RecordingError } from '../errors.ts'
import { toHar } from '../har/check.ts'
import type { Har, HarEntry, HarPair, TokenReference } from '../har/format.ts'
import { assertClean } from '../redact/clean.ts'
import { placeholdersIn } from '../redact/placeholder.ts'

/** A request of a recording, as another tool has to be told of it. */
export interface ExportedRequest {
  readonly entry: HarEntry
  /** From 0. */
  readonly index: number
  readonly name: string
  readonly method: string
  /** With placeholders as `{{access_p1_1}}`. */
  readonly url: URL
  /** Without what belongs to one connection, and what every client makes itself. */
  readonly headers: readonly HarPair[]
  /** The placeholder of `Authorization: Bearer`, which is then not among `headers`. */
  readonly bearer: string | undefined
}

/** A name that a header or a method may have (RFC 9110 section 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/

/** Of one connection (RFC 9110 section 7.6.1), made by every client anew, or none at all (HTTP/2's own). */
const OWN =
  /^(?::.*|connection|content-length|cookie2?|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i

const BEARER = /^bearer\s+\{\{([a-z]+_p\d+_\d+)\}\}$/i

/**
 * The requests of `har` that were answered, in order.
 *
 * @throws {@link RecordingError} `invalid_har`, `secret_survived`: it has tokens in it. The message names the entry.
 */
export function requestsOf(har: Har): ExportedRequest[] {
  const checked = toHar(har)
  assertClean(checked)
  return checked.log.entries.flatMap((entry, index) => {
    const { method, headers } = entry.request
    if (entry.response.status === 0) return []
    const url = urlOf(entry, index)
    if (!TOKEN.test(method)) throw new RecordingError('invalid_har', `entry ${index}: no such method`, { entry: index })
    const sent = headers.filter(({ name, value }) => TOKEN.test(name) && !OWN.test(name) && !/[\r\n\0]/.test(value))
    const authorization = sent.find(({ name }) => name.toLowerCase() === 'authorization')
    const bearer = BEARER.exec(authorization?.value ?? '')?.[1]
    const cookies = headers.filter(({ name, value }) => name.toLowerCase() === 'cookie' && !/[\r\n\0]/.test(value))
    return [
      {
        entry,
        index,
        name: `${method} ${url.pathname}`,
        method,
        url,
        headers: [
          ...sent.filter((header) => bearer === undefined || header !== authorization),
          ...cookies,
          ...typeOf(entry),
        ],
        bearer,
      },
    ]
  })
}

/** What the body is, where the headers do not say so: other tools would take it for something else. */
function typeOf({ request: { headers, postData } }: HarEntry): HarPair[] {
  const { mimeType = '', params } = postData ?? {}
  if (mimeType === '' || params || /[^\t\x20-\x7E]/.test(mimeType)) return []
  return headers.some(({ name }) => name.toLowerCase() === 'content-type')
    ? []
    : [{ name: 'content-type', value: mimeType }]
}

/** The URL in the spelling of `URL`, in which a placeholder stands as `%7B%7B…%7D%7D`. */
function urlOf(entry: HarEntry, index: number): URL {
  const url = parseUrl(entry.request.url)
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new RecordingError('invalid_har', `entry ${index}: its URL is not one of http: or https:`, { entry: index })
}

/** Where the placeholders of a URL stand in braces again, for tools that fill them in text. */
export function withBraces(text: string): string {
  return text.replace(/%7B%7B([a-z]+_p\d+_\d+(?:_(?:payload|signature))?)%7D%7D/gi, '{{$1}}')
}

/** What has to be given from outside: the ids of the placeholders in what is sent. */
export function idsIn(requests: readonly ExportedRequest[]): string[] {
  return [
    ...new Set(
      requests.flatMap(({ entry: { request }, headers, bearer, url }) => [
        ...(bearer === undefined ? [] : [bearer]),
        ...placeholdersIn(JSON.stringify([url.href, headers, request.postData ?? ''])),
      ]),
    ),
  ]
}

/** What an answer brings: the place of each placeholder in its JSON body, as member names. */
export function bringsOf(har: Har, { entry }: ExportedRequest): { readonly id: string; readonly path: string[] }[] {
  const known = new Map<string, TokenReference>((har.log._tokens ?? []).map((reference) => [reference.id, reference]))
  const found: { id: string; path: string[] }[] = []
  const walk = (value: unknown, path: string[]): void => {
    if (typeof value === 'string') {
      const id = /^\{\{([a-z]+_p\d+_\d+)\}\}$/.exec(value)?.[1]
      if (id !== undefined && known.has(id)) found.push({ id, path })
    } else if (typeof value === 'object' && value) {
      for (const [name, member] of Object.entries(value)) walk(member, [...path, name])
    }
  }
  try {
    walk(JSON.parse(entry.response.content.text ?? ''), [])
  } catch {
    // It is no JSON, and brings nothing that could be named.
  }
  return found
}

/** `access_p1_2` is given in the variable `TOKEN_ACCESS_P1_2`. */
export function variableOf(id: string): string {
  return `TOKEN_${id.toUpperCase()}`
}
