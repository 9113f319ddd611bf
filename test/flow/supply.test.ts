import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import type { Refresh } from '../../src/flow/refresh.ts'
import type { Schedule } from '../../src/flow/schedule.ts'
import { createSupply, type Wanted } from '../../src/flow/supply.ts'
import { waitersOf } from '../../src/lib/waiters.ts'
import type { RefreshTrigger } from '../../src/session/events.ts'
import { fromWish, toWish } from '../../src/session/narrow.ts'
import { type Held, heldIn } from '../../src/session/state.ts'
import type { TokenSet } from '../../src/token.ts'
import { flightOf, tokensOf } from '../session/stage.ts'
import { createWorld, settle } from '../support/world.ts'
import { type Given, openMember, watched } from './stage.ts'

const resource = 'https://pay.example.com'
const need = { resource, scope: 'pay refund', once: false }
const wish = toWish({ resource, scope: 'pay refund' })

/** A session whose refreshes are answered by `bring`. Tokens live 300 seconds; calls may take ten. */
async function open(tokens?: Partial<TokenSet>, options: Given = {}) {
  let names = 0
  const world = createWorld({ random: () => ++names / 1_000 })
  const tab = openMember({ world, ...options })
  const { parts, signOut } = tab
  const { store, narrow } = parts
  const { clock } = world.ports
  const session = await tab.signIn(tokens)
  const asked: [Held, RefreshTrigger][] = []
  const answers: ((held: Held) => void)[] = []
  const refresh = vi.fn((used: Held, trigger: RefreshTrigger): Promise<Held> => {
    asked.push([used, trigger])
    return new Promise((resolve) => answers.push(resolve))
  })
  const idle = { is: false, confirm: vi.fn<Schedule['confirm']>(async () => {}) }
  const schedule = { isIdle: () => idle.is, confirm: () => idle.confirm(), earlyInMs: vi.fn(() => 0) }
  const supply = createSupply(parts, refresh as unknown as Refresh, schedule as unknown as Schedule, signOut)
  /** Answers the refresh that was asked for last. */
  async function bring(part: Partial<TokenSet> = {}): Promise<Held> {
    const [used] = asked.at(-1)!
    const brought = tab.make({ accessToken: 'second', sequence: 2, ...part })
    const held = { session, tokens: brought, wish: used.wish }
    if (used.wish !== undefined) narrow.put(session, used.wish, brought)
    else store.dispatch({ type: 'refreshed', session, tokens: brought })
    answers.at(-1)!(held)
    await settle()
    return held
  }
  const main = heldIn(store.get())!
  return {
    ...{ ...parts, ...tab, session, supply, asked, bring, refresh, schedule, idle, main },
    now: () => clock.now(),
    ready: (request: Wanted = {}) => supply.ready(main, request, clock.now()),
    fresh: (request: Wanted = {}, refused?: TokenSet) => watched(supply.fresh(main, request, refused)),
  }
}

