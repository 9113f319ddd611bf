import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createAttach, type DestinationOf } from '../../src/flow/attach.ts'
import type { Exchange, SendTarget } from '../../src/flow/exchange.ts'
import type { Refresh } from '../../src/flow/refresh.ts'
import type { Schedule } from '../../src/flow/schedule.ts'
import { createSender } from '../../src/flow/send.ts'
import type { SignOut } from '../../src/flow/sign-out.ts'
import { waitersOf } from '../../src/lib/waiters.ts'
import type { Area } from '../../src/options.ts'
import type { Binding, TokenSource } from '../../src/ports.ts'
import type { RefreshTrigger } from '../../src/session/events.ts'
import type { SessionState } from '../../src/session/snapshot.ts'
import { type EndReason, type Held, heldIn } from '../../src/session/state.ts'
import type { TokenSet } from '../../src/token.ts'
import { settle } from '../support/world.ts'
import { flightOf } from '../session/stage.ts'
import { fateOf, type Given, openTab, pending, TIMEOUT_MS } from './stage.ts'

const API = 'https://api.example.com'
const PAY = 'https://pay.example.com'
const ONCE = 'https://once.example.com'
const ELSEWHERE = 'https://elsewhere.example.com'
const resources: Area[] = [
  [API, `${API}/`],
  [PAY, `${PAY}/`, { resource: 'pay', scope: 'pay', once: false }],
  [ONCE, `${ONCE}/`, { resource: 'once', scope: '', once: true }],
]

interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly refused?: boolean
}
type Answer = number | Reply | undefined
interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
}

const challenge = (text: string, more: object = {}): Reply => ({
  status: 401,
  headers: { 'www-authenticate': text, ...more },
})
const invalid = challenge('Bearer error="invalid_token"')
const nonce = challenge('DPoP error="use_dpop_nonce"', { 'dpop-nonce': 'n1' })

interface More extends Given {
  /** `undefined`: nobody is signed in. */
  readonly tokens?: Partial<TokenSet> | undefined
  readonly destinationOf?: DestinationOf
}

function open(given: More = {}) {
  const tab = openTab({ ...given, settings: { resources, ...given.settings } })
  const { parts, world } = tab
  const { store, narrow } = parts
  const notice = vi.fn()
  const end = vi.fn((_session: unknown, reason: EndReason, local?: boolean) => {
    store.dispatch({ type: 'ended', reason, elsewhere: local ?? false })
  })
  const used = vi.fn()
  const earlyInMs = vi.fn(() => Infinity)
  const isIdle = vi.fn(() => false)
  const schedule = { used, earlyInMs, isIdle } as unknown as Schedule
  let count = 1
  /** The next tokens. Default: new ones. */
  const refresh = vi.fn(async (from: Held, _trigger: RefreshTrigger): Promise<Held> => {
    const before = (from.tokens ?? heldIn(store.get())?.tokens)!
    const tokens = {
      ...before,
      accessToken: `t${++count}`,
      sequence: before.sequence + 1,
      obtained: tab.make().obtained,
    }
    if (from.wish === undefined) store.dispatch({ type: 'refreshed', session: from.session, tokens })
    else narrow.put(from.session, from.wish, tokens)
    return { ...from, tokens }
  })
  const signOut = { end, notice } as unknown as SignOut
  const destinationOf = given.destinationOf ?? createAttach(parts.settings, world.ports.lifecycle)
  const sender = createSender(parts, destinationOf, refresh as unknown as Refresh, schedule, signOut)
  const session = parts.newSession(7, world.ports.clock.now())
  const start = (part: Partial<TokenSet> = {}) =>
    void store.dispatch({
      type: 'started',
      session,
      tokens: tab.make({ accessToken: 't1', refreshToken: 'r1', ...part }),
    })
  if (!('tokens' in given) || given.tokens) start(given.tokens)
  return {
    ...{ ...tab, sender, session, start, notice, end, used, earlyInMs, isIdle, refresh },
    here: () => (store.get() as Held).tokens!,
    ends: (reason: EndReason = 'logout') => void store.dispatch({ type: 'ended', reason, elsewhere: false }),
    /** Sends a request that is answered so. */
    send(target: Partial<SendTarget> = {}, answers: readonly Answer[] = [], more: Partial<Exchange<Answer>> = {}) {
      const [exchange, sent] = exchangeOf(answers, more)
      const reply = sender.send({ url: `${API}/a`, ...target }, exchange)
      reply.catch(() => {})
      return { reply, sent, tokens: () => sent.map(({ headers }) => headers['Authorization']) }
    },
  }
}

function exchangeOf(answers: readonly Answer[], more: Partial<Exchange<Answer>>): [Exchange<Answer>, Sent[]] {
  const sent: Sent[] = []
  const exchange: Exchange<Answer> = {
    repeatable: true,
    async send(headers, signal) {
      sent.push({ headers, signal })
      return answers.length < sent.length ? 200 : answers[sent.length - 1]
    },
    answer(reply) {
      if (reply === undefined) return undefined
      const { status, headers = {}, ...rest } = typeof reply === 'number' ? { status: reply } : reply
      return { status, header: (name) => headers[name] ?? null, ...rest }
    },
    ...more,
  }
  return [exchange, sent]
}

