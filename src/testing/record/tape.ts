import { clock } from '../../adapters/clock.ts'
import type { Instant } from '../../lib/instant.ts'
import { lifecycle } from '../../adapters/lifecycle.ts'
import { headerOf } from '../har/fields.ts'
import type { HarEntry, HarPair, HarPostData, HarResponse } from '../har/format.ts'
import { takeUserinfo } from '../har/userinfo.ts'
import type { Observed } from '../redact/exchange.ts'
import type { Body } from './body.ts'

/** What is sent. */
export interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: readonly HarPair[]
  readonly body: Promise<Body>
  /** The platform was asked to send its cookies along. */
  readonly credentials: boolean
  readonly fromSource: boolean
  /** The recording is to have it. All else is taken down for what it tells of secrets. */
  readonly isIncluded: boolean
}

/** What came back. */
export interface Came {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly HarPair[]
  readonly body: Promise<Body>
}

/** Takes down one exchange. Tell it what became of the request: an answer, or why there is none. */
export interface Take {
  answered(came: Came): void
  failed(reason: unknown): void
  /** It is taken down better somewhere else. */
  discard(): void
}

/** What was recorded, as it was. It is held in memory only. */
export interface Tape {
  begin(sent: Sent): Take
  observed(): readonly Observed[]
  /** Resolves when all that has been sent is answered, and all that is readable was read. */
  settled(): Promise<void>
  clear(): void
}

interface Slot {
  readonly sent: Sent
  readonly startedAt: number
  readonly began: number
  endedAt: number | undefined
  requestBody: Body | undefined
  came: Came | undefined
  responseBody: Body | undefined
  error: string | undefined
}

/** @param time Epoch milliseconds. Default: real time, whose durations no change of the clock distorts. */
export function createTape(time?: () => number): Tape {
  const now = (): Instant => (time ? { wall: time(), monotonic: time() } : clock.now())
  let slots: Slot[] = []
  const pending = new Set<Promise<unknown>>()

  function wait(work: Promise<unknown>): void {
    const tracked = work.finally(() => pending.delete(tracked))
    pending.add(tracked)
  }

  return {
    begin(sent) {
      const { wall, monotonic } = now()
      const slot: Slot = {
        sent,
        startedAt: wall,
        began: monotonic,
        endedAt: undefined,
        requestBody: undefined,
        came: undefined,
        responseBody: undefined,
        error: undefined,
      }
      slots.push(slot)
      let end = (): void => {}
      wait(new Promise<void>((resolve) => (end = resolve)))
      wait(unread(sent.body).then((body) => (slot.requestBody = body)))
      return {
        answered(came) {
          slot.endedAt = now().monotonic
          slot.came = came
          wait(unread(came.body).then((body) => (slot.responseBody = body)))
          end()
        },
        failed(reason) {
          slot.endedAt = now().monotonic
          slot.error = codeOf(reason)
          end()
        },
        discard() {
          slots = slots.filter((one) => one !== slot)
        },
      }
    },
    observed: () =>
      slots.map((slot) => {
        const { fromSource, isIncluded } = slot.sent
        return { entry: toEntry(slot), fromSource, isLeftOut: !isIncluded }
      }),
    async settled() {
      while (pending.size > 0) await Promise.all(pending)
    },
    clear() {
      slots = []
    },
  }
}

/** The application aborted it, or the connection broke. */
function unread(body: Promise<Body>): Promise<Body> {
  return body.catch(() => ({ size: -1, omitted: 'unread' as const }))
}

/** What went wrong, without what it quotes. */
function codeOf(reason: unknown): string {
  const { code, name } = (reason ?? {}) as { code?: unknown; name?: unknown }
  const found = [code, name].find((text) => typeof text === 'string' && /^\w{1,40}$/.test(text))
  return (found as string | undefined) ?? 'Error'
}

function toEntry({ sent, startedAt, began, endedAt, requestBody, came, responseBody, error }: Slot): HarEntry {
  const { method, credentials } = sent
  const { url, authorization } = takeUserinfo(absolute(sent.url))
  const isGiven = authorization === undefined || headerOf(sent.headers, 'authorization') !== undefined
  const headers = isGiven ? sent.headers : [...sent.headers, { name: 'Authorization', value: authorization }]
  const timeMs = Math.max(0, Math.round((endedAt ?? began) - began))
  const postData = toPostData(requestBody ?? { size: -1, omitted: 'unread' }, headers)
  return {
    startedDateTime: new Date(startedAt).toISOString(),
    time: timeMs,
    request: {
      method,
      url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers,
      queryString: queryOf(url),
      headersSize: -1,
      bodySize: requestBody?.size ?? -1,
      ...(postData ? { postData } : {}),
    },
    response: toResponse(came, responseBody),
    cache: {},
    timings: { send: 0, wait: timeMs, receive: 0 },
    ...(credentials ? { _credentials: true } : {}),
    ...(came ? {} : { _error: error ?? 'unanswered' }),
  }
}

function toPostData(body: Body, headers: readonly HarPair[]): HarPostData | undefined {
  const { size, text, isBase64, params, omitted } = body
  if (size === 0 && !params) return undefined
  const mimeType = (params ? undefined : mimeTypeOf(headers)) ?? body.mimeType ?? mimeTypeOf(headers) ?? ''
  return {
    mimeType: mimeType || 'text/plain;charset=UTF-8',
    ...(params ? { params } : {}),
    ...(text === undefined ? {} : { text }),
    ...(isBase64 ? { _encoding: 'base64' } : {}),
    ...(omitted ? { _omitted: omitted } : {}),
  }
}

function toResponse(came: Came | undefined, body: Body | undefined): HarResponse {
  const { status = 0, statusText = '', headers = [] } = came ?? {}
  const { size, text, isBase64, omitted } = body ?? (came ? { size: -1, omitted: 'unread' as const } : { size: 0 })
  return {
    status,
    statusText,
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers,
    content: {
      size,
      mimeType: mimeTypeOf(headers) ?? '',
      ...(text === undefined ? {} : { text }),
      ...(isBase64 ? { encoding: 'base64' } : {}),
      ...(omitted ? { _omitted: omitted } : {}),
    },
    redirectURL: headers.find(({ name }) => name.toLowerCase() === 'location')?.value ?? '',
    headersSize: -1,
    bodySize: size,
  }
}

export function mimeTypeOf(headers: readonly HarPair[]): string | undefined {
  return headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value
}

/** As it is sent: a relative URL means what it means in this page. */
export function absolute(url: string): string {
  try {
    return new URL(url, lifecycle.baseUrl()).href
  } catch {
    return url
  }
}

/** Whether a request goes to the origin of this page: a browser sends its cookies there without being asked. */
export function isHere(url: string): boolean {
  const origin = lifecycle.origin()
  return origin !== undefined && URL.canParse(url) && new URL(url).origin === origin
}

function queryOf(url: string): HarPair[] {
  try {
    return Array.from(new URL(url).searchParams, ([name, value]) => ({ name, value }))
  } catch {
    return []
  }
}
