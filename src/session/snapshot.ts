import type { TokenError } from '../errors.ts'
import type { EndReason, State } from './state.ts'

/** What the application may know of the session. Never a token. */
export type SessionState =
  | { readonly status: 'restoring'; readonly signedIn: false }
  | {
      readonly status: 'signed-out'
      readonly signedIn: false
      readonly reason: EndReason
      /** Another tab ended it. */
      readonly elsewhere: boolean
    }
  | {
      readonly status: 'active' | 'refreshing' | 'stale'
      readonly signedIn: true
      /** Opaque, new at every sign-in: shows an account switch. */
      readonly session: string
      /** When the access token expires, device wall time (epoch ms): for display only. `undefined`: unknown. */
      readonly expiresAt: number | undefined
      readonly scope: readonly string[]
      /** Of the ID token, if any. Not verified: for display only. */
      readonly claims: Readonly<Record<string, unknown>> | undefined
      /** `'stale'`: why the refresh failed. */
      readonly error?: TokenError
    }

/** Before there are tokens. */
const NO_SCOPE: readonly string[] = Object.freeze([])

/** What the application sees of `state`: the same object as `last`, until something of it changes. */
export function toSnapshot(state: State, last?: SessionState): SessionState {
  const next = show(state)
  return last && Object.entries(next).every(([key, value]) => value === last[key as keyof SessionState]) ? last : next
}

function show(state: State): SessionState {
  const { status } = state
  if (status === 'restoring') return Object.freeze({ status, signedIn: false })
  if (status === 'signed-out') return Object.freeze({ ...state, signedIn: false })
  const { session, tokens } = state
  return Object.freeze({
    status,
    signedIn: true,
    session: session.id,
    expiresAt: tokens?.lifetimeMs && tokens.obtained.wall + tokens.lifetimeMs,
    scope: tokens?.scope ?? NO_SCOPE,
    claims: tokens?.claims,
    ...(status === 'stale' && { error: state.failure.error }),
  })
}