/** A source that binds tokens to a key: its proofs are `p1`, `p2`, ... */
function bound({ prove, learn }: Partial<Binding> = {}) {
  let proofs = 0
  const binding = {
    prove: vi.fn(prove ?? (async () => `p${++proofs}`)),
    learn: vi.fn(learn ?? (() => true)),
  }
  const source = { binding: binding as unknown as Binding }
  return { ...binding, given: { source, tokens: { tokenType: 'DPoP', key: 'k1' } } satisfies More }
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const [{ reason }] = (await Promise.allSettled([promise])) as [PromiseRejectedResult]
  return (reason as TokenError | undefined)?.code
}

describe('a request', () => {
  test('to a resource carries the token, in this very task, and ends with the session', async () => {
    const { send, session, used, world } = open()
    const { reply, sent } = send()
    expect(sent).toEqual([{ headers: { Authorization: 'Bearer t1' }, signal: session.signal }])
    expect(used.mock.calls).toEqual([[world.ports.clock.now()]])
    expect(await reply).toBe(200)
  })

  test('to elsewhere goes bare, which is told if somebody is signed in', async () => {
    const { send, told, ends } = open()
    const { reply, sent } = send({ url: ELSEWHERE })
    expect(sent).toEqual([{ headers: {}, signal: undefined }])
    expect(await reply).toBe(200)
    expect(told).toContainEqual({ type: 'withheld', origin: ELSEWHERE, why: 'not-a-resource' })
    const before = told.length
    ends()
    await send({ url: 'https://third.example.com' }).reply
    expect(told).toHaveLength(before)
  })

  test('to elsewhere that must have a token is refused', async () => {
    const { send, told } = open()
    const { reply, sent } = send({ url: ELSEWHERE, required: true })
    expect(await codeOf(reply)).toBe('destination_refused')
    expect(sent).toEqual([])
    expect(told).toContainEqual({ type: 'withheld', origin: ELSEWHERE, why: 'not-a-resource' })
  })

  test('names the resource that it is for', async () => {
    const { send, told } = open()
    await send({ resource: PAY }).reply
    expect(told).toContainEqual({ type: 'withheld', origin: API, why: 'not-a-resource' })
  })

  test('in the task in which a session begins does not come after its end', async () => {
    const { sender, start, told } = open({ tokens: undefined })
    const asked = sender.obtain({})
    start()
    expect(await codeOf(asked)).toBe('signed_out')
    expect(told).toEqual([])
  })

  test('where nobody is signed in goes bare, unless it must have a token', async () => {
    const { send } = open({ tokens: undefined })
    const { reply, sent } = send()
    // In this very task.
    expect(sent).toEqual([{ headers: {}, signal: undefined }])
    expect(await reply).toBe(200)
    const other = send({ required: true })
    expect(await codeOf(other.reply)).toBe('signed_out')
    expect(other.sent).toEqual([])
  })

  test('that must have a token after the end of a session is told of, and before any session is not', async () => {
    const { send, sender, start, ends, told } = open({ tokens: undefined })
    await codeOf(send({ required: true }).reply)
    await codeOf(sender.obtain({ resource: PAY }))
    expect(told).toEqual([])
    start()
    ends()
    await send().reply
    expect(told).toEqual([])
    await codeOf(send({ required: true }).reply)
    expect(told.at(-1)).toEqual({ type: 'alert', rule: 'used-after-end', origin: API })
    await codeOf(sender.obtain({ resource: PAY }))
    expect(told.at(-1)).toEqual({ type: 'alert', rule: 'used-after-end', origin: PAY })
  })

  test('of a tab that may have slept looks first whether somebody has signed in', async () => {
    const { send, notice, start } = open({ tokens: undefined })
    notice.mockImplementationOnce(() => start())
    const { tokens } = send()
    expect(tokens()).toEqual(['Bearer t1'])
    await send().reply
    expect(notice).toHaveBeenCalledOnce()
  })

  test('is not sent once its caller has given up, or the manager is disposed of', async () => {
    const { send, dispose } = open()
    const given = send({ signal: AbortSignal.abort('no') })
    expect(await codeOf(given.reply)).toBe('aborted')
    dispose()
    const disposed = send()
    expect(await codeOf(disposed.reply)).toBe('aborted')
    expect([...given.sent, ...disposed.sent]).toEqual([])
  })

  test('takes no wishes of a polluted prototype', async () => {
    const { send } = open({ tokens: undefined })
    const polluted = Object.prototype as { required?: boolean }
    polluted.required = true
    try {
      expect(await send().reply).toBe(200)
    } finally {
      delete polluted.required
    }
  })

  test('that tells nothing of an answer is handed on as it is', async () => {
    const { send } = open()
    expect(await send({}, [undefined]).reply).toBeUndefined()
  })

  test('with the token in its URL is told of', async () => {
    const { send, told } = open()
    await send({ url: `${API}/?token=t1` }).reply
    expect(told).toContainEqual({ type: 'alert', rule: 'token-in-url', origin: API })
  })
})

