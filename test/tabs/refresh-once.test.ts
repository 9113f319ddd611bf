import { describe, expect, test } from 'vitest'
import { API, createScene, type Scene } from '../promises/stage.ts'
import { createDesk, createWorld, type Desk, settle, type World } from '../support/world.ts'

interface Tabs {
  readonly world: World
  readonly desk: Desk
  readonly tabs: readonly Scene[]
  refreshes(): number
}

/** Several tabs of one profile, all signed in: the first has signed in, the others have found its session. */
async function openTabs(
  count: number,
  credential: 'cookie' | 'token',
  decide?: (authorization?: string) => number,
): Promise<Tabs> {
  const world = createWorld()
  const desk = createDesk({ credential })
  const open = (): Scene => createScene({ world, desk, ...(decide && { decide }) })
  const first = open()
  await first.tokens.login('ann')
  const tabs = [first]
  while (tabs.length < count) {
    const tab = open()
    await world.during(tab.tokens.restore())
    tabs.push(tab)
  }
  return {
    world,
    desk,
    tabs,
    refreshes: () => desk.asked.filter((one) => /^(refresh|restore)/.test(one)).length,
  }
}

describe.each(['cookie', 'token'] as const)('with a refresh %s', (credential) => {
  test.each([2, 8, 50])(
    'F14: %i tabs that find the token expired make one refresh, and all are served',
    async (count) => {
      const { world, tabs, desk, refreshes } = await openTabs(count, credential)
      expect(desk.asked).toEqual(['login ann'])
      for (const { tokens } of tabs) expect(tokens.getState()).toMatchObject({ status: 'active', signedIn: true })
      world.freeze(400_000)
      const replies = Promise.all(tabs.map((tab) => tab.send()))
      await world.during(replies)
      expect((await replies).map(({ status }) => status)).toEqual(tabs.map(() => 200))
      expect(refreshes()).toBe(1)
      for (const { seen } of tabs) expect(seen).toEqual(['Bearer ann.2'])
    },
  )

  test.each([2, 8, 50])('F14: %i tabs whose token is refused make one refresh, and all are served', async (count) => {
    const accepted = { token: 'Bearer ann.1' }
    const { world, tabs, refreshes } = await openTabs(count, credential, (authorization) =>
      authorization === accepted.token ? 200 : 401,
    )
    accepted.token = 'Bearer ann.2'
    const replies = Promise.all(tabs.map((tab) => tab.send()))
    await world.during(replies)
    expect((await replies).map(({ status }) => status)).toEqual(tabs.map(() => 200))
    expect(refreshes()).toBe(1)
  })

  test('F76: a logout in one tab ends the session in all of them', async () => {
    const { tabs } = await openTabs(4, credential)
    const report = tabs[2]!.tokens.logout()
    await settle()
    for (const [index, { tokens }] of tabs.entries()) {
      expect(tokens.getState()).toEqual({
        status: 'signed-out',
        signedIn: false,
        reason: 'logout',
        elsewhere: index !== 2,
      })
    }
    await report
  })

  test('F75: after a switch of users no tab sends the token of the one before', async () => {
    const { tabs, world } = await openTabs(4, credential)
    await tabs[1]!.tokens.login('bob')
    await settle()
    const replies = tabs.map((tab) => tab.send({ url: `${API}/me` }))
    await world.during(Promise.all(replies))
    for (const { seen, tokens } of tabs) {
      expect(tokens.getState()).toMatchObject({ signedIn: true })
      expect(seen.at(-1)).toMatch(/^Bearer bob/)
    }
    expect(new Set(tabs.map(({ tokens }) => (tokens.getState() as { session: string }).session)).size).toBe(1)
  })
})
