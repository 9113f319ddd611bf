import { describe, expect, test, vi } from 'vitest'
import { toWish } from '../../src/session/narrow.ts'
import { type Held, heldIn } from '../../src/session/state.ts'
import { type Message, toShared } from '../../src/tabs/messages.ts'
import type { TokenSet } from '../../src/token.ts'
import { flightOf, sessionOf } from '../session/stage.ts'
import { createDrawer, fateOf, type Given, openTab } from './stage.ts'

const pay = toWish({ scope: 'pay' })
const once = toWish({ scope: 'pay', once: 'a' })

type About<M = Message> = M extends unknown ? Omit<M, 'version' | 'epoch'> & { readonly epoch?: number } : never

/** A tab that is signed in with `tokens`; `undefined`: it has none yet. */
function open({ random = 0, ...given }: Given & { tokens?: Partial<TokenSet> | undefined; random?: number } = {}) {
  const tab = openTab({ ...given, ports: { random: () => random } })
  const { world, make, parts } = tab
  const { store, siblings, share, narrow } = parts
  const { clock } = world.ports
  share.open()
  const session = sessionOf()
  const has = !('tokens' in given) || given.tokens !== undefined
  store.dispatch({ type: 'started', session, tokens: has ? make(given.tokens) : undefined })
  const hear = (message: About) => siblings.hear({ version: 1, epoch: session.epoch, ...message })
  return {
    ...{ ...parts, ...tab, session, hear },
    here: () => (store.get() as Held).tokens,
    serve(wish?: string) {
      siblings.serve(
        wish === undefined ? heldIn(store.get()) : { session, tokens: narrow.of(session, wish).tokens, wish },
      )
    },
    held: (part: Partial<Held> = {}): Held => ({ session, tokens: (store.get() as Held).tokens, ...part }),
    /** Tokens from another tab. */
    bring(part: Partial<TokenSet> = {}, wish?: string) {
      const tokens = make({ accessToken: 'second', sequence: 2, ...part })
      return hear({ type: 'tokens', tokens: toShared(tokens, clock.now()), wish })
    },
  }
}

const wanted = (sequence: number, wish?: string): About => ({ type: 'wanted', sequence, wish })
const signOut = { type: 'ended', reason: 'logout', elsewhere: false } as const

describe('what this tab asks the others for', () => {
  test('tokens newer than its own, or any if it has none', () => {
    const { siblings, posted, held, session } = open()
    siblings.want(held())
    siblings.want({ session, tokens: undefined })
    siblings.want({ session, tokens: undefined, wish: pay })
    const all = { version: 1, type: 'wanted', epoch: 7 }
    expect(posted()).toEqual([
      { ...all, sequence: 1, wish: undefined },
      { ...all, sequence: 0, wish: undefined },
      { ...all, sequence: 0, wish: pay },
    ])
  })

  test('a token that is used once only if another tab has to get it', () => {
    const { siblings, posted, session } = open()
    siblings.want({ session, tokens: undefined, wish: once })
    expect(posted()).toEqual([])
    siblings.want({ session, tokens: undefined, wish: once }, true)
    expect(posted()).toHaveLength(1)
  })
})

