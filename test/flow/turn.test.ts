import { describe, expect, test, vi } from 'vitest'
import { createTurns, over, unavailable } from '../../src/flow/turn.ts'
import { toWish } from '../../src/session/narrow.ts'
import { type Held, heldIn } from '../../src/session/state.ts'
import type { Stored, TabRecord } from '../../src/tabs/record.ts'
import { toShared } from '../../src/tabs/messages.ts'
import type { TokenSet } from '../../src/token.ts'
import { flightOf, tokensOf } from '../session/stage.ts'
import { createWorld, settle } from '../support/world.ts'
import { createDrawer, EPOCH, type Given, openMember, sealed, watched } from './stage.ts'

const pay = toWish({ scope: 'pay' })
const once = toWish({ scope: 'pay', once: 'x1' })

/** A session that is being refreshed. Calls may take ten seconds. */
async function open(tokens: Partial<TokenSet> = {}, options: Given = {}) {
  const tab = openMember(options)
  const { world } = tab
  const { store, narrow } = tab.parts
  const session = await tab.signIn(tokens)
  const from: Held = heldIn(store.get())!
  const flight: Promise<Held> = flightOf()
  store.dispatch({ type: 'refresh-started', flight })
  const turns = createTurns(tab.parts, tab.signOut)
  const bring = (more: Partial<TokenSet> = {}) =>
    store.dispatch({ type: 'refreshed', session, tokens: tab.make({ sequence: 2, ...more }) })
  /** The flight of a token for one wish. */
  const narrowly = (wish = pay) => {
    narrow.of(session, wish).flight = flight
    return { session, tokens: undefined, wish }
  }
  const other = openMember({ world, parts: { by: 'other' } })
  return { ...tab, session, from, flight, turns, bring, narrowly, other }
}

/** A session that is looked for after a reload. */
async function look(options: Given = {}, stored?: Stored) {
  const tab = openMember(options)
  const { world } = tab
  if (stored) tab.write({ epoch: EPOCH, sequence: 2, ...stored })
  const session = tab.parts.newSession(EPOCH, world.ports.clock.now())
  tab.parts.epochs.hear(EPOCH)
  const flight: Promise<Held> = flightOf()
  tab.parts.store.dispatch({ type: 'restore-started', flight, session })
  return { world, session, flight, turns: createTurns(tab.parts, tab.signOut) }
}

describe('whether a refresh is still to be done', () => {
  test('it is while its session goes on, nothing newer is here, and nobody has given it up; what others did is seen first', async () => {
    const { turns, from, flight, signOut } = await open()
    expect(turns.isDue(from, flight)).toBe(true)
    expect(signOut.notice).toHaveBeenCalledOnce()
    expect(turns.isDue(from, flightOf())).toBe(false)
  })

  test('it is not when newer tokens have come', async () => {
    const { turns, from, bring, parts } = await open()
    bring()
    const flight = flightOf()
    parts.store.dispatch({ type: 'refresh-started', flight })
    expect(turns.isDue(from, flight)).toBe(false)
  })

  test('it is not when the session is over', async () => {
    const { turns, narrowly, flight, session, signOut } = await open()
    const from = narrowly()
    expect(turns.isDue(from, flight)).toBe(true)
    signOut.end(session, 'expired')
    expect(turns.isDue(from, flight)).toBe(false)
  })

  test('for a token that is not for everything, its own flight counts', async () => {
    const { turns, from, narrowly, flight } = await open()
    expect(turns.isDue({ ...from, tokens: undefined, wish: pay }, flight)).toBe(false)
    expect(turns.isDue(narrowly(), flight)).toBe(true)
  })
})

