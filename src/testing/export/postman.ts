import type { Har, HarEntry, HarPostData } from '../har/format.ts'
import { bringsOf, type ExportedRequest, idsIn, requestsOf, withBraces } from './requests.ts'

export interface PostmanOptions {
  /** Default `recording`. */
  readonly name?: string
  /** Put the token into a header that is written out, for importers that read no `auth` (Keploy's). Default `false`. */
  readonly plainHeaders?: boolean
}

export interface PostmanExport {
  /** Postman Collection Format 2.1. */
  readonly collection: PostmanCollection
  /** The variables of the collection. Those that are secret are empty. */
  readonly environment: PostmanEnvironment
}

export interface PostmanCollection {
  readonly info: { readonly name: string; readonly schema: string }
  readonly item: readonly PostmanItem[]
}

export interface PostmanItem {
  readonly name: string
  readonly request: object
  readonly event: readonly object[]
  readonly response: readonly object[]
}

export interface PostmanEnvironment {
  readonly name: string
  readonly values: readonly {
    readonly key: string
    readonly value: string
    readonly type: 'default' | 'secret'
    readonly enabled: boolean
  }[]
  readonly _postman_variable_scope: 'environment'
}

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

/**
 * The recording as a Postman collection and an environment. Each request carries the token of its principal through a
 * variable (`{{access_p1_1}}`); what an answer brings is kept for the requests after it, so that a login at the beginning
 * is enough. Each request has a test, its status is the recorded one, and the recorded answer as an example.
 *
 * @throws {@link RecordingError} `invalid_har`, `secret_survived`: see {@link fromHar}.
 *
 * @example
 *   import { toPostman, type Har } from 'tokenward/testing'
 *
 *   export const collection = (har: Har): string => JSON.stringify(toPostman(har, { name: 'Orders' }).collection)
 */
export function toPostman(har: Har, { name = 'recording', plainHeaders = false }: PostmanOptions = {}): PostmanExport {
  const requests = requestsOf(har)
  const bases = new Map([...new Set(requests.map(({ url }) => url.origin))].map((origin, at) => [origin, baseName(at)]))
  return {
    collection: {
      info: { name, schema: SCHEMA },
      item: requests.map((request) =>
        toItem(har, request, { base: bases.get(request.url.origin) ?? '', plainHeaders }),
      ),
    },
    environment: {
      name,
      values: [
        ...Array.from(bases, ([value, key]) => ({ key, value, type: 'default' as const, enabled: true })),
        ...idsIn(requests).map((key) => ({ key, value: '', type: 'secret' as const, enabled: true })),
      ],
      _postman_variable_scope: 'environment',
    },
  }
}

function baseName(at: number): string {
  return at === 0 ? 'baseUrl' : `baseUrl${at + 1}`
}

function toItem(
  har: Har,
  request: ExportedRequest,
  { base, plainHeaders }: { readonly base: string; readonly plainHeaders: boolean },
): PostmanItem {
  const { entry, method, url, headers, bearer, name } = request
  const token = bearer === undefined ? undefined : `{{${bearer}}}`
  const header = headers.map(({ name: key, value }) => ({ key, value }))
  if (token !== undefined && plainHeaders) header.push({ key: 'Authorization', value: `Bearer ${token}` })
  const path = withBraces(url.pathname)
  const exported = {
    auth:
      token === undefined || plainHeaders
        ? { type: 'noauth' }
        : { type: 'bearer', bearer: [{ key: 'token', value: token, type: 'string' }] },
    method,
    header,
    ...(entry.request.postData && { body: toBody(entry.request.postData) }),
    url: {
      raw: `{{${base}}}${path}${withBraces(url.search)}`,
      host: [`{{${base}}}`],
      path: path.slice(1).split('/'),
      ...(url.search && { query: queryOf(url) }),
    },
  }
  return {
    name,
    request: exported,
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: testOf(har, request) } }],
    response: [toExample(entry, exported)],
  }
}

/** What Postman shows beside a request, and what its mock servers answer. */
function toExample({ response, time }: HarEntry, originalRequest: object): object {
  const { status, statusText, headers, content } = response
  return {
    name: `${status} ${statusText}`.trim(),
    originalRequest,
    status: statusText,
    code: status,
    header: headers.filter(({ name }) => !name.startsWith(':')).map(({ name: key, value }) => ({ key, value })),
    cookie: [],
    responseTime: Math.round(time),
    body: content.encoding === undefined ? (content.text ?? '') : '',
    _postman_previewlanguage: /json/i.test(content.mimeType) ? 'json' : 'text',
  }
}

/** As it is written: a value that is decoded and encoded again may be another one. */
function queryOf({ search }: URL): { readonly key: string; readonly value: string | null }[] {
  return search
    .slice(1)
    .split('&')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0
        ? { key: withBraces(pair), value: null }
        : { key: withBraces(pair.slice(0, at)), value: withBraces(pair.slice(at + 1)) }
    })
}

function toBody({ mimeType, text, params, _encoding, _omitted }: HarPostData): object {
  if (/^multipart\/form-data/i.test(mimeType) && params) {
    return {
      mode: 'formdata',
      formdata: params.map(({ name: key, value, fileName }) =>
        fileName === undefined ? { key, value: value ?? '', type: 'text' } : { key, src: fileName, type: 'file' },
      ),
    }
  }
  // Bytes have no place in a collection: whoever runs it picks a file.
  if (_encoding !== undefined || _omitted !== undefined) return { mode: 'file', file: {} }
  return {
    mode: 'raw',
    raw: text ?? '',
    ...(/json/i.test(mimeType) && { options: { raw: { language: 'json' } } }),
  }
}

function testOf(har: Har, request: ExportedRequest): string[] {
  const { status } = request.entry.response
  const title = JSON.stringify(`status ${status}`)
  const kept = bringsOf(har, request).map(({ id, path }) => {
    const member = path.map((name) => `?.[${JSON.stringify(name)}]`).join('')
    return `if (body${member}) pm.environment.set(${JSON.stringify(id)}, body${member});`
  })
  return [
    `pm.test(${title}, () => pm.response.to.have.status(${status}));`,
    ...(kept.length > 0 ? ['const body = pm.response.json();', ...kept] : []),
  ]
}
