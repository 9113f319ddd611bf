import { TokenError } from 'tokenward'
import { afterEach, describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { settle } from '../support/world.ts'
import { createScene, failureOf, later, only, openStage, type Stage, watchOf } from './stage.ts'

let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

const NEVER_STARTED = { status: 'signed-out', signedIn: false, reason: 'never-started', elsewhere: false }

describe('login', () => {
  test('wrong credentials reject login_failed, and a right password works then', async () => {
    stage = await openStage()
    const wrong = { email: 'demo@example.com', password: 'wrong' }
    expect(await failureOf(stage.tokens.login(wrong))).toMatchObject({ code: 'login_failed', transient: false })
    expect(stage.tokens.getState()).toEqual(NEVER_STARTED)
    expect(stage.told).toEqual([])
    expect(await stage.tokens.login({ ...wrong, password: 'demo' })).toMatchObject({ status: 'active' })
  })

  test.each([
    ['503', fault.status(503), 'refresh_unavailable'],
    ['429 with Retry-After', fault.tooManyRequests('30'), 'refresh_unavailable'],
    ['a captive portal', fault.captivePortal(), 'malformed_response'],
    ['a broken connection', fault.dropped(), 'refresh_unavailable'],
    ['a redirect', fault.redirect('/elsewhere'), 'refresh_unavailable'],
  ])('%s is not the user’s fault: the login fails as transient', async (_, what, code) => {
    stage = await openStage()
    stage.backend.auth.faults.next('login', what)
    const login = { email: 'demo@example.com', password: 'demo' }
    expect(await failureOf(stage.tokens.login(login))).toMatchObject({ code, transient: true })
    expect(stage.tokens.getState()).toEqual(NEVER_STARTED)
    expect(await stage.tokens.login(login)).toMatchObject({ status: 'active' })
  })

  test('a server that never answers: timeout, within three times requestTimeoutMs and a second', async () => {
    stage = await openStage()
    stage.backend.auth.faults.next('login', fault.silence())
    const failed = watchOf(stage.tokens.login({ email: 'demo@example.com', password: 'demo' }))
    await stage.world.pass(31_000)
    expect(failed).toMatchObject({ state: 'rejected', code: 'timeout' })
  })

  test('a later login overtakes an earlier one, which rejects aborted; what it brings is revoked', async () => {
    const scene = createScene()
    const first = later()
    scene.desk.answerLogin(first.promise)
    const ann = failureOf(scene.tokens.login('ann'))
    await settle()
    const bea = scene.tokens.login('bea')
    expect(await ann).toMatchObject({ code: 'aborted' })
    first.resolve({ access_token: 'late.token', refresh_token: 'late' })
    await bea
    await settle()
    expect(scene.desk.asked).toEqual(['login ann', 'login bea', 'revoke late late.token'])
    expect(only(scene.told, 'signed-in')).toHaveLength(1)
  })

  test('a logout overtakes it, and it can begin no session any more', async () => {
    const scene = createScene()
    const answer = later()
    scene.desk.answerLogin(answer.promise)
    const login = failureOf(scene.tokens.login('ann'))
    await settle()
    const report = scene.tokens.logout()
    expect(await login).toMatchObject({ code: 'aborted' })
    answer.resolve({ access_token: 'late.token', refresh_token: 'late' })
    expect(await report).toEqual({ revoked: 'confirmed' })
    expect(scene.tokens.getState().signedIn).toBe(false)
    expect(scene.desk.asked).toEqual(['login ann', 'revoke late late.token'])
  })

  test('the caller’s signal gives it up: aborted at once, and a late answer begins nothing', async () => {
    const scene = createScene()
    const answer = later()
    scene.desk.answerLogin(answer.promise)
    const controller = new AbortController()
    const login = failureOf(scene.tokens.login('ann', { signal: controller.signal }))
    await settle()
    controller.abort()
    expect(await login).toMatchObject({ code: 'aborted' })
    answer.resolve({})
    await settle()
    expect(scene.tokens.getState()).toEqual(NEVER_STARTED)
  })

  test.each(['login', 'restore'] as const)(
    '%s with a signal that was aborted before rejects aborted, and asks nobody',
    async (method) => {
      const scene = createScene({ credential: 'cookie' })
      const options = { signal: AbortSignal.abort() }
      const call = method === 'login' ? scene.tokens.login('ann', options) : scene.tokens.restore(options)
      expect(await failureOf(call)).toMatchObject({ code: 'aborted' })
      await settle()
      expect(scene.desk.asked).toEqual([])
      expect(scene.tokens.getState()).toEqual(NEVER_STARTED)
    },
  )

  test('a source without login rejects unsupported', async () => {
    const scene = createScene()
    const { id, credential, refresh } = scene.desk.source
    const { tokens } = createScene({ source: { id, credential, refresh } })
    expect(await failureOf(tokens.login('ann'))).toMatchObject({ code: 'unsupported' })
  })

  test('requests made during a login go bare, but those that require a session wait for it', async () => {
    const scene = createScene()
    const answer = later()
    scene.desk.answerLogin(answer.promise)
    void scene.tokens.login('ann')
    await scene.send()
    const waiting = scene.send({ required: true })
    await settle()
    expect(scene.seen).toEqual([undefined])
    answer.resolve({})
    await waiting
    expect(scene.seen).toEqual([undefined, 'Bearer ann.1'])
  })
})

describe('startSession', () => {
  test('begins a session with a token response obtained elsewhere', async () => {
    const scene = createScene()
    const state = await scene.tokens.startSession({ access_token: 'abc', expires_in: '3600' as never, scope: 'a b' })
    expect(state).toMatchObject({ status: 'active', scope: ['a', 'b'], expiresAt: scene.world.now() + 3_600_000 })
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(scene.seen).toEqual(['Bearer abc'])
  })

  test('rejects malformed_response for what holds no token that can be sent, and changes nothing', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    const state = scene.tokens.getState()
    for (const access_token of [
      undefined,
      null,
      7,
      {},
      '',
      'a b',
      'a\r\nX: y',
      'tök',
      'undefined',
      '[object Object]',
    ]) {
      const error = await failureOf(scene.tokens.startSession({ access_token } as never))
      expect(error).toMatchObject({ code: 'malformed_response' })
    }
    expect(scene.tokens.getState()).toBe(state)
  })

  test('overtakes a login on its way', async () => {
    const scene = createScene()
    scene.desk.answerLogin(new Promise(() => {}))
    const login = failureOf(scene.tokens.login('ann'))
    await scene.tokens.startSession({ access_token: 'abc' })
    expect(await login).toMatchObject({ code: 'aborted' })
  })
})

