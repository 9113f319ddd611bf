/**
 * Whether a credential may travel to `url` at all: over TLS, or without leaving the machine.
 *
 * @see [RFC 6750 section 5.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.3)
 */
export function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

// The URL parser has already turned 127.1, 0x7f.1 and the like into four decimal numbers.
function isLoopback(hostname: string): boolean {
  return /^(([^.]+\.)*localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** Whether `url` has the origin of `prefix` and a path that begins with its whole segments, nothing decoded. */
export function isWithin(url: URL, prefix: URL): boolean {
  const path = prefix.pathname.replace(/\/+$/, '')
  return url.origin === prefix.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`))
}

/** Parses `url`, or `undefined` if nobody could send anything there. */
export function parseUrl(url: string, base?: string): URL | undefined {
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}
