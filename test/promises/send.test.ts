import { TokenError, type TokenManager } from 'tokenward'
import { afterEach, describe, expect, test } from 'vitest'
import { settle } from '../support/world.ts'
import {
  API,
  createScene,
  demo,
  exchangeOf,
  failureOf,
  only,
  openStage,
  type Scene,
  type Stage,
  watchOf,
} from './stage.ts'

let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function signedIn(options: Parameters<typeof createScene>[0] = {}): Promise<Scene> {
  const scene = createScene(options)
  await scene.tokens.login('ann')
  return scene
}

const bearer = (token: string): string => `Bearer ${token}`

describe('attach', () => {
  test('with a fresh token the transport is called in the same task', async () => {
    const scene = await signedIn()
    let ticked = false
    void Promise.resolve().then(() => (ticked = true))
    let seen: unknown
    void scene.tokens.send(
      { url: `${API}/orders` },
      {
        repeatable: true,
        send(headers) {
          seen = { headers, ticked }
          return Promise.resolve(200)
        },
        answer: (status) => ({ status, header: () => null }),
      },
    )
    expect(seen).toEqual({ headers: { Authorization: 'Bearer ann.1' }, ticked: false })
  })

  test('so it is for a bare request, and for one that may carry no token', async () => {
    const scene = createScene()
    void scene.send()
    await scene.tokens.login('ann')
    void scene.send({ url: 'https://elsewhere.example/' })
    expect(scene.seen).toEqual([undefined, undefined])
  })

  test.each(['bearer', 'BEARER', 'Bearer', undefined, '', null])(
    'F113: token_type %j makes the scheme Bearer',
    async (type) => {
      const scene = createScene()
      scene.desk.answerLogin({ token_type: type as string })
      await scene.tokens.login('ann')
      await scene.send()
      expect(scene.seen).toEqual(['Bearer ann.1'])
    },
  )

  test.each(['mac', 'N_A', 'DPoP', 7])(
    'F113 F114: token_type %j is not understood, and nothing is sent with it',
    async (type) => {
      const scene = createScene()
      scene.desk.answerLogin({ token_type: type as string })
      expect(await failureOf(scene.tokens.login('ann'))).toMatchObject({ code: 'malformed_response' })
      await scene.send()
      expect(scene.seen).toEqual([undefined])
    },
  )

  test.each(['a b', 'a\nb', 'a\u0000b', 'tök', '', ' a', 'Bearer abc', 'undefined', 'null'])(
    'F111 F112: %j is no token that could be sent',
    async (token) => {
      const scene = createScene()
      scene.desk.answerLogin({ access_token: token })
      expect(await failureOf(scene.tokens.login('ann'))).toMatchObject({ code: 'malformed_response' })
    },
  )

  test('F111: visible ASCII outside the grammar is used as it is, and told once', async () => {
    const scene = createScene()
    const odd = 'a"b|c{d}\\e'
    scene.desk.answerLogin({ access_token: odd })
    scene.desk.answer({ access_token: odd })
    await scene.tokens.login('ann')
    await scene.send()
    await scene.world.pass(301_000)
    await scene.send()
    expect(scene.seen).toEqual([bearer(odd), bearer(odd)])
    expect(only(scene.told, 'alert')).toEqual([{ rule: 'odd-token' }])
  })
})

