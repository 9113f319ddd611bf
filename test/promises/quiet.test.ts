import { getEventListeners } from 'node:events'
import { TokenError } from 'tokenward'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newAbort } from '../../src/adapters/abort.ts'
import { createDesk, createWorld, settle, type World } from '../support/world.ts'
import { createScene, type Options, type Scene } from './stage.ts'

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(() => void process.off('unhandledRejection', note))

/** Every signal that a manager makes, to count who listens to it. */
function countingAborts(): { newAbort: () => AbortController; listeners(): number } {
  const made: AbortController[] = []
  return {
    newAbort() {
      const controller = newAbort()
      made.push(controller)
      return controller
    },
    listeners: () => made.reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0),
  }
}

interface Left {
  readonly timers: number
  readonly watchers: number
  readonly listeners: number
}
const leftOf = (world: World, aborts: { listeners(): number }): Left => ({
  timers: world.timers().length,
  watchers: world.watchers(),
  listeners: aborts.listeners(),
})

function counted(options: Options = {}): { scene: Scene; left(): Left } {
  const aborts = countingAborts()
  const scene = createScene({ ...options, ports: { newAbort: aborts.newAbort } })
  return { scene, left: () => leftOf(scene.world, aborts) }
}

const down = (): TokenError => new TokenError('refresh_unavailable', 'down', { transient: true })

describe('nothing is left behind', () => {
  test('F157: 10 000 requests through 100 refreshes keep nothing that was not there before', async () => {
    let refused = false
    const { scene, left } = counted({ decide: (sent) => (refused && sent === current ? 401 : 200) })
    let current = ''
    await scene.tokens.login('ann')
    await scene.send()
    const before = left()
    const signal = newAbort().signal
    for (let round = 0; round < 100; round++) {
      current = scene.seen.at(-1) ?? ''
      refused = round % 2 === 0
      if (!refused) await scene.world.pass(301_000)
      const all = Array.from({ length: 100 }, () => scene.send({ signal, waitMs: 1_000 }))
      expect((await Promise.all(all)).every(({ status }) => status === 200)).toBe(true)
    }
    expect(scene.refreshes()).toBeGreaterThanOrEqual(100)
    expect(scene.seen.length).toBeGreaterThanOrEqual(10_001)
    await settle()
    expect(left()).toEqual(before)
    expect(before).toEqual({ timers: 1, watchers: 1, listeners: 0 })
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(scene.world.reported).toEqual([])
  })

  test('F158: a thousand requests in an outage wait for one refresh, and none of them is kept after it', async () => {
    const { scene, left } = counted()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    let fail = (_: Error): void => {}
    scene.desk.answer(new Promise((_, reject) => (fail = reject)))
    const before = left()
    const all = Array.from({ length: 1_000 }, () => scene.send().catch((error: unknown) => (error as TokenError).code))
    await settle()
    expect(scene.refreshes()).toBe(1)
    fail(down())
    expect(new Set(await Promise.all(all))).toEqual(new Set(['refresh_unavailable']))
    await settle()
    expect(left()).toEqual({ ...before, timers: 1 })
  })

  test.each(['token', 'cookie'] as const)('F151: create, use and dispose a hundred times (%s)', async (credential) => {
    const world = createWorld()
    const aborts = countingAborts()
    for (let i = 0; i < 100; i++) {
      const scene = createScene({
        world,
        credential,
        ports: { newAbort: aborts.newAbort },
        timing: { idleMs: 600_000 },
      })
      scene.tokens.subscribe(() => {})
      await scene.tokens.login('ann')
      await scene.send()
      if (i % 3 === 0) await world.pass(301_000)
      if (i % 4 === 0) await scene.tokens.logout()
      scene.tokens.dispose()
    }
    expect(leftOf(world, aborts)).toEqual({ timers: 0, watchers: 0, listeners: 0 })
  })

  test('after logout, and whatever else ends a session, nothing is left but what hears of the other tabs', async () => {
    const ends: [string, (scene: Scene) => Promise<unknown>][] = [
      ['logout', ({ tokens }) => tokens.logout()],
      ['idle', ({ world }) => world.pass(600_000)],
      [
        'rejected',
        async ({ world, desk, send }) => {
          desk.answer(new TokenError('refresh_rejected', 'x'))
          await world.pass(301_000)
          await send()
        },
      ],
    ]
    for (const credential of ['token', 'cookie'] as const) {
      for (const [reason, end] of ends) {
        const { scene, left } = counted({ credential, timing: { idleMs: 600_000 } })
        await scene.tokens.login('ann')
        await scene.send()
        await end(scene)
        expect(scene.tokens.getState()).toMatchObject({ reason })
        await settle()
        expect([reason, left()]).toEqual([reason, { timers: 0, watchers: 1, listeners: 0 }])
        scene.tokens.dispose()
        expect(left()).toEqual({ timers: 0, watchers: 0, listeners: 0 })
      }
    }
  })

  test('dispose in the middle of everything: after the end of the refresh already sent, nothing is left', async () => {
    for (const credential of ['token', 'cookie'] as const) {
      for (const settles of [true, false]) {
        const { scene, left } = counted({ credential })
        await scene.tokens.login('ann')
        await scene.world.pass(301_000)
        let answer = (_: object): void => {}
        scene.desk.answer(new Promise((resolve) => (answer = resolve)))
        const all = [scene.send(), scene.tokens.getAccessToken(), scene.tokens.login('bea'), scene.tokens.restore()]
        for (const one of all) one.catch(() => {})
        await settle()
        scene.tokens.dispose()
        if (settles) answer({})
        await scene.world.pass(settles ? 0 : 31_000)
        expect(left()).toEqual({ timers: 0, watchers: 0, listeners: 0 })
      }
    }
  })

  describe('dispose leaves no timer', () => {
    const presented = (world: World): object => ({
      ...{ version: 1, epoch: 0, sequence: 0, active: world.now() },
      presented: { by: 'another', since: world.now(), until: world.now() + 15_000 },
    })

    test('of a restore that waits for what another page has asked, and holds no lock', async () => {
      const world = createWorld()
      world.shared.stored.set('desk', presented(world))
      const scene = createScene({ credential: 'cookie', world })
      void scene.tokens.restore().catch(() => {})
      await settle()
      scene.tokens.dispose()
      await settle()
      expect(world.timers()).toEqual([])
      expect([...world.shared.held.values()]).toEqual([0])
      expect(scene.desk.asked).toEqual([])
    })

    test('of such a restore when a login overtakes it, which need not wait for that', async () => {
      const world = createWorld()
      world.shared.stored.set('desk', presented(world))
      const scene = createScene({ credential: 'cookie', world })
      const restoring = scene.tokens.restore()
      await settle()
      expect(await scene.tokens.login('ann')).toMatchObject({ signedIn: true })
      expect(await restoring).toMatchObject({ signedIn: true })
      expect(scene.desk.asked).toEqual(['login ann'])
    })

    test.each([
      ['login_failed', 60_000],
      ['session_changed', 0],
    ] as const)('of a page that finishes a login, and asks nobody afterwards (%s)', async (code, ms) => {
      const world = createWorld()
      const desk = createDesk({ credential: 'cookie' })
      const before = createScene({ world, desk })
      await before.tokens.login('ann')
      before.tokens.dispose()
      desk.answerLogin(code === 'login_failed' ? new Promise(() => {}) : new TokenError(code, 'elsewhere'))
      const source = { ...desk.source, returned: () => 'code' }
      const scene = createScene({ world, desk, source })
      void scene.tokens.restore().catch(() => {})
      await settle()
      scene.tokens.dispose()
      await world.pass(ms)
      expect(world.timers()).toEqual([])
      expect(desk.asked).toEqual(['login ann', 'login code'])
    })

    test('of a tab that was about to answer another', async () => {
      const world = createWorld()
      const desk = createDesk()
      const scenes = [createScene({ world, desk }), createScene({ world, desk })]
      for (const { tokens } of scenes) await world.during(tokens.restore())
      await scenes[0]?.tokens.login('ann')
      await world.pass(300)
      expect(scenes[1]?.tokens.getState()).toMatchObject({ status: 'active' })
      const third = createScene({ world, desk })
      void third.tokens.restore().catch(() => {})
      await settle()
      for (const { tokens } of [third, ...scenes]) tokens.dispose()
      await settle()
      expect(world.timers()).toEqual([])
    })
  })

  test('one timer is enough, whatever is planned', async () => {
    const { scene, left } = counted({ timing: { idleMs: 600_000, absoluteMs: 3_600_000 } })
    await scene.tokens.login('ann')
    for (let i = 0; i < 20; i++) {
      await scene.send()
      scene.tokens.touch()
      await scene.world.tell('wake')
    }
    expect(left()).toEqual({ timers: 1, watchers: 1, listeners: 0 })
  })
})

