import { TokenError } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import type { SourceContext } from '../ports.ts'
import type { RefreshTrigger } from '../session/events.ts'
import { fromWish, type Granted } from '../session/narrow.ts'
import { type Held, heldIn } from '../session/state.ts'
import { toOutcome } from '../tabs/record.ts'
import { parseTokenResponse, refreshTokenIn, type TokenSet } from '../token.ts'
import { abortError } from './abort.ts'
import { type Call, type Free, LONGEST_TURN } from './calls.ts'
import { retryInMs } from './failure.ts'
import { createOutcome, type Facts, isFinal } from './outcome.ts'
import type { Parts } from './parts.ts'
import type { SignOut } from './sign-out.ts'
import { createTurns, over, type Turn, unavailable } from './turn.ts'

export interface Refresh {
  /**
   * Gets tokens other than `used`, of the same session and for the same: newer ones that are here already, the ones being fetched right
   * now, or new ones, in that order. There is no other way to the source's `refresh`.
   *
   * `force`: ask although it is not time yet to try again.
   */
  (used: Held, trigger: RefreshTrigger, force?: boolean): Promise<Held>
  /** The same for a session that is being found: it has no tokens yet, and nobody knows whether it still is one. */
  find(found: Held): Promise<Held>
}

export function createRefresh(parts: Parts, signOut: SignOut): Refresh {
  const { store, source, calls, ports, share, siblings, narrow, hasCredential } = parts
  const { clock } = ports
  const { newer } = siblings
  const { notice } = signOut
  const turns = createTurns(parts, signOut)
  const outcome = createOutcome(parts, signOut)

  function refresh(used: Held, trigger: RefreshTrigger, force = false): Promise<Held> {
    notice()
    const { session, wish } = used
    if (session.signal.aborted) return Promise.reject(abortError(session.signal))
    const here = newer(used)
    if (here) return Promise.resolve(here)
    const granted = wish === undefined ? undefined : narrow.of(session, wish)
    const { flight: flying, failure: before } = ownMembers(granted ?? (store.get() as Granted))
    if (flying) return flying
    if (before && !force && retryInMs(before, clock.now()) > 0) return Promise.reject(before.error)
    const flight = launch(used, { trigger, force, before, finding: false })
    if (granted) granted.flight = flight
    else store.dispatch({ type: 'refresh-started', flight })
    return flight
  }

  interface Flying extends Pick<Facts, 'trigger' | 'before'> {
    readonly force: boolean
    readonly finding: boolean
  }

  function launch(from: Held, flying: Flying): Promise<Held> {
    const flight: Promise<Held> = Promise.resolve().then(() => fly(from, flight, flying))
    flight.catch(() => {}) // a background refresh has no other listener
    return flight
  }

  async function fly(from: Held, flight: Promise<Held>, flying: Flying): Promise<Held> {
    const { trigger, force, before, finding } = flying
    const facts: Facts = {
      before,
      started: clock.now(),
      trigger,
      doubtful: before?.unanswered ?? false,
      sent: false,
      claiming: undefined,
    }

    /** `undefined`: the refresh token is in the memory of another tab. */
    async function inTurn(call: Call, free: Free): Promise<Held | undefined> {
      const turn = await turns
        .take(from, flight, force)
        .catch((thrown: unknown) => free().then(() => Promise.reject(thrown)))
      // All this took a while.
      const isDue = turns.isDue(from, flight)
      if (turn && !isDue) void release(turn)
      if (!turn || !isDue) return newer(from) ?? over(from)
      const { claiming, refreshToken } = turn
      const restores = finding && refreshToken === undefined && source.restore !== undefined
      if (source.credential === 'token' && refreshToken === undefined && !restores) {
        await release(turn)
        await free()
        return undefined
      }
      Object.assign(facts, {
        claiming,
        doubtful: facts.doubtful || turn.doubtful,
        sent: ports.lifecycle.online(),
      })
      return call((context) =>
        present(turn, restores, whileDue(context), free).catch((thrown: unknown) =>
          free().then(() => answered(thrown)),
        ),
      )
    }

    /**
     * A server may want the call once more, with another proof: for a session that is over none is made. What is only read may be
     * what others wait for.
     */
    function whileDue(context: SourceContext): SourceContext {
      return {
        ...context,
        fetch: async (input, init) =>
          init?.method !== 'POST' || turns.isDue(from, flight) ? context.fetch(input, init) : over(from),
      }
    }

    /** Nothing was presented: the mark must not say that something was, but for what it said before. */
    function release({ claiming, doubtful }: Turn): Promise<unknown> {
      const { by, now } = claiming
      return share.update(toOutcome(claiming, { presented: doubtful ? { by, since: now, until: now } : undefined }))
    }

    async function present(turn: Turn, restores: boolean, context: SourceContext, free: Free): Promise<Held> {
      const { claiming, refreshToken, key } = turn
      const asked = clock.now()
      facts.started = asked
      const { resource, scope } = fromWish(from.wish ?? '')
      const input = { refreshToken, ...(resource && { resource }), ...(scope && { scope }), ...(key && { key }) }
      const response = await (restores ? source.restore?.(context) : source.refresh(input, context))
      if (restores && !response) throw new TokenError('refresh_rejected', 'there is no session any more')
      let tokens: TokenSet
      try {
        // What the answer leaves out stays as it was presented.
        const kept = refreshTokenIn(response) ?? refreshToken
        // The scope of a narrow token is the one that was asked for, unless the answer says another.
        const own = from.wish === undefined
        const previous: Partial<TokenSet> = own ? { ...from.tokens, key } : { key, scope: scope?.split(' ') ?? [] }
        // Who was signed in is not who is, if the cookie may be another user's.
        if (turn.entered) Object.assign(previous, { claims: undefined })
        const parsed = parseTokenResponse(response, asked, { previous, allowBearer: source.binding?.allowBearer })
        const sequence = claiming.sequence + 1
        tokens = { ...parsed, refreshToken: kept, sequence, rotation: sequence }
      } catch (error) {
        await outcome.spend(from, response, claiming)
        throw error
      }
      const held = await outcome.commit(from, tokens, turn, facts, free)
      // Another tab may have asked while the lock was let go.
      siblings.serve(held)
      return held
    }
    let failed: Promise<Held> | undefined
    function answered(thrown: unknown): Promise<Held> {
      if (failed) outcome.late(thrown, facts)
      return failing(thrown)
    }
    function failing(thrown: unknown): Promise<Held> {
      // What comes after the deadline has been told as a timeout, unless it decides more than that.
      if (!failed || isFinal(thrown)) failed = judge(thrown, failed)
      return failed
    }
    async function judge(thrown: unknown, told?: Promise<Held>): Promise<Held> {
      const final = isFinal(thrown)
      const presented = facts.claiming?.sequence ?? 0
      // Before it is believed: without locks another tab may have rotated what was presented here.
      const record = final ? await share.update() : undefined
      notice()
      const lostRace = record?.epoch === from.session.epoch && record.sequence > presented
      // The first tokens are those of the sign-in: what was presented is no older, though this tab did not have them.
      const later = (newer(from)?.tokens?.sequence ?? 0) > Math.max(presented, 1)
      const isLost = final && (lostRace || later)
      // It decides no more than what was told before, and the next flight may be under way.
      if (isLost && told) return told
      return outcome.fail(from, isLost ? unavailable() : thrown, facts)
    }

    siblings.want(from)
    const work = hasCredential(heldIn(store.get()) ?? from)
      ? calls
          .inTurn(inTurn, {
            // The record keeps others away; where there is none, nothing but the lock does.
            patience: share.isAlone() ? 1 : 0.5,
            until: (giveUp) => siblings.whenSettled(from, giveUp),
          })
          .then((held) => held ?? turns.fromHolder(from))
      : turns.fromHolder(from)
    return calls
      .within(LONGEST_TURN, work)
      .catch(failing)
      .finally(() => {
        if (from.wish !== undefined) narrow.of(from.session, from.wish).flight = undefined
      })
  }

  return Object.assign(refresh, {
    find(found: Held): Promise<Held> {
      const flight = launch(found, { trigger: 'requested', force: false, before: undefined, finding: true })
      store.dispatch({ type: 'restore-started', flight, session: found.session })
      return flight
    },
  })
}