describe('an expired token is never sent', () => {
  test('F01: all requests that find it expired wait for one refresh', async () => {
    stage = await openStage({ auth: { accessTokenMs: 300_000 } })
    await stage.tokens.login(demo)
    await stage.world.pass(301_000)
    const all = await Promise.all(Array.from({ length: 50 }, () => stage!.get('/me')))
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200))
    expect(stage.count('refresh')).toBe(1)
    expect(stage.backend.api.log).toHaveLength(50)
    expect(only(stage.told, 'refreshed')).toMatchObject([{ trigger: 'expired' }])
  })

  test('F05: requests that start during the refresh wait for it too', async () => {
    const scene = await signedIn()
    await scene.world.pass(301_000)
    let answer = (_: object): void => {}
    scene.desk.answer(new Promise((resolve) => (answer = resolve)))
    const early = scene.send()
    await settle()
    const late = scene.send()
    await settle()
    expect(scene.seen).toEqual([])
    answer({})
    await Promise.all([early, late])
    expect(scene.seen).toEqual(['Bearer ann.2', 'Bearer ann.2'])
    expect(scene.refreshes()).toBe(1)
  })

  test('F03: a refresh that failed leaves the way free for the next', async () => {
    const scene = await signedIn({ timing: { background: false } })
    for (let i = 0; i < 3; i++) {
      await scene.world.pass(301_000)
      scene.desk.answer(new TokenError('refresh_unavailable', 'down', { transient: true }))
      expect(await failureOf(scene.send())).toMatchObject({ code: 'refresh_unavailable' })
      await scene.world.pass(2_000)
      expect(await scene.send()).toMatchObject({ status: 200 })
    }
    expect(scene.refreshes()).toBe(6)
  })

  test('F08 F09: all who wait reject with the same typed error, which is no abort', async () => {
    const scene = await signedIn()
    await scene.world.pass(301_000)
    scene.desk.answer(new TypeError('Failed to fetch'))
    const errors = await Promise.all(Array.from({ length: 10 }, () => failureOf(scene.send())))
    expect(new Set(errors).size).toBe(1)
    expect(errors[0]).toMatchObject({ code: 'refresh_unavailable', transient: true, name: 'TokenError' })
  })

  test('F10: the abort of one that waits is nobody else’s, and the refresh goes on', async () => {
    const scene = await signedIn()
    await scene.world.pass(301_000)
    let answer = (_: object): void => {}
    scene.desk.answer(new Promise((resolve) => (answer = resolve)))
    const controller = new AbortController()
    const mine = watchOf(scene.send({ signal: controller.signal }))
    const other = scene.send()
    await settle()
    controller.abort()
    await settle()
    expect(mine).toMatchObject({ state: 'rejected', code: 'aborted' })
    answer({})
    expect(await other).toMatchObject({ status: 200 })
    expect(scene.seen).toEqual(['Bearer ann.2'])
  })

  test('F97: a request whose signal was aborted before is never put on the wire', async () => {
    const scene = await signedIn()
    const error = await failureOf(scene.send({ signal: AbortSignal.abort() }))
    expect(error).toMatchObject({ code: 'aborted' })
    expect(scene.seen).toEqual([])
    await scene.world.pass(301_000)
    expect(await failureOf(scene.send({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'aborted' })
    expect(scene.seen).toEqual([])
    expect(scene.refreshes()).toBe(0)
  })

  test('waitMs bounds the wait, and disturbs nobody', async () => {
    const scene = await signedIn()
    await scene.world.pass(301_000)
    let answer = (_: object): void => {}
    scene.desk.answer(new Promise((resolve) => (answer = resolve)))
    const short = failureOf(scene.send({ waitMs: 100 }))
    const long = scene.send()
    await scene.world.pass(100)
    expect(await short).toMatchObject({ code: 'timeout', transient: true })
    answer({})
    expect(await long).toMatchObject({ status: 200 })
  })

  test('F06: a source that sends its refresh through the manager waits for itself no longer than a request may take', async () => {
    const own: { tokens?: TokenManager<string> } = {}
    const scene = createScene()
    const source = {
      ...scene.desk.source,
      refresh: async () => {
        await own.tokens!.send({ url: `${API}/refresh` }, exchangeOf(fetch, API))
        return { access_token: 'never' }
      },
    }
    const other = createScene({ source, world: scene.world })
    own.tokens = other.tokens
    await other.tokens.login('ann')
    await scene.world.pass(301_000)
    const failed = failureOf(other.send())
    await scene.world.pass(10_000)
    expect(await failed).toMatchObject({ code: 'refresh_unavailable' })
  })

  test('F11: everything settles within three times requestTimeoutMs and a second, whatever never answers', async () => {
    for (const credential of ['token', 'cookie'] as const) {
      const scene = await signedIn({ credential })
      await scene.world.pass(301_000)
      const never = (): Promise<never> => new Promise(() => {})
      scene.desk.answer(never(), never(), never(), never())
      scene.desk.answerLogin(never())
      scene.desk.answerRevoke(never())
      const all = [watchOf(scene.send()), watchOf(scene.tokens.getAccessToken())]
      await scene.world.pass(5_000)
      all.push(watchOf(scene.send()), watchOf(scene.tokens.login('bea') as Promise<never>))
      await scene.world.pass(1_000)
      all.push(watchOf(scene.tokens.logout() as Promise<never>))
      await scene.world.pass(31_000)
      expect(all.map(({ state }) => state)).not.toContain('pending')
    }
  })
})

