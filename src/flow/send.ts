import { isOne, TokenError } from '../errors.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import { parseUrl } from '../lib/url.ts'
import { waitersOf } from '../lib/waiters.ts'
import { type Held, heldIn, isSignedIn, type SignedOut } from '../session/state.ts'
import { authorizationOf, remainingMs, type TokenSet } from '../token.ts'
import { abortError, throwIfAborted, untilAborted } from './abort.ts'
import type { Destination, DestinationOf } from './attach.ts'
import { type Action, judge, type Verdict } from './challenge.ts'
import type { Exchange, SendTarget, TokenRequest, TokenSender } from './exchange.ts'
import { toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { Refresh } from './refresh.ts'
import type { Schedule } from './schedule.ts'
import type { SignOut } from './sign-out.ts'
import { createSupply, type Usable, type Wanted } from './supply.ts'

export interface Sender extends TokenSender {
  /** A token that meets `request`, for whatever puts it on the wire by itself. */
  obtain(request: TokenRequest): Promise<TokenSet>
}

/** A request on its way: what it wants, where it goes, and what was done for it. */
type Sending = SendTarget &
  Wanted & {
    to: Destination
    minTtlMs?: number
    /** Of the attempt that is under way. */
    proof: string | undefined
    tried: readonly Action[] | undefined
  }

/** So many requests share the session's own signal; each beyond gets one of its own. */
const MANY = 100

/**
 * The product: *allowed? attach; refresh if expired; send; if this very token was refused, refresh once and send again.*
 */
export function createSender(
  parts: Parts,
  destinationOf: DestinationOf,
  refresh: Refresh,
  schedule: Schedule,
  signOut: SignOut,
): Sender {
  const { store, source, calls, attempts, ports, settings, probation, share, watch, life } = parts
  const { clock, lifecycle, newAbort } = ports
  const { end, notice } = signOut
  const { ready, fresh, ahead, isWorthwhile, waitFor } = createSupply(parts, refresh, schedule, signOut)

  async function send<Reply>(given: SendTarget, exchange: Exchange<Reply>): Promise<Reply> {
    const wanted = ownWishes(given) as Sending
    const { url, resource, required = false, signal } = wanted
    throwIfAborted(life, signal)
    const to = destinationOf(url, resource)
    const { origin, withheld } = to
    // A tab that has slept may not have heard that somebody has signed in.
    if (store.get().status === 'signed-out') notice()
    const state = store.get()
    if (withheld) {
      if (isSignedIn(state)) watch.withheld(origin, withheld)
      if (required) throw notAllowed(`no token may be sent to ${origin}: ${withheld}`)
      return bare(exchange, signal)
    }
    // What is on its way is waited for; if nothing comes of it, the request goes bare.
    const isComing = state.status === 'restoring' || required
    const held = isSignedIn(state) ? state : isComing ? await arrival(wanted, required) : undefined
    if (!held) {
      if (required) throw signedOut(origin)
      return bare(exchange, signal)
    }
    wanted.to = to
    wanted.need = to.need
    let now = clock.now()
    wanted.begun ??= now
    const here = ready(held, wanted, now)
    let used: Usable = here ?? (await fresh(held, wanted))
    if (!here) now = clock.now()
    // Sent once more for a refused proof, and once more for a refused token.
    for (let renewed = false; ; now = clock.now()) {
      wanted.proof = undefined
      // A Bearer token is sent in this very task. A proof may take longer than its token lives; what had no time left
      // when it came counts all the same.
      while (used.tokens.tokenType === 'DPoP') {
        const isOver = remainingMs(used.tokens, now) <= 0
        wanted.proof = await prove(used, wanted)
        now = clock.now()
        if (isOver || remainingMs(used.tokens, now) > 0) break
        used = await fresh(used, wanted)
        now = clock.now()
      }
      const reply = await put(used, wanted, exchange, now)
      const verdict = judgeReply(exchange, reply, used, wanted)
      if (verdict === FINE) return reply
      const { action, metadata } = verdict
      const isTokenRefused = action === 'refresh-retry' && !renewed && isWorthwhile(used, origin)
      const isProofRefused = PROVEN.includes(action)
      // With a new proof goes the newest token; one that is used once is spent, whatever it was refused for.
      const isAgain = isTokenRefused || isProofRefused
      // One refresh at most: it was met when this was sent.
      if (isProofRefused) wanted.minTtlMs = 0
      const renewal = isAgain ? fresh(used, wanted, isTokenRefused ? used.tokens : undefined) : undefined
      if (wanted.retry === false || !renewal) {
        renewal?.catch(() => {})
        const foreign = metadata !== undefined && source.serves && (await isForeign(metadata, wanted, used))
        return deliver(reply, verdict, origin, foreign)
      }
      used = await renewal
      if (!exchange.repeatable) throw new TokenError('not_retryable', SPENT)
      if (isProofRefused) wanted.tried = PROVEN
      else renewed = true
    }
  }

  function bare<Reply>(exchange: Exchange<Reply>, signal: AbortSignal | undefined): Promise<Reply> {
    return untilAborted(exchange.send({}), signal, life)
  }

  /** Puts the request on the wire; it is cut off when the session ends. */
  function put<Reply>(used: Usable, target: Sending, exchange: Exchange<Reply>, now: Instant): Promise<Reply> {
    const { session, tokens } = used
    const { to, proof } = target
    if (target.waiting) target.waitedMs = (target.waitedMs ?? 0) + elapsedMs(target.waiting, now)
    target.waiting = undefined
    schedule.used(now)
    throwIfAborted(session.signal, target.signal)
    // What the URL means may have changed while the request waited: a base element, an object that was passed.
    if (target.waitedMs !== undefined) {
      const { origin, withheld, need } = destinationOf(target.url, target.resource)
      if (withheld ?? (origin !== to.origin || need !== to.need)) throw notAllowed(`the request now goes to ${origin}`)
    }
    if (target.url.includes(tokens.accessToken)) watch.alert('token-in-url', to.origin)
    const Authorization = authorizationOf(tokens)
    const headers: Record<string, string> = proof ? { Authorization, DPoP: proof } : { Authorization }
    const { signal } = session
    const waiters = waitersOf(signal)
    // Every transport listens to its signal, and a list of listeners is searched for each that comes or goes.
    const own = waiters.size() < MANY ? undefined : newAbort()
    const waiter = own && waiters.add((reason) => own.abort(reason))
    const reply = untilAborted(exchange.send(headers, own?.signal ?? signal), target.signal, signal)
    if (waiter) void reply.catch(() => {}).then(() => waiters.remove(waiter))
    if (!to.need?.once) ahead(used, now)
    return reply
  }

  /** As it is on the wire. */
  function hrefOf({ url }: Sending): string {
    return parseUrl(url, lifecycle.baseUrl())?.href ?? url
  }

  /** A proof for one attempt (RFC 9449). */
  async function prove({ session, tokens }: Usable, target: Sending): Promise<string | undefined> {
    const { accessToken, key = '' } = tokens
    let proving: Promise<string> | undefined
    try {
      proving = source.binding?.prove({ key, method: target.method ?? 'GET', url: hrefOf(target), accessToken })
      return await waitFor(calls.within(1, Promise.resolve(proving)), target, session.signal)
    } catch (thrown) {
      // It is not sent: as if an answer said nothing, or who stands in line behind it would wait for one.
      void proving?.then((proof) => source.binding?.learn(proof, () => '')).catch(() => {})
      const error = toTokenError(thrown, [accessToken])
      if (error.code !== 'key_lost') throw error
      end(session, 'key-lost', heldIn(store.get())?.tokens?.elsewhere)
      throw abortError(session.signal)
    }
  }

  function judgeReply<Reply>(
    exchange: Exchange<Reply>,
    reply: Reply,
    { session, tokens, wish }: Usable,
    { proof, tried }: Sending,
  ): Judged {
    const answer = exchange.answer(reply)
    if (!answer) return FINE
    const { status } = answer
    const isNew = proof !== undefined && source.binding?.learn(proof, (name) => answer.header(name))
    const verdict = judge(answer, { sent: tokens.tokenType, ...(tried && { tried }) })
    if (verdict.action === 'refresh-retry') {
      if (probation.refused(tokens, clock.now()))
        share.post({ type: 'refused', epoch: session.epoch, sequence: tokens.sequence, wish })
    } else if (status < 400) {
      probation.accepted(tokens)
      return FINE
    }
    // The proof had this very nonce: another one with it would be refused too.
    return { ...verdict, status, ...(verdict.action === 'nonce-retry' && !isNew && PROPAGATE) }
  }

  /** Whether the resource says that no token of ours will do. It is never a reason to ask anybody else for one. */
  async function isForeign(metadata: string, target: Sending, { session }: Usable): Promise<boolean> {
    const challenged = { url: hrefOf(target).replace(/#.*/, ''), resource: target.need?.resource, metadata }
    const asked = calls.run(async (context) => source.serves?.(challenged, context))
    // What cannot be read, or not in the time that the request has left, says nothing: its answer is here.
    const serves = waitFor(
      asked.catch(() => undefined),
      target,
      session.signal,
    )
    return serves.then(
      (answer) => answer === false,
      (thrown: unknown) => {
        if (isOne(thrown) && thrown.code === 'timeout') return false
        throw thrown
      },
    )
  }

  function deliver<Reply>(reply: Reply, verdict: Judged, origin: string, foreign?: boolean): Reply {
    const { action, status, error, scope, acrValues, maxAge } = verdict
    if (error !== undefined || status === 401) watch.challenged({ origin, status, error, scope })
    if (foreign) watch.alert('other-issuer', origin)
    const isWanting = action === 'request-scope' || action === 'step-up'
    if (foreign && isWanting) throw new TokenError('configuration', 'the resource takes no tokens of this issuer')
    if (action === 'request-scope')
      throw new TokenError('insufficient_scope', 'the resource asks for a wider scope', { scope })
    if (action === 'step-up') {
      const wanted = { scope, acrValues, maxAge }
      throw new TokenError('insufficient_authentication', 'the resource asks for a stronger or newer sign-in', wanted)
    }
    return reply
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

  function signedOut(origin: string): TokenError {
    // Looked for or begun in the very task of the request, a session has no end yet.
    const { reason = 'never-started' } = store.get() as Partial<SignedOut>
    if (reason !== 'never-started') watch.alert('used-after-end', origin)
    return new TokenError('signed_out', 'nobody is signed in')
  }

  return {
    send,
    async obtain(given) {
      const request = ownWishes(given)
      const { resource = settings.resources?.[0]?.[0], signal } = request
      throwIfAborted(life, signal)
      const { origin, withheld, need } = destinationOf(resource ?? '', resource)
      if (resource !== undefined && withheld) throw notAllowed(`${resource} is not one of the resources`)
      request.need = need
      const held = await arrival(request, true)
      if (!held) throw signedOut(origin)
      const { session, tokens } = ready(held, request, clock.now()) ?? (await fresh(held, request))
      schedule.used(clock.now())
      throwIfAborted(session.signal)
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
    need: undefined,
    proof: undefined,
    tried: undefined,
  } as Wanted
}

type Judged = Verdict & { readonly status: number }

/** Most answers. */
const FINE: Judged = { action: 'propagate', status: 200 }

const PROPAGATE = { action: 'propagate' } as const
/** One attempt for both: no request is sent more than three times. */
const PROVEN: readonly Action[] = ['nonce-retry', 'proof-retry']

const SPENT =
  'the token or its proof was refused, and this body cannot be sent twice; the next request carries a fresh one'

function notAllowed(why: string): TokenError {
  return new TokenError('destination_refused', why)
}
