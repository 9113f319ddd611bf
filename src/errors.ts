import { ownMembers } from './lib/own.ts'

/** Stable, documented, and the only thing a caller should branch on. */
export type TokenErrorCode =
  /** There is no session, or it ended while the request waited or flew. */
  | 'signed_out'
  /** Another session began while the request waited or flew. */
  | 'session_changed'
  /** The source refused the credentials. */
  | 'login_failed'
  /** No fresh token can be had now; trying after `retryAt` can succeed. */
  | 'refresh_unavailable'
  /** The server refused the refresh token: the session is over. */
  | 'refresh_rejected'
  /** A resource, or the request, asks for a `scope` that the session was not granted. */
  | 'insufficient_scope'
  /** The user has to authenticate again, or better: `acrValues`, `maxAge`. */
  | 'insufficient_authentication'
  /** The token was refused, and the body of the request cannot be sent twice. */
  | 'not_retryable'
  /** `required`, and the URL is not a resource. */
  | 'destination_refused'
  /** The token response could not be used. */
  | 'malformed_response'
  /** The server says that the client is set up wrongly. */
  | 'configuration'
  /** The key that the session was bound to is gone. */
  | 'key_lost'
  /** The source, or this environment, cannot do it. */
  | 'unsupported'
  /** No answer came in time. */
  | 'timeout'
  /** The caller gave up, something later overtook it, or the manager was disposed of. */
  | 'aborted'

export interface TokenErrorDetails {
  /** What led to it. Callers of this constructor vouch that it holds no credential. */
  readonly cause?: unknown
  /** Whether trying again later, with nothing changed, can succeed. Default: `false`. */
  readonly transient?: boolean
  /** Device wall time (epoch ms) before which trying again is pointless. */
  readonly retryAt?: number | undefined
  /** The scope that a resource asked for (RFC 6750 section 3). */
  readonly scope?: string | undefined
  /** The authentication context that a resource asked for (RFC 9470 section 3). */
  readonly acrValues?: string | undefined
  /** The age of authentication, in seconds, that a resource asked for (RFC 9470 section 3). */
  readonly maxAge?: number | undefined
  /** `true`: the server says that the refresh token it refuses was used before (RFC 9700 section 4.14.2). */
  readonly reused?: boolean
}

/**
 * Every failure this package reports. It carries codes and times, never a token, a header or a body, so it is safe to
 * hand to an error reporter.
 *
 * @example
 *   try {
 *     await tokens.login({ email, password })
 *   } catch (error) {
 *     const failure = tokenErrorOf(error)
 *     if (failure?.code === 'login_failed') showWrongPassword()
 *     else if (failure?.transient) showTryAgainLater(failure.retryAt)
 *     else throw error
 *   }
 */
export class TokenError extends Error {
  declare readonly code: TokenErrorCode
  declare readonly transient: boolean
  declare readonly retryAt?: number
  declare readonly scope?: string
  declare readonly acrValues?: string
  declare readonly maxAge?: number
  declare readonly reused?: boolean

  // Not members of every error, and yet no polluted Object.prototype shines through.
  static {
    const none = undefined
    Object.assign(this.prototype, { retryAt: none, scope: none, acrValues: none, maxAge: none, reused: none })
  }

  constructor(code: TokenErrorCode, message: string, details: TokenErrorDetails = {}) {
    // Without a prototype: a polluted one must not decide what is transient.
    const own = ownMembers(details)
    super(message, own)
    Object.assign(this, { name: 'TokenError', code, transient: false }, own)
  }
}

/** The {@link TokenError} that `value` is, or carries as its `cause` (an `AxiosError` of ours does). */
export function tokenErrorOf(value: unknown): TokenError | undefined {
  for (let error = value as Error | undefined, depth = 8; error && depth--; error = error.cause as Error | undefined) {
    if (isOne(error)) return error
  }
  return undefined
}

/** Whether `value` is a {@link TokenError}, or carries one. */
export function isTokenError(value: unknown): boolean {
  return tokenErrorOf(value) !== undefined
}

/** By name, not by class: two copies of this package in one page understand each other's errors. */
export function isOne(error: unknown): error is TokenError {
  return error instanceof Error && error.name === 'TokenError' && 'transient' in error
}