describe('a token that can be sent as it is', () => {
  test('is the one that is here, until it expires', async () => {
    const { ready, main, world } = await open({})
    expect(ready()).toBe(main)
    world.freeze(299_999)
    expect(ready()).toBe(main)
    world.freeze(1)
    expect(ready()).toBeUndefined()
  })

  test('is not there before the first has come', async () => {
    const { ready } = await open()
    expect(ready()).toBeUndefined()
  })

  test('is not there for who has to show first that he is', async () => {
    const { ready, idle } = await open({})
    idle.is = true
    expect(ready()).toBeUndefined()
  })

  test('must live as long as it is needed, but never longer than nine tenths of its life', async () => {
    const { ready, main, world } = await open({})
    expect(ready({ minTtlMs: 300_000 })).toBe(main)
    world.freeze(30_000)
    expect(ready({ minTtlMs: 600_000 })).toBe(main)
    world.freeze(1)
    expect(ready({ minTtlMs: 270_000 })).toBeUndefined()
    expect(ready({ minTtlMs: 269_999 })).toBe(main)
    const forever = await open({ lifetimeMs: undefined })
    expect(forever.ready({ minTtlMs: 600_000 })).toBe(forever.main)
  })

  test('must have the scope that is asked for, if it is known what it has: no refresh would bring it', async () => {
    const { ready, main } = await open({ scope: ['read', 'write'] })
    expect(ready({ scope: 'write read' })).toBe(main)
    expect(() => ready({ scope: 'read admin' })).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', scope: 'read admin' }) as Error,
    )
    const unknown = await open({ scope: [] })
    expect(unknown.ready({ scope: 'admin' })).toBe(unknown.main)
  })

  test('for a resource is the one that was got for it', async () => {
    const { ready, narrow, session, now, main } = await open({})
    expect(ready({ need })).toBeUndefined()
    const tokens = tokensOf({ obtained: now(), scope: ['pay', 'refund'] })
    narrow.put(session, wish, tokens)
    expect(ready({ need })).toEqual({ session: main.session, tokens, wish })
    expect(ready({ need, scope: 'refund' })?.tokens).toBe(tokens)
    const wider = toWish({ resource, scope: 'pay admin' })
    expect(ready({ need, scope: 'pay admin' })).toBeUndefined()
    narrow.put(session, wider, tokensOf({ obtained: now(), scope: [] }))
    expect(ready({ need, scope: 'pay admin' })?.wish).toBe(wider)
  })

  test('that is used once is taken away, if it lives long enough', async () => {
    const { supply, bring, now, asked, main, world } = await open({})
    const once = { ...need, once: true }
    const first = watched(supply.fresh(main, { need: once }))
    await settle()
    for (let sequence = 2; sequence <= 4; sequence++) await bring({ sequence, accessToken: `once ${sequence}` })
    expect(first.value?.tokens.accessToken).toBe('once 2')
    const ready = (minTtlMs = 0) => supply.ready(main, { need: once, minTtlMs }, now())
    expect(ready()?.tokens.accessToken).toBe('once 3')
    world.freeze(100_000)
    expect(ready(250_000)).toBeUndefined()
    expect(fromWish(asked[0]![0].wish!)).toMatchObject({ resource, scope: 'pay refund' })
    expect(asked.every(([{ wish }]) => fromWish(wish!).once)).toBe(true)
  })
})

