import { lifecycle } from '../../adapters/lifecycle.ts'
import { parseJson } from '../har/fields.ts'
import type { HarEntry, HarPair, HarParam, HarPostData } from '../har/format.ts'
import { takeUserinfo } from '../har/userinfo.ts'
import { fromBase64 } from '../redact/base64.ts'
import type { Values } from './values.ts'

/** Where the recorded origins are now: one place for all of them, or a place for each. */
export type BaseUrl = string | Readonly<Record<string, string>>

/** A request that can be sent. */
export interface ReplayRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly init: RequestInit
}

// What belongs to a connection, what the platform sets, and what only the platform may set.
const NOT_SENT =
  /^(:.*|host|connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|expect|accept-encoding|cookie|dpop|sec-.*|proxy-.*|if-.*)$/i

/** The texts of a request in which placeholders have to be filled in. */
export function textsOf({ request }: HarEntry): string[] {
  const { url, headers, postData } = request
  const parts = postData?.params?.flatMap(({ name, value = '' }) => [name, value]) ?? []
  return [
    url,
    ...headers.filter(({ name }) => !NOT_SENT.test(name)).map(({ value }) => value),
    postData?.text ?? '',
    ...parts,
  ]
}

/** The request of an entry with its placeholders filled in. What is still unknown in a header makes that header stay away. */
export function toRequest(entry: HarEntry, values: Values, baseUrl: BaseUrl | undefined): ReplayRequest {
  const { method, headers, postData } = entry.request
  const { url, authorization } = takeUserinfo(placeOf(values.fill(entry.request.url, encodeURIComponent), baseUrl))
  const sent: Record<string, string> = authorization === undefined ? {} : { authorization }
  for (const { name, value } of headers) {
    const isMultipart = name.toLowerCase() === 'content-type' && postData?.params !== undefined
    if (NOT_SENT.test(name) || isMultipart) continue
    if (values.needsOf(value).some((id) => values.get(id) === undefined)) continue
    if (name.toLowerCase() === 'authorization') delete sent['authorization']
    const before = sent[name]
    sent[name] = before === undefined ? values.fill(value) : `${before}, ${values.fill(value)}`
  }
  const hasBody = postData !== undefined && method !== 'GET' && method !== 'HEAD'
  const isRedirect = entry.response.status >= 300 && entry.response.status < 400
  return {
    url,
    headers: sent,
    init: {
      method,
      redirect: isRedirect ? 'manual' : 'follow',
      credentials: entry._credentials ? 'include' : 'omit',
      cache: 'no-store',
      ...(hasBody ? { body: toBody(postData, headers, values) } : {}),
    },
  }
}

/** An entry without the headers, parameters and fields for which `is` holds. */
export function withoutValue(entry: HarEntry, is: (value: string) => boolean): HarEntry {
  const { url, headers, postData } = entry.request
  const bare = new URL(url)
  // As it was written: parameters would be encoded anew.
  const query = bare.search.slice(1).split('&')
  bare.search = query.filter((pair) => !is(pair)).join('&')
  const params = postData?.params?.filter(({ value = '' }) => !is(value))
  return {
    ...entry,
    request: {
      ...entry.request,
      url: bare.href,
      headers: headers.filter(({ value }) => !is(value)),
      ...(postData ? { postData: { ...withoutField(postData, is), ...(params ? { params } : {}) } } : {}),
    },
  }
}

/** Of a form, the field; of JSON, its value. */
function withoutField(postData: HarPostData, is: (value: string) => boolean): HarPostData {
  const { mimeType, text } = postData
  if (text === undefined || !is(text)) return postData
  if (/^application\/x-www-form-urlencoded/i.test(mimeType)) {
    return {
      ...postData,
      text: text
        .split('&')
        .filter((pair) => !is(pair))
        .join('&'),
    }
  }
  const body = parseJson(text)
  const bare = JSON.stringify(body, (_, value: unknown) => (typeof value === 'string' && is(value) ? undefined : value))
  return body === undefined ? postData : { ...postData, text: bare }
}

function toBody(
  { mimeType, text, params, _encoding }: HarPostData,
  headers: readonly HarPair[],
  values: Values,
): BodyInit {
  if (params && text === undefined) return toForm(params, values)
  if (_encoding === 'base64') return fromBase64(text ?? '') ?? ''
  const type = headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value ?? mimeType
  if (/^application\/x-www-form-urlencoded/i.test(type)) {
    return values.fill(text ?? '', (value) => new URLSearchParams({ '': value }).toString().slice(1))
  }
  const isJson = /[/+]json/i.test(type) || /^\s*[{[]/.test(text ?? '')
  return values.fill(text ?? '', isJson ? (value) => JSON.stringify(value).slice(1, -1) : undefined)
}

function toForm(params: readonly HarParam[], values: Values): FormData {
  const form = new FormData()
  for (const { name, value = '', fileName, contentType = '' } of params) {
    const filled = values.fill(value)
    if (fileName === undefined) form.append(values.fill(name), filled)
    else form.append(values.fill(name), new Blob([filled], { type: contentType }), fileName)
  }
  return form
}

/** Where `url` is now. */
function placeOf(url: string, baseUrl: BaseUrl | undefined): string {
  const { origin, pathname, search, username, password } = new URL(url)
  const base = typeof baseUrl === 'object' ? baseUrl[origin] : baseUrl
  if (base === undefined) return url
  const { origin: now, pathname: prefix } = new URL(base, lifecycle.baseUrl())
  const place = new URL(now + prefix.replace(/\/$/, '') + pathname + search)
  Object.assign(place, { username, password })
  return place.href
}
