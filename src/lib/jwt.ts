/**
 * The claims of a JWT, unverified, or `undefined` if `token` is none. Only for what needs no trust: display, and a
 * lifetime that nobody else states.
 */
export function decodeJwt(token: string): Readonly<Record<string, unknown>> | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1]
  if (payload === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? Object.freeze(claims as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
