import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { demo, failureOf, only, openStage, type Stage } from './stage.ts'

interface ErrorCase {
  readonly name: string
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly contentType?: string
  readonly body?: unknown
  readonly raw?: string
  readonly class: string
  readonly retryAfterMs?: number
  readonly timeout?: boolean
}
interface RawCase {
  readonly name: string
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly expect: { readonly ok: boolean; readonly accessToken?: string }
}
const vectors = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url), 'utf8')) as {
  readonly tokenErrors: { readonly cases: readonly ErrorCase[] }
  readonly tokenResponses: { readonly rawBodies: readonly RawCase[] }
}

let stage: Stage
beforeEach(async () => {
  stage = await openStage({ auth: { accessTokenMs: 300_000 } })
  await stage.tokens.login(demo)
})
afterEach(() => stage.close())

/** Lets the access token expire unused, so that nothing is refreshed ahead. */
const expire = (): Promise<void> => stage.world.pass(301_000)

function answerOf({ status = 200, headers = {}, contentType = 'application/json', body, raw }: ErrorCase) {
  const text = raw ?? (body === null ? '' : JSON.stringify(body))
  return { answer: { status, headers: { 'Content-Type': contentType, ...headers }, body: text } }
}

/** What the class of a vector means for a session; `transient` goes for whatever is not understood, too. */
const MEANING: Record<string, { code: string; retries: boolean }> = {
  config: { code: 'configuration', retries: false },
  interaction: { code: 'insufficient_authentication', retries: false },
}

