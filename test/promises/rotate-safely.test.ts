import { type TokenResponse, TokenError } from 'tokenward'
import { afterEach, describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { createWorld, settle } from '../support/world.ts'
import { createScene, demo, failureOf, only, openStage, type Stage, type StageOptions, watchOf } from './stage.ts'

let stage: Stage
async function signedIn({ auth, ...options }: StageOptions = {}): Promise<void> {
  stage = await openStage({ auth: { accessTokenMs: 300_000, ...auth }, ...options })
  await stage.tokens.login(demo)
}
afterEach(() => stage?.close())

const expire = (): Promise<void> => stage.world.pass(301_000)
const presented = (): (string | undefined)[] =>
  stage.backend.auth.log.filter(({ endpoint }) => endpoint === 'refresh').map((entry) => entry.presented)

describe('an answer that never came', () => {
  test.each([
    ['the connection broke', fault.lostAnswer()],
    ['the answer broke off', fault.cutAnswer()],
    ['half of it came', fault.truncatedJson()],
  ])(
    'F36 F37: %s: the token is presented again only after the deadline, and refused as unknown-outcome',
    async (_, lost) => {
      await signedIn()
      await expire()
      stage.backend.auth.faults.next('refresh', lost)
      const { retryAt } = await failureOf(stage.get('/me'))
      expect(retryAt).toBeGreaterThanOrEqual(stage.world.now() + 10_000)
      await stage.world.tell('wake')
      await stage.world.goOnline(true)
      await failureOf(stage.get('/me'))
      await stage.tokens.restore()
      await stage.world.pass(9_999)
      expect(presented()).toHaveLength(1)
      expect(stage.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
      await stage.world.pass(20_000)
      expect(presented()).toEqual([presented()[0], presented()[0]])
      expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'unknown-outcome' })
      await stage.world.pass(3_600_000)
      expect(presented()).toHaveLength(2)
    },
  )

  test('F36: a server with a grace period gives the session back', async () => {
    await signedIn({ auth: { graceMs: 30_000 } })
    await expire()
    stage.backend.auth.faults.next('refresh', fault.lostAnswer())
    await failureOf(stage.get('/me'))
    await stage.world.pass(15_000)
    expect(stage.backend.auth.count('refresh', 'within-grace')).toBe(1)
    expect(stage.tokens.getState().status).toBe('active')
    expect((await stage.get('/me')).status).toBe(200)
    expect(only(stage.told, 'signed-out')).toEqual([])
  })

  test('F45: the second presentation comes before a grace of 15 s is over, whatever the jitter', async () => {
    for (const random of [0, 0.5, 0.999]) {
      const scene = createScene({ random: () => random })
      await scene.tokens.login('ann')
      await scene.world.pass(301_000)
      scene.desk.answer(new TypeError('network error'))
      const asked = scene.world.now()
      const { retryAt } = await failureOf(scene.send())
      expect(retryAt! - asked).toBeGreaterThanOrEqual(10_000)
      expect(retryAt! - asked).toBeLessThan(15_000)
    }
  })

  test('F36: the network that broke in the middle of it does not make it an answer', async () => {
    await signedIn()
    await expire()
    const gate = stage.hold('refresh', 'after')
    stage.backend.auth.faults.next('refresh', fault.lostAnswer())
    const failed = failureOf(stage.get('/me'))
    await gate.arrived
    await stage.world.goOnline(false)
    gate.release()
    await failed
    await stage.world.pass(2_000)
    await stage.world.goOnline(true)
    expect(presented()).toHaveLength(1)
    await stage.world.pass(120_000)
    expect(presented()).toHaveLength(2)
    expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'unknown-outcome' })
  })

  test('F37: a timeout is not answered by another try at once', async () => {
    await signedIn()
    await expire()
    stage.backend.auth.faults.next('refresh', fault.silence(), 10)
    const failed = failureOf(stage.get('/me'))
    await stage.world.pass(10_000)
    expect(await failed).toMatchObject({ code: 'refresh_unavailable', cause: { code: 'timeout' } })
    expect(presented()).toHaveLength(1)
    await stage.world.pass(50_000)
    expect(presented().length).toBeLessThan(6)
  })

  test('F36: a cookie known from before a reload is presented again only after the deadline', async () => {
    await signedIn({ flavour: 'cookie', auth: { graceMs: 60_000 } })
    const next = stage.reload()
    stage.backend.auth.faults.next('refresh', fault.lostAnswer())
    expect(await stage.world.during(next.restore())).toMatchObject({ status: 'stale', signedIn: true })
    await stage.world.pass(9_000)
    expect(presented()).toHaveLength(1)
    await stage.world.pass(20_000)
    expect(next.getState().status).toBe('active')
  })
})