describe('a request is cut off', () => {
  const hanging: Partial<Exchange<Answer>> = { send: () => flightOf() }

  test('when its session ends, whether its transport heeds that or not', async () => {
    const { send, ends } = open()
    const { reply } = send({}, [], hanging)
    ends()
    expect(await codeOf(reply)).toBe('signed_out')
  })

  test('when its caller gives up', async () => {
    const { send } = open()
    const caller = new AbortController()
    const { reply } = send({ signal: caller.signal }, [], hanging)
    caller.abort()
    expect(await codeOf(reply)).toBe('aborted')
  })

  test('when it goes bare too, and when the manager is disposed of', async () => {
    const { send, dispose } = open({ tokens: undefined })
    const caller = new AbortController()
    const given = send({ signal: caller.signal }, [], hanging)
    const other = send({}, [], hanging)
    caller.abort()
    expect(await codeOf(given.reply)).toBe('aborted')
    dispose()
    expect(await codeOf(other.reply)).toBe('aborted')
  })

  test('also as one of very many, each of which has a signal of its own then', async () => {
    const { send, session, ends } = open()
    const signals: (AbortSignal | undefined)[] = []
    const answers = [pending<Answer>()]
    const many: Partial<Exchange<Answer>> = {
      send(_, signal) {
        signals.push(signal)
        return answers[signals.length - 101]?.promise ?? flightOf()
      },
    }
    const all = Array.from({ length: 102 }, () => send({}, [], many))
    expect(signals.slice(0, 100).every((signal) => signal === session.signal)).toBe(true)
    expect(signals[100]).not.toBe(session.signal)
    expect(signals[101]).not.toBe(session.signal)
    const before = waitersOf(session.signal).size()
    answers[0]!.resolve(200)
    expect(await all[100]!.reply).toBe(200)
    await settle()
    // It does not wait any more, and nor does its signal.
    expect(waitersOf(session.signal).size()).toBe(before - 2)
    ends()
    expect(signals[100]?.aborted).toBe(false)
    expect(signals[101]?.aborted).toBe(true)
    expect(signals[101]?.reason).toBe(session.signal.reason)
    expect(await codeOf(all[101]!.reply)).toBe('signed_out')
  })

  test('as one of very many is no trouble when it fails', async () => {
    const { send, session } = open()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    for (let count = 0; count < 100; count++) send({}, [], hanging)
    const lost = new Error('lost')
    const { reply } = send({}, [], { send: () => Promise.reject(lost) })
    await expect(reply).rejects.toBe(lost)
    await settle()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    expect(waitersOf(session.signal).size()).toBe(100)
  })
})

describe('a session that is on its way', () => {
  test('is waited for, and its token goes with the request', async () => {
    const { send, parts, start } = open({ tokens: undefined })
    const flight = pending<undefined>()
    parts.store.dispatch({ type: 'restore-started', flight: flight.promise, session: undefined })
    const { reply, tokens } = send()
    expect(await fateOf(reply)).toBe('pending')
    expect(tokens()).toEqual([])
    start()
    flight.resolve(undefined)
    await reply
    expect(tokens()).toEqual(['Bearer t1'])
  })

  test('does not come: the request goes bare', async () => {
    const { send, parts } = open({ tokens: undefined })
    const flight = Promise.reject(new Error('no'))
    parts.store.dispatch({ type: 'restore-started', flight, session: undefined })
    void flight.catch(() => void parts.store.dispatch({ type: 'restore-ended', flight }))
    const { reply, sent } = send()
    expect(await reply).toBe(200)
    expect(sent).toMatchObject([{ headers: {} }])
  })

  test('takes the place of another: that is waited for then', async () => {
    const { send, parts } = open({ tokens: undefined })
    const [first, second] = [pending<undefined>(), pending<undefined>()]
    for (const { promise } of [first, second])
      parts.store.dispatch({ type: 'restore-started', flight: promise, session: undefined })
    const { reply } = send()
    parts.store.dispatch({ type: 'restore-started', flight: first.promise, session: undefined })
    second.resolve(undefined)
    expect(await fateOf(reply)).toBe('pending')
  })

  test('by a login is waited for only by who must have a token', async () => {
    const { send, parts, start } = open({ tokens: undefined })
    const login = pending<SessionState>()
    parts.attempts.start(() => login.promise)
    expect(await send().reply).toBe(200)
    const { reply, tokens } = send({ required: true })
    expect(await fateOf(reply)).toBe('pending')
    start()
    login.resolve(parts.store.snapshot())
    await reply
    expect(tokens()).toEqual(['Bearer t1'])
  })

  test('is waited for as long as the request may wait', async () => {
    const { send, parts, world } = open({ tokens: undefined })
    parts.store.dispatch({ type: 'restore-started', flight: flightOf(), session: undefined })
    const { reply } = send({ waitMs: 1_000 })
    await world.pass(999)
    expect(await fateOf(reply)).toBe('pending')
    await world.pass(1)
    expect(await codeOf(reply)).toBe('timeout')
  })
})

