import { TokenError } from '../errors.ts'
import { withDeadline } from '../lib/deadline.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Need } from '../options.ts'
import type { RefreshTrigger } from '../session/events.ts'
import { toWish } from '../session/narrow.ts'
import { type Held, isSignedIn, type SignedIn } from '../session/state.ts'
import { remainingMs, type TokenSet } from '../token.ts'
import { abortError, throwIfAborted, untilAborted } from './abort.ts'
import { LONGEST_TURN, timedOut } from './calls.ts'
import type { SendTarget, TokenRequest } from './exchange.ts'
import type { Parts } from './parts.ts'
import { createPool } from './pool.ts'
import type { Refresh } from './refresh.ts'
import type { Schedule } from './schedule.ts'
import type { SignOut } from './sign-out.ts'

/** What is asked for, and how long it has waited: see `waitFor`. */
export type Wanted = Partial<SendTarget> & {
  /** What the tokens are for, if not the session's own. */
  need?: Need | undefined
  begun?: Instant | undefined
  waiting?: Instant | undefined
  waitedMs?: number | undefined
}

/** A session with a token to send. */
export type Usable = Held & { readonly tokens: TokenSet }

/** Where the tokens of requests come from: the session's own, those of one resource, or one for each request. */
export interface Supply {
  /** A token that can be sent as it is. */
  ready(main: Held, request: Wanted, now: Instant): Usable | undefined
  /** One of this session that meets `request` and is not `refused`: at most one refresh, whose result counts. */
  fresh(main: Held, request: Wanted, refused?: TokenSet): Promise<Usable>
  /** Refreshes what will soon expire. */
  ahead(used: Usable, now: Instant): void
  /** Whether a request whose token was refused has a better one to hope for. */
  isWorthwhile(used: Usable, origin: string): boolean
  /**
   * Waits as long as the caller does, the session lives, and the manager is not disposed of. All waits of one request
   * together take no longer than three calls to the source may; nor, API included, than `waitMs`.
   */
  waitFor<T>(promise: Promise<T>, request: Wanted, session?: AbortSignal): Promise<T>
}

/** A token this new is as good as it gets: to ask for more would mean a refresh for every request. */
const NEW_ENOUGH = 0.9

