import type { ServerClock } from './clock.ts'
import type { Family, FamilyRules, Presented } from './families.ts'
import type { Faults } from './faults.ts'
import type { Claims, Jwks } from './jwt.ts'
import type { ProofRules } from './proofs.ts'
import type { LoggedRequest } from './redact.ts'
import type { CallEnd, Host } from './serve.ts'
import type { Spelling } from './spelling.ts'

export interface User {
  readonly password: string
  /** What the user may have granted, separated by spaces. */
  readonly scope?: string
}

/** What may be changed while the server runs; the next request sees it. */
export interface AuthSettings extends FamilyRules, ProofRules {
  /** How long an access token lives; whole seconds. Default 15 000 */
  accessTokenMs: number
  /** `'opaque'`: access tokens say nothing; the API asks `introspect`. Default `'jwt'` */
  format: 'jwt' | 'opaque'
  spelling: Spelling
  /** Double submit: the value of this cookie must come back in this header at refresh and logout. */
  csrf: { readonly cookie: string; readonly header: string } | undefined
  /** Whether tokens are bound to the key of a DPoP proof (RFC 9449). `'off'`: proofs are not looked at. */
  dpop: 'off' | 'accepted' | 'required'
  /** The resources that a refresh may ask a narrow token for (RFC 8707). */
  resources: readonly string[] | 'any'
  /** The status of a refused refresh. RFC 6749 section 5.2 says 400; most first-party servers say 401. */
  refusedStatus: 400 | 401
  allowedOrigins: readonly string[] | 'any'
}

export interface AuthServerOptions extends Partial<AuthSettings> {
  /** By e-mail. Default: `demo@example.com` and `admin@example.com`, with the passwords `demo` and `admin`. */
  readonly users?: Readonly<Record<string, User>>
  /** The `aud` of an access token that no resource was named for. */
  readonly audience?: string
  /** Default: `127.0.0.1`. */
  readonly host?: Host
  /** Default: a free one. */
  readonly port?: number
  /** Default: real time. */
  readonly clock?: ServerClock
}

export type AuthEndpoint = 'login' | 'refresh' | 'logout' | 'revoke' | 'jwks' | 'other'

export type AuthOutcome = Presented['outcome'] | 'signed-in' | 'signed-out' | 'revoked' | 'refused' | 'forged'

/** One call. No credential is in it: secrets are there as fingerprints. */
export interface AuthLogEntry extends LoggedRequest {
  /** Epoch milliseconds. */
  readonly at: number
  readonly endpoint: AuthEndpoint
  /** Fingerprint of the refresh token, or of the token to revoke, that came. */
  readonly presented: string | undefined
  /** What the server did; `undefined` while it has done nothing. */
  readonly outcome: AuthOutcome | undefined
  /** Id of the sign-in that it was about. */
  readonly family: string | undefined
  readonly status: number | undefined
  readonly end: CallEnd | undefined
}

export interface AuthServer {
  /** Also the issuer of its access tokens. */
  readonly origin: string
  /** The default `aud`. */
  readonly audience: string
  readonly jwks: Jwks
  /** May be written to. */
  readonly settings: AuthSettings
  /** By the names of `AuthEndpoint`. */
  readonly faults: Faults
  /** All that came but preflights, in the order of arrival. */
  readonly log: readonly AuthLogEntry[]
  /** How many calls of `endpoint` came; with `outcome`, how many ended so. */
  count(endpoint: AuthEndpoint, outcome?: AuthOutcome): number
  /** The URLs that `cookieSource` (`'auth'`) and `jsonSource` (`'json'`) take. */
  endpoints(flavour: 'auth' | 'json'): { readonly login: string; readonly refresh: string; readonly logout: string }
  liveFamilies(): readonly Family[]
  liveRefreshTokens(): readonly string[]
  liveAccessTokens(): readonly string[]
  /** Every token ever issued, to search for in places where none may be. */
  issuedTokens(): readonly string[]
  /** The claims of an access token of this server that is neither expired nor taken back. */
  introspect(token: string): Claims | undefined
  /** What the API asks about a token that is well signed and not expired. */
  isRevoked(claims: { readonly sid?: unknown; readonly jti?: unknown }): boolean
  /** Takes all access tokens back; sessions go on. The API refuses them from now on. */
  revokeAccessTokens(): void
  /** Ends all sessions, as an administrator does. */
  revokeSessions(): void
  /** Ends what is in flight too. */
  close(): Promise<void>
}

export const demoUsers: Readonly<Record<string, User>> = {
  'demo@example.com': { password: 'demo', scope: 'orders:read' },
  'admin@example.com': { password: 'admin', scope: 'orders:read admin' },
}

/** The default `aud` of access tokens, and what the API expects by default. */
export const demoAudience = 'urn:example:api'

export function authSettings(given: Partial<AuthSettings>): AuthSettings {
  return {
    accessTokenMs: 15_000,
    refreshTokenMs: 30 * 24 * 3_600_000,
    rotate: true,
    graceMs: 0,
    format: 'jwt',
    spelling: 'oauth',
    csrf: undefined,
    dpop: 'off',
    nonces: false,
    nonceMs: 300_000,
    resources: 'any',
    refusedStatus: 401,
    allowedOrigins: [],
    ...given,
  }
}