describe('a token that is over', () => {
  test('is refreshed first', async () => {
    const { send, refresh, world, here, session } = open({ tokens: { lifetimeMs: 5_000 } })
    world.freeze(5_000)
    const before = here()
    const { reply, tokens } = send()
    await reply
    expect(refresh.mock.calls).toMatchObject([[{ session, tokens: before }, 'expired']])
    expect(tokens()).toEqual(['Bearer t2'])
  })

  test('counts what was waited, and not what was not: all waits together may take three calls', async () => {
    const { send, world, refresh } = open({ tokens: { lifetimeMs: 5_000 } })
    world.freeze(5_000)
    const [one, two] = [pending<Held>(), pending<Held>()]
    const real = refresh.getMockImplementation()!
    refresh.mockImplementationOnce(async (...all) => {
      await one.promise
      return real(...all)
    })
    refresh.mockImplementationOnce(() => two.promise)
    const answer = pending<Answer>()
    const { reply, tokens } = send({}, [], { send: () => answer.promise })
    await world.pass(2 * TIMEOUT_MS)
    one.resolve({} as Held)
    await settle()
    // The API takes its time, which is its own.
    await world.pass(5 * TIMEOUT_MS)
    answer.resolve(invalid)
    await world.pass(TIMEOUT_MS - 1)
    expect(await fateOf(reply)).toBe('pending')
    await world.pass(1)
    expect(await codeOf(reply)).toBe('timeout')
    expect(tokens()).toEqual([])
  })

  test('counts what the API took, where the request may wait so long and no longer', async () => {
    const { send, world, refresh } = open()
    refresh.mockReturnValueOnce(flightOf())
    const { reply } = send({ waitMs: 1_000 }, [], {
      async send() {
        world.freeze(600)
        return invalid
      },
    })
    await world.pass(399)
    expect(await fateOf(reply)).toBe('pending')
    await world.pass(1)
    expect(await codeOf(reply)).toBe('timeout')
  })

  test('is not sent when its session ends meanwhile', async () => {
    const { send, world, ends } = open({ tokens: { lifetimeMs: 5_000 } })
    world.freeze(5_000)
    const { reply, sent } = send()
    ends()
    expect(await codeOf(reply)).toBe('signed_out')
    expect(sent).toEqual([])
  })

  test('is not sent when its caller gives up, in the very moment in which it comes', async () => {
    const { send, world, refresh, used } = open({ tokens: { lifetimeMs: 5_000 } })
    world.freeze(5_000)
    const caller = new AbortController()
    used.mockImplementationOnce(() => caller.abort())
    const { reply, sent } = send({ signal: caller.signal })
    expect(await codeOf(reply)).toBe('aborted')
    expect(refresh).toHaveBeenCalledOnce()
    expect(sent).toEqual([])
  })

  test('soon is refreshed ahead', () => {
    const { send, refresh, earlyInMs, world, here } = open()
    earlyInMs.mockReturnValue(0)
    const before = here()
    send()
    expect(earlyInMs.mock.calls).toEqual([[before, world.ports.clock.now()]])
    expect(refresh.mock.calls.map(([, trigger]) => trigger)).toEqual(['background'])
  })
})

describe('a request that has waited', () => {
  const area = { resource: 'pay', scope: 'pay', once: false }

  test.each([
    ['its own origin is sent', API, undefined, undefined, undefined],
    ['another origin is not sent', PAY, undefined, undefined, 'destination_refused'],
    ['what is no resource is not sent', API, 'not-a-resource', undefined, 'destination_refused'],
    ['what takes other tokens is not sent', API, undefined, area, 'destination_refused'],
  ] as const)('and now goes to %s', async (_, origin, withheld, need, code) => {
    let asked = 0
    const { send, world } = open({
      tokens: { lifetimeMs: 5_000 },
      destinationOf(url, resource) {
        expect([url, resource]).toEqual(['/a', API])
        return asked++ ? { origin, withheld, need } : { origin: API, withheld: undefined, need: undefined }
      },
    })
    world.freeze(5_000)
    const { reply, sent } = send({ url: '/a', resource: API })
    expect(await codeOf(reply)).toBe(code)
    expect(sent).toHaveLength(code ? 0 : 1)
  })

  test('is looked at once more, and one that has not is not', async () => {
    const destinationOf = vi.fn<DestinationOf>(() => ({ origin: API, withheld: undefined, need: undefined }))
    const { send } = open({ destinationOf })
    await send().reply
    expect(destinationOf).toHaveBeenCalledOnce()
  })
})

