import { toHar } from '../har/check.ts'
import type { Har, HarContent, HarEntry, HarPair, HarPostData } from '../har/format.ts'
import { isPacked, textOfContent } from '../har/text-of-bytes.ts'
import { fromBase64 } from '../redact/base64.ts'
import { assertClean } from '../redact/clean.ts'
import { type ImportOptions, toRecording } from './recording.ts'
import { createStandIns, type StandIns } from './stand-ins.ts'

export interface FromHarOptions extends ImportOptions {
  /** Also what a page consists of: documents, scripts, styles, images, fonts. Default `false`. */
  readonly assets?: boolean
}

/** What browsers say that something is, and what it is by its type. */
const ASSET =
  /^(?:document|script|stylesheet|image|font|media|manifest|texttrack|preflight|websocket|eventsource|ping)$/
const ASSET_TYPE =
  /^(?:text\/(?:html|css|javascript)|image\/|font\/|audio\/|video\/|application\/(?:x-)?(?:java|ecma)script|application\/(?:font|wasm))/i

/**
 * The HAR of a browser, or of another tool, as a recording: without its tokens, and with what shows of them: who signs in
 * where, which token was refreshed from which, whose is whose. What a page consists of is left out, and so is what was
 * never answered over HTTP.
 *
 * Browsers leave `Authorization` and cookies out of a HAR unless they are told not to: in Chrome "Export HAR (with
 * sensitive data)".
 *
 * @param har What is in the file, as an object: of `JSON.parse` or {@link readHar}. One of our own is given back as it is.
 * @throws {@link RecordingError} `invalid_har`, `unsupported_version`; `secret_survived`.
 *
 * @example
 *   import { fromHar, readHar } from 'tokenward/testing'
 *
 *   const exported = await fetch('/orders.har').then((response) => response.text())
 *   const recording = fromHar(await readHar(exported), { include: ['https://api.example.com/'] })
 */
export function fromHar(har: object, { assets = false, ...options }: FromHarOptions = {}): Har {
  const { log } = toHar(har)
  if (log._tokenward !== undefined) {
    assertClean({ log })
    return { log }
  }
  const standIns = createStandIns(log._tokens)
  const entries = log.entries
    .filter((entry) => (assets || !isAsset(entry)) && entry.response.status > 0)
    .map((entry) => plain(entry, standIns))
  return toRecording(entries, { ...options, standIns })
}

function isAsset(entry: HarEntry): boolean {
  const { _resourceType: type } = entry as HarEntry & { readonly _resourceType?: unknown }
  if (typeof type === 'string') return ASSET.test(type)
  const isAuthorized = entry.request.headers.some(({ name }) => name.toLowerCase() === 'authorization')
  return !isAuthorized && ASSET_TYPE.test(entry.response.content.mimeType)
}

/** Only what HAR knows: what else browsers write down, such as call stacks, may have URLs with tokens in it. */
function plain(entry: HarEntry, standIns: StandIns): HarEntry {
  const { startedDateTime, time, request, response, timings } = entry
  const fill = standIns.inPlaceOfPlaceholders
  const pairs = (all: readonly HarPair[]): HarPair[] =>
    // HTTP/2 has fields of its own, and the URL says the same.
    all.filter(({ name }) => !name.startsWith(':')).map(({ name, value }) => ({ name, value: fill(value) }))
  return {
    startedDateTime,
    time,
    cache: {},
    timings: { send: timings.send, wait: timings.wait, receive: timings.receive },
    request: {
      method: request.method,
      url: fill(request.url),
      httpVersion: request.httpVersion,
      cookies: pairs(request.cookies),
      headers: pairs(request.headers),
      queryString: pairs(request.queryString),
      headersSize: -1,
      bodySize: request.bodySize,
      ...(request.postData && { postData: plainBody(request.postData, fill) }),
    },
    response: {
      status: response.status,
      statusText: response.statusText,
      httpVersion: response.httpVersion,
      cookies: pairs(response.cookies),
      headers: pairs(response.headers),
      content: plainContent(response.content, fill),
      redirectURL: fill(response.redirectURL),
      headersSize: -1,
      bodySize: response.bodySize,
    },
  }
}

/** Browsers write much of what is text as base64. */
function plainContent(content: HarContent, fill: (text: string) => string): HarContent {
  const { size, mimeType, text, encoding } = content
  const about = { size, mimeType }
  const plainText = textOfContent(content)
  if (plainText !== undefined) return { ...about, text: fill(plainText) }
  if (text === undefined || encoding === undefined) return about
  return isPacked(fromBase64(text) ?? new Uint8Array())
    ? { ...about, _omitted: 'secret' }
    : { ...about, text, encoding }
}

function plainBody(
  { mimeType, text, params, _encoding, _omitted }: HarPostData,
  fill: (text: string) => string,
): HarPostData {
  // Browsers give a form twice: as it was sent, and field by field.
  const isTwice = text !== undefined && !/^multipart\//i.test(mimeType)
  return {
    mimeType,
    ...(text !== undefined && { text: fill(text) }),
    ...(params &&
      !isTwice && {
        params: params.map((param) => ({ ...param, ...(param.value !== undefined && { value: fill(param.value) }) })),
      }),
    ...(_encoding && { _encoding }),
    ...(_omitted && { _omitted }),
  }
}
