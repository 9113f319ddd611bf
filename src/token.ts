import { TokenError } from './errors.ts'
import { elapsedMs, type Instant } from './lib/instant.ts'
import { decodeJwt } from './lib/jwt.ts'
import { ownMembers } from './lib/own.ts'

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
  /** Put there by a source that binds tokens: the key they are bound to, as RFC 9449 section 6.1 spells it. */
  readonly cnf?: { readonly jkt: string }
}

/** What the session holds. The wire's seconds and spellings stop in this file. */
export interface TokenSet {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP'
  /** The key that the tokens are bound to, see `TokenSource.binding`. */
  readonly key: string | undefined
  readonly refreshToken: string | undefined
  /** Another tab holds the refresh token. */
  readonly elsewhere: boolean
  /** How often there were tokens since the sign-in, these included: the identity of the access token in its session. */
  readonly sequence: number
  /** The same for the refresh token, which is also spent for tokens that are not the session's own. */
  readonly rotation: number
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

const TYPES = ownMembers<Record<string, TokenSet['tokenType']>>({ bearer: 'Bearer', dpop: 'DPoP' })

/** What is known before an answer comes. */
export interface Expected {
  readonly previous?: Partial<TokenSet> | undefined
  /** Take a token that is not bound, though a key was used. */
  readonly allowBearer?: boolean | undefined
}

/** A token that was to live shorter (also 0, or less) is used for one second: long enough to be used, too long to loop. */
export const MIN_LIFETIME_MS = 1_000
/** A longer life is cut to this, so that every date stays a date. A hundred years. */
export const MAX_LIFETIME_MS = 3_155_760_000_000

/**
 * Reads a token response: strict about the token, lenient about all that is optional.
 *
 * @param expected `previous`: the tokens it replaces, of which what the answer leaves out stays as it was.
 * @see [RFC 6749 section 5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 */
export function parseTokenResponse(
  response: unknown,
  obtained: Instant,
  { previous, allowBearer }: Expected = {},
): TokenSet {
  const wire = ownMembers(response as Wire)
  const accessToken = textOf(wire.access_token) ?? ''
  const key = textOf(ownMembers(wire.cnf as { jkt?: unknown }).jkt) ?? previous?.key
  const type = wire.token_type || (key === undefined ? 'Bearer' : 'DPoP')
  const tokenType = TYPES[typeof type === 'string' ? type.toLowerCase() : '']
  // Without a key nobody can use a token that is bound to one; with one, an answer without binding is a downgrade.
  if (
    !SENDABLE.test(accessToken) ||
    !tokenType ||
    (tokenType === 'DPoP' ? key === undefined : key !== undefined && !allowBearer)
  ) {
    const message =
      'the token response needs an access_token that fits a header, of token_type Bearer, or DPoP if that was asked for'
    throw new TokenError('malformed_response', message, { transient: true })
  }
  const sequence = (previous?.sequence ?? 0) + 1
  return {
    accessToken,
    tokenType,
    key,
    refreshToken: textOf(wire.refresh_token) ?? previous?.refreshToken,
    elsewhere: false,
    sequence,
    rotation: sequence,
    obtained,
    lifetimeMs: toLifetimeMs(wire.expires_in, MIN_LIFETIME_MS),
    sessionLifetimeMs:
      // Servers say 0, or less, of what has no end.
      toLifetimeMs(wire.authorization_expires_in, 0) ||
      (previous?.sessionLifetimeMs && previous.sessionLifetimeMs - elapsedMs(previous.obtained ?? obtained, obtained)),
    scope: Object.freeze(textOf(wire.scope)?.split(' ') ?? previous?.scope ?? []),
    claims: decodeJwt(textOf(wire.id_token) ?? '') ?? previous?.claims,
  }
}

/** The refresh token of a response that may be unusable otherwise. */
export function refreshTokenIn(response: unknown): string | undefined {
  return textOf(ownMembers(response as Wire).refresh_token)
}

/** How much longer the access token lives. `Infinity`: unknown. */
export function remainingMs({ lifetimeMs = Infinity, obtained }: TokenSet, now: Instant): number {
  return lifetimeMs - elapsedMs(obtained, now)
}

const authorizations = new WeakMap<TokenSet, string>()

/** What goes with each request. Made once: transports hash it, and measure it, and every new text is done anew. */
export function authorizationOf(tokens: TokenSet): string {
  const here = authorizations.get(tokens)
  if (here) return here
  const made = `${tokens.tokenType} ${tokens.accessToken}`
  authorizations.set(tokens, made)
  return made
}

/** The subject of the ID token, if any. */
export function userOf(tokens: TokenSet | undefined): unknown {
  return tokens?.claims?.['sub']
}

/**
 * Whether the ID token of these is not of the user that `was` here.
 *
 * @see [OpenID Connect Core section 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)
 */
export function isSomebodyElse(tokens: TokenSet, was: unknown): boolean {
  const is = userOf(tokens)
  return was !== undefined && is !== undefined && was !== is
}

/**
 * Whether the same user has signed in again. His authorization server may count all his tokens as one grant: to give back the
 * ones would take the others away (RFC 7009 section 2.1).
 */
export function isGoingOn(was: unknown, is: unknown): boolean {
  return was !== undefined && was === is
}

/** Whether the token fits RFC 6750 section 2.1. Some servers issue others; those are used, and reported once. */
export function isB64Token(accessToken: string): boolean {
  return /^[\w\-.~+/]+=*$/.test(accessToken)
}

// Visible ASCII only: anything else breaks the header, or is changed by the HTTP client into another token. The words
// are what `${undefined}` and its like leave behind: well-formed, and surely a mistake.
export const SENDABLE: RegExp = /^(?!(undefined|null|NaN|true|false)$)[!-~]+$/

/** Of what is no object there is nothing of use in it. */
type Wire = Partial<Record<keyof TokenResponse, unknown>>

/** Reads a lifetime in seconds: a number, or digits as text. Anything else: unknown. */
function toLifetimeMs(seconds: unknown, leastMs: number): number | undefined {
  const value = typeof seconds === 'string' && /^[\d.]+$/.test(seconds) ? Number(seconds) : seconds
  if (!Number.isFinite(value)) return undefined
  return Math.min(Math.max(Math.floor(value as number) * 1_000, leastMs), MAX_LIFETIME_MS)
}

/** `undefined`: it is none, or empty. */
function textOf(value: unknown): string | undefined {
  return (typeof value === 'string' && value) || undefined
}