describe('a token that is refused', () => {
  test('is refreshed once, and the request is sent once more', async () => {
    const { send, refresh, here } = open()
    const before = here()
    const { reply, tokens } = send({}, [invalid, invalid])
    expect(await reply).toBe(invalid)
    expect(tokens()).toEqual(['Bearer t1', 'Bearer t2'])
    expect(refresh.mock.calls).toMatchObject([[{ tokens: before }, 'refused']])
  })

  test('by what the application says counts too', async () => {
    const { send } = open()
    const { reply, tokens } = send({}, [{ status: 200, refused: true }])
    expect(await reply).toBe(200)
    expect(tokens()).toEqual(['Bearer t1', 'Bearer t2'])
  })

  test('and cannot be refreshed is the answer', async () => {
    const { send, refresh, told } = open({ parts: { canRefresh: () => false } })
    expect(await send({}, [invalid]).reply).toBe(invalid)
    expect(refresh).not.toHaveBeenCalled()
    expect(told).toContainEqual({
      ...{ type: 'challenged', origin: API, status: 401, error: 'invalid_token', scope: undefined },
    })
  })

  test('is refreshed though there is another one, if that does not live as long as was wished', async () => {
    const { send, world, refresh, parts, session, make } = open()
    const { reply, tokens } = send({ minTtlMs: 250_000 }, [invalid])
    parts.store.dispatch({
      type: 'refreshed',
      session,
      tokens: make({ accessToken: 'short', refreshToken: 'r2', sequence: 2 }),
    })
    world.freeze(100_000)
    expect(await reply).toBe(200)
    expect(refresh).toHaveBeenCalledOnce()
    expect(tokens()).toEqual(['Bearer t1', 'Bearer t2'])
  })

  test('right after its refresh tells the other tabs, once', async () => {
    const { send, parts, here, posted } = open()
    parts.share.open()
    parts.probation.begin(here())
    expect(await send({}, [invalid]).reply).toBe(invalid)
    expect(posted()).toEqual([{ version: 1, type: 'refused', epoch: 7, sequence: 1, wish: undefined }])
    await send({}, [invalid]).reply
    expect(posted()).toHaveLength(1)
  })

  test('after it was accepted once tells nobody', async () => {
    const { send, parts, here, posted } = open()
    parts.share.open()
    parts.probation.begin(here())
    await send({}, [399]).reply
    const { reply, tokens } = send({}, [invalid])
    await reply
    expect(tokens()).toHaveLength(2)
    expect(posted()).toEqual([])
  })

  test('is not accepted by an answer that fails', async () => {
    const { send, parts, here } = open()
    parts.probation.begin(here())
    await send({}, [400]).reply
    expect(await send({}, [invalid]).reply).toBe(invalid)
  })

  test('is renewed for the next request where this one is never sent twice', async () => {
    const { send, refresh, here } = open()
    const { reply, sent } = send({ retry: false }, [invalid])
    expect(await reply).toBe(invalid)
    expect(sent).toHaveLength(1)
    expect(refresh).toHaveBeenCalledOnce()
    await settle()
    expect(here()).toMatchObject({ accessToken: 't2' })
  })

  test('is the answer to it, whatever comes of that refresh', async () => {
    const { send, refresh } = open()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    refresh.mockRejectedValueOnce(new Error('no'))
    expect(await send({ retry: false }, [invalid]).reply).toBe(invalid)
    await settle()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('is renewed too where the body is spent, which the caller has to know', async () => {
    const { send, here } = open()
    const { reply, sent } = send({}, [invalid], { repeatable: false })
    expect(await codeOf(reply)).toBe('not_retryable')
    expect(sent).toHaveLength(1)
    expect(here()).toMatchObject({ accessToken: 't2' })
  })
})

describe('a token of one resource', () => {
  test('is asked for, and is sent nowhere else', async () => {
    const { send, refresh } = open()
    const { reply, tokens } = send({ url: `${PAY}/a` })
    await reply
    expect(tokens()).toEqual(['Bearer t2'])
    expect(refresh.mock.calls[0]?.[0]).toMatchObject({ tokens: undefined, wish: '["pay","pay",null]' })
    const other = send()
    await other.reply
    expect(other.tokens()).toEqual(['Bearer t1'])
  })

  test('that is refused right after its refresh is told of by its wish', async () => {
    const { send, parts, posted, session } = open()
    parts.share.open()
    await send({ url: `${PAY}/a` }, [500]).reply
    const wish = '["pay","pay",null]'
    parts.probation.begin(parts.narrow.of(session, wish).tokens!)
    await send({ url: `${PAY}/a` }, [invalid]).reply
    expect(posted()).toMatchObject([{ type: 'refused', wish }])
  })

  test('that is used once is never refreshed ahead', async () => {
    const { send, earlyInMs } = open()
    await send({ url: `${PAY}/a` }).reply
    expect(earlyInMs).toHaveBeenCalledOnce()
    await send({ url: `${ONCE}/a` }).reply
    expect(earlyInMs).toHaveBeenCalledOnce()
  })
})

describe('a token that is bound to a key', () => {
  test('goes with a proof of its own', async () => {
    const { given, prove, learn } = bound()
    const { send } = open(given)
    const { reply, sent } = send({ method: 'PUT', url: `${API}/a?b#c` })
    await reply
    expect(sent).toMatchObject([{ headers: { Authorization: 'DPoP t1', DPoP: 'p1' } }])
    expect(prove.mock.calls).toEqual([[{ key: 'k1', method: 'PUT', url: `${API}/a?b#c`, accessToken: 't1' }]])
    expect(learn).toHaveBeenCalledOnce()
    expect(learn.mock.calls[0]?.[0]).toBe('p1')
  })

  test('is proven for the URL that goes over the wire, by GET if nothing else is said', async () => {
    const { given, prove } = bound()
    const { send } = open({ ...given, settings: { resources: [['own', 'https://app.example.com/']] } })
    await send({ url: '/a b', resource: 'own' }).reply
    expect(prove.mock.calls).toMatchObject([[{ method: 'GET', url: 'https://app.example.com/a%20b' }]])
  })

  test('without a proof goes as it is, and nothing is learned from the answer', async () => {
    const { learn, given } = bound({ prove: async () => undefined as never })
    const { send } = open(given)
    const { reply, sent } = send()
    await reply
    expect(sent).toMatchObject([{ headers: { Authorization: 'DPoP t1' } }])
    expect(Object.keys(sent[0]!.headers)).toEqual(['Authorization'])
    expect(learn).not.toHaveBeenCalled()
  })

  test('that a source does not bind any more goes without a proof', async () => {
    const { send } = open({ tokens: { tokenType: 'DPoP', key: undefined } })
    const { reply, sent } = send()
    expect(await reply).toBe(200)
    expect(sent).toMatchObject([{ headers: { Authorization: 'DPoP t1' } }])
    const { given, prove } = bound()
    const keyless = open({ ...given, tokens: { tokenType: 'DPoP', key: undefined } })
    await keyless.send().reply
    expect(prove.mock.calls).toMatchObject([[{ key: '' }]])
  })

  test('is proven anew with the nonce that the answer brings', async () => {
    const { given, learn } = bound()
    const { send, refresh } = open(given)
    learn.mockImplementation((_proof, header) => header('dpop-nonce') === 'n1')
    const { reply, sent } = send({ minTtlMs: 250_000 }, [nonce])
    expect(await reply).toBe(200)
    expect(sent.map(({ headers }) => headers['DPoP'])).toEqual(['p1', 'p2'])
    expect(sent.map(({ headers }) => headers['Authorization'])).toEqual(['DPoP t1', 'DPoP t1'])
    expect(refresh).not.toHaveBeenCalled()
  })

  test('is not refreshed for the sake of a new proof, though it does not live as long as was wished', async () => {
    const { given } = bound()
    const { send, refresh, world, here } = open(given)
    const answer = pending<Answer>()
    let sends = 0
    const { reply } = send({ minTtlMs: 250_000 }, [], { send: async () => (sends++ ? 200 : answer.promise) })
    await settle()
    world.freeze(100_000)
    answer.resolve(nonce)
    expect(await reply).toBe(200)
    expect(here()).toMatchObject({ accessToken: 't1' })
    expect(refresh).not.toHaveBeenCalled()
  })

  test('is sent no more with a nonce that it had already, nor proven anew twice', async () => {
    const { given, learn } = bound({ learn: () => false })
    const { send } = open(given)
    const { reply, sent } = send({}, [nonce])
    expect(await reply).toBe(nonce)
    expect(sent).toHaveLength(1)
    learn.mockReturnValue(true)
    const again = send({}, [nonce, nonce, nonce])
    expect(await again.reply).toBe(nonce)
    expect(again.sent).toHaveLength(2)
  })

  test('whose proof is refused for another reason is proven anew, nonce or not', async () => {
    const { given } = bound({ learn: () => false })
    const { send } = open(given)
    const { reply, sent } = send({}, [challenge('DPoP error="invalid_dpop_proof"')])
    expect(await reply).toBe(200)
    expect(sent).toHaveLength(2)
  })

  test('and then refused is refreshed all the same: three sends at most', async () => {
    const { given } = bound()
    const refused = challenge('DPoP error="invalid_token"')
    const { send } = open(given)
    const { reply, tokens } = send({}, [nonce, refused, nonce])
    expect(await reply).toBe(nonce)
    expect(tokens()).toEqual(['DPoP t1', 'DPoP t1', 'DPoP t2'])
    const other = open(bound().given).send({}, [refused, nonce, refused])
    expect(await other.reply).toBe(refused)
    expect(other.tokens()).toEqual(['DPoP t1', 'DPoP t2', 'DPoP t2'])
  })

  test('is not sent when it has expired while its proof was made', async () => {
    const { given, prove } = bound()
    const { send, world, refresh } = open({ ...given, tokens: { ...given.tokens, lifetimeMs: 5_000 } })
    prove.mockImplementationOnce(async () => {
      world.freeze(5_000)
      return 'too late'
    })
    const { reply, sent } = send()
    expect(await reply).toBe(200)
    expect(refresh).toHaveBeenCalledOnce()
    expect(sent).toMatchObject([{ headers: { Authorization: 'DPoP t2', DPoP: 'p1' } }])
  })

  test('is sent when it came without time: another one would be no better', async () => {
    const { given, prove } = bound()
    const { send, world, refresh } = open({ ...given, tokens: { ...given.tokens, lifetimeMs: 5_000 } })
    world.freeze(5_000)
    const real = refresh.getMockImplementation()!
    refresh.mockImplementationOnce(async (...all) => {
      const renewed = await real(...all)
      world.freeze(5_000)
      return renewed
    })
    const { reply, tokens } = send()
    expect(await reply).toBe(200)
    expect(prove).toHaveBeenCalledOnce()
    expect(tokens()).toEqual(['DPoP t2'])
  })

  test('is used by the time of its proof, and of the token that came for it', async () => {
    const { given, prove } = bound()
    const { send, world, used } = open(given)
    prove.mockImplementationOnce(async () => {
      world.freeze(1_000)
      return 'p1'
    })
    const began = world.ports.clock.now()
    await send().reply
    expect(used.mock.calls).toEqual([[{ wall: began.wall + 1_000, monotonic: began.monotonic + 1_000 }]])
  })

  test('ends with its session when its key is lost', async () => {
    const lost = new TokenError('key_lost', 'gone')
    for (const elsewhere of [true, false]) {
      const { given } = bound({ prove: () => Promise.reject(lost) })
      const { send, end, session } = open({ ...given, tokens: { ...given.tokens, elsewhere } })
      const { reply, sent } = send()
      expect(await codeOf(reply)).toBe('key_lost')
      expect(end.mock.calls).toEqual([[session, 'key-lost', elsewhere]])
      expect(sent).toEqual([])
    }
  })

  test.each([false, true])('is lost for all that wait for a proof (another session has begun: %s)', async (isNext) => {
    const [first, second] = [pending<string>(), pending<string>()]
    const proofs = [first.promise, second.promise]
    const { given } = bound({ prove: () => proofs.shift()! })
    const { send, parts, world, end } = open(given)
    const replies = [send().reply, send().reply]
    await settle()
    const lose = end.getMockImplementation()!
    end.mockImplementationOnce((...all) => {
      lose(...all)
      const next = parts.newSession(8, world.ports.clock.now())
      if (isNext) parts.store.dispatch({ type: 'started', session: next, tokens: undefined })
    })
    first.reject(new TokenError('key_lost', 'gone'))
    expect(await Promise.all(replies.map(codeOf))).toEqual(['key_lost', 'key_lost'])
  })

  test('is in no error of a proof that fails', async () => {
    const { given } = bound({ prove: () => Promise.reject(new Error('cannot sign t1')) })
    const { send, end } = open(given)
    const error: unknown = await send().reply.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'refresh_unavailable', cause: { message: 'Error: cannot sign [...]' } })
    expect(end).not.toHaveBeenCalled()
  })

  test('is lost after its session: what ended that is what counts', async () => {
    const answer = pending<string>()
    const { given } = bound({ prove: () => answer.promise })
    const { send, ends, end } = open(given)
    const { reply } = send()
    await settle()
    ends()
    expect(await codeOf(reply)).toBe('signed_out')
    answer.reject(new TokenError('key_lost', 'gone'))
    await settle()
    expect(end).not.toHaveBeenCalled()
  })

  test('that is given up while its proof is made is not sent, and an answer that says nothing is told of', async () => {
    const answer = pending<string>()
    const { given, learn } = bound({ prove: () => answer.promise })
    const { send } = open(given)
    const caller = new AbortController()
    const { reply, sent } = send({ signal: caller.signal })
    await settle()
    caller.abort()
    expect(await codeOf(reply)).toBe('aborted')
    expect(learn).not.toHaveBeenCalled()
    answer.resolve('p1')
    await settle()
    expect(sent).toEqual([])
    expect(learn.mock.calls).toEqual([['p1', expect.any(Function)]])
    expect(learn.mock.calls[0]![1]('dpop-nonce')).toBe('')
  })

  test('of a binding that fails to prove at once fails as it says', async () => {
    const { given, learn } = bound({
      prove() {
        throw new TokenError('unsupported', 'no key')
      },
    })
    expect(await codeOf(open(given).send().reply)).toBe('unsupported')
    expect(learn).not.toHaveBeenCalled()
  })

  test('waits for its proof as long as a call may take', async () => {
    const { given } = bound({ prove: () => flightOf() })
    const { send, world } = open(given)
    const { reply } = send()
    await world.pass(TIMEOUT_MS)
    expect(await codeOf(reply)).toBe('timeout')
  })
})