describe('who asks', () => {
  test('gets at once what is newer than what he has', () => {
    const { hear, posted, here, world } = open()
    expect(hear(wanted(0))).toBeUndefined()
    const tokens = toShared(here()!, world.ports.clock.now())
    expect(posted()).toEqual([{ version: 1, type: 'tokens', epoch: 7, tokens, wish: undefined }])
  })

  test('gets nothing that he has, and somebody has to get it', () => {
    const { hear, posted, here, session } = open()
    expect(hear(wanted(1))).toEqual({ session, tokens: here(), wish: undefined })
    expect(posted()).toEqual([])
  })

  test('gets nothing that is over', () => {
    const { hear, posted, here, session, world } = open({ tokens: { lifetimeMs: 10_000 } })
    world.freeze(10_000)
    expect(hear(wanted(0))).toEqual({ session, tokens: here(), wish: undefined })
    expect(posted()).toEqual([])
  })

  test('gets nothing where there is nothing', () => {
    const { hear, posted, session } = open({ tokens: undefined })
    expect(hear(wanted(0))).toEqual({ session, tokens: undefined, wish: undefined })
    expect(hear(wanted(-1))).toEqual({ session, tokens: undefined, wish: undefined })
    expect(posted()).toEqual([])
  })

  test('is served when it comes, once', () => {
    const { hear, serve, posted, store, session, make } = open()
    hear(wanted(1))
    store.dispatch({ type: 'refreshed', session, tokens: make({ accessToken: 'second', sequence: 2 }) })
    serve()
    serve()
    expect(posted()).toMatchObject([{ type: 'tokens', tokens: { accessToken: 'second' } }])
  })

  test('is told nothing if he has not asked, or has asked for something else', () => {
    const { hear, serve, posted, narrow, session, make } = open()
    serve()
    narrow.put(session, pay, make({ accessToken: 'to pay' }))
    hear(wanted(1))
    serve(pay)
    expect(posted()).toEqual([])
    hear(wanted(0, pay))
    expect(posted()).toMatchObject([{ type: 'tokens', epoch: 7, wish: pay, tokens: { accessToken: 'to pay' } }])
  })

  test('waits on while there is nothing, and is told nothing when nobody is signed in', () => {
    const { hear, serve, posted, store, session, make } = open({ tokens: undefined })
    hear(wanted(0))
    serve()
    expect(posted()).toEqual([])
    store.dispatch({ type: 'refreshed', session, tokens: make() })
    serve()
    expect(posted()).toHaveLength(1)
    hear(wanted(1))
    store.dispatch(signOut)
    serve()
    expect(posted()).toHaveLength(1)
  })

  test('is told nothing more when another tab has answered', () => {
    const { hear, serve, posted, bring } = open()
    hear(wanted(1))
    bring()
    serve()
    expect(posted()).toEqual([])
  })

  test('waits on when what another tab has answered is older than what is here', () => {
    const { hear, serve, posted, bring } = open({ tokens: { sequence: 3 } })
    hear(wanted(3))
    bring()
    serve()
    expect(posted()).toHaveLength(1)
  })

  test.each([
    [0, 20],
    [0.5, 70],
  ])('is answered one after another by those who got it from a tab, with luck %d after %d ms', async (random, ms) => {
    const { hear, posted, bring, world } = open({ random })
    bring()
    hear(wanted(1))
    await world.pass(ms - 1)
    expect(posted()).toEqual([])
    await world.pass(1)
    expect(posted()).toMatchObject([{ type: 'tokens', tokens: { accessToken: 'second' } }])
  })

  test('is not answered by them when somebody else was faster', async () => {
    const { hear, posted, bring, world } = open()
    bring()
    hear(wanted(1))
    bring()
    await world.pass(1_000)
    expect(posted()).toEqual([])
  })
})

