import { afterEach, describe, expect, test } from 'vitest'
import { createDesk, createWorld, settle } from '../support/world.ts'
import { createScene, demo, failureOf, only, openStage, type Scene, type Stage } from './stage.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function signedIn(options: Parameters<typeof createScene>[0] & { response?: object } = {}): Promise<Scene> {
  const { response, ...rest } = options
  const scene = createScene(rest)
  if (response) scene.desk.answerLogin(response)
  await scene.tokens.login('ann')
  return scene
}

describe('idleMs', () => {
  const idle = { timing: { idleMs: 15 * MINUTE } }

  test('the session ends that long after the last request, with one warning before', async () => {
    const scene = await signedIn(idle)
    await scene.world.pass(10 * MINUTE)
    await scene.send()
    await scene.world.pass(14 * MINUTE - 1)
    expect(only(scene.told, 'session-ending')).toEqual([])
    await scene.world.pass(1)
    expect(only(scene.told, 'session-ending')).toEqual([{ at: scene.world.now() + MINUTE, why: 'idle' }])
    await scene.world.pass(MINUTE - 1)
    expect(scene.tokens.getState().signedIn).toBe(true)
    await scene.world.pass(1)
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'idle', elsewhere: false })
    expect(only(scene.told, 'session-ending')).toHaveLength(1)
    expect(only(scene.told, 'signed-out')).toMatchObject([{ reason: 'idle' }])
  })

  test('it is ended at the server too', async () => {
    stage = await openStage({ flavour: 'cookie', options: idle })
    await stage.tokens.login(demo)
    await stage.world.pass(15 * MINUTE)
    expect(stage.tokens.getState()).toMatchObject({ reason: 'idle' })
    expect(stage.backend.auth.liveFamilies()).toEqual([])
    expect(stage.jar.value('refresh_token')).toBeUndefined()
  })

  test('a refresh in the background is no activity', async () => {
    const scene = await signedIn(idle)
    await scene.send()
    await scene.world.pass(15 * MINUTE)
    expect(scene.tokens.getState()).toMatchObject({ reason: 'idle' })
    expect(scene.refreshes()).toBe(1)
  })

  test('touch() is', async () => {
    const scene = await signedIn(idle)
    for (let i = 0; i < 10; i++) {
      await scene.world.pass(14 * MINUTE)
      scene.tokens.touch()
    }
    expect(scene.tokens.getState().signedIn).toBe(true)
  })

  test('a warning that somebody heeded comes again the next time', async () => {
    const scene = await signedIn(idle)
    await scene.world.pass(14 * MINUTE + 1)
    scene.tokens.touch()
    await scene.world.pass(14 * MINUTE - 1)
    expect(only(scene.told, 'session-ending')).toHaveLength(1)
    await scene.world.pass(1)
    expect(only(scene.told, 'session-ending')).toHaveLength(2)
    await scene.world.pass(MINUTE)
    expect(scene.tokens.getState()).toMatchObject({ reason: 'idle' })
  })

  test('a warning is never due as soon as somebody has done something', async () => {
    const scene = await signedIn({ timing: { idleMs: 30_000, warnMs: 60_000 } })
    await scene.world.pass(14_000)
    expect(only(scene.told, 'session-ending')).toEqual([])
    await scene.world.pass(1_000)
    expect(only(scene.told, 'session-ending')).toHaveLength(1)
  })

  describe('after a sleep past its end', () => {
    test.each([
      [
        'a request',
        async (scene: Scene) => expect(await failureOf(scene.send())).toMatchObject({ code: 'signed_out' }),
      ],
      [
        'getAccessToken',
        async (scene: Scene) =>
          expect(await failureOf(scene.tokens.getAccessToken())).toMatchObject({ code: 'signed_out' }),
      ],
      ['a wake', async (scene: Scene) => scene.world.tell('wake')],
      ['the network’s return', async (scene: Scene) => scene.world.goOnline(true)],
      ['touch()', async (scene: Scene) => scene.tokens.touch()],
      ['a late timer', async (scene: Scene) => scene.world.pass(HOUR)],
    ])('no request leaves with the session’s token, and none for a new one: %s', async (_, first) => {
      const scene = await signedIn(idle)
      await scene.send()
      scene.world.sleep(8 * HOUR)
      await first(scene)
      await settle()
      expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'idle' })
      expect(scene.seen).toHaveLength(1)
      expect(scene.refreshes()).toBe(0)
      await scene.send()
      expect(scene.seen.at(-1)).toBeUndefined()
    })
  })
})

