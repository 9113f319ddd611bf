import type { TokenError } from '../errors.ts'
import type { Instant } from '../lib/instant.ts'
import type { TokenSet } from '../token.ts'
import type { OwnedSession } from './session.ts'

/** Why there is no session. */
export type EndReason =
  | 'never-started'
  | 'logout'
  | 'replaced'
  | 'rejected'
  | 'idle'
  | 'expired'
  | 'password-reset'
  | 'revoked'
  | 'key-lost'
  | 'unknown-outcome'

/** A session and its tokens. `undefined`: known from before a reload, and no token fetched yet. */
export interface Held {
  readonly session: OwnedSession
  readonly tokens: TokenSet | undefined
  /** What the tokens are for, if they are not the session's own: see `narrow.ts`. */
  readonly wish?: string | undefined
}

/** What is known of refreshes that failed since the last one that did not. */
export interface Failure {
  readonly error: TokenError
  readonly at: Instant
  /** How long after `at` to try again. `undefined`: not by itself. */
  readonly retryMs: number | undefined
  /** Part of `retryMs` that not even a network that came back cuts short. */
  readonly holdMs: number
  readonly attempts: number
  /** Some attempt got no answer, so the server may have spent the refresh token. */
  readonly unanswered: boolean
}

export interface SignedOut {
  readonly status: 'signed-out'
  readonly reason: EndReason
  readonly elsewhere: boolean
}
/** `before` is what it returns to if nothing is found; `session`, what is being found. */
export interface Restoring {
  readonly status: 'restoring'
  readonly flight: Promise<unknown>
  readonly before: SignedOut
  readonly session: OwnedSession | undefined
}
export interface Active extends Held {
  readonly status: 'active'
}
export interface Refreshing extends Held {
  readonly status: 'refreshing'
  readonly flight: Promise<Held>
  readonly failure: Failure | undefined
}
export interface Stale extends Held {
  readonly status: 'stale'
  readonly failure: Failure
}
export type SignedIn = Active | Refreshing | Stale

/** Everything that can be. One field decides; nothing else has to be consulted. */
export type State = SignedOut | Restoring | SignedIn

/** Everything that can happen. */
export type SessionEvent =
  | {
      readonly type: 'restore-started'
      readonly flight: Promise<unknown>
      /** Known from before a reload, or from another tab. */
      readonly session: OwnedSession | undefined
    }
  | { readonly type: 'restore-ended'; readonly flight: Promise<unknown> }
  | { readonly type: 'started'; readonly session: OwnedSession; readonly tokens: TokenSet | undefined }
  | { readonly type: 'refresh-started'; readonly flight: Promise<Held> }
  | { readonly type: 'refreshed'; readonly session: OwnedSession; readonly tokens: TokenSet }
  /** The access token stays. */
  | { readonly type: 'rotated'; readonly session: OwnedSession; readonly changed: Partial<TokenSet> }
  | { readonly type: 'refresh-failed'; readonly failure: Failure }
  | { readonly type: 'ended'; readonly reason: EndReason; readonly elsewhere: boolean }

/**
 * The next state. Returns the *same* object when the event does not apply: that is how the late answer to a refresh that
 * a logout has overtaken is refused, and how its caller learns that it was.
 */
export function transition(state: State, event: SessionEvent): State {
  switch (event.type) {
    case 'restore-started': {
      const { flight, session } = event
      if (isSignedIn(state)) return state
      return { status: 'restoring', flight, session, before: state.status === 'restoring' ? state.before : state }
    }
    case 'restore-ended':
      return state.status === 'restoring' && state.flight === event.flight ? state.before : state
    case 'started':
      return { status: 'active', session: event.session, tokens: event.tokens }
    case 'refresh-started':
      return isSignedIn(state) ? { failure: undefined, ...state, status: 'refreshing', flight: event.flight } : state
    case 'refreshed': {
      // An answer that comes after its waiters gave up holds the only good refresh token, and is welcome for as long as
      // nothing newer is here.
      const { session, tokens } = event
      const held = heldIn(state)
      if (held?.session !== session || tokens.sequence <= (held.tokens?.sequence ?? 0)) return state
      return { status: 'active', session, tokens }
    }
    case 'rotated':
      if (!isSignedIn(state) || state.session !== event.session || !state.tokens) return state
      return { ...state, tokens: { ...state.tokens, ...event.changed } }
    case 'refresh-failed': {
      const held = heldIn(state)
      return held ? { status: 'stale', session: held.session, tokens: held.tokens, failure: event.failure } : state
    }
    case 'ended':
      return state.status === 'signed-out' ? state : signedOut(event.reason, event.elsewhere)
  }
}

/** The session that is here, or is being found, and its tokens. */
export function heldIn(state: State): Held | undefined {
  if (isSignedIn(state)) return state
  return state.status === 'restoring' && state.session ? { session: state.session, tokens: undefined } : undefined
}

export function signedOut(reason: EndReason, elsewhere: boolean): SignedOut {
  return { status: 'signed-out', reason, elsewhere }
}

export function isSignedIn(state: State): state is SignedIn {
  return state.status !== 'signed-out' && state.status !== 'restoring'
}