describe('no rejection goes unhandled', () => {
  test('F155: in the background, in any state, whatever fails', async () => {
    const failures = [
      down,
      () => new TypeError('Failed to fetch'),
      () => new TokenError('configuration', 'x'),
      () => new TokenError('malformed_response', 'x', { transient: true }),
      () => new TokenError('refresh_rejected', 'x'),
      () => new DOMException('aborted', 'AbortError'),
    ]
    for (const credential of ['token', 'cookie'] as const) {
      for (const failure of failures) {
        const scene = createScene({ credential })
        scene.desk.answerRestore(failure())
        scene.desk.answerLogin(failure())
        await scene.tokens.restore().catch(() => {})
        await scene.tokens.login('ann').catch(() => {})
        await scene.tokens.login('ann')
        await scene.send()
        scene.desk.answer(...Array.from({ length: 5 }, failure))
        scene.desk.answerRevoke(failure())
        await scene.world.pass(600_000)
        await scene.world.tell('wake')
        await scene.world.goOnline(true)
        await scene.tokens.logout().catch(() => {})
        await scene.world.pass(600_000)
        scene.tokens.dispose()
        await settle()
      }
    }
    expect(unhandled).toEqual([])
  })

  test('F155: when a manager is disposed of, or logs out, while all that can fly is flying', async () => {
    for (const end of ['dispose', 'logout', 'login'] as const) {
      for (const credential of ['token', 'cookie'] as const) {
        const scene = createScene({ credential })
        await scene.tokens.login('ann')
        await scene.world.pass(301_000)
        let fail = (_: Error): void => {}
        scene.desk.answer(new Promise((_, reject) => (fail = reject)))
        const flying = scene.send().catch(() => {})
        await settle()
        if (end === 'dispose') scene.tokens.dispose()
        else if (end === 'logout') void scene.tokens.logout().catch(() => {})
        else void scene.tokens.login('bea').catch(() => {})
        fail(new TypeError('Failed to fetch'))
        await scene.world.pass(60_000)
        await flying
        scene.tokens.dispose()
        await settle()
      }
    }
    expect(unhandled).toEqual([])
  })
})
