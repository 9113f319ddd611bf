import { isOne, type TokenError } from '../errors.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { RefreshTrigger } from '../session/events.ts'
import { fromWish } from '../session/narrow.ts'
import { type EndReason, type Failure, type Held, heldIn } from '../session/state.ts'
import { type Claiming, toCommit, toKnown, toOutcome } from '../tabs/record.ts'
import { isGoingOn, isSomebodyElse, refreshTokenIn, type TokenSet, userOf } from '../token.ts'
import type { Free } from './calls.ts'
import { isAnswer, toFailure, toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { SignOut } from './sign-out.ts'
import { HANDOVER_MS, over, type Turn, unavailable } from './turn.ts'

/** What one flight has come to know. */
export interface Facts {
  readonly before: Failure | undefined
  /** When the flight began, and when its call was made, once it was. */
  started: Instant
  readonly trigger: RefreshTrigger
  /** Some presentation of this credential got no answer. */
  doubtful: boolean
  /** The call left this page. */
  sent: boolean
  claiming: Claiming | undefined
}

type Presented = Pick<Turn, 'claiming' | 'entered'>

/** What comes of a presentation: for the record first, then for the session, then for the other tabs. */
export interface Outcome {
  commit(from: Held, tokens: TokenSet, presented: Presented, facts: Facts, free: Free): Promise<Held>
  /** Whatever is wrong with an answer: the refresh token in it is the only good one (RFC 6749 section 6). */
  spend(from: Held, response: unknown, claiming: Claiming): Promise<void>
  /** Resolves if other tokens have come meanwhile, and what was thrown does not decide about the session. */
  fail(from: Held, thrown: unknown, facts: Facts): Promise<Held>
  /** What comes when everybody has been told of a timeout, or has gone: how long the server wants to be left alone is kept. */
  late(thrown: unknown, facts: Facts): void
}

export function createOutcome(parts: Parts, { end, announce, loseCookie, notice, orphan }: SignOut): Outcome {
  const { store, source, ports, settings, events, epochs, share, siblings, sealing, probation, watch, narrow } = parts
  const { clock } = ports
  const { requestTimeoutMs } = settings
  const { newer } = siblings

  async function commit(
    from: Held,
    tokens: TokenSet,
    { claiming, entered }: Presented,
    { trigger, started }: Facts,
    free: Free,
  ): Promise<Held> {
    const { session, wish } = from
    // Durable before anybody hears of it, and before the next tab may present it.
    const sealed = await sealing?.seal(tokens.refreshToken, session.epoch)
    const outcome = toCommit(claiming, { retry: undefined, sealed, key: tokens.key })
    const change: { applied?: boolean } = {}
    const record = await share.update((before) => {
      const after = outcome(before)
      change.applied = after !== undefined
      return after
    })
    notice()
    const main = heldIn(store.get())
    const before = from.tokens ?? main?.tokens
    // A session that is being found has no tokens yet, but the record may say whose it is.
    const user = before || record?.epoch !== session.epoch ? userOf(before) : record.user
    const isOther = isSomebodyElse(tokens, user) || (entered && !isGoingOn(user, userOf(tokens)))
    const isLate = record?.epoch === session.epoch && !change.applied
    if (!isOther && !isLate && !session.signal.aborted) siblings.serve({ session, tokens, wish })
    await free()
    notice()
    // Somebody else has refreshed while this tab was frozen: what is there is newer than what has come.
    if (isLate) {
      await siblings.settled(from, HANDOVER_MS)
      return newer(from) ?? Promise.reject(unavailable())
    }
    if (isOther) {
      events.emit('alert', { rule: 'subject-changed' })
      end(session, 'replaced')
    } else if (entered) void share.update(toKnown(session.epoch))
    const finding = store.get().status === 'restoring'
    const adopted = events.batch(() => {
      if (wish !== undefined) return adopt(from, wish, tokens)
      if (!store.dispatch({ type: 'refreshed', session, tokens })) return false
      // A session that was just found may be over elsewhere: the first refusal of its tokens is a reason to ask again.
      if (!finding) {
        probation.begin(tokens)
        events.emit('refreshed', { durationMs: elapsedMs(started, clock.now()), trigger })
        watch.issued(tokens, from.tokens ?? tokens)
      }
      return true
    })
    if (adopted) return { session, tokens, wish }
    const here = newer(from)
    if (here) return here
    // The session is over, and nobody holds these tokens: leave no live credential behind. Unless it may still be found.
    if (epochs.newest()?.epoch !== session.epoch) {
      // Its cookie has replaced that of whoever is signed in now.
      if (source.credential === 'cookie') {
        loseCookie()
        // He is not here yet while this tab looks for the session before his.
        if (epochs.newest()?.what === 'signed-in') announce('unconfirmed', 'replaced')
      } else await orphan(tokens)
    }
    return over(from)
  }

  /** The session's own tokens stay, but for the refresh token that was spent for these. */
  function adopt({ session }: Held, wish: string, tokens: TokenSet): boolean {
    const { refreshToken, rotation } = tokens
    const changed = { refreshToken, rotation, elsewhere: false }
    if (!store.dispatch({ type: 'rotated', session, changed })) return false
    const granted = { ...tokens, refreshToken: undefined }
    narrow.put(session, wish, granted)
    if (!fromWish(wish).once) probation.begin(granted)
    share.post({ type: 'rotated', epoch: session.epoch, rotation })
    siblings.look()
    return true
  }

  async function spend({ session }: Held, response: unknown, claiming: Claiming): Promise<void> {
    const refreshToken = refreshTokenIn(response)
    if (!refreshToken || refreshToken === heldIn(store.get())?.tokens?.refreshToken) return
    if (sealing) await share.update(toOutcome(claiming, { sealed: await sealing.seal(refreshToken, session.epoch) }))
    store.dispatch({ type: 'rotated', session, changed: { refreshToken } })
  }

  function toFailureOf(error: TokenError, thrown: unknown, facts: Facts): Failure {
    const more = { answered: isAnswer(thrown), timeoutMs: requestTimeoutMs, random: ports.random() }
    return toFailure(error, clock.now(), { ...facts, ...more })
  }

  /** For the other tabs. */
  function remember({ at, retryMs, holdMs }: Failure, answered: boolean, facts: Facts): void {
    if (!facts.claiming) return
    const { by, now, until } = facts.claiming
    const since = at.wall
    const retry = retryMs === undefined ? undefined : { since, until: since + retryMs, hold: since + holdMs }
    // Without an answer the mark stays, and keeps everybody away until its time is over.
    const live = source.credential === 'cookie' ? until + requestTimeoutMs : until
    // Nor does an answer to this call tell what became of an earlier one: a mark whose time is over says that.
    const doubt = facts.doubtful ? { by, since: now, until: now } : undefined
    const presented = answered || !facts.sent ? doubt : { by, since: now, until: live }
    void share.update(toOutcome(facts.claiming, { presented, retry }))
  }

  function late(thrown: unknown, facts: Facts): void {
    if (isOne(thrown) && thrown.retryAt !== undefined) remember(toFailureOf(thrown, thrown, facts), true, facts)
  }

  async function fail(from: Held, thrown: unknown, facts: Facts): Promise<Held> {
    const { session, tokens, wish } = from
    if (session.signal.aborted) {
      // A login may have overtaken the search for this session: the other tabs have to know all the same.
      const isRejected = isOne(thrown) && thrown.code === 'refresh_rejected'
      if (isRejected && epochs.newest()?.epoch === session.epoch) announce('nobody', reasonOf(facts))
      late(thrown, facts)
      over(from)
    }
    const main = heldIn(store.get())?.tokens
    const error = toTokenError(thrown, [main?.refreshToken, main?.accessToken, tokens?.accessToken])
    const lost = error.code === 'key_lost'
    const final = isFinal(error)
    const failure = toFailureOf(error, thrown, facts)
    if (!final) remember(failure, isAnswer(thrown), facts)
    // Tokens may come from another tab while this one asks for newer ones: they are used until it is time again.
    const here = final ? undefined : newer(from)
    if (here) return here
    events.batch(() => {
      if (wish !== undefined) narrow.of(session, wish).failure = failure
      else if (!final) store.dispatch({ type: 'refresh-failed', failure })
      if (error.reused) events.emit('alert', { rule: 'refresh-token-reused' })
      const { code, transient, retryAt } = failure.error
      events.emit('refresh-failed', { code, transient, retryAt })
      // Where a key could not be stored, other tabs than the one that has made it do without the session.
      if (final) end(session, lost ? 'key-lost' : reasonOf(facts), lost && main?.elsewhere)
    })
    if (final) over(from)
    throw failure.error
  }

  return {
    commit,
    spend,
    fail,
    late,
  }
}

function reasonOf({ doubtful }: Facts): EndReason {
  return doubtful ? 'unknown-outcome' : 'rejected'
}

/** What decides about the session, whenever it comes. */
export function isFinal(thrown: unknown): boolean {
  return isOne(thrown) && /refresh_rejected|key_lost/.test(thrown.code)
}
