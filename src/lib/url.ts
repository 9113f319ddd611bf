/**
 * Whether a credential may travel to `url` at all: over TLS, without leaving the machine, or because that is allowed.
 *
 * @see [RFC 6750 section 5.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.3)
 */
export function isSecure({ protocol, hostname }: URL, allow?: { readonly allowHttp: boolean }): boolean {
  // The URL parser has already turned 127.1, 0x7f.1 and the like into four decimal numbers.
  const isSafe = /^https:|^http:(([^.]+\.)*localhost|127(\.\d+)+|\[::1\])$/.test(protocol + hostname)
  return isSafe || (protocol === 'http:' && allow?.allowHttp === true)
}

/** Parses `url`, or `undefined` if nobody could send anything there. */
export function parseUrl(url: string, base?: string): URL | undefined {
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}