describe('a switch of users', () => {
  test('raises signed-out replaced, then signed-in, and revokes what was there', async () => {
    const scene = createScene({ random: () => Math.random() })
    await scene.tokens.login('ann')
    const before = scene.tokens.getState()
    scene.told.length = 0
    await scene.tokens.login('bea')
    await settle()
    const after = scene.tokens.getState()
    const [was, is] = [before, after].map((state) => (state as { session: string }).session)
    expect(was).not.toBe(is)
    expect(scene.told).toEqual([
      { type: 'signed-out', event: { session: was, reason: 'replaced', elsewhere: false }, state: after },
      { type: 'signed-in', event: { session: is }, state: after },
    ])
    expect(scene.desk.asked.at(-1)).toBe('revoke r1 ann.1')
  })

  test('F75: a request of the old session rejects session_changed, and never goes with the new token', async () => {
    const answer = later<Response>()
    const scene = createScene({ decide: (sent) => (sent === 'Bearer ann.1' ? answer.promise.then(() => 401) : 200) })
    await scene.tokens.login('ann')
    const flying = failureOf(scene.send())
    await scene.tokens.login('bea')
    answer.resolve(new Response())
    expect(await flying).toMatchObject({ code: 'session_changed' })
    await settle()
    expect(scene.seen).toEqual(['Bearer ann.1'])
    expect(scene.refreshes()).toBe(0)
  })

  test('F74: the late failure of the old user’s refresh leaves the new user alone', async () => {
    const scene = createScene()
    const answer = later()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(answer.promise)
    const waiting = failureOf(scene.send())
    await settle()
    await scene.tokens.login('bea')
    answer.reject(new TokenError('refresh_rejected', 'ann’s token was refused'))
    await settle()
    expect(await waiting).toMatchObject({ code: 'session_changed' })
    expect(scene.tokens.getState().status).toBe('active')
    expect((await scene.tokens.getAccessToken()).value).toMatch(/^bea/)
  })
})
