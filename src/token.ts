import { TokenError } from './errors.ts'
import { elapsedMs, type Instant } from './lib/instant.ts'
import { decodeJwt } from './lib/jwt.ts'

/**
 * The wire record of a successful answer, as RFC 6749 section 5.1 spells it. Only `access_token` is needed; an odd
 * optional member never makes a good answer fail, because with rotation that would lose the session.
 */
export interface TokenResponse {
  readonly access_token: string
  /** Default `Bearer`. */
  readonly token_type?: string
  /** Seconds. */
  readonly expires_in?: number
  /** Absent or empty: keep the previous one (RFC 6749 section 6). */
  readonly refresh_token?: string
  /** Space-separated. Absent or empty: unchanged. */
  readonly scope?: string
  readonly id_token?: string
  /** Seconds until the session itself ends (draft-ietf-oauth-refresh-token-expiration). */
  readonly authorization_expires_in?: number
}

/** What the session holds. The wire's seconds and spellings stop in this file. */
export interface TokenSet {
  readonly accessToken: string
  readonly tokenType: 'Bearer'
  readonly refreshToken: string | undefined
  /** When it was asked for: lifetimes count from the server's answer, which cannot be earlier. */
  readonly obtained: Instant
  /** `undefined`: the server did not say; the token is used until it is refused. */
  readonly lifetimeMs: number | undefined
  /** How long from `obtained` until the server ends the session, if it said so. */
  readonly sessionLifetimeMs: number | undefined
  readonly scope: readonly string[]
  /** Of the ID token, if any. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

/** A token that was to live shorter (also 0, or less) is used for one second: long enough to be used, too long to loop. */
export const MIN_LIFETIME_MS = 1_000
/** A longer life is cut to this, so that every date stays a date. A hundred years. */
export const MAX_LIFETIME_MS = 3_155_760_000_000

/**
 * Reads a token response: strict about the token, lenient about all that is optional.
 *
 * @param previous The tokens it replaces: what the answer leaves out stays as it was.
 * @see [RFC 6749 section 5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 */
export function parseTokenResponse(response: unknown, obtained: Instant, previous?: TokenSet): TokenSet {
  const wire = ownMembers(response)
  const accessToken = wire('access_token')
  if (typeof accessToken !== 'string' || !isSendable(accessToken)) {
    throw malformed('no access_token that can be sent in a header')
  }
  if (!/^(bearer)?$/i.test(textOf(wire('token_type') ?? ''))) {
    throw malformed('a token_type that is not understood; only Bearer is')
  }
  const idToken = wire('id_token')
  return Object.freeze({
    accessToken,
    tokenType: 'Bearer',
    refreshToken: nonEmpty(wire('refresh_token')) ?? previous?.refreshToken,
    obtained,
    lifetimeMs: toLifetimeMs(wire('expires_in')),
    sessionLifetimeMs: toLifetimeMs(wire('authorization_expires_in')) ?? sinceThen(previous, obtained),
    scope: Object.freeze(nonEmpty(wire('scope'))?.split(' ') ?? previous?.scope ?? []),
    claims: (typeof idToken === 'string' ? decodeJwt(idToken) : undefined) ?? previous?.claims,
  } as const)
}

/** The refresh token of a response that may be unusable otherwise. */
export function refreshTokenIn(response: unknown): string | undefined {
  return typeof response === 'object' && response ? nonEmpty(ownMembers(response)('refresh_token')) : undefined
}

/** How much longer the access token lives. `Infinity`: unknown. */
export function remainingMs({ lifetimeMs = Infinity, obtained }: TokenSet, now: Instant): number {
  return lifetimeMs - elapsedMs(obtained, now)
}

/** Whether the token fits RFC 6750 section 2.1. Some servers issue others; those are used, and reported once. */
export function isB64Token(accessToken: string): boolean {
  return /^[\w\-.~+/]+=*$/.test(accessToken)
}

/** Reads a lifetime in seconds: a number, or digits as text. Anything else: unknown. */
function toLifetimeMs(seconds: unknown): number | undefined {
  const value = typeof seconds === 'string' && /^\d+(\.\d+)?$/.test(seconds) ? Number(seconds) : seconds
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return Math.min(Math.max(Math.floor(value) * 1_000, MIN_LIFETIME_MS), MAX_LIFETIME_MS)
}

function sinceThen(previous: TokenSet | undefined, now: Instant): number | undefined {
  return previous?.sessionLifetimeMs === undefined
    ? undefined
    : previous.sessionLifetimeMs - elapsedMs(previous.obtained, now)
}

// Visible ASCII only: anything else breaks the header, or is changed by the HTTP client into another token. The words
// are what `${undefined}` and its like leave behind: well-formed, and surely a mistake.
function isSendable(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token) && !/^(undefined|null|NaN|true|false)$/.test(token)
}

// Own members only: a polluted Object.prototype must not supply a token.
function ownMembers(value: unknown): (name: string) => unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('no JSON object')
  return (name) => (Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined)
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '?'
}

function malformed(what: string): TokenError {
  return new TokenError('malformed_response', `the token response has ${what}`, { transient: true })
}
