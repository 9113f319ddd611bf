import type { SecretKind } from '../har/format.ts'
import { decodeBase64, endOfJwt, type JwtParts } from './jwt-parts.ts'
import { looksLikePassword } from './looks.ts'
import type { Memory } from './memory.ts'
import { isCode, kindOfName } from './names.ts'
import { readValue, skipToValue } from './value.ts'

/** A secret in a text. */
export interface Secret {
  /** Where it begins and ends in the text, as it is written there. */
  readonly start: number
  readonly end: number
  readonly value: string
  readonly kind: SecretKind
  /** Where the name that says what it is begins: for a JWT without a name, where it begins itself. */
  readonly nameStart: number
  readonly name: string | undefined
  /** What it says of itself, if it is a JWT. */
  readonly jwt: JwtParts | undefined
}

/**
 * Every secret in `text`, in order, none twice. Takes time that grows with the length of the text and no faster,
 * whatever is in it: no expression here repeats over what another repetition could take as well.
 */
export function findSecrets(text: string, memory: Memory): Secret[] {
  const found: Secret[] = []
  findJwts(text, { memory, found })
  findNamed(text, { memory, found })
  findPrefixed(text, { memory, found })
  return withoutOverlaps(found)
}

interface Finding {
  readonly memory: Memory
  readonly found: Secret[]
}

function findJwts(text: string, { memory, found }: Finding): void {
  for (let at = text.indexOf('eyJ'); at !== -1; at = text.indexOf('eyJ', at)) {
    const end = endOfJwt(text, at)
    const value = text.slice(at, Math.max(end, at))
    const jwt = end === -1 ? undefined : memory.jwt(value)
    if (jwt && !isWorthless(value, jwt)) {
      found.push({ start: at, end, value, kind: kindOfJwt(jwt), nameStart: at, name: undefined, jwt })
    }
    // The next may begin only after this run of letters: within it every try would end where this one did.
    at = jwt ? end : endOfRun(text, at)
  }
  for (let at = text.indexOf('ZXlK'); at !== -1; at = text.indexOf('ZXlK', at)) {
    const end = endOfBase64(text, at)
    const value = end - at > 60 ? decodeBase64(text.slice(at, end)) : undefined
    const jwt = value === undefined ? undefined : memory.jwt(value)
    if (jwt && value !== undefined) {
      found.push({ start: at, end, value, kind: kindOfJwt(jwt), nameStart: at, name: undefined, jwt })
    }
    at = end
  }
}

const NAMES =
  /token|bearer|dpop|secret|password|passwd|code(?:[-_]?verifier)?|assertion|ticket|jwt|(?<=[?&]|--)auth(?==)/gi