describe('an answer that is no definitive refusal keeps the session', () => {
  const kept = vectors.tokenErrors.cases.filter((one) => one.class !== 'session-ended' && !one.timeout)
  // Without DPoP nobody can act on this one: it is as good as any other unknown error.
  const unknown = new Set(['invalid_dpop_proof'])

  test.each(kept)('F47 F48 F49 F58: $name ($class)', async (given) => {
    const { code, retries } = (!unknown.has(given.name) && MEANING[given.class]) || {
      code: 'refresh_unavailable',
      retries: true,
    }
    await expire()
    const asked = stage.world.now()
    stage.backend.auth.faults.next('refresh', answerOf(given))
    const error = await failureOf(stage.get('/me'))
    expect(error).toMatchObject({ code, transient: retries })
    const state = stage.tokens.getState()
    expect(state).toMatchObject({ status: 'stale', signedIn: true, error: { code } })
    expect(only(stage.told, 'refresh-failed')).toEqual([{ code, transient: retries, retryAt: error.retryAt }])
    expect(only(stage.told, 'signed-out')).toEqual([])
    if (retries) expect(error.retryAt).toBeGreaterThan(asked)
    else expect(error.retryAt).toBeUndefined()
    if (given.retryAfterMs) expect(error.retryAt).toBeGreaterThanOrEqual(asked + given.retryAfterMs)

    // No request, and no user, is needed for the recovery.
    await stage.world.pass((error.retryAt ?? asked) - asked)
    expect(stage.tokens.getState().status).toBe(retries ? 'active' : 'stale')
    expect(stage.count('refresh')).toBe(retries ? 2 : 1)
  })

  const raw = vectors.tokenResponses.rawBodies
  test.each(raw)(
    'F51: a 200 whose body is $name',
    async ({ status, contentType, body, expect: { ok, accessToken } }) => {
      await expire()
      const before = stage.told.length
      stage.backend.auth.faults.next('refresh', fault.body(body, contentType, status))
      if (ok) {
        const { value } = await stage.tokens.getAccessToken()
        expect(value).toBe(accessToken ?? 'abc')
        expect(stage.told.slice(before).map(({ type }) => type)).toEqual(['refreshed'])
        return
      }
      const error = await failureOf(stage.get('/me'))
      expect(error).toMatchObject({
        code: 'refresh_unavailable',
        transient: true,
        cause: { code: 'malformed_response' },
      })
      expect(stage.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
      expect(stage.backend.api.log).toEqual([])
      await stage.world.pass(60_000)
      expect((await stage.get('/me')).status).toBe(200)
    },
  )

  test('F51: a captive portal, then the network: the same refresh token brings the session back', async () => {
    await expire()
    stage.backend.auth.faults.next('refresh', fault.captivePortal(), 3)
    await failureOf(stage.get('/me'))
    await stage.world.pass(120_000)
    expect(stage.tokens.getState().status).toBe('active')
    expect(stage.count('refresh')).toBe(4)
    expect(new Set(stage.backend.auth.log.slice(1).map(({ presented }) => presented)).size).toBe(1)
  })

  test.each([
    ['the connection breaks before the server does anything', fault.dropped()],
    ['the answer breaks off', fault.cutAnswer()],
    ['half of the JSON comes', fault.truncatedJson()],
    ['the server never answers', fault.silence()],
  ])('F47 F11: %s', async (_, what) => {
    stage.backend.auth.settings.graceMs = 60_000
    await expire()
    stage.backend.auth.faults.next('refresh', what)
    const asked = stage.world.now()
    const failed = failureOf(stage.get('/me'))
    await stage.world.pass(10_000)
    expect(await failed).toMatchObject({ code: 'refresh_unavailable', transient: true })
    expect(stage.tokens.getState()).toMatchObject({ signedIn: true })
    await stage.world.pass(20_000)
    expect(stage.tokens.getState().status).toBe('active')
    expect(stage.world.now() - asked).toBe(30_000)
    expect(only(stage.told, 'signed-out')).toEqual([])
  })

  test('F47: a laptop that wakes before its network comes back by itself', async () => {
    await stage.get('/me')
    await stage.world.goOnline(false)
    stage.backend.auth.faults.next('refresh', fault.dropped(), 100)
    stage.world.sleep(8 * 3_600_000)
    await stage.world.tell('wake')
    expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_unavailable' })
    expect(stage.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
    await stage.world.pass(5 * 60_000)
    stage.backend.auth.faults.clear()
    await stage.world.goOnline(true)
    expect(stage.tokens.getState().status).toBe('active')
    expect(only(stage.told, 'signed-out')).toEqual([])
  })

  test('F48: a deploy of a minute logs nobody out, however many requests come meanwhile', async () => {
    await expire()
    stage.backend.auth.faults.next('refresh', fault.status(503), 1_000)
    for (let second = 0; second < 60; second++) {
      expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_unavailable' })
      await stage.world.pass(1_000)
    }
    expect(stage.count('refresh')).toBeLessThan(9)
    stage.backend.auth.faults.clear()
    await stage.world.pass(60_000)
    expect(stage.tokens.getState().status).toBe('active')
    expect(only(stage.told, 'signed-out')).toEqual([])
  })
})

describe('a definitive refusal ends the session', () => {
  const definitive: [string, ReturnType<typeof fault.error>][] = [
    ['400 invalid_grant', fault.error('invalid_grant')],
    ['401 invalid_grant', fault.error('invalid_grant', 401)],
    ['403 invalid_grant', fault.error('invalid_grant', 403)],
    ['400 invalid_token', fault.error('invalid_token')],
    ['a 401 without a body', fault.status(401)],
    ['F52: 200 with the body {"error":"invalid_grant"}', fault.error('invalid_grant', 200)],
  ]
  test.each(definitive)('%s', async (_, what) => {
    await expire()
    stage.backend.auth.faults.next('refresh', what)
    expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_rejected', transient: false })
    expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'rejected', elsewhere: false })
    expect(stage.told.map(({ type }) => type)).toEqual(['signed-in', 'refresh-failed', 'signed-out'])
    await stage.world.pass(3_600_000)
    expect(stage.count('refresh')).toBe(1)
    expect(stage.count('logout')).toBe(0)
    expect(stage.world.timers()).toEqual([])
  })

  test.each([
    ['an HTML page with 401', fault.body('<h1>Proxy login</h1>', 'text/html', 401)],
    ['a 500 that says invalid_grant', fault.error('invalid_grant', 500)],
    ['a 429 that says invalid_grant', fault.error('invalid_grant', 429)],
    ['a 401 that says invalid_client', fault.error('invalid_client', 401)],
    ['a 403 without a code', fault.status(403)],
  ])('but %s does not', async (_, what) => {
    await expire()
    stage.backend.auth.faults.next('refresh', what)
    await failureOf(stage.get('/me'))
    expect(stage.tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
  })

  test('F52: an error in a 200 is that error, and never a token "undefined"', async () => {
    await expire()
    stage.backend.auth.faults.next('refresh', fault.error('bad_verification_code', 200))
    stage.backend.auth.faults.next('refresh', fault.error('invalid_client', 200))
    expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_unavailable' })
    await stage.world.pass(2_000)
    expect(stage.tokens.getState()).toMatchObject({ status: 'stale', error: { code: 'configuration' } })
    expect(stage.backend.api.log).toEqual([])
  })

  test('F82: what follows fails fast, without a call', async () => {
    await expire()
    stage.backend.auth.faults.next('refresh', fault.error('invalid_grant'))
    const all = Array.from({ length: 20 }, () => failureOf(stage.get('/me')))
    expect(new Set((await Promise.all(all)).map(({ code }) => code))).toEqual(new Set(['refresh_rejected']))
    expect(await failureOf(stage.get('/me', { required: true }))).toMatchObject({ code: 'signed_out' })
    expect(only(stage.told, 'signed-out')).toHaveLength(1)
    expect(stage.count('refresh')).toBe(1)
    expect(stage.backend.api.log).toEqual([])
  })
})

describe('while the access token is valid no request waits for a refresh, or fails with one', () => {
  const ahead = async (): Promise<void> => {
    await stage.get('/me')
    await stage.world.pass(255_000)
  }

  test('F53: requests go on with the token while refreshes fail', async () => {
    stage.backend.auth.faults.next('refresh', fault.status(503), 100)
    await ahead()
    expect(stage.tokens.getState().status).toBe('stale')
    for (let i = 0; i < 4; i++) {
      expect((await stage.get('/me')).status).toBe(200)
      await stage.world.pass(10_000)
    }
    expect(stage.tokens.getState().status).toBe('stale')
    await stage.world.pass(10_000)
    expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_unavailable' })
    expect(stage.backend.api.log).toHaveLength(5)
  })

  test('requests go on while a refresh is waiting for its answer', async () => {
    const gate = stage.hold('refresh')
    await ahead()
    await gate.arrived
    expect(stage.tokens.getState().status).toBe('refreshing')
    expect((await stage.get('/me')).status).toBe(200)
    gate.release()
    await stage.jar.quiet()
    expect(stage.tokens.getState().status).toBe('active')
    expect(stage.count('refresh')).toBe(1)
  })

  test('F53: a definitive refusal ends the session even then', async () => {
    stage.backend.auth.faults.next('refresh', fault.error('invalid_grant'))
    await ahead()
    expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
    expect(await failureOf(stage.get('/me', { required: true }))).toMatchObject({ code: 'signed_out' })
  })

  test('F60: when only the token endpoint is blocked, the rest works, and the state says what does not', async () => {
    stage.backend.auth.faults.next('refresh', { answer: 'drop', withoutCors: true }, 100)
    await ahead()
    expect((await stage.get('/me')).status).toBe(200)
    expect(stage.tokens.getState()).toMatchObject({ status: 'stale', error: { code: 'refresh_unavailable' } })
    const state = stage.tokens.getState()
    expect(state.signedIn && state.error?.cause).toMatchObject({
      code: 'refresh_unavailable',
      cause: { name: 'Error' },
    })
  })
})
