import { withDeadline } from '../lib/deadline.ts'
import type { Instant } from '../lib/instant.ts'
import type { SessionState } from '../session/snapshot.ts'
import { type EndReason, isSignedIn } from '../session/state.ts'
import { parseTokenResponse } from '../token.ts'
import { untilAborted } from './abort.ts'
import { timedOut } from './calls.ts'
import { isAnswer, toFailure, toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { Refresh } from './refresh.ts'
import type { SignIn } from './sign-in.ts'
import type { SignOut } from './sign-out.ts'

/** Finds the session that this origin already has. `ask`: whatever is remembered. */
export type Restore = (ask: boolean, signal: AbortSignal | undefined) => Promise<SessionState>

export function createRestore(parts: Parts, { repeat }: SignOut, { begin }: SignIn, refresh: Refresh): Restore {
  const { store, source, calls, attempts, ports, settings, memory, newSession } = parts
  const { clock } = ports

  return async function restore(ask, signal) {
    const state = store.get()
    if (isSignedIn(state)) {
      const stopped = state.status === 'stale' && state.failure.retryMs === undefined
      if (stopped) await untilAborted(refresh(state, 'requested', true), [signal]).catch(() => {})
      return store.snapshot()
    }
    return withDeadline(look(ask, signal), 3 * settings.requestTimeoutMs, ports.timer, timedOut)
  }

  async function look(ask: boolean, signal: AbortSignal | undefined): Promise<SessionState> {
    if (attempts.current() || !source.restore) return arrival(signal)
    const mine = attempts.start((isCurrent, flight) => find(ask, isCurrent, flight))
    store.dispatch({ type: 'restore-started', flight: mine.flight })
    return untilAborted(mine.flight, [signal]).catch((error: unknown) => {
      // A login or logout has overtaken it: what comes of that is the answer.
      if (mine.signal.aborted && !signal?.aborted) return arrival(signal)
      throw error
    })
  }

  /** What comes of the sign-in that is flying, and of those that overtake it. */
  async function arrival(signal: AbortSignal | undefined): Promise<SessionState> {
    for (let flying; (flying = attempts.current());)
      await untilAborted(
        flying.flight.catch(() => {}),
        [signal],
      )
    return store.snapshot()
  }

  async function find(ask: boolean, isCurrent: () => boolean, flight: Promise<SessionState>): Promise<SessionState> {
    const started = clock.now()
    const { wall } = started
    let sent = false
    const { what, at = wall } = memory?.recall() ?? {}
    const expired = what === 'signed-in' && wall - at > settings.limits.absoluteMs
    const known = what === 'signed-in' && !expired
    if (expired) memory?.remember('unconfirmed', wall)
    if (expired || what === 'unconfirmed') repeat()
    if (what && !known && !ask) return none(flight, expired ? 'expired' : undefined)
    const since = known ? instantAgo(wall - at) : undefined
    try {
      const tokens = await calls.run(async (context) => {
        const asked = clock.now()
        sent = ports.lifecycle.online()
        const response = isCurrent() ? await source.restore?.(context) : undefined
        return response && parseTokenResponse(response, asked)
      })
      if (!isCurrent()) return store.snapshot()
      // Another tab may have found the same session meanwhile.
      if (tokens) return begin(tokens, since ?? (memory?.recall()?.what === 'signed-in' ? started : undefined))
      if (known || !what) memory?.remember('nobody', wall)
      return none(flight, known ? 'rejected' : undefined)
    } catch (thrown) {
      const timeoutMs = settings.requestTimeoutMs
      const facts = { sent, answered: isAnswer(thrown), started, timeoutMs, random: ports.random() }
      const failure = toFailure(toTokenError(thrown, []), clock.now(), facts)
      memory?.adopt()
      if (since) store.dispatch({ type: 'found', flight, session: newSession(since), failure })
      else store.dispatch({ type: 'restore-ended', flight })
      if (since || !isCurrent()) return store.snapshot()
      throw failure.error
    }
  }

  function none(flight: Promise<SessionState>, reason: EndReason | undefined): SessionState {
    store.dispatch({ type: 'restore-ended', flight, ...(reason && { reason }) })
    return store.snapshot()
  }

  function instantAgo(ms: number): Instant {
    const { wall, monotonic } = clock.now()
    return { wall: wall - Math.max(ms, 0), monotonic: monotonic - Math.max(ms, 0) }
  }
}
