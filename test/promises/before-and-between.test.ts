import { TokenError } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { settle } from '../support/world.ts'
import { API, createScene, failureOf, later, only, type Scene, watchOf } from './stage.ts'

const NEVER_STARTED = { status: 'signed-out', signedIn: false, reason: 'never-started', elsewhere: false }

describe('before anything is asked for', () => {
  test('the state is signed-out, never-started, and nobody has been asked anything', async () => {
    const scene = createScene({ credential: 'cookie' })
    expect(scene.tokens.getState()).toEqual(NEVER_STARTED)
    await scene.world.tell('wake')
    await scene.world.goOnline(true)
    await scene.world.pass(86_400_000)
    expect(scene.desk.asked).toEqual([])
    expect(scene.world.timers()).toEqual([])
    expect(scene.world.watchers()).toBe(0)
    expect(scene.told).toEqual([])
  })

  test('a request goes bare, in the same task', () => {
    const scene = createScene()
    void scene.send()
    expect(scene.seen).toEqual([undefined])
  })

  test('a request that requires a session rejects signed_out, and does not leave', async () => {
    const scene = createScene()
    expect(await failureOf(scene.send({ required: true }))).toMatchObject({ code: 'signed_out', transient: false })
    expect(await failureOf(scene.tokens.getAccessToken())).toMatchObject({ code: 'signed_out' })
    expect(scene.seen).toEqual([])
  })
})

describe('while restoring', () => {
  async function restoring(): Promise<{ scene: Scene; answer: ReturnType<typeof later> }> {
    const scene = createScene({ credential: 'cookie' })
    const answer = later()
    scene.desk.answerRestore(answer.promise)
    void scene.tokens.restore()
    await settle()
    expect(scene.tokens.getState()).toEqual({ status: 'restoring', signedIn: false })
    return { scene, answer }
  }

  test('requests wait, and go with the token of the session that is found', async () => {
    const { scene, answer } = await restoring()
    const sent = [scene.send(), scene.send({ required: true })]
    const token = scene.tokens.getAccessToken()
    await settle()
    expect(scene.seen).toEqual([])
    answer.resolve({})
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual([200, 200])
    expect(scene.seen).toEqual(['Bearer ann.1', 'Bearer ann.1'])
    expect((await token).value).toBe('ann.1')
  })

  test('requests go bare where none is found, and reject where they require one', async () => {
    const scene = createScene({ credential: 'cookie' })
    scene.desk.answerRestore(undefined)
    const restored = scene.tokens.restore()
    const [bare, required] = [scene.send(), failureOf(scene.send({ required: true }))]
    expect(await restored).toEqual(NEVER_STARTED)
    expect(await bare).toMatchObject({ status: 200 })
    expect(await required).toMatchObject({ code: 'signed_out' })
    expect(scene.seen).toEqual([undefined])
  })

  test('a signal ends the wait of its own request and of no other', async () => {
    const { scene, answer } = await restoring()
    const controller = new AbortController()
    const [mine, other] = [watchOf(scene.send({ signal: controller.signal })), watchOf(scene.send())]
    await settle()
    controller.abort()
    await settle()
    expect(mine).toMatchObject({ state: 'rejected', code: 'aborted' })
    expect(other.state).toBe('pending')
    answer.resolve({})
    await settle()
    expect(other.state).toBe('resolved')
    expect(scene.seen).toEqual(['Bearer ann.1'])
  })

  test('waitMs bounds the wait', async () => {
    const { scene } = await restoring()
    const waiting = failureOf(scene.send({ waitMs: 3_000 }))
    await scene.world.pass(2_999)
    expect(scene.seen).toEqual([])
    await scene.world.pass(1)
    expect(await waiting).toMatchObject({ code: 'timeout', transient: true })
    expect(scene.seen).toEqual([])
  })

  test('restore is idempotent: many calls make one request', async () => {
    const { scene, answer } = await restoring()
    const states = [scene.tokens.restore(), scene.tokens.restore({ ask: true })]
    answer.resolve({})
    const [one, other] = await Promise.all(states)
    expect(one).toBe(other)
    expect(await scene.tokens.restore()).toBe(one)
    expect(scene.desk.asked).toEqual(['restore'])
  })

  test('the caller’s signal ends its own wait for the restore, and not that of others', async () => {
    const { scene, answer } = await restoring()
    const controller = new AbortController()
    const mine = watchOf(scene.tokens.restore({ signal: controller.signal }))
    controller.abort()
    await settle()
    expect(mine).toMatchObject({ state: 'rejected', code: 'aborted' })
    const other = scene.tokens.restore()
    answer.resolve({})
    expect(await other).toMatchObject({ status: 'active' })
  })

  test('a login overtakes it: requests wait on, and go with the login’s token', async () => {
    const { scene, answer } = await restoring()
    const [request, restored] = [scene.send(), scene.tokens.restore()]
    const state = watchOf(scene.tokens.login('bea'))
    await settle()
    answer.resolve({ access_token: 'from.restore' })
    await settle()
    expect(state).toMatchObject({ state: 'resolved', value: { status: 'active' } })
    expect(await request).toMatchObject({ status: 200 })
    expect(scene.seen).toEqual(['Bearer bea.2'])
    expect(await restored).toBe(scene.tokens.getState())
    expect(only(scene.told, 'signed-in')).toHaveLength(1)
  })

  test('a login that fails leaves the state as it was before the restore', async () => {
    const { scene, answer } = await restoring()
    scene.desk.answerLogin(new TokenError('login_failed', 'wrong password'))
    const failed = failureOf(scene.tokens.login('bea'))
    answer.resolve({})
    expect(await failed).toMatchObject({ code: 'login_failed' })
    expect(scene.tokens.getState()).toEqual(NEVER_STARTED)
  })

  test('a login that its caller gives up leaves no request waiting', async () => {
    const { scene, answer } = await restoring()
    answer.resolve({})
    scene.desk.answerLogin(new Promise(() => {}))
    const controller = new AbortController()
    const login = failureOf(scene.tokens.login('bea', { signal: controller.signal }))
    await settle()
    const request = watchOf(scene.send())
    controller.abort()
    expect(await login).toMatchObject({ code: 'aborted' })
    await settle()
    expect(request.state).toBe('resolved')
    expect(scene.tokens.getState().status).not.toBe('restoring')
  })

  test('a logout overtakes it: nothing that comes late begins a session', async () => {
    const { scene, answer } = await restoring()
    const request = watchOf(scene.send({ required: true }))
    const report = scene.tokens.logout()
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
    answer.resolve({})
    expect(await report).toEqual({ revoked: 'confirmed' })
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
    expect(request).toMatchObject({ state: 'rejected', code: 'signed_out' })
    expect(scene.seen).toEqual([])
  })
})

