import { nameOfEntry, RecordingError } from '../errors.ts'
import {
  type Har,
  type HarEntry,
  type HarLog,
  type HarContent,
  type HarParam,
  type HarPair,
  type HarPostData,
  type Noise,
  type TokenReference,
  RECORDING_VERSION,
} from './format.ts'

type Place = Readonly<Record<string, unknown>>

/** Recordings that need no second look: looking would read all entries, which may not be in memory. */
const sound = new WeakSet<Har>()

/** A recording whose entries were all made by {@link toEntry}. */
export function asSound(har: Har): Har {
  sound.add(har)
  return har
}

/**
 * Takes what was read as a recording, by whomever it was made. What HAR asks for and tools leave out is filled in; what
 * cannot be done without makes it fail.
 *
 * @throws {@link RecordingError} `invalid_har`, `unsupported_version`.
 */
export function toHar(value: unknown): Har {
  if (typeof value === 'object' && value !== null && sound.has(value as Har)) return value as Har
  const log = toLog(isPlace(value) ? value['log'] : undefined)
  return { log: { ...log, entries: log.entries.map(toEntry) } }
}

/** The same without the entries. */
export function toLog(value: unknown): HarLog {
  if (!isPlace(value)) throw new RecordingError('invalid_har', 'this is no HAR: it has no log')
  const { _tokens, _noise, ...rest } = value
  const { version = '1.2', entries = [], creator, _tokenward } = rest
  if (typeof version !== 'string' || !/^1\.\d+$/.test(version)) {
    throw new RecordingError('unsupported_version', `HAR ${shown(version)} is not supported: 1.2 is`)
  }
  if (_tokenward !== undefined && (typeof _tokenward !== 'number' || _tokenward > RECORDING_VERSION)) {
    const message = `this recording was made by a newer version (${shown(_tokenward)}; this one knows ${RECORDING_VERSION})`
    throw new RecordingError('unsupported_version', message)
  }
  for (const [name, list] of Object.entries({ entries, _tokens: _tokens ?? [], _noise: _noise ?? [] })) {
    if (!Array.isArray(list)) throw new RecordingError('invalid_har', `log.${name} is not a list`)
  }
  checkReferences((_tokens ?? []) as readonly unknown[])
  checkNoise((_noise ?? []) as readonly unknown[])
  const by = isPlace(creator) ? creator : {}
  return {
    ...rest,
    version,
    creator: { name: textOf(by['name']), version: textOf(by['version']) },
    // Some programs write null for what there is none of.
    ...(Array.isArray(_tokens) && { _tokens: _tokens as TokenReference[] }),
    ...(Array.isArray(_noise) && { _noise: _noise as Noise[] }),
    entries: entries as HarEntry[],
  }
}

