import { TokenError } from '../errors.ts'
import { toSnapshot, type SessionState } from './snapshot.ts'
import { heldIn, type SessionEvent, signedOut, type State, transition } from './state.ts'

export interface SessionStore {
  get(): State
  snapshot(): SessionState
  /** Applies `event`. `false`: the state refused it. */
  dispatch(event: SessionEvent): boolean
}

/**
 * Holds the state. A session that a transition left behind is ended before anyone hears of it, so that no listener sees
 * a request of it still flying.
 */
export function createSessionStore(onChange: (state: State, previous: State) => void): SessionStore {
  let state: State = signedOut('never-started', false)
  let snapshot = toSnapshot(state)

  return {
    get: () => state,
    snapshot: () => snapshot,
    dispatch(event) {
      const previous = state
      state = transition(previous, event)
      if (state === previous) return false
      // Nobody can see another refresh token.
      if (event.type === 'rotated') return true
      snapshot = toSnapshot(state, snapshot)
      const left = heldIn(previous)?.session
      if (left && left !== heldIn(state)?.session) left.end(endError(state))
      onChange(state, previous)
      return true
    },
  }
}

/** What the requests of a session that just ended reject with. */
function endError(state: State): TokenError {
  const { reason } = state.status === 'signed-out' ? state : { reason: 'replaced' }
  if (reason === 'replaced') return new TokenError('session_changed', 'another session has begun')
  if (reason === 'key-lost') return new TokenError('key_lost', 'the key that the session was bound to is lost')
  return reason === 'rejected' || reason === 'unknown-outcome'
    ? new TokenError('refresh_rejected', 'the server refused the refresh token: the session is over')
    : new TokenError('signed_out', `the session has ended (${reason})`)
}
