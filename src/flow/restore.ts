import { isOne } from '../errors.ts'
import { elapsedMs } from '../lib/instant.ts'
import type { SessionState } from '../session/snapshot.ts'
import { isSignedIn } from '../session/state.ts'
import type { Epoch } from '../tabs/epochs.ts'
import { parseTokenResponse } from '../token.ts'
import { throwIfAborted, untilAborted } from './abort.ts'
import { LONGEST_TURN } from './calls.ts'
import { isAnswer, toFailure, toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { Refresh } from './refresh.ts'
import type { SignIn } from './sign-in.ts'
import type { SignOut } from './sign-out.ts'

/** Finds the session that this origin already has. `ask`: whatever is remembered. */
export type Restore = (ask: boolean, signal: AbortSignal | undefined) => Promise<SessionState>

export function createRestore(
  parts: Parts,
  { end, meet, orphan, recall, repeat }: SignOut,
  { begin, login }: SignIn,
  refresh: Refresh,
): Restore {
  const { store, source, calls, attempts, ports, settings, epochs, share, events, life, by } = parts
  const { clock } = ports

  /** A login that has come back is being finished here, or waited for where it is. */
  let finishing: Promise<unknown> | undefined

  return function restore(ask, signal) {
    meet()
    // Out of the URL before anything else runs. A sign-in that is flying here has taken it already.
    const answer = attempts.current() ? undefined : source.returned?.()
    if (answer === undefined) return calls.within(LONGEST_TURN, after(finishing, ask, signal))
    const work = finish(answer, ask, signal)
    finishing = work.then(done, done)
    return calls.within(LONGEST_TURN, work)
  }

  function done(): void {
    finishing = undefined
  }

  async function after(
    before: Promise<unknown> | undefined,
    ask: boolean,
    signal: AbortSignal | undefined,
  ): Promise<SessionState> {
    if (before) await untilAborted(before, signal)
    return look(ask, signal)
  }

  /** Finishes the login that this page is the answer to. Whatever comes of it, the session that was there is found. */
  async function finish(answer: unknown, ask: boolean, signal: AbortSignal | undefined): Promise<SessionState> {
    try {
      return await login(answer as never, signal, true)
    } catch (error) {
      const elsewhere = isOne(error) && error.code === 'session_changed'
      if (elsewhere) await signedIn(signal)
      const state = await look(ask, signal)
      if (elsewhere) return state
      throw error
    }
  }

  /** Another tab, or another manager here, finishes the login: waits until it has, for no longer than that may take. */
  async function signedIn(signal: AbortSignal | undefined): Promise<void> {
    let stop = (): void => {}
    const there = new Promise<void>((resolve) => {
      stop = events.on('signed-in', () => resolve())
      if (isSignedIn(store.get())) resolve()
    })
    await calls
      .within(1, untilAborted(there, signal, life))
      .catch(() => {})
      .finally(stop)
  }

  async function look(ask: boolean, signal: AbortSignal | undefined): Promise<SessionState> {
    throwIfAborted(life) // there may have been a wait before
    const state = store.get()
    if (isSignedIn(state)) {
      const stopped = state.status === 'stale' && state.failure.retryMs === undefined
      if (stopped) await untilAborted(refresh(state, 'requested', true), signal).catch(() => {})
      return store.snapshot()
    }
    if (attempts.current()) return arrival(signal)
    const mine = attempts.start((isCurrent, overtaken) =>
      find(ask, isCurrent, overtaken)
        .finally(() => store.dispatch({ type: 'restore-ended', flight: mine.flight }))
        .then(store.snapshot),
    )
    store.dispatch({ type: 'restore-started', flight: mine.flight, session: undefined })
    return untilAborted(mine.flight, signal).catch((error: unknown) => {
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
        signal,
      )
    return store.snapshot()
  }

  async function find(ask: boolean, isCurrent: () => boolean, overtaken: AbortSignal): Promise<void> {
    // Where no marker can be kept the record tells, a little later.
    if (!epochs.newest()) await share.update()
    const known = epochs.newest()
    if (!isCurrent()) return
    if (known?.what === 'signed-in') return findKnown(known, isCurrent)
    if (known?.what === 'unconfirmed') repeat()
    if (source.restore && (!known || ask)) await askServer(ask, isCurrent, overtaken)
  }

  /** A session of which something is remembered: that of another tab, or of the page before this one. */
  async function findKnown(known: Epoch, isCurrent: () => boolean): Promise<void> {
    const { absoluteMs, idleMs } = settings.limits
    const session = recall(known)
    const record = idleMs < Infinity ? await share.update() : undefined
    if (!isCurrent()) return
    const now = clock.now()
    const isIdle = record?.epoch === known.epoch && now.wall - record.active >= idleMs
    if (isIdle || elapsedMs(session.started, now) > absoluteMs) {
      store.dispatch({ type: 'restore-started', flight: Promise.resolve(), session })
      end(session, isIdle ? 'idle' : 'expired')
    } else await refresh.find({ session, tokens: undefined }).catch(() => {})
    // Meanwhile another may have begun in its place, in a tab that did not wait for this one.
    const next = epochs.newest()
    if (!isSignedIn(store.get()) && next?.what === 'signed-in' && next.epoch !== known.epoch)
      await findKnown(next, isCurrent)
  }

  /** There is no session yet to claim, and still no two tabs may present one cookie at once, nor one whose answer is lost. */
  async function mark(overtaken: AbortSignal): Promise<void> {
    for (let busyMs = 0; ;) {
      await share.update((record) => {
        // As late as can be: another tab may have written its mark while this one waited.
        const since = clock.now().wall
        const { presented } = record ?? {}
        busyMs = presented && presented.since <= since ? presented.until - since : 0
        const next = { by, since, until: since + 1.5 * settings.requestTimeoutMs }
        return busyMs > 0 ? undefined : { version: 1, epoch: 0, sequence: 0, active: since, ...record, presented: next }
      })
      if (busyMs <= 0) return
      let stop = (): void => {}
      const over = new Promise<void>((resolve) => (stop = ports.timer(resolve, busyMs)))
      await untilAborted(over, overtaken).finally(stop)
    }
  }

  function unmark(): Promise<unknown> {
    return share.update((record) => (record?.presented?.by === by ? { ...record, presented: undefined } : undefined))
  }

  async function askServer(ask: boolean, isCurrent: () => boolean, overtaken: AbortSignal): Promise<void> {
    const started = clock.now()
    let sent = false
    let before: Epoch | undefined
    try {
      const tokens = await calls.inTurn(async (call, free) => {
        await mark(overtaken)
        const answer = call(async (context) => {
          // Another tab may have asked while this one waited for its turn.
          before = epochs.newest()
          if (!isCurrent() || (before && (!ask || before.what === 'signed-in'))) return undefined
          const asked = clock.now()
          sent = ports.lifecycle.online()
          const response = await source.restore?.(context)
          return response && parseTokenResponse(response, asked, source.binding)
        })
        await answer.then(unmark, (thrown: unknown) => (isAnswer(thrown) || !sent) && unmark())
        await free()
        return answer
      })
      const known = epochs.newest()
      // Of tokens that come too late nobody else knows; but a page that has gone leaves the session to the next one.
      if (!isCurrent()) await (tokens && !life.aborted && orphan(tokens))
      else if (known?.what === 'signed-in') await findKnown(known, isCurrent)
      // Nobody has signed out in another tab meanwhile.
      else if (tokens) await (known?.epoch === before?.epoch ? begin(tokens) : orphan(tokens))
      // Tabs that know of a session, and could not tell: the server has said that there is none.
      else if (!known) epochs.begin('nobody', 'rejected', started.wall)
    } catch (thrown) {
      const timeoutMs = settings.requestTimeoutMs
      const facts = { sent, answered: isAnswer(thrown), started, timeoutMs, random: ports.random() }
      throw toFailure(toTokenError(thrown, []), clock.now(), facts).error
    }
  }
}
