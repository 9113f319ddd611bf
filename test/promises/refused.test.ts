import { type Exchange, TokenError } from 'tokenward'
import { afterEach, describe, expect, test } from 'vitest'
import { fingerprint } from 'tokenward/testing'
import { type Reply, settle } from '../support/world.ts'
import { admin, API, createScene, demo, failureOf, only, openStage, type Scene, type Stage, watchOf } from './stage.ts'

let stage: Stage
async function onStage(user = demo): Promise<void> {
  stage = await openStage({ auth: { accessTokenMs: 300_000 } })
  await stage.tokens.login(user)
}
afterEach(() => stage?.close())

async function signedIn(options: Parameters<typeof createScene>[0] = {}): Promise<Scene> {
  const scene = createScene(options)
  await scene.tokens.login('ann')
  return scene
}

/** An API at which every token but the first has the right. */
const refusesFirst = (sent: string | undefined): number => (sent === 'Bearer ann.1' ? 401 : 200)
const challenge = (status: number, header: string): Reply => ({ status, headers: { 'www-authenticate': header } })

describe('F07: a 401 of the token endpoint', () => {
  test('is an answer about the session, given once to all who wait, and causes no further refresh', async () => {
    await onStage()
    stage.backend.auth.revokeSessions()
    await stage.world.pass(301_000)
    const all = await Promise.all(Array.from({ length: 20 }, () => failureOf(stage.get('/me'))))
    expect(new Set(all.map(({ code }) => code))).toEqual(new Set(['refresh_rejected']))
    expect(stage.count('refresh')).toBe(1)
    expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
  })

  test('does not recurse where the source asks through the manager itself', async () => {
    const scene = await signedIn()
    let asked = 0
    // As with an axios instance that is bound to the manager: the call waits for the very refresh that it is.
    const refresh = async (): Promise<unknown> => {
      asked++
      return scene.send()
    }
    Object.assign(scene.desk.source, { refresh })
    await scene.world.pass(301_000)
    const failure = failureOf(scene.send())
    await scene.world.pass(10_500)
    expect((await failure).transient).toBe(true)
    expect(asked).toBe(1)
    expect(scene.tokens.getState().status).toBe('stale')
  })
})