describe('a turn', () => {
  test('is marked in the record before it is taken, for one and a half times as long as a call may take', async () => {
    const { turns, from, flight, world, record, posted } = await open({ key: 'k1' })
    const now = world.now()
    const claiming = { epoch: EPOCH, sequence: 1, by: 'me', now, until: now + 15_000, force: true }
    const turn = await turns.take(from, flight, true)
    expect(turn).toEqual({ claiming, doubtful: false, entered: false, refreshToken: 'r1', key: 'k1' })
    expect(record()).toMatchObject({ sequence: 1, presented: { by: 'me', since: now, until: now + 15_000 } })
    expect(posted()).toEqual([])
  })

  test('knows what others have left: a doubt, a sign-in that nobody has heard of, the key', async () => {
    const { turns, from, flight, change, world } = await open()
    const span = { by: 'other', since: world.now() - 2, until: world.now() - 1 }
    change({ presented: span, entering: span, key: 'k2' })
    expect(await turns.take(from, flight, false)).toMatchObject({ doubtful: true, entered: true, key: 'k2' })
  })

  test('of a session that is looked for goes with what is stored', async () => {
    const { turns, world, session, flight } = await look(
      { storage: createDrawer() },
      { sealed: sealed('r5'), key: 'k5' },
    )
    const turn = watched(turns.take({ session, tokens: undefined }, flight, false))
    await world.pass(250)
    expect(turn.value).toMatchObject({ refreshToken: 'r5', key: 'k5', claiming: { epoch: EPOCH, sequence: 2 } })
  })

  test('is not taken for what is not due any more', async () => {
    const { turns, from, flight, bring, record } = await open()
    bring()
    expect(await turns.take(from, flight, false)).toBeUndefined()
    expect(record()?.presented).toBeUndefined()
  })

  test('begins when the record is changed, however long that takes', async () => {
    const world = createWorld()
    const records = vi.fn(world.ports.records)
    const { turns, from, flight } = await open({}, { world, ports: { records } })
    records.mockImplementationOnce((name, change) => {
      world.freeze(800)
      return world.ports.records(name, change)
    })
    const turn = await turns.take(from, flight, false)
    expect(turn?.claiming.now).toBe(world.now())
  })

  test('is not taken where nobody knows what has become of the record', async () => {
    const world = createWorld()
    const records = vi.fn(world.ports.records)
    const { turns, from, flight } = await open({}, { world, ports: { records } })
    records.mockResolvedValueOnce(undefined)
    await expect(turns.take(from, flight, false)).rejects.toMatchObject({ code: 'timeout' })
  })

  test('goes with the refresh token that is stored, which may be newer than what this tab remembers', async () => {
    const { turns, from, flight, change } = await open({}, { storage: createDrawer() })
    change({ sealed: sealed('r5') })
    expect(await turns.take(from, flight, false)).toMatchObject({ refreshToken: 'r5' })
  })

  test('goes with the one that this tab remembers, if it counts as the newest, however many were for other tokens', async () => {
    const { turns, from, flight, change, record } = await open({ rotation: 4 })
    change({ sequence: 3 })
    expect(await turns.take(from, flight, false)).toMatchObject({ refreshToken: 'r1', claiming: { sequence: 4 } })
    expect(record()?.sequence).toBe(4)
  })

  test.each([
    ['for half as long as a call may take', 5_000, false],
    ['for longer', 5_001, true],
    ['while the clock was set back', -5_001, true],
  ])('that was frozen %s is marked anew if too little is left of the mark', async (_, ms, anew) => {
    const storage = createDrawer()
    const { turns, from, flight, world, change } = await open({}, { storage })
    change({ sealed: sealed('r5') })
    const began = world.now()
    vi.spyOn(storage, 'open').mockImplementationOnce(async () => {
      world.jump(ms)
      return new TextEncoder().encode('r5')
    })
    const turn = await turns.take(from, flight, false)
    expect(turn?.claiming.now).toBe(anew ? began + ms : began)
  })

  test('is not taken before the server wants to be asked again; by force, only what it said itself counts', async () => {
    const { turns, from, flight, change, world } = await open()
    const [since, hold, until] = [world.now(), world.now() + 1_000, world.now() + 2_000]
    change({ retry: { since, hold, until } })
    const early = { code: 'refresh_unavailable', transient: true }
    await expect(turns.take(from, flight, false)).rejects.toMatchObject({ ...early, retryAt: until })
    await expect(turns.take(from, flight, true)).rejects.toMatchObject({ ...early, retryAt: hold })
  })

  test('waits for the tab that is at it, asks it for what it gets, and is not needed when that comes', async () => {
    const { turns, from, flight, change, world, bring, posted } = await open()
    change({ presented: { by: 'other', since: world.now(), until: world.now() + 15_000 } })
    const turn = watched(turns.take(from, flight, false))
    await world.pass(14_000)
    expect(turn.settled).toBe(false)
    expect(posted()).toEqual([{ version: 1, type: 'wanted', epoch: EPOCH, sequence: 1, wish: undefined }])
    bring()
    await settle()
    expect(turn).toEqual({ settled: true, value: undefined })
    expect(world.timers()).toEqual([])
  })

  test('is taken when the mark of the tab that was at it is over', async () => {
    const { turns, from, flight, change, world } = await open()
    change({ presented: { by: 'other', since: world.now(), until: world.now() + 15_000 } })
    const turn = watched(turns.take(from, flight, false))
    await world.pass(14_999)
    expect(turn.settled).toBe(false)
    await world.pass(1)
    expect(turn.value).toMatchObject({ doubtful: true, refreshToken: 'r1' })
  })

  test('waits a moment for newer tokens that another tab has, asks for them, and gets some itself if they do not come', async () => {
    const { turns, from, flight, change, world, posted, record } = await open({}, { storage: createDrawer() })
    change({ sequence: 3, sealed: sealed('r3') })
    const turn = watched(turns.take(from, flight, false))
    await world.pass(249)
    expect(turn.settled).toBe(false)
    expect(posted()).toMatchObject([{ type: 'wanted' }])
    expect(record()?.presented).toBeUndefined()
    await world.pass(1)
    expect(turn.value).toMatchObject({ refreshToken: 'r3', claiming: { sequence: 3 } })
  })

  test('what this tab remembers is spent when there have been newer tokens', async () => {
    const { turns, from, flight, change, world } = await open()
    change({ sequence: 3 })
    const turn = watched(turns.take(from, flight, false))
    await world.pass(250)
    expect(turn.value).toMatchObject({ refreshToken: undefined })
  })

  test('is not taken in a session that others have left', async () => {
    const { turns, from, flight, change, session } = await open()
    change({ epoch: EPOCH + 3 })
    expect(await turns.take(from, flight, false)).toBeUndefined()
    expect(session.signal.aborted).toBe(true)
  })

  test('where there is no record, waits a moment, once, for what may be on its way', async () => {
    const records = (): Promise<never> => Promise.reject(new Error('none'))
    const { turns, from, flight, world } = await open({}, { ports: { records } })
    const turn = watched(turns.take(from, flight, false))
    await world.pass(249)
    expect(turn.settled).toBe(false)
    await world.pass(1)
    expect(turn.value).toMatchObject({ refreshToken: 'r1', claiming: { now: world.now() } })
  })

  test('where there is a record, nobody waits', async () => {
    const { turns, from, flight } = await open()
    const turn = watched(turns.take(from, flight, false))
    await settle()
    expect(turn.value).toMatchObject({ refreshToken: 'r1' })
  })
})

