/** Whether the body of a request can be sent twice. */
export function isRepeatable(request: Request | undefined, { body }: RequestInit): boolean {
  if (body !== undefined) return !isStream(body)
  return !request?.body || !isStreamed(request.body)
}

function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body)
}

/**
 * Whether a `Request` was made of a stream. It does not say; but the stream that the platform makes of any other body is
 * one of bytes, which the application's hardly ever is. A platform that has no such streams keeps the secret: there a
 * copy of the request is sent, which is right as well, at the price of memory.
 *
 * @see [Fetch, "extract a body"](https://fetch.spec.whatwg.org/#concept-bodyinit-extract)
 */
function isStreamed(body: ReadableStream): boolean {
  const ordinary = new Response(' ').body
  return ordinary !== null && isOfBytes(ordinary) && !isOfBytes(body)
}

function isOfBytes(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
