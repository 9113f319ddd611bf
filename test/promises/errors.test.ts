import { isTokenError, TokenError, tokenErrorOf, type TokenResponse } from 'tokenward'
import { describe, expect, test, vi } from 'vitest'
import { placesOf } from '../support/canary.ts'
import { createApiStub, createDesk } from '../support/world.ts'
import { API, createScene, failureOf } from './stage.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4iLCJjIjoiY2FuYXJ5In0.c2lnbmF0dXJlLW9mLWEtY2FuYXJ5'
const OPAQUE = 'canary-Zm9yLWEtcmVmcmVzaC10b2tlbg'

describe('tokenErrorOf and isTokenError', () => {
  test('find the error in what carries it, however deep', () => {
    const error = new TokenError('refresh_unavailable', 'later', { transient: true, retryAt: 5 })
    const carried = new Error('outer', { cause: new Error('inner', { cause: error }) })
    const axiosError = Object.assign(new Error('failed', { cause: error }), { isAxiosError: true, code: 'ERR_TOKEN' })
    for (const value of [error, carried, axiosError]) {
      expect(tokenErrorOf(value)).toBe(error)
      expect(isTokenError(value)).toBe(true)
    }
  })

  test('find nothing in anything else, and never throw', () => {
    const loop = new Error('loop')
    loop.cause = loop
    const foreign = Object.assign(new Error('x'), { code: 'signed_out' })
    for (const value of [
      undefined,
      null,
      0,
      '',
      'TokenError',
      {},
      [],
      loop,
      foreign,
      { name: 'TokenError', code: 'x' },
    ]) {
      expect(tokenErrorOf(value)).toBeUndefined()
      expect(isTokenError(value)).toBe(false)
    }
  })

  test('two copies of the package understand each other’s errors', async () => {
    vi.resetModules()
    const copy = await import('../../src/errors.ts')
    expect(copy.TokenError).not.toBe(TokenError)
    const theirs = new copy.TokenError('signed_out', 'nobody is signed in')
    expect(theirs).not.toBeInstanceOf(TokenError)
    expect(tokenErrorOf(theirs)).toBe(theirs)
    expect(copy.isTokenError(new TokenError('signed_out', 'x'))).toBe(true)
  })

  test('an error of another copy that a source throws keeps its meaning', async () => {
    vi.resetModules()
    const copy = await import('../../src/errors.ts')
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(new copy.TokenError('refresh_rejected', 'the server refused it'))
    expect(await failureOf(scene.send())).toMatchObject({ code: 'refresh_rejected' })
    expect(scene.tokens.getState()).toMatchObject({ reason: 'rejected' })
  })
})

describe('what an error says', () => {
  test('its code, whether it passes, and nothing that does not apply', () => {
    const error = new TokenError('signed_out', 'nobody is signed in')
    expect(Object.keys(error).sort()).toEqual(['code', 'name', 'transient'])
    expect(error).toMatchObject({
      name: 'TokenError',
      code: 'signed_out',
      transient: false,
      message: 'nobody is signed in',
    })
    expect('cause' in error).toBe(false)
    expect(error).toBeInstanceOf(Error)
    const full = { transient: true, retryAt: 1, scope: 'a', acrValues: 'b', maxAge: 0, cause: 'c' }
    expect(new TokenError('timeout', 'x', full)).toMatchObject(full)
  })

  test('the codes of the table, each from where it comes', async () => {
    const codes = new Map<string, () => Promise<unknown>>()
    const signedIn = async (...args: Parameters<typeof createScene>): Promise<ReturnType<typeof createScene>> => {
      const scene = createScene(...args)
      await scene.tokens.login('ann')
      return scene
    }
    const denied = (header: string) => () => ({ status: 403, headers: { 'www-authenticate': header } })
    codes.set('signed_out', () => createScene().send({ required: true }))
    codes.set('session_changed', async () => {
      const scene = await signedIn({ decide: () => new Promise(() => {}) })
      const flying = scene.send()
      await scene.tokens.login('bea')
      return flying
    })
    codes.set('login_failed', async () => {
      const scene = createScene()
      scene.desk.answerLogin(new TokenError('login_failed', 'wrong password'))
      return scene.tokens.login('ann')
    })
    for (const code of ['refresh_unavailable', 'refresh_rejected', 'configuration', 'key_lost'] as const) {
      codes.set(code, async () => {
        const scene = await signedIn()
        await scene.world.pass(301_000)
        scene.desk.answer(new TokenError(code, 'x', { transient: code === 'refresh_unavailable' }))
        return scene.send()
      })
    }
    codes.set('insufficient_scope', async () =>
      (await signedIn({ decide: denied('Bearer error="insufficient_scope"') })).send(),
    )
    codes.set('insufficient_authentication', async () =>
      (await signedIn({ decide: denied('Bearer error="insufficient_user_authentication"') })).send(),
    )
    codes.set('not_retryable', async () => (await signedIn({ decide: () => 401 })).send({ repeatable: false }))
    codes.set('destination_refused', async () => (await signedIn()).send({ url: 'https://evil.test', required: true }))
    codes.set('malformed_response', () => createScene().tokens.startSession({} as TokenResponse))
    codes.set('unsupported', () => {
      const { id, credential, refresh } = createDesk().source
      return createScene({ source: { id, credential, refresh } }).tokens.login('ann')
    })
    codes.set('timeout', async () => {
      const scene = createScene({ credential: 'cookie' })
      scene.desk.answerRestore(new Promise(() => {}))
      void scene.tokens.restore().catch(() => {})
      const waiting = scene.send({ waitMs: 1 })
      waiting.catch(() => {})
      await scene.world.pass(1)
      return waiting
    })
    codes.set('aborted', async () => {
      const scene = await signedIn()
      scene.tokens.dispose()
      return scene.send()
    })
    for (const [code, fail] of codes) expect(await failureOf(fail())).toMatchObject({ code, name: 'TokenError' })
    expect(codes.size).toBe(15)
  })

  test('key_lost ends the session as key-lost', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(new TokenError('key_lost', 'x'))
    expect(await failureOf(scene.send())).toMatchObject({ code: 'key_lost' })
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'key-lost' })
  })
})