describe('a fresh token', () => {
  test('promise 4: to be used once is one that was fetched ahead: nobody waits for another', async () => {
    const { fresh, bring, asked } = await open({})
    const once = { need: { ...need, once: true } }
    fresh(once)
    await settle()
    for (let sequence = 2; sequence <= 4; sequence++) await bring({ sequence, accessToken: `once ${sequence}` })
    expect(asked).toHaveLength(3)
    const next = fresh(once)
    await settle()
    expect(next.value?.tokens.accessToken).toBe('once 3')
  })

  test.each<[string, Partial<TokenSet> | undefined, boolean, RefreshTrigger]>([
    ['because it has expired', { lifetimeMs: 0 }, false, 'expired'],
    ['because there is none yet', undefined, false, 'expired'],
    ['because it was refused', {}, true, 'refused'],
  ])('is got by a refresh %s', async (_, tokens, refused, trigger) => {
    const { fresh, asked, bring, main } = await open(tokens)
    const used = fresh({}, refused ? main.tokens : undefined)
    await settle()
    expect(asked).toMatchObject([[{ session: main.session, tokens: main.tokens }, trigger]])
    await bring()
    expect(used.value?.tokens.accessToken).toBe('second')
  })

  test('is got by a refresh because the one that is here does not live as long as it is needed', async () => {
    const { fresh, asked, bring, world } = await open({})
    world.freeze(200_000)
    const used = fresh({ minTtlMs: 200_000 })
    await settle()
    expect(asked.map(([, trigger]) => trigger)).toEqual(['requested'])
    // At most one refresh is made for it.
    await bring({ lifetimeMs: 1_000 })
    expect(used.value?.tokens.lifetimeMs).toBe(1_000)
    expect(asked).toHaveLength(1)
  })

  test('is the one that is here, if it is not the one that was refused', async () => {
    const { fresh, asked, main, now } = await open({ sequence: 2 })
    const used = fresh({}, tokensOf({ sequence: 1, obtained: now() }))
    await settle()
    expect(used.value?.tokens).toBe(main.tokens)
    expect(asked).toEqual([])
  })

  test('has the scope that is asked for, or the request fails', async () => {
    const { fresh, bring, world } = await open({})
    world.freeze(300_000)
    const used = fresh({ scope: 'read' })
    await settle()
    await bring({ scope: ['write'] })
    expect(used.error).toMatchObject({ code: 'insufficient_scope' })
  })

  test('is not had in a session that is over, nor waited for any longer', async () => {
    const { fresh, signOut, session, asked } = await open({ lifetimeMs: 0 })
    const used = fresh()
    await settle()
    signOut.end(session, 'logout')
    await settle()
    expect(used.error).toBe(session.signal.reason)
    const late = fresh()
    await settle()
    expect(late.error).toBe(session.signal.reason)
    expect(asked).toHaveLength(1)
  })

  test('of a session that has a newer one by now is that', async () => {
    const { fresh, store, session, now, asked } = await open({ lifetimeMs: 0 })
    store.dispatch({ type: 'refreshed', session, tokens: tokensOf({ sequence: 2, obtained: now() }) })
    const used = fresh()
    await settle()
    expect(used.value?.tokens.sequence).toBe(2)
    expect(asked).toEqual([])
  })

  test('is given only to who has shown that he is there', async () => {
    const { fresh, idle, asked, session, signOut } = await open({})
    idle.is = true
    let shown = (): void => {}
    idle.confirm.mockImplementation(() => new Promise((resolve) => (shown = resolve)))
    const used = fresh()
    await settle()
    expect(used.settled).toBe(false)
    idle.is = false
    shown()
    await settle()
    expect(used.value).toBeDefined()
    expect(asked).toEqual([])
    idle.is = true
    const never = fresh()
    signOut.end(session, 'idle')
    await settle()
    expect(never.error).toBe(session.signal.reason)
  })

  test('nobody is asked whether he is there while that is known', async () => {
    const { fresh, idle } = await open({})
    fresh()
    await settle()
    expect(idle.confirm).not.toHaveBeenCalled()
  })

  test('is asked for once more if the machine has slept since, and the token with it', async () => {
    const { fresh, asked, bring, world } = await open({ lifetimeMs: 0 })
    const used = fresh()
    await settle()
    const obtained = world.ports.clock.now()
    world.sleep(30_001)
    const first = await bring({ obtained, lifetimeMs: 30_001 })
    expect(used.settled).toBe(false)
    expect(asked).toHaveLength(2)
    expect(asked[1]).toEqual([first, 'expired'])
    await bring({ sequence: 3, accessToken: 'third' })
    expect(used.value?.tokens.accessToken).toBe('third')
  })

  test.each([
    ['did not sleep for that long', 30_000, 20_000],
    ['has slept, but the token lives', 60_000, 60_001],
  ])('is not asked for again if the machine %s', async (_, ms, lifetimeMs) => {
    const { fresh, asked, bring, world } = await open({ lifetimeMs: 0 })
    const used = fresh()
    await settle()
    const obtained = world.ports.clock.now()
    world.sleep(ms)
    await bring({ obtained, lifetimeMs })
    expect(used.value?.tokens.lifetimeMs).toBe(lifetimeMs)
    expect(asked).toHaveLength(1)
  })
})

describe('where no refresh can be had', () => {
  const none = { refreshToken: undefined } as const

  test('the token is used while it lives, though it was to live longer, or was refused', async () => {
    const { fresh, main, asked, signOut } = await open({ ...none, lifetimeMs: 5_000 })
    for (const used of [fresh({ minTtlMs: 5_000 }), fresh({}, main.tokens)]) {
      await settle()
      expect(used.value?.tokens).toBe(main.tokens)
    }
    expect(asked).toEqual([])
    expect(signOut.end).not.toHaveBeenCalled()
  })

  test('the session ends when the token has expired', async () => {
    const { fresh, asked, session, signOut } = await open({ ...none, lifetimeMs: 0 })
    const used = fresh()
    await settle()
    expect(signOut.end.mock.calls).toEqual([[session, 'expired']])
    expect(used.error).toBe(session.signal.reason)
    expect(asked).toEqual([])
  })

  test('nothing is had for a resource that needs its own', async () => {
    const { fresh, asked, signOut } = await open(none)
    const used = fresh({ need })
    await settle()
    expect(used.error).toMatchObject({ code: 'unsupported' })
    expect(asked).toEqual([])
    expect(signOut.end).not.toHaveBeenCalled()
  })

  test('here, the tab that holds the refresh token is asked', async () => {
    const { fresh, asked, signOut } = await open({ ...none, lifetimeMs: 0, elsewhere: true })
    fresh()
    await settle()
    expect(asked).toHaveLength(1)
    expect(signOut.end).not.toHaveBeenCalled()
  })
})

