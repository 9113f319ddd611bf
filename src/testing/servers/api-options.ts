import type { AuthServer } from './auth-options.ts'
import type { ServerClock } from './clock.ts'
import type { Faults } from './faults.ts'
import type { Call, Reply } from './http.ts'
import type { Claims, Jwks } from './jwt.ts'
import type { ProofRules } from './proofs.ts'
import type { LoggedRequest } from './redact.ts'
import type { CallEnd, Host } from './serve.ts'

/** What may be changed while the API runs; the next request sees it. */
export interface ApiSettings extends ProofRules {
  /** What `WWW-Authenticate` says when a token is refused. `'none'`: no such header. */
  challenge: 'invalid_token' | 'bare' | 'none' | { readonly text: string }
  /** `'accepted'`: tokens with a `cnf` need a proof, others do not. `'required'`: all need one. */
  dpop: 'off' | 'accepted' | 'required'
  /** Each access token is good for one request. */
  oneUse: boolean
  allowedOrigins: readonly string[] | 'any'
}

/** A request whose token was found good. */
export interface ApiRequest extends Call {
  readonly claims: Claims
  /** A pause by the server's clock. */
  wait(ms: number): Promise<void>
}

/** What a path needs, and what it answers. */
export interface Route {
  /** All of these scopes must have been granted. */
  readonly scope?: string
  /** How the user must have signed in (RFC 9470). */
  readonly acr?: string
  readonly answer: (request: ApiRequest) => Reply | Promise<Reply>
}

export interface ApiServerOptions extends Partial<ApiSettings> {
  /** Whose tokens are believed. A server of `createAuthServer`, or any issuer with published keys. */
  readonly auth:
    | Pick<AuthServer, 'origin' | 'jwks' | 'introspect' | 'isRevoked'>
    | { readonly origin: string; readonly jwks: Jwks | URL }
  /** The `aud` that is expected. */
  readonly audience?: string
  /** By path: `{ '/orders': { scope: 'orders:read', answer: () => json } }`. Beside the built-in ones. */
  readonly routes?: Readonly<Record<string, Route>>
  /** Everything lives below this path. Default: `''` */
  readonly path?: string
  /** Default: `127.0.0.1`. */
  readonly host?: Host
  /** Default: a free one. */
  readonly port?: number
  /** Default: real time. */
  readonly clock?: ServerClock
}

/** One request. No credential is in it: secrets are there as fingerprints. */
export interface ApiLogEntry extends LoggedRequest {
  /** Epoch milliseconds. */
  readonly at: number
  /** Fingerprint of the access token that came. */
  readonly presented: string | undefined
  /** The `sub` of a token with a good signature, expired or not. */
  readonly subject: string | undefined
  readonly status: number | undefined
  readonly end: CallEnd | undefined
}

export interface ApiServer {
  readonly origin: string
  /** May be written to. */
  readonly settings: ApiSettings
  /** By path: `faults.next('/me', fault.status(503))`. */
  readonly faults: Faults
  /** All that came but preflights, in the order of arrival. */
  readonly log: readonly ApiLogEntry[]
  /** Ends what is in flight too. */
  close(): Promise<void>
}