describe('scope and resource', () => {
  test('a scope that was granted is served; one that was not rejects insufficient_scope, without a refresh', async () => {
    const scene = createScene()
    scene.desk.answerLogin({ scope: 'read write' })
    await scene.tokens.login('ann')
    expect(await scene.send({ scope: 'read' })).toMatchObject({ status: 200 })
    expect(await scene.send({ scope: 'write read' })).toMatchObject({ status: 200 })
    const error = await failureOf(scene.send({ scope: 'read admin' }))
    expect(error).toMatchObject({ code: 'insufficient_scope', scope: 'read admin', transient: false })
    expect(await failureOf(scene.tokens.getAccessToken({ scope: 'READ' }))).toMatchObject({
      code: 'insufficient_scope',
    })
    expect(scene.seen).toHaveLength(2)
    expect(scene.refreshes()).toBe(0)
    await scene.world.pass(301_000)
    expect(await failureOf(scene.send({ scope: 'admin' }))).toMatchObject({ code: 'insufficient_scope' })
  })

  test('where the server did not say what it granted, it is left to the resource', async () => {
    const scene = await signedIn()
    expect(await scene.send({ scope: 'anything' })).toMatchObject({ status: 200 })
  })

  test('a resource names where the token may go; another one is refused', async () => {
    const scene = await signedIn({ resources: [API, 'https://pay.example.com/v1/'] })
    await scene.send({ url: 'https://pay.example.com/v1/x', resource: 'https://pay.example.com/v1/' })
    await scene.send({ url: 'https://pay.example.com/v1/x', resource: API })
    await scene.send({ url: 'https://pay.example.com/v1/x' })
    expect(scene.seen).toEqual(['Bearer ann.1', undefined, 'Bearer ann.1'])
    const refused = scene.send({ url: `${API}/x`, resource: 'https://pay.example.com/v1/', required: true })
    expect(await failureOf(refused)).toMatchObject({ code: 'destination_refused' })
  })
})

describe('getAccessToken', () => {
  test('gives what a WebSocket needs, for each connection a token that is fresh', async () => {
    const scene = await signedIn()
    const expiresAt = scene.world.now() + 300_000
    expect(await scene.tokens.getAccessToken()).toEqual({ value: 'ann.1', tokenType: 'Bearer', expiresAt })
    await scene.world.pass(301_000)
    expect((await scene.tokens.getAccessToken()).value).toBe('ann.2')
    expect((await scene.tokens.getAccessToken({ resource: API })).value).toBe('ann.2')
  })

  test('rejects for a resource that is none of ours, and when its caller gives up', async () => {
    const scene = await signedIn()
    const elsewhere = scene.tokens.getAccessToken({ resource: 'https://elsewhere.example' })
    expect(await failureOf(elsewhere)).toMatchObject({ code: 'destination_refused' })
    const given = scene.tokens.getAccessToken({ signal: AbortSignal.abort() })
    expect(await failureOf(given)).toMatchObject({ code: 'aborted' })
  })
})