describe('absoluteMs', () => {
  test('the session ends that long after the sign-in, whatever is done', async () => {
    const scene = await signedIn({ timing: { absoluteMs: HOUR } })
    for (let minute = 0; minute < 59; minute++) {
      await scene.send()
      await scene.world.pass(MINUTE)
    }
    expect(only(scene.told, 'session-ending')).toEqual([{ at: scene.world.now() + MINUTE, why: 'absolute' }])
    scene.tokens.touch()
    await scene.world.pass(MINUTE)
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'expired' })
    expect(only(scene.told, 'session-ending')).toHaveLength(1)
  })

  test('after a sleep past its end no request leaves', async () => {
    const scene = await signedIn({ timing: { absoluteMs: HOUR }, expiresIn: 86_400 })
    scene.world.sleep(2 * HOUR)
    expect(await failureOf(scene.send())).toMatchObject({ code: 'signed_out' })
    expect(scene.seen).toEqual([])
  })

  test('a reload does not start it anew', async () => {
    const world = createWorld()
    const desk = createDesk({ credential: 'cookie' })
    const first = await signedIn({ timing: { absoluteMs: HOUR }, world, desk })
    await world.pass(50 * MINUTE)
    first.tokens.dispose()
    const second = createScene({ timing: { absoluteMs: HOUR }, world, desk })
    expect(await world.during(second.tokens.restore())).toMatchObject({ signedIn: true })
    await world.pass(10 * MINUTE)
    expect(second.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'expired' })
  })

  test('a page that starts after its end finds no session, and has the server end it', async () => {
    const world = createWorld()
    const desk = createDesk({ credential: 'cookie' })
    const first = await signedIn({ timing: { absoluteMs: HOUR }, world, desk })
    first.tokens.dispose()
    await world.pass(2 * HOUR)
    const second = createScene({ timing: { absoluteMs: HOUR }, world, desk })
    expect(await world.during(second.tokens.restore())).toMatchObject({ status: 'signed-out', reason: 'expired' })
    await world.pass(0)
    expect(desk.asked).toEqual(['login ann', 'revoke cookie'])
  })

  test('an end that the server announces counts too, and a later answer moves it', async () => {
    const scene = await signedIn({ response: { authorization_expires_in: 600 } })
    await scene.send()
    await scene.world.pass(539_999)
    expect(only(scene.told, 'session-ending')).toEqual([])
    await scene.world.pass(1)
    expect(only(scene.told, 'session-ending')).toEqual([{ at: scene.world.now() + MINUTE, why: 'absolute' }])
    scene.desk.answer({ authorization_expires_in: 3_600 })
    await scene.send({ minTtlMs: 250_000 })
    await scene.world.pass(10 * MINUTE)
    expect(scene.tokens.getState().signedIn).toBe(true)
    await scene.world.pass(HOUR)
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'expired' })
  })

  test('the earlier of idle and absolute counts', async () => {
    const scene = await signedIn({ timing: { absoluteMs: 10 * MINUTE, idleMs: 30 * MINUTE } })
    await scene.world.pass(10 * MINUTE)
    expect(only(scene.told, 'session-ending')).toMatchObject([{ why: 'absolute' }])
    expect(scene.tokens.getState()).toMatchObject({ reason: 'expired' })
  })
})

describe('a session that cannot be refreshed', () => {
  const noRefresh = { response: { refresh_token: undefined } }

  test('lives until its token expires, and ends as expired', async () => {
    const scene = await signedIn(noRefresh)
    await scene.send()
    await scene.world.pass(299_999)
    expect(await scene.send({ minTtlMs: 250_000 })).toMatchObject({ status: 200 })
    await scene.world.pass(1)
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'expired' })
    expect(scene.told.map(({ type }) => type)).toEqual(['signed-in', 'signed-out'])
    expect(scene.refreshes()).toBe(0)
  })

  test('after a sleep the first request finds it expired, and does not leave', async () => {
    const scene = await signedIn(noRefresh)
    scene.world.sleep(HOUR)
    expect(await failureOf(scene.send())).toMatchObject({ code: 'signed_out' })
    expect(scene.tokens.getState()).toMatchObject({ reason: 'expired' })
    expect(scene.seen).toEqual([])
  })

  test('a 401 is the caller’s, and ends nothing', async () => {
    const scene = await signedIn({ ...noRefresh, decide: () => 401 })
    expect(await scene.send()).toMatchObject({ status: 401 })
    expect(scene.seen).toHaveLength(1)
    expect(scene.tokens.getState().status).toBe('active')
  })
})