describe('after dispose', () => {
  test('every method rejects aborted, and nothing is asked', async () => {
    const scene = createScene({ credential: 'cookie' })
    await scene.tokens.login('ann')
    scene.tokens.dispose()
    scene.tokens.dispose()
    scene.desk.asked.length = 0
    const { tokens } = scene
    const calls = [
      tokens.login('bea'),
      tokens.restore({ ask: true }),
      tokens.startSession({ access_token: 'abc' }),
      tokens.logout(),
      tokens.getAccessToken(),
      tokens.getAccessToken({ resource: 'https://nowhere.example' }),
      scene.send(),
      scene.send({ required: true }),
      scene.send({ url: 'https://other.example/' }),
      scene.send({ url: `${API}/`, minTtlMs: 1_000_000 }),
    ]
    const codes = (await Promise.all(calls.map(failureOf))).map(({ code }) => code)
    expect(codes).toEqual(calls.map(() => 'aborted'))
    tokens.touch()
    expect(tokens.getState()).toBeDefined()
    await scene.world.pass(3_600_000)
    expect(scene.desk.asked).toEqual([])
    expect(scene.seen).toEqual([])
    expect(scene.world.timers()).toEqual([])
    expect(scene.world.watchers()).toBe(0)
  })

  test('callers that were waiting settle as aborted, and a refresh already sent harms nobody', async () => {
    const scene = createScene({ credential: 'cookie' })
    const answer = later()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(answer.promise)
    const waiting = [failureOf(scene.send()), failureOf(scene.tokens.getAccessToken())]
    await settle()
    scene.told.length = 0
    scene.tokens.dispose()
    for (const one of waiting) expect(await one).toMatchObject({ code: 'aborted' })
    answer.resolve({})
    await settle()
    await scene.world.pass(3_600_000)
    expect(scene.told).toEqual([])
    expect(scene.world.timers()).toEqual([])
    expect(scene.world.watchers()).toBe(0)
  })
})