describe('a 401 for the current token', () => {
  test('F88 F100: causes one refresh, and one more send, for any number of requests', async () => {
    await onStage()
    stage.backend.auth.revokeAccessTokens()
    const all = await Promise.all(Array.from({ length: 30 }, () => stage.get('/me')))
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200))
    expect(stage.count('refresh')).toBe(1)
    expect(stage.backend.api.log).toHaveLength(60)
    expect(only(stage.told, 'refreshed')).toMatchObject([{ trigger: 'refused' }])
    expect(only(stage.told, 'challenged')).toEqual([])
  })

  test.each(['invalid_token', 'bare', 'none'] as const)('F89: whatever the server says with it: %s', async (how) => {
    await onStage()
    stage.backend.api.settings.challenge = how
    stage.backend.auth.revokeAccessTokens()
    expect((await stage.get('/me')).status).toBe(200)
    expect(stage.count('refresh')).toBe(1)
  })

  test('the second send differs from the first in its token alone', async () => {
    await onStage()
    stage.backend.auth.revokeAccessTokens()
    const body = JSON.stringify({ text: 'ü'.repeat(100) })
    const headers = { 'Content-Type': 'application/json', 'X-Own': '1' }
    const response = await stage.get('/echo?a=1&a=2', {}, { method: 'PUT', body, headers })
    expect(response.status).toBe(200)
    const [first, second] = stage.backend.api.log.map(({ method, path, sha256, headers: own }) => {
      const { authorization, ...rest } = own
      return { method, path, sha256, rest: { ...rest, 'x-test-call': undefined }, authorization }
    })
    expect({ ...second, authorization: undefined }).toEqual({ ...first, authorization: undefined })
    expect(second?.authorization).not.toBe(first?.authorization)
  })

  test('F04: one that comes late, for a token that is no longer current, is retried without a refresh', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let calls = 0
    const scene = await signedIn({
      decide: async (sent) => {
        if (++calls === 1) await held
        return refusesFirst(sent)
      },
    })
    const late = scene.send()
    await scene.send()
    expect(scene.refreshes()).toBe(1)
    release()
    expect(await late).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBe(1)
    expect(scene.seen).toEqual(['Bearer ann.1', 'Bearer ann.1', 'Bearer ann.2', 'Bearer ann.2'])
  })

  test('F100: in whatever order 401s come around the refresh, each request is sent once more', async () => {
    const gates: (() => void)[] = []
    const scene = await signedIn({
      decide: async (sent) => {
        if (sent === 'Bearer ann.1') await new Promise<void>((resolve) => gates.push(resolve))
        return refusesFirst(sent)
      },
    })
    const all = Array.from({ length: 12 }, () => scene.send())
    await settle()
    for (const [index, open] of gates.entries()) {
      open()
      if (index % 3 === 2) await settle()
    }
    expect((await Promise.all(all)).every(({ status }) => status === 200)).toBe(true)
    expect(scene.refreshes()).toBe(1)
    expect(scene.seen).toHaveLength(24)
  })

  test('F82: where the refresh token is refused too, all fail at once, and the session ends once', async () => {
    await onStage()
    stage.backend.auth.revokeSessions()
    const all = await Promise.all(Array.from({ length: 10 }, () => failureOf(stage.get('/me'))))
    expect(new Set(all.map(({ code }) => code))).toEqual(new Set(['refresh_rejected']))
    expect(only(stage.told, 'signed-out')).toMatchObject([{ reason: 'rejected' }])
    expect(stage.count('refresh')).toBe(1)
  })

  test('where no fresh token can be had now, the request says so and the session stays', async () => {
    const scene = await signedIn({ decide: refusesFirst })
    scene.desk.answer(new TokenError('refresh_unavailable', 'down', { transient: true }))
    expect(await failureOf(scene.send())).toMatchObject({ code: 'refresh_unavailable' })
    expect(scene.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
    await scene.world.pass(2_000)
    expect(await scene.send()).toMatchObject({ status: 200 })
  })

  test('F02: the planned refresh and a 401 in the same moment share one flight', async () => {
    let revoked = false
    const scene = await signedIn({ decide: (sent) => (revoked ? refusesFirst(sent) : 200) })
    await scene.send()
    scene.world.freeze(250_000)
    revoked = true
    const all = [scene.world.tell('wake'), scene.send(), scene.send(), scene.world.pass(0)]
    await Promise.all(all)
    expect(scene.refreshes()).toBe(1)
    expect(scene.seen.slice(-2)).toEqual(['Bearer ann.2', 'Bearer ann.2'])
  })

  test('the caller’s abort during the refresh is heeded: the request is not sent again', async () => {
    const scene = await signedIn({ decide: refusesFirst })
    let answer = (_: object): void => {}
    scene.desk.answer(new Promise((resolve) => (answer = resolve)))
    const controller = new AbortController()
    const request = watchOf(scene.send({ signal: controller.signal }))
    await settle()
    controller.abort()
    answer({})
    await settle()
    expect(request).toMatchObject({ state: 'rejected', code: 'aborted' })
    expect(scene.seen).toHaveLength(1)
    expect(scene.tokens.getState().status).toBe('active')
  })
})

