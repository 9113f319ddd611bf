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
    return typeof claims === 'object' && claims && !Array.isArray(claims) ? freeze(claims) : undefined
  } catch {
    return undefined
  }
}

function freeze<T extends object>(value: T): T & Readonly<Record<string, unknown>> {
  for (const member of Object.values(value)) if (typeof member === 'object' && member) freeze(member as object)
  return Object.freeze(value)
}
