import type { EndReason, SessionState, TokenErrorCode } from 'tokenward'
import type { Call } from './traffic.ts'

/** What has happened, in one line. */
export function headline(state: SessionState): string {
  switch (state.status) {
    case 'restoring':
      return 'Looking for your session…'
    case 'signed-out':
      if (state.reason === 'logout' && state.elsewhere) return 'You have logged out in another tab.'
      return endings[state.reason] ?? 'Your session is over. Please sign in again.'
    case 'stale':
      return 'You are still signed in.'
    case 'active':
    case 'refreshing':
      return 'You are signed in.'
  }
}

const endings: Partial<Record<EndReason, string>> = {
  'never-started': 'You are not signed in.',
  logout: 'You have logged out.',
  rejected: 'The server ended your session. Please sign in again.',
  'unknown-outcome': 'An answer was lost, and your session with it. Please sign in again.',
  replaced: 'Somebody else signed in here.',
}

export interface Circumstances {
  /** Whether the access token is still good. */
  readonly good: boolean
  /** The last attempt to refresh. */
  readonly refresh: Call | undefined
  /** When the next refresh is tried. */
  readonly retryAt: number | undefined
}

/** What the session does now, and why. */
export function reason(state: SessionState, { good, refresh, retryAt }: Circumstances): string {
  switch (state.status) {
    case 'restoring':
      return 'Another tab may have a token; if none has, the server is asked once.'
    case 'signed-out':
      return whys[state.reason] ?? ''
    case 'refreshing':
      return good
        ? 'A new token is on its way. Until it is here, calls go on with the one in memory as long as that is good.'
        : 'The token is over. Calls wait for one refresh, and all of them go on with what it brings.'
    case 'active':
      return good
        ? 'Calls leave at once, with the token in memory. A token in use is renewed before it is over.'
        : 'The token is over. Nobody used it, so nobody renewed it: the next call does, by itself.'
    case 'stale': {
      const meanwhile = good
        ? 'By the clock the token in memory is still good, and calls go on with it.'
        : 'Calls fail at once, and say when to try again, instead of hanging.'
      const next = retryAt === undefined ? '' : ` The next try is at ${clockTime(retryAt)}, by itself.`
      return `${trouble(refresh)} That is no reason to sign anybody out. ${meanwhile}${next}`
    }
  }
}

const whys: Partial<Record<EndReason, string>> = {
  'never-started': 'No session was found, and a visitor costs the server no further question.',
  logout: 'No token, no answer and no stored secret is left, in any tab. Press Back: there is nothing to see.',
  rejected:
    'The authorization server refused the refresh token itself. That is a clear answer, and the only kind that ends a session.',
  'unknown-outcome':
    'The answer to a refresh was lost on its way, so the refresh token may have been used up. Presented again, it was refused: if the server had given out a newer one, nobody has it. A server that allows a time of grace would have helped.',
  replaced: 'One browser has one session. Calls of the one before do not go on as somebody else.',
  expired: 'The token is over, and nobody can renew it.',
}

/** What went wrong, as far as a client can know. */
function trouble(refresh: Call | undefined): string {
  const status = refresh?.sends[0]?.status
  if (status === undefined) return 'No answer came: the request may be lost, or only its answer.'
  if (refresh?.html === true) return 'A page of HTML answered in place of the server, as networks of hotels do.'
  if (status === 429) return 'The server answered 429 and asked for patience: it is not asked before its Retry-After.'
  return `The server answered ${status}: it has trouble, and refused nothing.`
}

export interface Failure {
  readonly code: TokenErrorCode | undefined
  readonly status?: number | undefined
  /** How often it was sent. */
  readonly sends?: number
}

/** What became of a call that failed. */
export function explain({ code, status, sends = 0 }: Failure): string {
  if (code === 'refresh_unavailable' && sends > 0) return refusedMeanwhile
  const known = code && explanations[code]
  if (known !== undefined) return known
  if (status === 401) {
    return sends > 1
      ? 'The API refused even a token that had just been renewed. It was asked twice and no more, and you stay signed in.'
      : 'The API refused a token that it has not accepted once since it was renewed. Another would not help, so none is asked for, and you stay signed in.'
  }
  if (status === undefined) return 'No connection to the API. The call was not repeated: it may have arrived.'
  return `The API answered ${status}.`
}

const unreachable = 'No new token can be had right now, so the call was not sent.'
const refusedMeanwhile = 'The API refused the token, and no new one can be had right now. The next call tries again.'
const over = 'Your session is over.'
const explanations: Partial<Record<TokenErrorCode, string>> = {
  login_failed: 'Wrong email or password.',
  refresh_unavailable: unreachable,
  timeout: unreachable,
  signed_out: over,
  session_changed: over,
  refresh_rejected: over,
}

export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString()
}

export function count(many: number, one: string, more: string = `${one}s`): string {
  return `${many} ${many === 1 ? one : more}`
}
