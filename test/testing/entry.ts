import type { HarEntry, HarPair } from 'tokenward/testing'

/** What of an entry a test cares about. */
export interface Sketch {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON, parameters as a form. */
  readonly body?: string | object | URLSearchParams
  readonly status?: number
  readonly answered?: Readonly<Record<string, string>>
  readonly answer?: string | object
  readonly atMs?: number
}

/** An entry as a browser would write it. */
export function entryOf(sketch: Sketch = {}): HarEntry {
  const { method = 'GET', url = 'https://api.example.com/items', headers = {}, body, status = 200 } = sketch
  const { answered = {}, answer = '', atMs = 0 } = sketch
  const text =
    body instanceof URLSearchParams ? body.toString() : typeof body === 'object' ? JSON.stringify(body) : body
  const mimeType =
    headers['content-type'] ??
    (body instanceof URLSearchParams ? 'application/x-www-form-urlencoded' : 'application/json')
  const content = typeof answer === 'string' ? answer : JSON.stringify(answer)
  return {
    startedDateTime: new Date(Date.UTC(2026, 10, 22) + atMs).toISOString(),
    time: 12,
    request: {
      method,
      url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: pairs({ ...headers, ...(body === undefined ? {} : { 'content-type': mimeType }) }),
      queryString: Array.from(new URL(url).searchParams, ([name, value]) => ({ name, value })),
      headersSize: -1,
      bodySize: text?.length ?? 0,
      ...(text === undefined ? {} : { postData: { mimeType, text } }),
    },
    response: {
      status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: pairs(answered),
      content: {
        size: content.length,
        mimeType: answered['content-type'] ?? 'application/json',
        text: content,
      },
      redirectURL: answered['location'] ?? '',
      headersSize: -1,
      bodySize: content.length,
    },
    cache: {},
    timings: { send: 0, wait: 12, receive: 0 },
  }
}

function pairs(headers: Readonly<Record<string, string>>): HarPair[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }))
}
