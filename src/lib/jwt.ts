/**
 * The claims of a JWT, unverified, or `undefined` if `token` is none. Only for what needs no trust: display, and a
 * lifetime that nobody else states.
 */
export function decodeJwt(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const [, payload = ''] = token.replaceAll('-', '+').replaceAll('_', '/').split('.')
    const text = new TextDecoder().decode(Uint8Array.from(atob(payload), (byte) => byte.charCodeAt(0)))
    const claims: unknown = JSON.parse(text, (_, value: unknown) => Object.freeze(value))
    return /^\s*{/.test(text) ? (claims as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