describe('a fresh token for a resource', () => {
  test('is got by a refresh for that', async () => {
    const { fresh, asked, bring, session } = await open({ scope: [] })
    const used = fresh({ need })
    await settle()
    expect(asked).toEqual([[{ session, tokens: undefined, wish }, 'expired']])
    await bring()
    expect(used.value).toMatchObject({ wish, tokens: { accessToken: 'second' } })
  })

  test('and of a scope that the session was not granted is not even asked for', async () => {
    const { fresh, asked } = await open({ scope: ['read'] })
    const used = fresh({ need, scope: 'admin' })
    await settle()
    expect(used.error).toMatchObject({ code: 'insufficient_scope' })
    expect(asked).toEqual([])
  })

  test('waits for those of the session, if there are none yet', async () => {
    const { fresh, asked, bring } = await open()
    const used = fresh({ need, scope: 'refund' })
    await settle()
    expect(asked.map(([held]) => held.wish)).toEqual([undefined])
    await bring({ scope: [] })
    expect(asked.map(([held]) => held.wish)).toEqual([undefined, wish])
    await bring({ scope: ['pay', 'refund'] })
    expect(used.value?.wish).toBe(wish)
  })

  test('that was refused is got anew', async () => {
    const { fresh, asked, narrow, session, now } = await open({})
    const tokens = tokensOf({ obtained: now() })
    narrow.put(session, wish, tokens)
    fresh({ need }, tokens)
    await settle()
    expect(asked).toEqual([[{ session, tokens, wish }, 'refused']])
  })

  test('has the scope that is asked for, or the request fails', async () => {
    const { fresh, bring } = await open({ scope: [] })
    const used = fresh({ need, scope: 'admin' })
    await settle()
    await bring({ scope: ['pay'] })
    expect(used.error).toMatchObject({ code: 'insufficient_scope' })
  })
})

describe('a refresh ahead', () => {
  test('is made in the background when the token will soon expire, whatever comes of it', async () => {
    const { supply, main, now, refresh, schedule } = await open({})
    refresh.mockRejectedValueOnce(new Error('cut off'))
    const used = main as Held & { tokens: TokenSet }
    const at = now()
    supply.ahead(used, at)
    expect(schedule.earlyInMs.mock.calls).toEqual([[used.tokens, at]])
    expect(refresh.mock.calls).toEqual([[used, 'background']])
    await settle()
  })

  test('is not made before that, where none can be had, or when nobody is signed in', async () => {
    const early = await open({})
    early.schedule.earlyInMs.mockReturnValue(1)
    early.supply.ahead(early.main as never, early.now())
    const none = await open({ refreshToken: undefined })
    none.supply.ahead(none.main as never, none.now())
    const over = await open({})
    over.signOut.end(over.session, 'logout')
    over.supply.ahead(over.main as never, over.now())
    for (const { refresh } of [early, none, over]) expect(refresh).not.toHaveBeenCalled()
  })
})

describe('whether a request whose token was refused has a better one to hope for', () => {
  const origin = 'https://api.example.com'

  test('it has one if a refresh can be had, and the token did not come out of one just now', async () => {
    const { supply, main, told } = await open({})
    expect(supply.isWorthwhile(main as never, origin)).toBe(true)
    expect(told).toEqual([])
  })

  test('it has none where no refresh can be had', async () => {
    const { supply, main, told } = await open({ refreshToken: undefined })
    expect(supply.isWorthwhile(main as never, origin)).toBe(false)
    expect(told).toEqual([])
  })

  test('it has none if the token is fresh, which is reported', async () => {
    const { supply, main, told, probation, now } = await open({})
    probation.begin(main.tokens!)
    probation.refused(main.tokens!, now())
    expect(supply.isWorthwhile(main as never, origin)).toBe(false)
    expect(told).toEqual([{ type: 'alert', rule: 'fresh-token-refused', origin }])
  })

  test('it has one that is here already, whatever else', async () => {
    const { supply, main, told, store, session, now } = await open({ refreshToken: undefined })
    store.dispatch({ type: 'refreshed', session, tokens: tokensOf({ sequence: 2, obtained: now() }) })
    expect(supply.isWorthwhile(main as never, origin)).toBe(true)
    expect(told).toEqual([])
  })

  test('nobody asks in a session that is over', async () => {
    const { supply, main, session, signOut } = await open({})
    signOut.end(session, 'logout')
    expect(() => supply.isWorthwhile(main as never, origin)).toThrow(session.signal.reason as Error)
  })
})

