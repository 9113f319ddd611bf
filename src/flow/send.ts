import { TokenError } from '../errors.ts'
import { withDeadline } from '../lib/deadline.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import { type Held, isSignedIn } from '../session/state.ts'
import { remainingMs, type TokenSet } from '../token.ts'
import { abortError, untilAborted } from './abort.ts'
import type { DestinationOf } from './attach.ts'
import { LONGEST_TURN, timedOut } from './calls.ts'
import { judge, type Verdict } from './challenge.ts'
import type { Exchange, SendTarget, TokenRequest, TokenSender } from './exchange.ts'
import type { Parts } from './parts.ts'
import type { Refresh } from './refresh.ts'
import type { Schedule } from './schedule.ts'
import type { SignOut } from './sign-out.ts'

export interface Sender extends TokenSender {
  /** A token that meets `request`, for whatever puts it on the wire by itself. */
  obtain(request: TokenRequest): Promise<TokenSet>
}

/** What is asked for, and how long it has waited: see `waitFor`. */
type Wanted = Partial<SendTarget> & {
  begun?: Instant | undefined
  waiting?: Instant | undefined
  waitedMs?: number | undefined
}

/** A session with a token to send. */
type Usable = Held & { readonly tokens: TokenSet }

/** A token this new is as good as it gets: to ask for more would mean a refresh for every request. */
const NEW_ENOUGH = 0.9

/**
 * The product: *allowed? attach; refresh if expired; send; if this very token was refused, refresh once and send again.*
 */