describe('what a resource asks for', () => {
  const scope = 'Bearer error="insufficient_scope", scope="pay"'
  const stepUp = 'Bearer error="insufficient_user_authentication", scope="pay", acr_values="gold", max_age="5"'

  test('a wider scope is an error of its own', async () => {
    const { send, told, refresh } = open()
    const error: unknown = await send({}, [challenge(scope)]).reply.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'insufficient_scope', scope: 'pay' })
    expect(refresh).not.toHaveBeenCalled()
    expect(told).toEqual([{ type: 'challenged', origin: API, status: 401, error: 'insufficient_scope', scope: 'pay' }])
  })

  test('a stronger sign-in is one too', async () => {
    const { send } = open()
    const error: unknown = await send({}, [challenge(stepUp)]).reply.catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      ...{ code: 'insufficient_authentication', scope: 'pay', acrValues: 'gold', maxAge: 5 },
    })
  })

  test.each<[string, Reply, number]>([
    ['a 401 without an error code', { status: 401 }, 1],
    ['a 403 with one', { ...challenge('Bearer error="invalid_request"'), status: 403 }, 1],
    ['a 403 without', { status: 403 }, 0],
    ['a 500', { status: 500 }, 0],
    ['a 200', { status: 200 }, 0],
  ])('and %s is told of so many times', async (_, reply, times) => {
    const { send, told } = open({ parts: { canRefresh: () => false } })
    expect(await send({}, [reply]).reply).toBe(reply)
    expect(told.filter((event) => (event as { type: string }).type === 'challenged')).toHaveLength(times)
  })
})