describe('tokens of another tab', () => {
  test('are taken if they are newer', () => {
    const { bring, here } = open()
    expect(bring()).toBeUndefined()
    expect(here()).toMatchObject({ accessToken: 'second', sequence: 2 })
    bring({ accessToken: 'same', sequence: 2 })
    expect(here()).toMatchObject({ accessToken: 'second' })
  })

  test('are not taken when they are over', () => {
    const { bring, here } = open()
    bring({ lifetimeMs: 0 })
    expect(here()).toMatchObject({ accessToken: 'first' })
    bring({ lifetimeMs: 1 })
    expect(here()).toMatchObject({ accessToken: 'second' })
  })

  test('are not taken for another session, nor when nobody is signed in', () => {
    const { hear, make, world, here, store } = open()
    const tokens = toShared(make({ accessToken: 'second', sequence: 2 }), world.ports.clock.now())
    hear({ type: 'tokens', tokens, epoch: 8 })
    expect(here()).toMatchObject({ accessToken: 'first' })
    store.dispatch(signOut)
    expect(hear({ type: 'tokens', tokens })).toBeUndefined()
    expect(hear(wanted(0))).toBeUndefined()
    expect(store.get().status).toBe('signed-out')
  })

  test('are on probation like those of a refresh, unless they are the first', () => {
    const { bring, probation, here, world } = open()
    bring()
    expect(probation.refused(here()!, world.ports.clock.now())).toBe(true)
    const first = open({ tokens: undefined })
    first.bring()
    expect(first.probation.refused(first.here()!, first.world.ports.clock.now())).toBe(false)
  })

  test('of another user end the session', () => {
    const { bring, replaced, here, session } = open({ tokens: { claims: { sub: 'ann' } } })
    bring({ claims: { sub: 'bob' } })
    expect(replaced.mock.calls).toEqual([[session]])
    expect(here()).toMatchObject({ accessToken: 'first' })
    bring({ claims: { sub: 'ann' } })
    expect(replaced).toHaveBeenCalledOnce()
    expect(here()).toMatchObject({ accessToken: 'second' })
  })

  test('of a narrow wish are kept for it, wake who waits for them, and are on probation', () => {
    const { bring, narrow, siblings, session, here, probation, world } = open()
    const task = vi.fn()
    siblings.whenSettled({ session, tokens: undefined, wish: pay }, task)
    bring({}, pay)
    expect(here()).toMatchObject({ accessToken: 'first' })
    const { tokens } = narrow.of(session, pay)
    expect(tokens).toMatchObject({ accessToken: 'second' })
    expect(task).toHaveBeenCalledOnce()
    expect(probation.refused(tokens!, world.ports.clock.now())).toBe(true)
  })

  test('that are used once are for who waits for them, and on no probation', () => {
    const { bring, narrow, session, probation, world } = open()
    bring({}, once)
    expect(narrow.of(session, once).tokens).toBeUndefined()
    narrow.of(session, once).flight = flightOf()
    bring({}, once)
    const { tokens } = narrow.of(session, once)
    expect(tokens).toMatchObject({ accessToken: 'second' })
    expect(probation.refused(tokens!, world.ports.clock.now())).toBe(false)
  })
})

describe('what other tabs tell', () => {
  test('that they are at work counts for a while', () => {
    const { hear, siblings, world } = open()
    expect(siblings.isComing(1_000)).toBe(false)
    hear({ type: 'coming', epoch: 8 })
    expect(siblings.isComing(1_000)).toBe(false)
    expect(hear({ type: 'coming' })).toBeUndefined()
    world.freeze(999)
    expect(siblings.isComing(1_000)).toBe(true)
    world.freeze(1)
    expect(siblings.isComing(1_000)).toBe(false)
    hear({ type: 'epoch' })
    expect(siblings.isComing(1_000)).toBe(false)
  })

  test('that they have spent the refresh token: it is theirs now', () => {
    const { hear, here } = open({ tokens: { refreshToken: 'r1', rotation: 2 }, storage: createDrawer() })
    hear({ type: 'rotated', rotation: 2 })
    hear({ type: 'coming', rotation: 3 } as never)
    expect(here()).toMatchObject({ refreshToken: 'r1', rotation: 2 })
    hear({ type: 'rotated', rotation: 3 })
    expect(here()).toMatchObject({ accessToken: 'first', refreshToken: undefined, rotation: 3, elsewhere: true })
  })

  test('that they have spent it is not believed where only this tab has it', () => {
    const { hear, here } = open({ tokens: { refreshToken: 'r1' } })
    hear({ type: 'rotated', rotation: 2 })
    expect(here()).toMatchObject({ refreshToken: 'r1', rotation: 1 })
  })

  test('that they have spent it, before there are tokens here', () => {
    const { hear, store } = open({ tokens: undefined })
    hear({ type: 'rotated', rotation: 2 })
    expect(store.get()).toMatchObject({ status: 'active', tokens: undefined })
  })

  test('that a token was refused right after its refresh: no other is hoped for', () => {
    const { hear, probation, here, world } = open()
    const tokens = here()!
    probation.begin(tokens)
    hear({ type: 'refused', sequence: 2 })
    hear({ type: 'used', at: 0, sequence: 1 } as never)
    expect(probation.mayRefresh(tokens)).toBe(true)
    world.freeze(100_000)
    hear({ type: 'refused', sequence: 1 })
    expect(probation.mayRefresh(tokens)).toBe(false)
  })

  test('that a token was refused, before there is one here', () => {
    const { hear, store } = open({ tokens: undefined })
    expect(() => hear({ type: 'refused', sequence: 0 })).not.toThrow()
    expect(store.get()).toMatchObject({ status: 'active', tokens: undefined })
  })
})

