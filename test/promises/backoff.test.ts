import { TokenError } from 'tokenward'
import { afterEach, describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { createScene, demo, failureOf, only, openStage, type Scene, type Stage } from './stage.ts'

const HOUR = 3_600_000
const down = (): TokenError => new TokenError('refresh_unavailable', 'the server answered 503', { transient: true })

let stage: Stage | undefined
afterEach(() => stage?.close())

describe('Retry-After and backoff hold', () => {
  const dates = (now: number): [string, string, number][] => [
    ['30', 'seconds', 30_000],
    [new Date(now + 30_000).toUTCString(), 'an HTTP-date', 30_000],
    ['3600', 'an hour', HOUR],
  ]
  test.each([0, 1, 2])(
    'F50: no request, wake or network that came back asks the server before Retry-After (%i)',
    async (at) => {
      stage = await openStage({ auth: { accessTokenMs: 300_000 } })
      await stage.tokens.login(demo)
      await stage.world.pass(301_000)
      const asked = stage.world.now()
      const [retryAfter, , waitMs] = dates(asked)[at]!
      stage.backend.auth.faults.next('refresh', fault.tooManyRequests(retryAfter))
      const { retryAt } = await failureOf(stage.get('/me'))
      expect(retryAt).toBeGreaterThanOrEqual(asked + waitMs)
      expect(retryAt).toBeLessThanOrEqual(asked + waitMs * 1.1)
      for (let step = 0; step < 10; step++) {
        expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_unavailable', retryAt })
        await stage.world.tell('wake')
        await stage.world.goOnline(true)
        await stage.tokens.restore()
        expect(stage.count('refresh')).toBe(1)
        await stage.world.pass(waitMs / 10 - 1)
      }
      await stage.world.pass((retryAt ?? 0) - stage.world.now())
      expect(stage.count('refresh')).toBe(2)
      expect(stage.tokens.getState().status).toBe('active')
    },
  )

  test('F50: a server that asks for a year is asked again after an hour', async () => {
    stage = await openStage({ auth: { accessTokenMs: 300_000 } })
    await stage.tokens.login(demo)
    await stage.world.pass(301_000)
    stage.backend.auth.faults.next('refresh', fault.tooManyRequests('31536000'))
    const { retryAt } = await failureOf(stage.get('/me'))
    expect(retryAt! - stage.world.now()).toBeGreaterThanOrEqual(HOUR)
    expect(retryAt! - stage.world.now()).toBeLessThanOrEqual(1.1 * HOUR)
  })

  test.each([
    ['answers 503', down],
    ['gives no answer', () => new TypeError('Failed to fetch')],
    ['answers with tokens that nobody can read', () => new TokenError('malformed_response', 'x', { transient: true })],
  ])(
    'F55 F56: an hour in which the server %s, with a thousand requests and more, costs a few calls',
    async (_, thrown) => {
      for (const random of [0, 0.999]) {
        const scene = await expired({ random: () => random })
        scene.desk.answer(...Array.from({ length: 4_000 }, thrown))
        for (let second = 0; second < 3_600; second += 20) {
          await Promise.all(Array.from({ length: 20 }, () => failureOf(scene.send())))
          await scene.world.pass(20_000)
        }
        expect(scene.refreshes()).toBeLessThan(50)
        expect(scene.refreshes()).toBeGreaterThan(10)
        expect(scene.seen).toEqual([])
        expect(scene.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
      }
    },
  )

  test('F56: the waits grow from about a second to about three minutes, and vary', async () => {
    const waits = async (random: number): Promise<number[]> => {
      const scene = await expired({ random: () => random })
      scene.desk.answer(...Array.from({ length: 20 }, down))
      await failureOf(scene.send())
      await scene.world.pass(HOUR)
      const failed = only(scene.told, 'refresh-failed') as { retryAt: number }[]
      return failed.slice(1).map(({ retryAt }, index) => retryAt - failed[index]!.retryAt)
    }
    const [short, long] = [await waits(0), await waits(0.999)]
    expect(short.slice(0, 4)).toEqual([1_500, 4_500, 13_500, 40_500])
    expect(Math.max(...short)).toBe(90_000)
    expect(Math.max(...long)).toBeGreaterThan(179_000)
    expect(Math.max(...long)).toBeLessThanOrEqual(180_000)
  })

  test('F57: an hour offline costs no call, and the network’s return one', async () => {
    const scene = await expired()
    await scene.world.goOnline(false)
    scene.desk.answer(new TypeError('Failed to fetch'))
    await failureOf(scene.send())
    await scene.world.pass(HOUR)
    expect(scene.refreshes()).toBe(1)
    await scene.world.goOnline(true)
    expect(scene.refreshes()).toBe(2)
    expect(scene.tokens.getState().status).toBe('active')
  })

  test('F57: where the browser does not tell that the network is back, a look each minute finds out', async () => {
    const world = { online: false }
    const base = createScene().world
    const scene = createScene({
      world: base,
      ports: { lifecycle: { ...base.ports.lifecycle, online: () => world.online } },
    })
    await scene.tokens.login('ann')
    await base.pass(301_000)
    scene.desk.answer(new TypeError('Failed to fetch'))
    await failureOf(scene.send())
    await base.pass(600_000)
    world.online = true
    await base.pass(61_000)
    expect(scene.tokens.getState().status).toBe('active')
  })

  test('F56: a network that comes and goes each second does not undo the backoff of a server that answers 503', async () => {
    const scene = await expired()
    scene.desk.answer(...Array.from({ length: 1_000 }, down))
    await failureOf(scene.send())
    for (let second = 0; second < 120; second++) {
      await scene.world.goOnline(false)
      await scene.world.goOnline(true)
      await scene.world.pass(1_000)
    }
    expect(scene.refreshes()).toBeLessThan(15)
  })

  test('F55: one blip does not stop the refreshes ahead of expiry', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    scene.desk.answer(new TypeError('Failed to fetch'))
    for (let i = 0; i < 10; i++) {
      await scene.send()
      await scene.world.pass(250_000)
    }
    expect(only(scene.told, 'refresh-failed')).toHaveLength(1)
    expect(only(scene.told, 'refreshed').length).toBeGreaterThan(8)
    expect(scene.tokens.getState().status).toBe('active')
  })

  test('a success starts the backoff anew', async () => {
    const scene = await expired()
    scene.desk.answer(down(), down(), down())
    await failureOf(scene.send())
    await scene.world.pass(60_000)
    expect(scene.tokens.getState().status).toBe('active')
    await scene.world.pass(301_000)
    scene.desk.answer(down())
    const { retryAt } = await failureOf(scene.send())
    expect(retryAt! - scene.world.now()).toBeLessThanOrEqual(1_000)
  })
})

describe('configuration keeps the session as stale and stops trying', () => {
  const wrong = (): TokenError => new TokenError('configuration', 'the server answered 401 (invalid_client)')

  async function misconfigured(): Promise<Scene> {
    const scene = await expired()
    scene.desk.answer(wrong())
    expect(await failureOf(scene.send())).toMatchObject({ code: 'configuration', transient: false })
    await scene.world.pass(24 * HOUR)
    await scene.world.tell('wake')
    await scene.world.goOnline(true)
    expect(await failureOf(scene.send())).toMatchObject({ code: 'configuration' })
    expect(await failureOf(scene.tokens.getAccessToken())).toMatchObject({ code: 'configuration' })
    expect(scene.refreshes()).toBe(1)
    expect(scene.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true, error: { code: 'configuration' } })
    return scene
  }

  test('F58: until restore is called', async () => {
    const scene = await misconfigured()
    expect(await scene.tokens.restore()).toMatchObject({ status: 'active' })
    expect(scene.refreshes()).toBe(2)
    expect(await scene.send()).toMatchObject({ status: 200 })
  })

  test('F58: restore asks once, and stops again where nothing has changed', async () => {
    const scene = await misconfigured()
    scene.desk.answer(wrong())
    expect(await scene.tokens.restore()).toMatchObject({ status: 'stale', error: { code: 'configuration' } })
    await scene.world.pass(24 * HOUR)
    expect(scene.refreshes()).toBe(2)
  })

  test('F58: until login is called', async () => {
    const scene = await misconfigured()
    await scene.tokens.login('ann')
    expect(scene.tokens.getState().status).toBe('active')
    expect(await scene.send()).toMatchObject({ status: 200 })
  })

  test('F58: until logout is called', async () => {
    const scene = await misconfigured()
    expect(await scene.tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
  })
})

async function expired(options: Parameters<typeof createScene>[0] = {}): Promise<Scene> {
  const scene = createScene(options)
  await scene.tokens.login('ann')
  await scene.world.pass(301_000)
  return scene
}
