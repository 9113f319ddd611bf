import type { TokenErrorCode } from '../errors.ts'
import type { EndReason } from './state.ts'

/** Why a request went out without the token. */
export type WithholdReason = 'not-a-resource' | 'insecure' | 'own-credentials'

/** What started a refresh. */
export type RefreshTrigger = 'expired' | 'refused' | 'background' | 'requested'

/** What deserves a look by whoever watches over the application. */
export type Alert =
  /** A token was refused although no one had accepted it since it was issued. */
  | { readonly rule: 'fresh-token-refused'; readonly origin: string }
  /** A resource refused a token, and says that it takes only those of other issuers. */
  | { readonly rule: 'other-issuer'; readonly origin: string }
  /** A refresh got a wider scope than the session had. */
  | { readonly rule: 'scope-grew'; readonly scope: readonly string[] }
  /** A refresh got an ID token of somebody else, or may have, after a sign-in whose end nobody has heard; the session was ended. */
  | { readonly rule: 'subject-changed' }
  /** The access token stands in the URL of a request. */
  | { readonly rule: 'token-in-url'; readonly origin: string }
  /** The server issues tokens outside the grammar of RFC 6750 section 2.1. */
  | { readonly rule: 'odd-token' }
  /** More than 30 refreshes within a minute. */
  | { readonly rule: 'refresh-storm' }
  /** The server says that the refresh token was used before. After an answer that was lost it may have been this session itself. */
  | { readonly rule: 'refresh-token-reused' }
  /** A token was asked for after the session had ended, for whatever reason. Once for each origin. */
  | { readonly rule: 'used-after-end'; readonly origin: string }
  /** The clocks of the device and of the token server are more than five minutes apart. `aheadMs`: how much the device's is, at least. */
  | { readonly rule: 'clock-off'; readonly aheadMs: number }

/** What the manager tells, by name. No payload holds a secret. Times are device wall time, epoch ms. */
export interface TokenEvents {
  readonly 'signed-in': { readonly session: string }
  readonly 'signed-out': { readonly session: string; readonly reason: EndReason; readonly elsewhere: boolean }
  readonly refreshed: { readonly durationMs: number; readonly trigger: RefreshTrigger }
  readonly 'refresh-failed': {
    readonly code: TokenErrorCode
    readonly transient: boolean
    readonly retryAt: number | undefined
  }
  /** The session will end, unless (`idle`) somebody does something. */
  readonly 'session-ending': { readonly at: number; readonly why: 'idle' | 'absolute' }
  /** Raised once for each origin and reason. */
  readonly withheld: { readonly origin: string; readonly why: WithholdReason }
  /** A resource refused a request for a reason that a refresh does not mend, or did not. */
  readonly challenged: {
    readonly origin: string
    readonly status: number
    readonly error: string | undefined
    readonly scope: string | undefined
  }
  readonly degraded: { readonly what: string; readonly why: string }
  readonly alert: Alert
}
