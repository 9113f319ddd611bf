import { MAX_DELAY_MS } from '../lib/deadline.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import { type Ending, endingOf } from '../session/lifetime.ts'
import { isSignedIn, type SignedIn } from '../session/state.ts'
import { remainingMs, type TokenSet } from '../token.ts'
import { retryInMs } from './failure.ts'
import type { Parts } from './parts.ts'
import type { Refresh } from './refresh.ts'
import type { SignOut } from './sign-out.ts'

/** What happens without being asked for. One timer; it only says when to look, the clocks decide what is due. */
export interface Schedule {
  /** Looks at what is due, does it, and sets the timer for the next look. */
  look(): void
  /** The session is used now, to send a request with its tokens or otherwise. Ends it if its time was over before. */
  used(now: Instant): void
  /** Another tab has used it. */
  heard(at: number): void
  /** Whether this tab thinks that the session was idle for too long: another may know better, see `confirm`. */
  isIdle(): boolean
  /** Asks what the other tabs know, and ends the session if it was idle for all of them. */
  confirm(): Promise<void>
  /** How long until `tokens` may be refreshed ahead of their expiry. */
  earlyInMs(tokens: TokenSet, now: Instant): number
  stop(): void
}

/** Two refreshes ahead of expiry are at least this far apart, however short the tokens live. */
const SHORTEST_INTERVAL_MS = 1_000
/**
 * What expired longer ago was slept through. A timer leaves it alone until the page is shown, the network returns or a
 * request needs it: of a million machines that wake at nine (`npm run fleet`) no one comes for nobody. Shorter, and it would
 * be what the timer of a hidden tab is late by.
 */
const SLEPT_MS = 60_000
/** Offline, the network's return is what to wait for; not every browser tells. */
const OFFLINE_LOOK_MS = 60_000