export function createSupply(parts: Parts, refresh: Refresh, schedule: Schedule, { end }: SignOut): Supply {
  const { store, ports, settings, siblings, narrow, probation, watch, life, canRefresh } = parts
  const { clock, timer } = ports
  const pool = createPool(parts, refresh)
  const waits = new WeakMap<Promise<unknown>, Promise<unknown>>()

  function ready(main: Held, request: Wanted, now: Instant): Usable | undefined {
    const { need, scope } = request
    const held = need ? narrowed(main, need, scope) : main
    const used = need?.once ? pool.take(held, (tokens) => isReady(tokens, request, now)) : held
    if (!used?.tokens || !isReady(used.tokens, request, now)) return undefined
    demand(scope, used.tokens)
    return used as Usable
  }

  function isReady(tokens: TokenSet, { minTtlMs = 0 }: TokenRequest, now: Instant): boolean {
    const leftMs = remainingMs(tokens, now)
    const longEnough = leftMs > 0 && leftMs >= Math.min(minTtlMs, (tokens.lifetimeMs ?? 0) * NEW_ENOUGH)
    return longEnough && !schedule.isIdle()
  }

  /** What is here for one resource. A scope that its tokens do not have makes it another wish. */
  function narrowed({ session }: Held, { resource, scope }: Need, asked = ''): Held {
    const wish = toWish({ resource, scope: hasScope(scope.split(' '), asked) ? scope : asked })
    return { session, tokens: narrow.of(session, wish).tokens, wish }
  }

  async function fresh(main: Held, request: Wanted, refused?: TokenSet): Promise<Usable> {
    if (schedule.isIdle()) await waitFor(schedule.confirm(), request, main.session.signal)
    const { need, scope } = request
    const own = current(main)
    const now = need ? narrowed(own, need, scope) : own
    const { session, tokens } = now
    const here = tokens && tokens.sequence === refused?.sequence ? undefined : ready(own, request, clock.now())
    if (here) return here
    const expired = !tokens || remainingMs(tokens, clock.now()) <= 0
    if (!canRefresh(own)) {
      if (need) throw new TokenError('unsupported', `without a refresh there is no token for ${need.resource}`)
      if (!expired) return now as Usable
      end(session, 'expired')
      throw abortError(session.signal)
    }
    const trigger = tokens && tokens === refused ? 'refused' : expired ? 'expired' : 'requested'
    if (need) {
      demand(scope, own.tokens)
      // What the session's own tokens say is kept, and what they leave open is asked for first.
      if (!own.tokens) await waitFor(refresh(own, trigger), request, session.signal)
    }
    let renewed = await obtain(now, request, trigger)
    if (isOutslept(renewed.tokens)) renewed = await obtain(need?.once ? now : renewed, request, trigger)
    demand(scope, renewed.tokens)
    return renewed as Usable
  }

  function obtain(used: Held, request: Wanted, trigger: RefreshTrigger): Promise<Held> {
    const { signal } = used.session
    return request.need?.once
      ? pool.next(used, (arrival) => waitFor(arrival, request, signal))
      : waitFor(refresh(used, trigger), request, signal)
  }

  /** The machine has slept since they were asked for, and they are of no use any more. */
  function isOutslept(tokens: TokenSet | undefined): boolean {
    const now = clock.now()
    if (!tokens || remainingMs(tokens, now) > 0) return false
    return elapsedMs(tokens.obtained, now) > LONGEST_TURN * settings.requestTimeoutMs
  }

  function ahead(used: Usable, now: Instant): void {
    if (schedule.earlyInMs(used.tokens, now) > 0) return
    const main = store.get()
    if (isSignedIn(main) && canRefresh(main)) void refresh(used, 'background').catch(() => {})
  }

  function isWorthwhile(used: Usable, origin: string): boolean {
    const main = current(used)
    if (siblings.newer(used)) return true
    if (!canRefresh(main)) return false
    if (probation.mayRefresh(used.tokens)) return true
    watch.alert('fresh-token-refused', origin)
    return false
  }

  function waitFor<T>(promise: Promise<T>, request: Wanted, session?: AbortSignal): Promise<T> {
    const now = clock.now()
    const { signal, waitMs = Infinity, waitedMs = 0 } = request
    const { requestTimeoutMs } = settings
    const begun = (request.begun ??= now)
    const waiting = (request.waiting ??= now)
    const leftMs = Math.min(waitMs - elapsedMs(begun, now), 3 * requestTimeoutMs - waitedMs - elapsedMs(waiting, now))
    // A refresh is over before that by itself: a timer less for each of many requests.
    const bounded =
      session && leftMs >= LONGEST_TURN * requestTimeoutMs
        ? promise
        : withDeadline(promise, Math.max(0, leftMs), timer, timedOut)
    if (session && !signal && bounded === promise) return shared(promise, session)
    return untilAborted(bounded, signal, session ?? life)
  }

  /** One wait for all who wait for the same, and have no end of their own. */
  function shared<T>(promise: Promise<T>, session: AbortSignal): Promise<T> {
    const here = waits.get(promise) as Promise<T> | undefined
    if (here) return here
    const wait = untilAborted(promise, undefined, session)
    waits.set(promise, wait)
    return wait
  }

  function current({ session }: Held): Held {
    throwIfAborted(session.signal)
    return store.get() as SignedIn
  }

  return { ready, fresh, ahead, isWorthwhile, waitFor }
}

/** What the server did not grant cannot be had by a refresh (RFC 6749 section 6). */
function demand(scope: string | undefined, tokens: TokenSet | undefined): void {
  if (!scope || !tokens?.scope.length || hasScope(tokens.scope, scope)) return
  throw new TokenError('insufficient_scope', 'the session was not granted this scope', { scope })
}

function hasScope(granted: readonly string[], asked: string): boolean {
  return !asked || asked.split(' ').every((item) => granted.includes(item))
}
