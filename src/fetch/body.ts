/** Whether `body`, as `fetch` takes it, is spent by the first send. */
export function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body)
}

/**
 * Whether a `Request` with this body was made of a stream. It does not say; but the stream that the platform makes of
 * any other body is one of bytes, which the application's hardly ever is. A platform that has no such streams keeps the
 * secret: there a copy of the request is sent, which is right as well, at the price of memory.
 *
 * @see [Fetch, "extract a body"](https://fetch.spec.whatwg.org/#concept-bodyinit-extract)
 */
export function isMadeOfStream(body: ReadableStream | null | undefined): boolean {
  return !!body && !isOfBytes(body) && isOfBytes(new Response(' ').body)
}

function isOfBytes(stream: ReadableStream | null): boolean {
  try {
    stream?.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