describe('F107: no error holds a credential', () => {
  /** What sources of the field throw; each holds the canaries somewhere. */
  const thrown: [string, () => unknown][] = [
    ['an error that quotes what was sent', () => new Error(`POST {"refresh_token":"${OPAQUE}"} failed`)],
    ['an error that quotes it encoded', () => new Error(`POST token=${encodeURIComponent('r+/=1')}`)],
    ['an error that quotes what was answered', () => new Error(`unexpected answer: {"access_token":"${JWT}"}`)],
    ['a parser', () => catching(() => JSON.parse(`{"access_token":"${JWT}",,`))],
    ['a parser of a short text', () => catching(() => JSON.parse(OPAQUE))],
    [
      'an AxiosError',
      () =>
        Object.assign(new Error('Request failed'), {
          config: { headers: { Authorization: `Bearer ${JWT}` }, data: `refresh_token=${OPAQUE}` },
          response: { data: { access_token: JWT } },
          toJSON: () => ({ token: JWT }),
        }),
    ],
    ['an error with a cause', () => new Error('outer', { cause: new Error(JWT, { cause: { refresh: OPAQUE } }) })],
    ['an AggregateError', () => new AggregateError([new Error(JWT)], 'several')],
    ['an error whose name holds it', () => Object.assign(new Error('x'), { name: JWT })],
    ['an error whose stack holds it', () => Object.assign(new Error('x'), { stack: `Error: ${JWT}` })],
    ['a plain object', () => ({ access_token: JWT })],
    ['a text', () => JWT],
    ['a Response', () => new Response(JWT, { headers: { 'x-token': JWT } })],
  ]

  test.each(thrown)('%s', async (_, make) => {
    const scene = createScene()
    scene.desk.answerLogin({ refresh_token: OPAQUE, access_token: JWT })
    const source = {
      ...scene.desk.source,
      refresh: async () => {
        throw make()
      },
    }
    const other = createScene({ source, world: scene.world })
    await other.tokens.login('ann')
    await other.world.pass(301_000)
    const error = await failureOf(other.send())
    expect(error).toMatchObject({ code: 'refresh_unavailable', transient: true })
    const everything = [error, other.tokens.getState(), other.told]
    for (const secret of [JWT, OPAQUE]) expect(placesOf(secret, everything)).toEqual([])
  })

  test('not even tokens that nobody knew before: those of the answer that the source failed on', async () => {
    for (const fresh of [JWT, OPAQUE]) {
      const scene = createScene()
      await scene.tokens.login('ann')
      await scene.world.pass(301_000)
      scene.desk.answer(new Error(`cannot use {"access_token":"${fresh}"}`))
      const error = await failureOf(scene.send())
      expect(placesOf(fresh, [error, scene.tokens.getState(), scene.told])).toEqual([])
    }
  })

  test('what was typed in at a login is in no error about it', async () => {
    const inputs = [
      { email: 'ann@example.com', password: OPAQUE },
      { credentials: { password: OPAQUE } },
      [['password', OPAQUE]],
      OPAQUE,
    ]
    for (const input of inputs) {
      const { id, credential, refresh } = createDesk().source
      const source = {
        id,
        credential,
        refresh,
        login: async (given: unknown) => {
          throw new Error(`cannot POST ${JSON.stringify(given)}`)
        },
      }
      const { tokens } = createScene({ source })
      const error = await failureOf(tokens.login(input as never))
      expect(placesOf(OPAQUE, error)).toEqual([])
      expect(String(error.cause)).toMatch(/cannot POST/)
    }
  })

  test('a text that helps to understand a failure is kept', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(new TypeError('Failed to fetch'))
    const { cause } = await failureOf(scene.send())
    expect(String((cause as TokenError).cause)).toMatch(/TypeError: Failed to fetch/)
  })

  test('no failure of a request holds its token', async () => {
    const api = createApiStub(() => ({
      status: 403,
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' },
    }))
    const scene = createScene()
    scene.desk.answerLogin({ access_token: JWT })
    await scene.tokens.login('ann')
    const error = await failureOf(scene.tokens.send({ url: API }, api.exchange()))
    expect(api.seen).toEqual([`Bearer ${JWT}`])
    expect(placesOf(JWT, error)).toEqual([])
  })
})

function catching(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