/** @param index From 0, for messages. */
export function toEntry(value: unknown, index: number): HarEntry {
  if (!isPlace(value))
    throw new RecordingError('invalid_har', `${nameOfEntry(index)} is not an object`, { entry: index })
  const name = nameOfEntry(index, value)
  const fail = (what: string): never => {
    throw new RecordingError('invalid_har', `${name}: ${what}`, { entry: index })
  }
  const { request, response } = value
  if (!isPlace(request)) return fail('there is no request')
  if (!isPlace(response)) return fail('there is no response')
  const { postData, ...asked } = request
  const { method, url } = asked
  const { status, content } = response
  if (typeof method !== 'string' || !/^[!#$%&'*+\-.^`|~\w]{1,20}$/.test(method))
    return fail('request.method is not a method')
  if (typeof url !== 'string' || !URL.canParse(url)) return fail('request.url is not an absolute URL')
  if (typeof status !== 'number' || !Number.isFinite(status)) return fail('response.status is not a number')
  const pairs = (list: unknown, where: string): HarPair[] => {
    if (list === undefined) return []
    const isList = Array.isArray(list) && list.every((one) => isPlace(one) && typeof one['name'] === 'string')
    if (!isList) return fail(`${where} is not a list of names and values`)
    return (list as (HarPair & { value?: unknown })[]).map((one) => ({ ...one, value: textOf(one.value) }))
  }
  const sent = toPostData(postData, fail)
  const started = value['startedDateTime']
  return {
    cache: {},
    ...value,
    startedDateTime:
      typeof started === 'string' && !Number.isNaN(Date.parse(started)) ? started : new Date(0).toISOString(),
    time: numberOf(value['time']),
    timings: { send: 0, wait: 0, receive: 0, ...(isPlace(value['timings']) ? value['timings'] : {}) },
    request: {
      ...asked,
      method,
      url,
      httpVersion: versionOf(request['httpVersion']),
      cookies: pairs(request['cookies'], 'request.cookies'),
      headers: pairs(request['headers'], 'request.headers'),
      queryString: pairs(request['queryString'], 'request.queryString'),
      headersSize: numberOf(request['headersSize'], -1),
      bodySize: numberOf(request['bodySize'], -1),
      ...(sent ? { postData: sent } : {}),
    },
    response: {
      ...response,
      status,
      statusText: textOf(response['statusText']),
      httpVersion: versionOf(response['httpVersion']),
      cookies: pairs(response['cookies'], 'response.cookies'),
      headers: pairs(response['headers'], 'response.headers'),
      content: toContent(content, fail),
      redirectURL: textOf(response['redirectURL']),
      headersSize: numberOf(response['headersSize'], -1),
      bodySize: numberOf(response['bodySize'], -1),
    },
  }
}

type Fail = (what: string) => never

/** Some tools keep a form as a list of its fields only. */
function toPostData(postData: unknown, fail: Fail): HarPostData | undefined {
  if (postData === undefined || postData === null) return undefined
  if (!isPlace(postData)) return fail('request.postData is not an object')
  const { params, text, _encoding, ...rest } = postData
  const mimeType = textOf(postData['mimeType'])
  const body = toBody({ text, isBase64: _encoding === 'base64', where: 'request.postData.text' }, fail)
  const fields = params === undefined || params === null ? undefined : toParams(params, fail)
  if (body === undefined && fields && /^application\/x-www-form-urlencoded/i.test(mimeType)) {
    const pairs = fields.map(({ name, value = '' }) => [name, value])
    return { mimeType, text: new URLSearchParams(pairs).toString() }
  }
  return {
    ...rest,
    mimeType,
    ...(fields && (fields.length > 0 || body === undefined) ? { params: fields } : {}),
    ...(body === undefined ? {} : { text: body }),
    ...(_encoding === 'base64' ? { _encoding } : {}),
  }
}

function toParams(params: unknown, fail: Fail): HarParam[] {
  if (!Array.isArray(params)) return fail('request.postData.params is not a list')
  return params.map((one: unknown, index) => {
    if (!isPlace(one) || typeof one['name'] !== 'string') {
      return fail(`request.postData.params.${index} is not a name and a value`)
    }
    const { name, value, fileName, contentType } = one
    return {
      name,
      ...(value === undefined || value === null ? {} : { value: textOf(value) }),
      ...(typeof fileName === 'string' ? { fileName } : {}),
      ...(typeof contentType === 'string' ? { contentType } : {}),
    }
  })
}

function toContent(content: unknown, fail: Fail): HarContent {
  if (content === undefined || content === null) return { size: 0, mimeType: '' }
  if (!isPlace(content)) return fail('response.content is not an object')
  const { text, encoding, ...rest } = content
  const isBase64 = typeof encoding === 'string' && /^base64$/i.test(encoding)
  const body = toBody({ text, isBase64, where: 'response.content.text' }, fail)
  return {
    ...rest,
    size: numberOf(content['size']),
    mimeType: textOf(content['mimeType']),
    ...(body === undefined ? {} : { text: body }),
    ...(typeof encoding === 'string' ? { encoding: isBase64 ? 'base64' : encoding } : {}),
  }
}

function toBody(
  { text, isBase64, where }: { text: unknown; isBase64: boolean; where: string },
  fail: Fail,
): string | undefined {
  if (text === undefined || text === null) return undefined
  if (typeof text !== 'string') return fail(`${where} is not a text`)
  if (!isBase64) return text
  // In lines, as mail has it.
  const joined = text.replace(/\s+/g, '')
  const isSound = /^[\w+/-]*={0,2}$/.test(joined) && joined.replace(/=+$/, '').length % 4 !== 1
  return isSound ? joined : fail(`${where} is not base64`)
}

function checkReferences(references: readonly unknown[]): void {
  for (const [index, one] of references.entries()) {
    const isReference =
      isPlace(one) &&
      ['id', 'kind', 'principal'].every((name) => typeof one[name] === 'string') &&
      isPlace(one['claims'])
    if (!isReference) throw new RecordingError('invalid_har', `log._tokens.${index} is not a reference to a token`)
  }
}

function checkNoise(noise: readonly unknown[]): void {
  for (const [index, one] of noise.entries()) {
    if (isPlace(one) && typeof one['path'] === 'string') continue
    throw new RecordingError('invalid_har', `log._noise.${index} names no place`)
  }
}

function isPlace(value: unknown): value is Place {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

/** `HTTP/1.1`, `http/2.0`, `h3`, `http/2+quic/46`: nothing that is longer. */
function versionOf(value: unknown): string {
  const text = textOf(value)
  return /^[\w./+-]{1,16}$/.test(text) ? text : 'HTTP/1.1'
}

function numberOf(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}

/** Short, and without anything that could be a secret. */
function shown(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : typeof value
  return /^[\w.-]{1,12}$/.test(text) ? text : 'of another kind'
}