describe('a resource that says what it is', () => {
  const metadata = `${API}/.well-known/oauth-protected-resource`
  const says = (error: string, status = 401): Reply => ({
    ...challenge(`Bearer ${error && `error="${error}", `}resource_metadata="${metadata}"`),
    status,
  })
  type Serves = NonNullable<TokenSource<never>['serves']>
  const asking = (serves: Serves) => {
    const asked = vi.fn(serves)
    return { asked, ...open({ source: { serves: asked }, parts: { canRefresh: () => false } }) }
  }
  const foreign = { type: 'alert', rule: 'other-issuer', origin: API }

  test('is asked about by what was requested', async () => {
    const { asked, send } = asking(async () => true)
    const reply = says('')
    expect(await send({ url: `${API}/a?b#c#d` }, [reply]).reply).toBe(reply)
    expect(asked.mock.calls[0]?.[0]).toEqual({ url: `${API}/a?b`, resource: undefined, metadata })
    expect(asked.mock.calls[0]?.[1]).toHaveProperty('fetch')
  })

  test('is asked about by the resource that the token was asked for', async () => {
    const serves = vi.fn<Serves>(async () => true)
    const { send } = open({ source: { serves } })
    await send({ url: `${PAY}/a` }, [says(''), says('')]).reply
    expect(serves.mock.calls[0]?.[0]).toMatchObject({ resource: 'pay' })
  })

  test('is not asked about where it says nothing, or nobody can tell', async () => {
    const { asked, send } = asking(async () => false)
    await send({}, [invalid]).reply
    expect(asked).not.toHaveBeenCalled()
    const bare = open({ parts: { canRefresh: () => false } })
    expect(await bare.send({}, [says('')]).reply).toEqual(says(''))
    expect(bare.told).not.toContainEqual(foreign)
  })

  test.each<[string, Serves, boolean]>([
    ['takes no tokens of ours', async () => false, true],
    ['takes them', async () => true, false],
    ['says nothing of use', async () => undefined, false],
    ['cannot be read', () => Promise.reject(new TokenError('configuration', 'no')), false],
  ])('and %s', async (_, serves, isForeign) => {
    const { send, told } = asking(serves)
    const refused = says('invalid_token')
    expect(await send({}, [refused]).reply).toBe(refused)
    expect(told.some((event) => JSON.stringify(event) === JSON.stringify(foreign))).toBe(isForeign)
    expect(await codeOf(send({}, [says('insufficient_scope', 403)]).reply)).toBe(
      isForeign ? 'configuration' : 'insufficient_scope',
    )
    expect(await codeOf(send({}, [says('insufficient_user_authentication')]).reply)).toBe(
      isForeign ? 'configuration' : 'insufficient_authentication',
    )
  })

  test('is not waited for longer than the request may wait: its answer is here', async () => {
    const { send, world, told } = asking(() => flightOf())
    const reply = says('')
    const sending = send({ waitMs: 1_000 }, [reply]).reply
    await world.pass(1_000)
    expect(await fateOf(sending)).toEqual({ value: reply })
    expect(told).not.toContainEqual(foreign)
  })

  test('is not waited for once the session is over', async () => {
    const { send, ends } = asking(() => flightOf())
    const { reply } = send({}, [says('')])
    await settle()
    ends()
    expect(await codeOf(reply)).toBe('signed_out')
  })

  test('and whose caller gives up in a way of his own is given up', async () => {
    const { send } = asking(() => flightOf())
    const caller = new AbortController()
    const { reply } = send({ signal: caller.signal }, [says('')])
    await settle()
    caller.abort(Object.assign(new Error('mine'), { code: 'timeout' }))
    expect(await codeOf(reply)).toBe('aborted')
  })
})

