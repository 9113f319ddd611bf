import { isMadeOfStream } from '../../fetch/body.ts'
import type { HarPair } from '../har/format.ts'
import { type Body, limitOf, readBody, readStream } from './body.ts'
import { absolute, isHere, mimeTypeOf, type Tape } from './tape.ts'

export interface RecordFetchOptions {
  readonly tape: Tape
  readonly fromSource: boolean
  readonly maxBodyBytes: number
  includes(url: string): boolean
}

/** A `fetch` that does what `transport` does, and takes it down. */
export function recordFetch(transport: typeof fetch, options: RecordFetchOptions): typeof fetch {
  const { tape, fromSource, includes } = options

  return async function recordingFetch(input, init) {
    const request = isRequest(input) ? input : undefined
    const url = absolute(request?.url ?? (input as string | URL).toString())
    const isIncluded = includes(url)
    const maxBodyBytes = limitOf(options, isIncluded)
    const headers = pairsOf(new Headers(init?.headers ?? request?.headers))
    const credentials = init?.credentials ?? request?.credentials ?? 'same-origin'
    const take = tape.begin({
      method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
      url,
      headers,
      body: readRequest(request, init, { mimeType: mimeTypeOf(headers) ?? '', limit: maxBodyBytes }),
      credentials: credentials === 'include' || (credentials === 'same-origin' && isHere(url)),
      fromSource,
      isIncluded,
    })
    try {
      const response = await transport(input, init)
      const { status, statusText } = response
      take.answered({
        status,
        statusText,
        headers: pairsOf(response.headers),
        body: readResponse(response, maxBodyBytes),
      })
      return response
    } catch (reason) {
      take.failed(reason)
      throw reason
    }
  }

  // Nothing here may wait before it has its copy: the application reads the original in a moment.
  function readRequest(
    request: Request | undefined,
    init: RequestInit | undefined,
    { mimeType, limit }: { mimeType: string; limit: number },
  ): Promise<Body> {
    if (init?.body !== undefined) return readBody(init.body, mimeType, limit)
    if (!request?.body || request.bodyUsed) return Promise.resolve({ size: 0 })
    if (isMadeOfStream(request.body)) return Promise.resolve({ size: -1, omitted: 'stream' })
    return readCopy(request, mimeType, limit)
  }

  function readResponse(response: Response, limit: number): Promise<Body> {
    const mimeType = response.headers.get('content-type') ?? ''
    if (!response.body) return Promise.resolve({ size: 0 })
    // It may never end.
    if (/^text\/event-stream/i.test(mimeType)) return Promise.resolve({ size: -1, omitted: 'stream' })
    const length = Number(response.headers.get('content-length') ?? 0)
    if (length > limit) return Promise.resolve({ size: length, omitted: 'too-large' })
    return readCopy(response, mimeType, limit)
  }

  function readCopy(original: Request | Response, mimeType: string, limit: number): Promise<Body> {
    const { body } = original.clone()
    return body ? readStream(body, mimeType, limit) : Promise.resolve({ size: 0 })
  }
}

function pairsOf(headers: Headers): HarPair[] {
  return Array.from(headers, ([name, value]) => ({ name, value }))
}

/** Also one of another realm. */
function isRequest(value: unknown): value is Request {
  return Object.prototype.toString.call(value) === '[object Request]'
}