describe('a second 401 goes to the caller as it came', () => {
  test('F87 F88: one refresh at most, and the session stays', async () => {
    await onStage()
    const response = await stage.get('/always-401')
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({ error: 'invalid_token' })
    expect(stage.count('refresh')).toBe(1)
    expect(stage.backend.api.log).toHaveLength(2)
    expect(stage.tokens.getState().status).toBe('active')
    expect(only(stage.told, 'challenged')).toEqual([
      { origin: stage.backend.api.origin, status: 401, error: 'invalid_token', scope: undefined },
    ])
  })

  test('F87: a token refused right after its refresh is not refreshed again before a success or its expiry', async () => {
    let broken = true
    const scene = await signedIn({ decide: () => (broken ? 401 : 200), timing: { background: false } })
    for (let poll = 0; poll < 50; poll++) {
      expect(await scene.send()).toMatchObject({ status: 401 })
      await scene.world.pass(1_000)
    }
    expect(scene.refreshes()).toBe(1)
    expect(scene.seen).toHaveLength(51)
    expect(only(scene.told, 'alert')).toEqual([{ rule: 'fresh-token-refused', origin: API }])
    // Its expiry.
    await scene.world.pass(300_000)
    expect(await scene.send()).toMatchObject({ status: 401 })
    expect(scene.refreshes()).toBe(2)
    // A success.
    broken = false
    expect(await scene.send()).toMatchObject({ status: 200 })
    broken = true
    expect(await scene.send()).toMatchObject({ status: 401 })
    expect(scene.refreshes()).toBe(3)
    expect(await scene.send()).toMatchObject({ status: 401 })
    expect(scene.refreshes()).toBe(3)
  })

  test('F87: so it is for a hundred requests at once', async () => {
    const scene = await signedIn({ decide: () => 401 })
    const all = await Promise.all(Array.from({ length: 100 }, () => scene.send()))
    expect(all.every(({ status }) => status === 401)).toBe(true)
    expect(scene.refreshes()).toBe(1)
    expect(scene.seen).toHaveLength(200)
  })
})

describe('what cannot be sent twice is not', () => {
  test('F93: a spent body: not_retryable, and the next request carries a fresh token', async () => {
    const scene = await signedIn({ decide: refusesFirst })
    expect(await failureOf(scene.send({ repeatable: false }))).toMatchObject({
      code: 'not_retryable',
      transient: false,
    })
    expect(scene.seen).toEqual(['Bearer ann.1'])
    expect(await scene.send({ repeatable: false })).toMatchObject({ status: 200 })
    expect(scene.seen).toEqual(['Bearer ann.1', 'Bearer ann.2'])
  })

  test('retry: false: the 401 is the caller’s, and the token is refreshed for the next call', async () => {
    const scene = await signedIn({ decide: refusesFirst })
    expect(await scene.send({ retry: false })).toMatchObject({ status: 401 })
    await settle()
    expect(scene.seen).toHaveLength(1)
    expect(scene.refreshes()).toBe(1)
    expect(await scene.send({ retry: false })).toMatchObject({ status: 200 })
  })

  test('retry: false does not wait for the refresh, and fails with none', async () => {
    const scene = await signedIn({ decide: refusesFirst })
    scene.desk.answer(new Promise(() => {}))
    expect(await scene.send({ retry: false })).toMatchObject({ status: 401 })
    await scene.world.pass(10_000)
    expect(scene.tokens.getState().status).toBe('stale')
  })
})