describe('a wait', () => {
  const never = flightOf()

  test('is as long as what is waited for, and leaves nothing behind', async () => {
    const { supply, world, session } = await open({})
    await expect(supply.waitFor(Promise.resolve('here'), {}, session.signal)).resolves.toBe('here')
    await expect(supply.waitFor(Promise.resolve('here'), {})).resolves.toBe('here')
    const wrong = new Error('wrong')
    await expect(supply.waitFor(Promise.reject(wrong), {})).rejects.toBe(wrong)
    expect(world.timers()).toEqual([])
  })

  test('for a refresh needs no timer: that is over by itself', async () => {
    const { supply, world, session } = await open({})
    void supply.waitFor(never, {}, session.signal)
    expect(world.timers()).toEqual([])
  })

  test('of many for one refresh is one wait, but for those who may give up by themselves', async () => {
    const { supply, session, signOut } = await open({})
    const { signal } = new AbortController()
    const all = [{}, {}, {}, { signal }].map((request) => watched(supply.waitFor(never, request, session.signal)))
    expect(waitersOf(session.signal).size()).toBe(2)
    signOut.end(session, 'logout')
    await settle()
    for (const { error } of all) expect(error).toBe(session.signal.reason)
  })

  test.each<[string, Wanted, number]>([
    ['three calls', {}, 30_000],
    ['the caller does', { waitMs: 1_000 }, 1_000],
    ['three calls, whatever the caller does', { waitMs: 60_000 }, 30_000],
    ['is left of three calls after other waits', { waitedMs: 25_000 }, 5_000],
  ])('takes no longer than %s', async (_, request, ms) => {
    const { supply, world } = await open({})
    const wait = watched(supply.waitFor(never, request))
    await world.pass(ms - 1)
    expect(wait.settled).toBe(false)
    await world.pass(1)
    expect(wait.error).toMatchObject({ code: 'timeout', transient: true })
    expect(world.timers()).toEqual([])
  })

  test('together with those before takes no longer either', async () => {
    for (const [request, ms] of [
      [{}, 30_000],
      [{ waitMs: 20_000 }, 20_000],
    ] as const) {
      const { supply, world, session } = await open({})
      const wanted: Wanted = { ...request }
      const first = supply.waitFor(Promise.resolve(), wanted, session.signal)
      await first
      await world.pass(15_000)
      const second = watched(supply.waitFor(never, wanted, session.signal))
      await world.pass(ms - 15_001)
      expect(second.settled).toBe(false)
      await world.pass(1)
      expect(second.settled).toBe(true)
    }
  })

  test('that began when the request did counts what was not waited too, for the caller', async () => {
    const { supply, world } = await open({})
    const request: Wanted = { waitMs: 5_000, begun: world.ports.clock.now() }
    await world.pass(6_000)
    const wait = watched(supply.waitFor(never, request))
    await world.pass(0)
    expect(wait.error).toMatchObject({ code: 'timeout' })
  })

  test('ends when the caller gives up, the session is over, or the manager is disposed of', async () => {
    const caller = new AbortController()
    const { supply, session, signOut, dispose } = await open({})
    const one = watched(supply.waitFor(never, { signal: caller.signal }, session.signal))
    caller.abort()
    await settle()
    expect(one.error).toMatchObject({ code: 'aborted' })
    const other = watched(supply.waitFor(never, {}, session.signal))
    signOut.end(session, 'logout')
    await settle()
    expect(other.error).toBe(session.signal.reason)
    const last = watched(supply.waitFor(never, {}))
    const disposed = new TokenError('aborted', 'disposed of')
    dispose(disposed)
    await settle()
    expect(last.error).toBe(disposed)
  })
})