describe('what a refresh answers', () => {
  test.each([['absent'], [null], ['']])('F40: refresh_token %s: the old one is kept', async (value) => {
    const over = (
      value === 'absent' ? { refresh_token: undefined } : { refresh_token: value }
    ) as Partial<TokenResponse>
    const scene = createScene()
    await scene.tokens.login('ann')
    scene.desk.answer(over, over, over)
    for (let i = 0; i < 3; i++) {
      await scene.world.pass(301_000)
      await scene.send()
    }
    expect(scene.desk.asked).toEqual(['login ann', 'refresh r1', 'refresh r1', 'refresh r1'])
    expect(scene.tokens.getState().status).toBe('active')
  })

  test('F40: a server that does not rotate is refreshed for ever', async () => {
    await signedIn({ auth: { rotate: false } })
    for (let i = 0; i < 4; i++) {
      await expire()
      expect((await stage.get('/me')).status).toBe(200)
    }
    expect(stage.backend.auth.count('refresh', 'kept')).toBe(4)
    expect(new Set(presented()).size).toBe(1)
  })

  test('F41: a refresh token is never sent again once its successor is here', async () => {
    await signedIn()
    for (let i = 0; i < 5; i++) {
      await expire()
      expect((await stage.get('/me')).status).toBe(200)
    }
    expect(new Set(presented()).size).toBe(5)
    expect(stage.backend.auth.count('refresh', 'rotated')).toBe(5)
    expect(stage.backend.auth.liveFamilies()).toHaveLength(1)
  })

  test.each([
    ['cannot be used', 'not a token'],
    ['is missing', ''],
  ])('F41: not even when the access token that came with the successor %s', async (_, token) => {
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer({ access_token: token })
    expect(await failureOf(scene.send())).toMatchObject({ cause: { code: 'malformed_response' } })
    expect(scene.tokens.getState()).toMatchObject({ signedIn: true })
    await scene.world.pass(60_000)
    expect(scene.desk.asked).toEqual(['login ann', 'refresh r1', 'refresh r2'])
  })

  test('F46: an ID token that is missing later changes neither the claims nor the schedule', async () => {
    const idToken = `e30.${Buffer.from('{"sub":"ann","exp":1}').toString('base64url')}.`
    const scene = createScene()
    scene.desk.answerLogin({ id_token: idToken })
    await scene.tokens.login('ann')
    for (let i = 0; i < 30; i++) {
      await scene.send()
      await scene.world.pass(10_000)
    }
    expect(scene.refreshes()).toBe(1)
    expect(scene.tokens.getState()).toMatchObject({ claims: { sub: 'ann' } })
  })
})

describe('two presentations of one token', () => {
  test('F43: a refusal of the second does not end the session that the late answer to the first has saved', async () => {
    let first = (_: object): void => {}
    let second = (_: Error): void => {}
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(new Promise((resolve) => (first = resolve)), new Promise((_, reject) => (second = reject)))
    const failed = failureOf(scene.send())
    await scene.world.pass(10_000)
    expect(await failed).toMatchObject({ code: 'refresh_unavailable' })
    await scene.world.pass(5_000)
    expect(scene.desk.asked).toEqual(['login ann', 'refresh r1', 'refresh r1'])
    const waiting = watchOf(scene.send())
    first({ refresh_token: 'r2' })
    await settle()
    second(new TokenError('refresh_rejected', 'already used'))
    await settle()
    expect(scene.tokens.getState().status).toBe('active')
    expect(waiting).toMatchObject({ state: 'resolved', value: { status: 200 } })
    expect(only(scene.told, 'refreshed')).toHaveLength(1)
    expect(only(scene.told, 'signed-out')).toEqual([])
    await scene.world.pass(301_000)
    await scene.send()
    expect(scene.desk.asked.at(-1)).toBe('refresh r2')
  })

  test('F13: the older answer that comes late does not replace the newer one', async () => {
    let first = (_: object): void => {}
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(new Promise((resolve) => (first = resolve)))
    scene.send().catch(() => {})
    await scene.world.pass(20_000)
    expect((await scene.tokens.getAccessToken()).value).toBe('ann.2')
    const state = scene.tokens.getState()
    first({ access_token: 'late.token', refresh_token: 'late' })
    await settle()
    expect(scene.tokens.getState()).toBe(state)
    await scene.world.pass(301_000)
    await scene.send()
    expect(scene.desk.asked.filter((one) => one.startsWith('refresh'))).toEqual([
      'refresh r1',
      'refresh r1',
      'refresh r2',
    ])
  })

  test('F38: a page that dies during a refresh in cookie mode leaves the new cookie to the next one', async () => {
    await signedIn({ flavour: 'cookie' })
    await expire()
    const gate = stage.hold('refresh', 'after')
    const before = stage.jar.value('refresh_token')
    const dying = watchOf(stage.get('/me'))
    await gate.arrived
    const next = stage.reload()
    gate.release()
    await stage.jar.quiet()
    expect(dying).toMatchObject({ state: 'rejected', code: 'aborted' })
    expect(stage.jar.value('refresh_token')).not.toBe(before)
    expect(await stage.world.during(next.restore())).toMatchObject({ status: 'active' })
    expect(stage.backend.auth.liveFamilies()).toHaveLength(1)
  })

  test('F42: requests for two resources share one refresh', async () => {
    const scene = createScene({ resources: ['https://api.example.com', 'https://files.example.com'] })
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    await Promise.all([scene.send(), scene.send({ url: 'https://files.example.com/1' }), scene.tokens.getAccessToken()])
    expect(scene.refreshes()).toBe(1)
  })
})

test('a tab that asks in the moment in which the lock is let go gets the new tokens', async () => {
  const world = createWorld()
  const { locks, timer } = world.ports
  const holder = createScene({
    world,
    timing: { background: false },
    ports: {
      locks: (...asked) => locks(...asked).then(() => new Promise<void>((resolve) => void timer(resolve, 100))),
    },
  })
  await world.during(holder.tokens.login('ann'))
  const other = createScene({ world, desk: holder.desk, timing: { background: false } })
  await world.during(other.tokens.restore())
  await world.pass(301_000)
  const first = holder.send()
  await world.pass(50)
  expect(holder.tokens.getState().status).toBe('refreshing')
  const second = other.send()
  await world.during(Promise.all([first, second]))
  expect(holder.refreshes()).toBe(1)
})