function findNamed(text: string, { memory, found }: Finding): void {
  let isGrant: boolean | undefined
  const jwts = new Map(found.map(({ start }, at) => [start, at]))
  for (const { 0: word, index } of text.matchAll(NAMES)) {
    const nameStart = startOfName(text, index)
    const nameEnd = endOfName(text, index + word.length)
    const name = text.slice(nameStart, nameEnd)
    const kind = isCode(name) ? 'code' : kindOfName(name)
    if (kind === undefined) continue
    const start = skipToValue(text, nameEnd, mayFollowDirectly(text, nameStart, name))
    if (start === -1) continue
    const own = jwts.get(start)
    const jwt = own === undefined ? undefined : found[own]
    if (own !== undefined && jwt) {
      found[own] = named(jwt, { name, nameStart, kind })
      continue
    }
    const end = readValue(text, start, kind === 'password')
    const value = decodePercent(text.slice(start, end))
    if (kind === 'password' ? !looksLikePassword(value) : !memory.looksRandom(value)) continue
    if (kind === 'code' && isCode(name) && !isAfterQuery(text, nameStart) && !(isGrant ??= GRANT.test(text))) continue
    // A call or a template is code, not a value.
    if (/[({]/.test(text.charAt(end))) continue
    if (isWorthless(value, value.startsWith('eyJ') ? memory.jwt(value) : undefined)) continue
    found.push({ start, end, value, kind, nameStart, name, jwt: undefined })
  }
}

const PREFIXES = /\b(?:ya29\.|gh[opusr]_|github_pat_|xox[abeoprs]-|v[1-4]\.(?:local|public)\.)/g

/** Tokens that say by their first letters what they are. */
function findPrefixed(text: string, { memory, found }: Finding): void {
  for (const { index } of text.matchAll(PREFIXES)) {
    const end = readValue(text, index, false)
    const value = text.slice(index, end)
    if (value.length < 36 || !memory.looksRandom(value)) continue
    found.push({ start: index, end, value, kind: 'access', nameStart: index, name: undefined, jwt: undefined })
  }
}

/** A JWT keeps what it says of itself, and takes over the name that somebody gave it. */
function withoutOverlaps(found: readonly Secret[]): Secret[] {
  const kept: Secret[] = []
  for (const secret of [...found].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const before = kept.at(-1)
    if (before === undefined || secret.start >= before.end) kept.push(secret)
    else if (before.jwt && secret.name !== undefined) kept[kept.length - 1] = named(before, secret)
    else if (secret.jwt && before.name !== undefined) kept[kept.length - 1] = named(secret, before)
  }
  return kept
}

/** A name that says no more than that it is a token leaves the JWT to say what it is. */
function named(jwt: Secret, { name, nameStart, kind }: Pick<Secret, 'name' | 'nameStart' | 'kind'>): Secret {
  return { ...jwt, name, nameStart, kind: kind === 'access' ? jwt.kind : kind }
}

/** An ID token says so, or has claims that only ID tokens have (OpenID Connect Core section 2). */
function kindOfJwt({ header, claims = {} }: JwtParts): SecretKind {
  const type = `${String(header['typ'])} ${String(claims['typ'])}`.toLowerCase()
  if (type.includes('refresh')) return 'refresh'
  if (type.includes('at+jwt')) return 'access'
  return /\bid\b/.test(type) || 'nonce' in claims || 'at_hash' in claims ? 'id' : 'access'
}

/**
 * A DPoP proof is good for one request and worth nothing without the key (RFC 9449 section 4.2); and subject 1234567890
 * is the example of jwt.io, of which there are more copies than of any real token.
 */
function isWorthless(value: string, jwt: JwtParts | undefined): boolean {
  return jwt?.header['typ'] === 'dpop+jwt' || value.includes('.eyJzdWIiOiIxMjM0NTY3ODkwI')
}

/** `code` is a code in the query of a redirect, or beside what is sent along with it. */
const isAfterQuery = (text: string, nameStart: number): boolean =>
  /(?:[?&]|%(?:25)*(?:3F|26))$/i.test(text.slice(Math.max(0, nameStart - 6), nameStart))
const GRANT = /grant_type|code_verifier|redirect_uri/

/** `Bearer X`, `--token X`, `Authorization: Token X` need no sign between the name and the value. */
function mayFollowDirectly(text: string, nameStart: number, name: string): boolean {
  if (/^(?:bearer|dpop)$/i.test(name)) return true
  const before = text.slice(Math.max(0, nameStart - 24), nameStart)
  return (
    before.endsWith('--') || name.startsWith('--') || (/^token$/i.test(name) && /authorization\W{0,6}$/i.test(before))
  )
}

function startOfName(text: string, index: number): number {
  let start = index
  while (start > 0 && index - start < 40 && /[\w.-]/.test(text.charAt(start - 1))) {
    // The 3D of an escaped `=` is no part of a name.
    if (text.charAt(start - 3) === '%' && /^[\dA-F]{2}$/i.test(text.slice(start - 2, start))) break
    start--
  }
  return start
}

function endOfName(text: string, index: number): number {
  let end = index
  while (end - index < 40 && /[\w-]/.test(text.charAt(end))) end++
  return end
}

function endOfRun(text: string, start: number): number {
  let end = start + 3
  while (/[\w-]/.test(text.charAt(end))) end++
  return end
}

function endOfBase64(text: string, start: number): number {
  let end = start
  while (/[\w+/=-]/.test(text.charAt(end))) end++
  return end
}

function decodePercent(value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value.replace(/%(?:25)+/g, '%'))
  } catch {
    return value
  }
}