describe('tokens from the tab that holds the refresh token', () => {
  const elsewhere = { refreshToken: undefined, elsewhere: true } as const

  test('are waited for: a second, and when it says that it is at it, as long as a call may take', async () => {
    const { turns, from, world, other, bring, posted } = await open(elsewhere)
    const held = watched(turns.fromHolder(from))
    await world.pass(500)
    other.parts.share.post({ type: 'coming', epoch: EPOCH })
    await world.pass(10_499)
    expect(held.settled).toBe(false)
    expect(posted().filter((message) => !('type' in message && message.type === 'coming'))).toEqual([])
    bring({ accessToken: 'theirs' })
    await settle()
    expect(held.value).toMatchObject({ tokens: { accessToken: 'theirs' } })
  })

  test('are used as soon as they come', async () => {
    const { turns, from, world, bring } = await open(elsewhere)
    const held = watched(turns.fromHolder(from))
    await world.pass(10)
    bring({ accessToken: 'theirs' })
    await settle()
    expect(held.value).toMatchObject({ tokens: { accessToken: 'theirs' } })
    expect(world.timers()).toEqual([])
  })

  test('are not had when nobody answers; the session goes on for as long as its tokens live', async () => {
    const { turns, from, world, signOut } = await open({ ...elsewhere, lifetimeMs: 5_000 })
    const held = watched(turns.fromHolder(from))
    await world.pass(999)
    expect(held.settled).toBe(false)
    await world.pass(1)
    expect(held.error).toMatchObject({ code: 'refresh_unavailable', transient: true, retryAt: undefined })
    expect(signOut.end).not.toHaveBeenCalled()
  })

  test.each([
    ['have expired', { ...elsewhere, lifetimeMs: 1_000 }],
    ['never came', undefined],
  ])(
    'are not had when nobody answers, and if those that were here %s, this tab leaves the session',
    async (_, tokens) => {
      const tab = openMember()
      const session = await tab.signIn(tokens)
      const turns = createTurns(tab.parts, tab.signOut)
      const held = watched(turns.fromHolder(heldIn(tab.parts.store.get())!))
      await tab.world.pass(1_000)
      expect(tab.signOut.end.mock.calls).toEqual([[session, 'expired', true]])
      expect(held.error).toBe(session.signal.reason)
    },
  )

  test('are soon given up while a session is looked for: whoever has them has them at hand', async () => {
    const { turns, world, session } = await look()
    const held = watched(turns.fromHolder({ session, tokens: undefined }))
    await world.pass(249)
    expect(held.settled).toBe(false)
    await world.pass(1)
    expect(held.settled).toBe(true)
  })

  test('are hoped for while the one that was at it may still be', async () => {
    const { turns, from, world, other, signOut } = await open({ ...elsewhere, lifetimeMs: 1_000 })
    other.parts.share.post({ type: 'coming', epoch: EPOCH })
    await settle()
    const first = watched(turns.fromHolder(from))
    await world.pass(19_000)
    // It was not at it within the last second, so that nobody waits for a whole call.
    const second = watched(turns.fromHolder(from))
    await world.pass(999)
    for (const held of [first, second]) expect(held.settled).toBe(held === first)
    expect(signOut.end).not.toHaveBeenCalled()
    const third = watched(turns.fromHolder(from))
    await world.pass(1_000)
    expect(signOut.end).toHaveBeenCalled()
    expect(third.settled).toBe(true)
  })

  test('for one wish are asked for even if they are used once, and without them the session goes on', async () => {
    const { turns, world, narrowly, posted, signOut, parts, session, other } = await open(elsewhere)
    const from = narrowly(once)
    const held = watched(turns.fromHolder(from))
    await world.pass(1_000)
    expect(posted()).toEqual([{ version: 1, type: 'wanted', epoch: EPOCH, sequence: 0, wish: once }])
    expect(held.error).toMatchObject({ code: 'refresh_unavailable' })
    expect(signOut.end).not.toHaveBeenCalled()
    const again = watched(turns.fromHolder(from))
    const tokens = toShared(
      tokensOf({ accessToken: 'paying', obtained: world.ports.clock.now() }),
      world.ports.clock.now(),
    )
    other.parts.share.post({ type: 'tokens', epoch: EPOCH, tokens, wish: once })
    await settle()
    expect(again.value).toMatchObject({ session, wish: once, tokens: { accessToken: 'paying' } })
    expect(parts.narrow.of(session, once).tokens?.accessToken).toBe('paying')
  })

  test.each<[string, Partial<TabRecord> | undefined, boolean]>([
    ['in this session', { sealed: sealed('r2') }, true],
    ['by nobody', { sealed: undefined }, false],
    ['in the session before', { sealed: sealed('r2', EPOCH - 3) }, false],
    ['where nothing is left', undefined, false],
  ])('are not needed if the refresh token was stored meanwhile: %s', async (_, stored, goesOn) => {
    const expired = { ...elsewhere, lifetimeMs: 1_000 }
    const { turns, from, world, change, signOut } = await open(expired, { storage: createDrawer() })
    const held = watched(turns.fromHolder(from))
    if (stored) change(stored)
    else world.shared.stored.clear()
    await world.pass(1_000)
    expect(held.error).toMatchObject({ code: goesOn ? 'refresh_unavailable' : 'signed_out' })
    expect(signOut.end).toHaveBeenCalledTimes(goesOn ? 0 : 1)
  })
})

test('who has to try again later is told when, if that is known', () => {
  expect(unavailable()).toMatchObject({ code: 'refresh_unavailable', transient: true, retryAt: undefined })
  expect(unavailable(5).retryAt).toBe(5)
})

test('what asks for a session that is over hears why', async () => {
  const { session, signOut, from } = await open()
  signOut.end(session, 'logout')
  expect(() => over(from)).toThrow(session.signal.reason as Error)
})
