/** What a JWT says of itself, unverified. */
export interface JwtParts {
  readonly header: Readonly<Record<string, unknown>>
  /** `undefined`: encrypted, or not JSON. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

/** Where a compact JWS or JWE ends that begins at `start`, or -1 if there is none. Linear. */
export function endOfJwt(text: string, start: number): number {
  const header = endOfPart(text, start)
  if (header - start < 8 || text[header] !== '.') return -1
  const payload = endOfPart(text, header + 1)
  if (payload === header + 1 || text[payload] !== '.') return -1
  let end = endOfPart(text, payload + 1)
  // A JWE has five parts; the second may be empty (RFC 7516 section 7.1), but not where a key is encrypted.
  if (text[end] === '.' && isLetter(text.charCodeAt(end + 1))) {
    const fourth = endOfPart(text, end + 1)
    if (text[fourth] === '.' && isLetter(text.charCodeAt(fourth + 1))) end = endOfPart(text, fourth + 1)
  }
  while (text[end] === '=') end++
  return end
}

/** Reads a compact JWS or JWE. `undefined`: it only looks like one. */
export function readJwt(token: string): JwtParts | undefined {
  const [head = '', body = '', signature = ''] = token.split('.')
  const header = decodeObject(head)
  if (header === undefined || typeof header['alg'] !== 'string') return undefined
  if (signature === '' && header['alg'].toLowerCase() !== 'none') return undefined
  return { header, claims: typeof header['enc'] === 'string' ? undefined : decodeObject(body) }
}

/** The text that `text` is base64 or base64url of, or `undefined`. */
export function decodeBase64(text: string): string | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = new Uint8Array(binary.length)
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function decodeObject(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decodeBase64(part) ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

function endOfPart(text: string, start: number): number {
  let end = start
  while (isLetter(text.charCodeAt(end))) end++
  return end
}

/** Of base64url. */
function isLetter(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 45 ||
    code === 95
  )
}
