import type { SessionState } from '../../session/snapshot.ts'
import type { Snapshot } from './checker/history.ts'

/** What an application reads of a session, without what is of no concern to an invariant. */
export function toSnapshot(state: SessionState): Snapshot {
  const { status, signedIn } = state
  if (state.signedIn) {
    const { session, expiresAt, error } = state
    return { status, signedIn, session, expiresAt, ...(error && { error: error.code }) }
  }
  return state.status === 'signed-out'
    ? { status, signedIn, reason: state.reason, elsewhere: state.elsewhere }
    : { status, signedIn }
}