export function createSchedule(parts: Parts, refresh: Refresh, { end, notice }: SignOut): Schedule {
  const { store, ports, settings, events, share, canRefresh, life } = parts
  const { clock, lifecycle, random, timer } = ports
  const { limits, leewayMs, background } = settings
  let active: Instant = { wall: 0, monotonic: 0 }
  /** When the other tabs were last told of it. */
  let toldAt = 0
  /** When the tokens were obtained that were used last. */
  let lastUsed: Instant | undefined
  let warned: Ending['why'] | undefined
  let session: SignedIn['session'] | undefined
  /** Tabs and clients that got their tokens together refresh apart. */
  let jitter = 0
  let stopTimer: (() => void) | undefined
  let stopWatching: (() => void) | undefined

  function earlyInMs(tokens: TokenSet, now: Instant, leeway = 1): number {
    const { lifetimeMs = Infinity, obtained } = tokens
    const aheadMs = Math.min(leewayMs, lifetimeMs / 2) * leeway
    return Math.max(remainingMs(tokens, now) - aheadMs, SHORTEST_INTERVAL_MS - elapsedMs(obtained, now))
  }

  /** @param awake Somebody is there again. */
  function look(awake = false): void {
    notice()
    // After that: whatever it has changed has been looked at, and has set the timer.
    stopTimer?.()
    stopTimer = undefined
    if (life.aborted) return
    // Also while nobody is signed in: another tab may sign in, and its message be lost.
    stopWatching ??= lifecycle.watch(onMoment)
    const state = store.get()
    if (!isSignedIn(state)) {
      rest()
      return
    }
    const now = clock.now()
    if (session !== state.session) {
      session = state.session
      active = now
      toldAt = 0
      warned = undefined
      jitter = random()
    }
    const endMs = endDueMs(state, now)
    if (endMs === undefined) return
    const refreshMs = refreshDueMs(state, now, awake)
    if (refreshMs <= 0) return void refresh(state, 'background').catch(() => {})
    const delayMs = Math.min(endMs, refreshMs)
    if (delayMs < Infinity) stopTimer = timer(() => look(), Math.min(Math.max(delayMs, 0), MAX_DELAY_MS))
  }

  /** Ends what has to end (`undefined`), or says when to look again. */
  function endDueMs(state: SignedIn, now: Instant): number | undefined {
    const { tokens } = state
    const tokenMs = tokens && !canRefresh(state) ? remainingMs(tokens, now) : Infinity
    const ending = endingOf(state, limits, active, now)
    if (ending && ending.inMs <= 0 && ending.why === 'idle') {
      void confirm()
      return undefined
    }
    if (tokenMs <= 0 || (ending && ending.inMs <= 0)) {
      end(state.session, 'expired')
      return undefined
    }
    return Math.min(tokenMs, ending ? warnDueMs(ending, now) : Infinity)
  }

  function isIdle(): boolean {
    return limits.idleMs < Infinity && elapsedMs(active, clock.now()) >= limits.idleMs
  }

  async function confirm(): Promise<void> {
    const asked = session
    const record = await share.update()
    if (!asked || session !== asked) return
    if (record?.epoch === asked.epoch) heard(record.active)
    if (isIdle()) end(asked, 'idle')
    else look()
  }

  function heard(at: number): void {
    const { wall, monotonic } = clock.now()
    // Another tab's clock is this device's; one that is ahead of it is wrong.
    const agoMs = wall - at
    if (agoMs >= 0 && at > active.wall) active = { wall: at, monotonic: monotonic - agoMs }
  }

  /** Often enough for the others, and no more often. */
  function tell(now: Instant): void {
    const { idleMs } = limits
    if (!session || Math.abs(now.wall - toldAt) < idleMs / 10) return
    toldAt = now.wall
    const { epoch } = session
    share.post({ type: 'used', epoch, at: toldAt })
    void share.update((record) => (record?.epoch === epoch ? { ...record, active: now.wall } : undefined))
  }

  function warnDueMs({ inMs, why, warnMs }: Ending, now: Instant): number {
    if (inMs > warnMs) {
      warned = undefined
      return inMs - warnMs
    }
    if (warned !== why) events.emit('session-ending', { at: now.wall + inMs, why })
    warned = why
    return inMs
  }

  /** `Infinity`: nothing to wait for. */
  function refreshDueMs(state: SignedIn, now: Instant, awake: boolean): number {
    const { status, tokens } = state
    const online = lifecycle.online()
    if (status === 'stale')
      return online || state.failure.retryMs === undefined ? retryInMs(state.failure, now) : OFFLINE_LOOK_MS
    const isUsed = background && tokens && lastUsed === tokens.obtained
    return isUsed &&
      (awake || remainingMs(tokens, now) > -SLEPT_MS) &&
      online &&
      status === 'active' &&
      canRefresh(state)
      ? earlyInMs(tokens, now, 1 - jitter / 5)
      : Infinity
  }

  function onMoment(moment: 'wake' | 'online' | 'leave'): void {
    if (moment === 'leave') return
    // The marker tells at once; where there is none, the record does.
    void share.update().then(notice)
    const state = store.get()
    if (moment === 'online' && state.status === 'stale' && state.failure.retryMs !== undefined) {
      const { at, holdMs } = state.failure
      if (elapsedMs(at, clock.now()) >= holdMs) return void refresh(state, 'background', true).catch(() => {})
    }
    look(true)
  }

  function rest(): void {
    session = lastUsed = undefined
  }

  return {
    look: () => look(),
    earlyInMs,
    heard,
    isIdle,
    confirm,
    used(now) {
      if (life.aborted) return
      notice()
      const state = store.get()
      // The timer that was to end it may have slept with the machine.
      if (!isSignedIn(state) || endDueMs(state, now) === undefined) return
      active = now
      tell(now)
      if (state.tokens?.obtained === lastUsed) return
      lastUsed = state.tokens?.obtained
      look()
    },
    stop() {
      stopTimer?.()
      stopWatching?.()
      rest()
    },
  }
}