export function createSender(
  parts: Parts,
  destinationOf: DestinationOf,
  refresh: Refresh,
  schedule: Schedule,
  { end, notice }: SignOut,
): Sender {
  const { store, attempts, ports, settings, probation, watch, life, canRefresh } = parts
  const { clock, timer } = ports

  async function send<Reply>(given: SendTarget, exchange: Exchange<Reply>): Promise<Reply> {
    const wanted = ownWishes(given) as SendTarget & Wanted
    const { url, resource, required = false, signal } = wanted
    if (life.aborted) throw abortError(life)
    if (signal?.aborted) throw abortError(signal)
    const { origin, withheld } = destinationOf(url, resource)
    // A tab that has slept may not have heard that somebody has signed in.
    if (store.get().status === 'signed-out') notice()
    const state = store.get()
    if (withheld) {
      if (isSignedIn(state)) watch.withheld(origin, withheld)
      if (required) throw new TokenError('destination_refused', `no token may be sent to ${origin}: ${withheld}`)
      return exchange.send({})
    }
    // What is on its way is waited for; if nothing comes of it, the request goes bare.
    const isComing = state.status === 'restoring' || required
    const held = isSignedIn(state) ? state : isComing ? await arrival(wanted, required) : undefined
    if (!held) {
      if (required) throw signedOut()
      return exchange.send({})
    }
    let now = clock.now()
    wanted.begun ??= now
    let used = ready(held, wanted, now)
    if (!used) {
      used = await fresh(held, wanted)
      now = clock.now()
    }
    const reply = await transmit(used, wanted, exchange, origin, now)
    const verdict = judgeReply(exchange, reply, used)
    if (verdict.action !== 'refresh-retry' || !isWorthwhile(used, origin)) return deliver(reply, verdict, origin)

    const renewal = fresh(used, wanted, used.tokens)
    if (wanted.retry === false) {
      renewal.catch(() => {})
      return deliver(reply, verdict, origin)
    }
    const renewed = await renewal
    if (!exchange.repeatable) {
      throw new TokenError(
        'not_retryable',
        'the token was refused, and this body cannot be sent twice; the next request carries a fresh token',
      )
    }
    const second = await transmit(renewed, wanted, exchange, origin, clock.now())
    return deliver(second, judgeReply(exchange, second, renewed), origin)
  }

  /** Puts the request on the wire, in this very task; cut off when the session ends. */
  function transmit<Reply>(
    used: Usable,
    target: SendTarget & Wanted,
    exchange: Exchange<Reply>,
    origin: string,
    now: Instant,
  ): Promise<Reply> {
    const { session, tokens } = used
    if (target.waiting) target.waitedMs = (target.waitedMs ?? 0) + elapsedMs(target.waiting, now)
    target.waiting = undefined
    schedule.used(now)
    if (session.signal.aborted) throw abortError(session.signal)
    if (target.signal?.aborted) throw abortError(target.signal)
    // What the URL means may have changed while the request waited: a base element, an object that was passed.
    if (target.waitedMs !== undefined) {
      const destination = destinationOf(target.url, target.resource)
      if (destination.withheld ?? destination.origin !== origin) {
        throw new TokenError('destination_refused', `the request now goes to ${destination.origin}`)
      }
    }
    if (target.url.includes(tokens.accessToken)) watch.alert('token-in-url', origin)
    const headers = { Authorization: `${tokens.tokenType} ${tokens.accessToken}` }
    const reply = untilAborted(exchange.send(headers, session.signal), [target.signal, session.signal])
    if (schedule.earlyInMs(tokens, now) <= 0 && canRefresh(used)) void refresh(used, 'background').catch(() => {})
    return reply
  }

  function judgeReply<Reply>(exchange: Exchange<Reply>, reply: Reply, { tokens }: Usable): Judged {
    const answer = exchange.answer(reply)
    if (!answer) return FINE
    const { status } = answer
    const verdict = judge(answer, { sent: tokens.tokenType })
    if (verdict.action === 'refresh-retry') probation.refused(tokens, clock.now())
    else if (status < 400) {
      probation.accepted(tokens)
      return FINE
    }
    return { ...verdict, status }
  }

  /** Whether a request whose token was refused has a better one to hope for. */
  function isWorthwhile(used: Usable, origin: string): boolean {
    if (current(used).tokens !== used.tokens) return true
    if (!canRefresh(used)) return false
    if (probation.mayRefresh(used.tokens)) return true
    watch.alert('fresh-token-refused', origin)
    return false
  }

  function deliver<Reply>(reply: Reply, verdict: Judged, origin: string): Reply {
    if (verdict === FINE) return reply
    const { action, status, error, scope, acrValues, maxAge } = verdict
    if (error !== undefined || status === 401) watch.challenged({ origin, status, error, scope })
    if (action === 'request-scope')
      throw new TokenError('insufficient_scope', 'the resource asks for a wider scope', { scope })
    if (action === 'step-up') {
      const message = 'the resource asks for a stronger or newer sign-in'
      throw new TokenError('insufficient_authentication', message, { scope, acrValues, maxAge })
    }
    return reply
  }

  /** `held`, if its token can be sent as it is. */
  function ready(held: Held, { minTtlMs = 0, scope }: TokenRequest, now = clock.now()): Usable | undefined {
    const { tokens } = held
    if (!tokens || schedule.isIdle()) return undefined
    const leftMs = remainingMs(tokens, now)
    if (leftMs <= 0 || leftMs < Math.min(minTtlMs, (tokens.lifetimeMs ?? 0) * NEW_ENOUGH)) return undefined
    demand(scope, tokens)
    return held as Usable
  }

  /** A token of this session that meets `request` and is not `refused`: at most one refresh, whose result counts. */
  async function fresh(held: Held, request: Wanted, refused?: TokenSet): Promise<Usable> {
    if (schedule.isIdle()) await waitFor(schedule.confirm(), request, held.session.signal)
    const now = current(held)
    const { session, tokens } = now
    const here = tokens === refused ? undefined : ready(now, request)
    if (here) return here
    const expired = !tokens || remainingMs(tokens, clock.now()) <= 0
    if (!canRefresh(now)) {
      if (!expired) return now as Usable
      end(session, 'expired', tokens?.elsewhere)
      throw abortError(session.signal)
    }
    const trigger = tokens && tokens === refused ? 'refused' : expired ? 'expired' : 'requested'
    const renewed = await waitFor(refresh(now, trigger), request, session.signal)
    demand(request.scope, renewed.tokens)
    return renewed as Usable
  }

  async function arrival(request: Wanted, alsoLogin: boolean): Promise<Held | undefined> {
    for (;;) {
      const state = store.get()
      if (isSignedIn(state)) return state
      const flight = state.status === 'restoring' ? state.flight : alsoLogin && attempts.current()?.flight
      if (!flight) return undefined
      await waitFor(
        flight.catch(() => {}),
        request,
      )
    }
  }

  /**
   * Waits as long as the caller does, the session lives, and the manager is not disposed of. All waits of one request
   * together take no longer than three calls to the source may; nor, API included, than `waitMs`.
   */
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
    return untilAborted(bounded, [signal, session, life])
  }

  function current({ session }: Held): Held {
    const state = store.get()
    if (isSignedIn(state) && state.session === session) return state
    throw abortError(session.signal)
  }

  return {
    send,
    async obtain(given) {
      const request = ownWishes(given)
      const { resource, signal = life } = request
      if (life.aborted) throw abortError(life)
      if (signal.aborted) throw abortError(signal)
      if (resource !== undefined && destinationOf(resource, resource).withheld) {
        throw new TokenError('destination_refused', `${resource} is not one of the resources`)
      }
      const held = await arrival(request, true)
      if (!held) throw signedOut()
      const { session, tokens } = ready(held, request) ?? (await fresh(held, request))
      schedule.used(clock.now())
      if (session.signal.aborted) throw abortError(session.signal)
      return tokens
    },
  }
}

/** Own members only: a polluted Object.prototype makes no wishes. One by one, which is much the fastest way. */
function ownWishes(given: Partial<SendTarget>): Wanted {
  const own = <K extends keyof SendTarget>(key: K): SendTarget[K] | undefined =>
    Object.hasOwn(given, key) ? given[key] : undefined
  return {
    url: own('url'),
    resource: own('resource'),
    scope: own('scope'),
    minTtlMs: own('minTtlMs'),
    method: own('method'),
    required: own('required'),
    retry: own('retry'),
    signal: own('signal'),
    waitMs: own('waitMs'),
    begun: undefined,
    waiting: undefined,
    waitedMs: undefined,
  } as Wanted
}

type Judged = Verdict & { readonly status: number }

/** Most answers. */
const FINE: Judged = { action: 'propagate', status: 200 }

/** What the server did not grant cannot be had by a refresh (RFC 6749 section 6). */
function demand(scope: string | undefined, tokens: TokenSet | undefined): void {
  if (!scope || !tokens?.scope.length || scope.split(' ').every((item) => tokens.scope.includes(item))) return
  throw new TokenError('insufficient_scope', 'the session was not granted this scope', { scope })
}

function signedOut(): TokenError {
  return new TokenError('signed_out', 'nobody is signed in')
}
