import type { TokenStorage } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { createScene, only, type Scene } from '../promises/stage.ts'
import { createDesk, createWorld, type Desk, settle, type World } from '../support/world.ts'

interface Drawer extends TokenStorage {
  failing: Partial<Record<keyof TokenStorage, 'throws' | 'hangs'>>
  forgotten: number
}

/** A storage that seals by turning the bytes around, and can be told to fail. */
function createDrawer(): Drawer {
  const turned = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes).reverse()
  async function fate(method: keyof TokenStorage): Promise<void> {
    if (drawer.failing[method] === 'hangs') await new Promise(() => {})
    if (drawer.failing[method] === 'throws') throw new Error(`${method} fails`)
  }
  const drawer: Drawer = {
    failing: {},
    forgotten: 0,
    async seal(plain, bind) {
      await fate('seal')
      return { bytes: turned(plain), bind }
    },
    async open(sealed, bind) {
      await fate('open')
      const kept = sealed as { bytes: Uint8Array; bind: string }
      return kept.bind === bind ? turned(kept.bytes) : undefined
    },
    async forget() {
      await fate('forget')
      drawer.forgotten++
    },
  }
  return drawer
}

interface Profile {
  readonly world: World
  readonly desk: Desk
  readonly drawer: Drawer
  open(): Scene
}

function createProfile(): Profile {
  const world = createWorld()
  const desk = createDesk()
  const drawer = createDrawer()
  return { world, desk, drawer, open: () => createScene({ world, desk, storage: drawer }) }
}

async function reloaded({ world, open }: Profile, before: Scene): Promise<Scene> {
  before.tokens.dispose()
  const after = open()
  await world.during(after.tokens.restore())
  return after
}

describe('a refresh token that is stored', () => {
  test('F38: survives a reload, and is rotated before anybody hears of it', async () => {
    const profile = createProfile()
    const first = profile.open()
    await first.tokens.login('ann')
    const second = await reloaded(profile, first)
    expect(second.tokens.getState()).toMatchObject({ status: 'active', signedIn: true })
    const third = await reloaded(profile, second)
    expect((await third.send()).status).toBe(200)
    expect(profile.desk.asked).toEqual(['login ann', 'refresh r1', 'refresh r2'])
  })

  test('is there when login resolves, and nowhere in plain text', async () => {
    const profile = createProfile()
    await profile.open().tokens.login('ann')
    const stored = [...profile.world.shared.stored.values()]
    expect(stored).toMatchObject([{ sealed: { bind: expect.stringContaining('desk') as string } }])
    expect(JSON.stringify(stored)).not.toContain('"r1"')
    expect(JSON.stringify(profile.world.shared.posted)).not.toContain('r1')
  })

  test('F14: tabs of one session take turns with it', async () => {
    const profile = createProfile()
    const { world, desk } = profile
    const tabs = [profile.open()]
    await tabs[0]!.tokens.login('ann')
    for (let i = 0; i < 3; i++) {
      const tab = profile.open()
      await world.during(tab.tokens.restore())
      tabs.push(tab)
    }
    for (const round of [2, 3, 4]) {
      world.freeze(400_000)
      await world.during(Promise.all(tabs.map((tab) => tab.send())))
      expect(desk.asked.at(-1)).toBe(`refresh r${String(round - 1)}`)
      expect(desk.asked).toHaveLength(round)
    }
  })

  test('F40: an answer without a refresh token keeps the one that is stored', async () => {
    const profile = createProfile()
    const first = profile.open()
    await first.tokens.login('ann')
    profile.desk.answer({ refresh_token: '' })
    const second = await reloaded(profile, first)
    await reloaded(profile, second)
    expect(profile.desk.asked).toEqual(['login ann', 'refresh r1', 'refresh r1'])
  })

  test('T-3: an answer that is no use but for its refresh token is kept for that', async () => {
    const profile = createProfile()
    const first = profile.open()
    await first.tokens.login('ann')
    profile.desk.answer({ access_token: 'no token\n', refresh_token: 'r-new' })
    const second = await reloaded(profile, first)
    expect(second.tokens.getState()).toMatchObject({ status: 'stale' })
    await profile.world.pass(60_000)
    expect(profile.desk.asked).toEqual(['login ann', 'refresh r1', 'refresh r-new'])
    expect(second.tokens.getState()).toMatchObject({ status: 'active' })
  })

  test('is removed by a logout, and given back, by whichever tab that is', async () => {
    const profile = createProfile()
    const { world, desk, drawer } = profile
    const first = profile.open()
    await first.tokens.login('ann')
    const second = profile.open()
    await world.during(second.tokens.restore())
    expect(await second.tokens.logout()).toEqual({ revoked: 'confirmed' })
    await settle()
    expect(desk.asked.filter((one) => one.startsWith('revoke'))).toEqual(['revoke r1 ann.1'])
    expect(world.shared.stored.size).toBe(1)
    expect([...world.shared.stored.values()][0]).not.toHaveProperty('sealed')
    expect(drawer.forgotten).toBe(1)
    expect(first.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout', elsewhere: true })
    const third = profile.open()
    await world.during(third.tokens.restore())
    expect(third.tokens.getState()).toMatchObject({ signedIn: false })
  })

  test('F85: of the user before is given back when another signs in', async () => {
    const profile = createProfile()
    const { world, desk } = profile
    const first = profile.open()
    await first.tokens.login('ann')
    const second = profile.open()
    await world.during(second.tokens.restore())
    await world.during(second.tokens.login('bob'))
    expect(desk.asked).toEqual(['login ann', 'login bob', 'revoke r1 ann.1'])
    const third = await reloaded(profile, first)
    await third.send()
    expect(third.seen).toEqual(['Bearer bob.2'])
  })
})

describe.each(['throws', 'hangs'] as const)('a storage that %s', (fate) => {
  test.each(['seal', 'open', 'forget'] as const)(
    'F39, F119, F125: in %s leaves the session in memory, and tells once',
    async (method) => {
      const profile = createProfile()
      const { world, desk, drawer } = profile
      drawer.failing = { [method]: fate }
      const { tokens, send, told } = profile.open()
      await world.during(Promise.all([tokens.login('ann'), world.pass(2_000)]))
      for (let round = 0; round < 3; round++) {
        await world.pass(400_000)
        await world.during(Promise.all([send(), world.pass(5_000)]))
      }
      expect(tokens.getState()).toMatchObject({ status: 'active' })
      await world.during(Promise.all([tokens.logout(), world.pass(5_000)]))
      expect(only(told, 'degraded')).toHaveLength(1)
      const presented = desk.asked.filter((one) => one.startsWith('refresh'))
      expect(new Set(presented).size).toBe(presented.length)
      expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
    },
  )
})

test('F126: what was stored and cannot be opened any more ends nothing but what is known from before', async () => {
  const profile = createProfile()
  const first = profile.open()
  await first.tokens.login('ann')
  first.tokens.dispose()
  profile.drawer.failing = { open: 'throws' }
  const second = profile.open()
  await profile.world.during(Promise.all([second.tokens.restore(), profile.world.pass(3_000)]))
  expect(second.tokens.getState()).toMatchObject({ status: 'signed-out', signedIn: false })
  expect(only(second.told, 'degraded')).toHaveLength(1)
  await second.tokens.login('ann')
  expect((await second.send()).status).toBe(200)
})

test('a storage is refused together with a refresh cookie', () => {
  expect(() => createScene({ credential: 'cookie', storage: createDrawer() })).toThrow(/storage .* cookie/)
})