describe('what does not say that the token was refused causes no refresh', () => {
  test.each([
    ['401 for another scheme', challenge(401, 'Basic realm="x"')],
    ['403', { status: 403, headers: {} }],
    ['403 for another scheme', challenge(403, 'Negotiate')],
    ['403 invalid_request', challenge(403, 'Bearer error="invalid_request"')],
    ['400 invalid_request', challenge(400, 'Bearer error="invalid_request"')],
  ])('F88 F90: %s is the caller’s', async (_, reply) => {
    const scene = await signedIn({ decide: () => reply })
    expect(await scene.send()).toBe(reply)
    expect(scene.refreshes()).toBe(0)
    expect(scene.seen).toHaveLength(1)
  })

  test.each([
    ['401 invalid_token', challenge(401, 'Bearer realm="x", error="invalid_token"')],
    ['403 invalid_token', challenge(403, 'Bearer error="invalid_token"')],
    ['401 with a bare challenge', challenge(401, 'Bearer')],
    ['401 with a header that nobody can read', challenge(401, '"""')],
    ['401 for two schemes', challenge(401, 'Basic realm="x", Bearer error="invalid_token"')],
  ])('but %s does', async (_, reply) => {
    const scene = await signedIn({ decide: (sent) => (sent === 'Bearer ann.1' ? reply : 200) })
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBe(1)
  })

  test('F90: insufficient_scope is a typed error that says which, and is told; the token is kept', async () => {
    await onStage()
    const error = await failureOf(stage.get('/admin'))
    expect(error).toMatchObject({ code: 'insufficient_scope', scope: 'admin', transient: false })
    expect(only(stage.told, 'challenged')).toEqual([
      { origin: stage.backend.api.origin, status: 403, error: 'insufficient_scope', scope: 'admin' },
    ])
    expect(stage.count('refresh')).toBe(0)
    expect(stage.backend.api.log.map(({ presented }) => presented)).toEqual([
      fingerprint(stage.backend.auth.liveAccessTokens()[0] ?? ''),
    ])
    await stage.tokens.login(admin)
    expect((await stage.get('/admin')).status).toBe(200)
  })

  test('F90: insufficient_user_authentication asks for step-up, with all that the resource says', async () => {
    const header = 'Bearer error="insufficient_user_authentication", acr_values="myACR", max_age="5", scope="pay"'
    for (const status of [401, 403]) {
      const scene = await signedIn({ decide: () => challenge(status, header) })
      expect(await failureOf(scene.send())).toMatchObject({
        code: 'insufficient_authentication',
        acrValues: 'myACR',
        maxAge: 5,
        scope: 'pay',
        transient: false,
      })
      expect(scene.refreshes()).toBe(0)
    }
  })

  test('a challenge that wants to harm its reader is not passed on', async () => {
    const nasty = 'Bearer error="insufficient_scope", scope="<script>\t\u0080"'
    const scene = await signedIn({ decide: () => challenge(403, nasty) })
    expect((await failureOf(scene.send())).scope).toBeUndefined()
  })
})

describe('an answer that the application calls refused', () => {
  const exchangeOf = (seen: (string | undefined)[], status: number): Exchange<number> => ({
    repeatable: true,
    async send(headers) {
      seen.push(headers['Authorization'])
      return headers['Authorization'] === 'Bearer ann.1' ? status : 200
    },
    answer: (reply) => ({ status: reply, header: () => null, refused: reply === status && status !== 200 }),
  })

  test.each([403, 419, 440, 400])('F91: %i has the guarantees of a 401', async (status) => {
    const scene = await signedIn()
    const seen: (string | undefined)[] = []
    const send = (): Promise<number> => scene.tokens.send({ url: `${API}/x` }, exchangeOf(seen, status))
    expect(await Promise.all([send(), send(), send()])).toEqual([200, 200, 200])
    expect(scene.refreshes()).toBe(1)
    expect(seen).toHaveLength(6)
  })

  test('F92: so has a 200 that says UNAUTHENTICATED, and a second one goes to the caller', async () => {
    const scene = await signedIn()
    const seen: (string | undefined)[] = []
    const exchange: Exchange<string> = {
      repeatable: true,
      async send(headers) {
        seen.push(headers['Authorization'])
        return 'UNAUTHENTICATED'
      },
      answer: (code) => ({ status: 200, header: () => null, refused: code === 'UNAUTHENTICATED' }),
    }
    for (let poll = 0; poll < 5; poll++) {
      expect(await scene.tokens.send({ url: `${API}/graphql` }, exchange)).toBe('UNAUTHENTICATED')
    }
    expect(scene.refreshes()).toBe(1)
    expect(seen).toHaveLength(6)
  })

  test('a bare request that is refused is the caller’s', async () => {
    const scene = createScene({ decide: () => 401 })
    expect(await scene.send()).toMatchObject({ status: 401 })
    expect(scene.seen).toEqual([undefined])
    expect(scene.refreshes()).toBe(0)
  })
})