describe('a token for whatever puts it on the wire itself', () => {
  test('is the one that is here', async () => {
    const { sender, here, used, world } = open()
    expect(await sender.obtain({})).toBe(here())
    expect(used.mock.calls).toEqual([[world.ports.clock.now()]])
  })

  test('is that of the first resource, or of the one that is named', async () => {
    const { sender } = open()
    expect(await sender.obtain({ resource: PAY })).toMatchObject({ accessToken: 't2' })
    const first = open({ settings: { resources: [resources[1]!, resources[0]!] } })
    expect(await first.sender.obtain({})).toMatchObject({ accessToken: 't2' })
    const own = open({ settings: { resources: undefined } })
    expect(await own.sender.obtain({})).toBe(own.here())
    const none = open({ settings: { resources: [] } })
    expect(await none.sender.obtain({})).toBe(none.here())
  })

  test('is none for what is no resource', async () => {
    const { sender } = open()
    expect(await codeOf(sender.obtain({ resource: ELSEWHERE }))).toBe('destination_refused')
  })

  test('is none where nobody is signed in, or nobody wants it any more', async () => {
    const { sender, dispose } = open({ tokens: undefined })
    expect(await codeOf(sender.obtain({}))).toBe('signed_out')
    expect(await codeOf(sender.obtain({ signal: AbortSignal.abort() }))).toBe('aborted')
    dispose()
    expect(await codeOf(sender.obtain({}))).toBe('aborted')
  })

  test('is waited for while a login is flying', async () => {
    const { sender, parts, start, here } = open({ tokens: undefined })
    const login = pending<SessionState>()
    parts.attempts.start(() => login.promise)
    const obtaining = sender.obtain({})
    expect(await fateOf(obtaining)).toBe('pending')
    start()
    login.resolve(parts.store.snapshot())
    expect(await obtaining).toBe(here())
  })

  test('is refreshed first if it does not live as long as is wished', async () => {
    const { sender, refresh, world } = open()
    world.freeze(200_000)
    expect(await sender.obtain({ minTtlMs: 150_000 })).toMatchObject({ accessToken: 't2' })
    expect(refresh.mock.calls.map(([, trigger]) => trigger)).toEqual(['requested'])
  })

  test('has the scope that is wished, or is none', async () => {
    const { sender } = open({ tokens: { scope: ['read'] } })
    expect(await codeOf(sender.obtain({ scope: 'write' }))).toBe('insufficient_scope')
  })

  test('is none when its session ends in that very moment', async () => {
    const { sender, used, ends } = open()
    used.mockImplementationOnce(() => ends())
    expect(await codeOf(sender.obtain({}))).toBe('signed_out')
  })
})