describe('newer tokens', () => {
  test('are others of the same session', () => {
    const { siblings, held, session, bring } = open()
    const before = held()
    expect(siblings.newer(before)).toBeUndefined()
    expect(siblings.newer({ session, tokens: undefined })).toMatchObject({ tokens: { accessToken: 'first' } })
    expect(siblings.newer({ session: sessionOf(), tokens: undefined })).toBeUndefined()
    bring()
    expect(siblings.newer(before)).toMatchObject({ session, tokens: { accessToken: 'second' } })
  })

  test('are for the same wish', () => {
    const { siblings, session, narrow, make } = open()
    const before = { session, tokens: undefined, wish: pay }
    expect(siblings.newer(before)).toBeUndefined()
    narrow.put(session, pay, make({ accessToken: 'to pay' }))
    expect(siblings.newer(before)).toMatchObject({ session, wish: pay, tokens: { accessToken: 'to pay' } })
  })

  test('are none while there are none, or nobody is signed in', () => {
    const { siblings, session, store, make } = open({ tokens: undefined })
    expect(siblings.newer({ session, tokens: make() })).toBeUndefined()
    store.dispatch(signOut)
    expect(siblings.newer({ session, tokens: make(), wish: pay })).toBeUndefined()
  })
})

describe('who waits', () => {
  test('is called once, when newer tokens come', () => {
    const { siblings, held, bring } = open()
    const task = vi.fn()
    siblings.whenSettled(held(), task)
    siblings.look()
    expect(task).not.toHaveBeenCalled()
    bring()
    siblings.look()
    expect(task).toHaveBeenCalledOnce()
  })

  test('is called at once if they are here', () => {
    const { siblings, session } = open()
    const task = vi.fn()
    siblings.whenSettled({ session, tokens: undefined }, task)
    siblings.look()
    expect(task).toHaveBeenCalledOnce()
  })

  test('is called when the session is over', () => {
    const { siblings, held, store } = open()
    const task = vi.fn()
    siblings.whenSettled(held(), task)
    store.dispatch(signOut)
    expect(task).toHaveBeenCalledOnce()
  })

  test('is not called once he has stopped it', () => {
    const { siblings, held, bring } = open()
    const task = vi.fn()
    siblings.whenSettled(held(), task)()
    bring()
    expect(task).not.toHaveBeenCalled()
  })

  test('goes on when they come, and leaves no timer behind', async () => {
    const { siblings, held, bring, world } = open()
    const settled = siblings.settled(held(), 1_000)
    expect(await fateOf(settled)).toBe('pending')
    bring()
    await settled
    expect(world.timers()).toEqual([])
  })

  test('goes on after a while, and is asked no more', async () => {
    const { siblings, held, world, session } = open()
    const before = held()
    const reads = vi.fn(() => session)
    const settled = siblings.settled(Object.defineProperty({ ...before }, 'session', { get: reads }), 1_000)
    await world.pass(999)
    expect(await fateOf(settled)).toBe('pending')
    await world.pass(1)
    expect(await fateOf(settled)).toEqual({ value: undefined })
    reads.mockClear()
    siblings.look()
    expect(reads).not.toHaveBeenCalled()
  })
})
