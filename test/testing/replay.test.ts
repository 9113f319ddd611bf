import axios from 'axios'
import { createTokenManager, cookieSource, jsonSource, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import {
  createClock,
  createRecorder,
  fromEnv,
  fromLogin,
  fromManager,
  replay,
  type FakeClock,
  type Har,
  type TokenProvider,
} from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { startBackend, type Backend } from '../support/backend.ts'
import { createCookieJar } from '../support/cookie-jar.ts'

interface Credentials {
  readonly email: string
  readonly password: string
}

const demo = { email: 'demo@example.com', password: 'demo' }
const nothing: TokenProvider = { token: () => Promise.resolve(undefined) }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function start(accessTokenMs = 300_000, clock?: FakeClock): Promise<Backend> {
  const backend = await startBackend({ auth: { accessTokenMs }, ...(clock && { now: clock.now }) })
  cleanups.push(() => backend.close())
  return backend
}

function managerOf(
  { api, endpoints }: Backend,
  flavour: 'json' | 'auth' = 'json',
  clock?: FakeClock,
): TokenManager<Credentials> {
  const source = flavour === 'json' ? jsonSource<Credentials> : cookieSource<Credentials>
  const tokens = createTokenManager<Credentials>({
    source: source(endpoints(flavour)),
    resources: [api.origin],
    timing: { background: false },
    ports: {
      ...(clock && { clock: clock.ports.clock, timer: clock.ports.timer }),
      ...(flavour === 'auth' && { fetch: createCookieJar().fetch }),
    },
  })
  cleanups.push(() => tokens.dispose())
  return tokens
}

/** Login, two calls, a token that expires, a refresh, a logout, and a call after it. */
async function record(backend: Backend, flavour: 'json' | 'auth' = 'json', clock?: FakeClock): Promise<Har> {
  const tokens = managerOf(backend, flavour, clock)
  const recorder = createRecorder({ manager: tokens, ...(clock && { clock }) })
  const request = createFetch(tokens, { fetch: recorder.wrapFetch(fetch) })
  const { origin } = backend.api
  await tokens.login(demo)
  await request(`${origin}/me`)
  const token = await tokens.getAccessToken()
  if (clock) await clock.advance(backend.auth.settings.accessTokenMs + 300)
  else backend.auth.revokeAccessTokens()
  const refused = { headers: { Authorization: `Bearer ${token.value}` } }
  await recorder.wrapFetch(fetch)(`${origin}/orders`, refused)
  await request(`${origin}/orders`)
  await tokens.logout()
  await recorder.wrapFetch(fetch)(`${origin}/me`, refused)
  await recorder.settled()
  return recorder.toHar()
}

const placesOf = (recorded: Backend, now: Backend): Record<string, string> => ({
  [recorded.auth.origin]: now.auth.origin,
  [recorded.api.origin]: now.api.origin,
})

describe('a session is replayed when all its tokens are dead', () => {
  // Once in real time, shrunk to what a test can wait for: of what lives a second, two are the whole life.
  test.each([
    ['json', 'in real time', 1_000],
    ['auth', 'by a clock', 60_000],
  ] as const)('%s: against new servers, with the password alone, %s', async (flavour, time, lifeMs) => {
    const clock = createClock()
    const recorded = await start(lifeMs, clock)
    const har = await record(recorded, flavour, clock)
    const own = time === 'by a clock' ? createClock() : undefined
    const now = await start(lifeMs, own)
    const report = await replay(har, {
      baseUrl: placesOf(recorded, now),
      tokens: nothing,
      secrets: { password_p1_1: 'demo' },
      assert: { body: 'exact' },
      waitMs: 100_000,
      ...(own && { clock: own }),
    })
    expect(report.text).toMatch(/7 exchanges: 7 as recorded, 0 different, 0 skipped\n$/)
    expect(report.ok).toBe(true)
    // Rotation in its order: the refresh token of the login once, that of the refresh at the logout.
    expect(now.auth.log.map(({ endpoint, outcome }) => `${endpoint} ${outcome ?? ''}`)).toEqual([
      'login signed-in',
      'refresh rotated',
      'logout signed-out',
    ])
    expect(now.auth.liveFamilies()).toEqual([])
  })

  test('against the servers that it was recorded with, from the environment', async () => {
    const backend = await start()
    const har = await record(backend)
    backend.auth.revokeSessions()
    const report = await replay(har, { tokens: fromEnv({ TOKEN_PASSWORD_P1: 'demo' }) })
    expect(report.results.map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      'same',
      'same',
      // Nothing in the recording says why.
      'access_p1_1 was refused for a reason that is not in the recording',
      'access_p1_1 was refused for a reason that is not in the recording',
      'same',
      'same',
      'same',
      'same',
    ])
  })
})

describe('where tokens come from', () => {
  /** Login, two calls, and no logout. */
  async function recordCalls(backend: Backend): Promise<Har> {
    const tokens = managerOf(backend)
    const recorder = createRecorder({ manager: tokens })
    const api = axios.create({ baseURL: backend.api.origin })
    bindAxios(api, tokens)
    recorder.attach(api)
    await tokens.login(demo)
    await api.get('/me')
    await api.get('/orders')
    await recorder.settled()
    recorder.stop()
    await tokens.logout()
    return recorder.toHar()
  }

  test('a manager: its token is sent, and the login that nobody can repeat is left out', async () => {
    const backend = await start()
    const har = await recordCalls(backend)
    const tokens = managerOf(backend)
    await tokens.login(demo)
    const report = await replay(har, { tokens: fromManager(tokens) })
    expect(report.text.split('\n')).toEqual([
      `skip   0  POST ${backend.auth.origin}/json/login  200  (nobody has password_p1_1)`,
      `ok     1  GET ${backend.api.origin}/me  200`,
      `ok     2  GET ${backend.api.origin}/orders  200`,
      '3 exchanges: 2 as recorded, 0 different, 1 skipped',
      '',
    ])
    backend.auth.revokeAccessTokens()
    const again = await replay(har, { tokens: fromManager({ p1: tokens }) })
    expect(again.results.map(({ outcome, renewed }) => [outcome, renewed])).toEqual([
      ['skipped', false],
      ['same', true],
      ['same', false],
    ])
    expect(backend.auth.count('refresh')).toBe(1)
  })

  test('a login: once for all of a principal, and again when its token is refused', async () => {
    const backend = await start()
    const har = await recordCalls(backend)
    const asked: string[] = []
    const tokens = fromLogin(async (principal) => {
      asked.push(principal)
      const init = { method: 'POST', body: JSON.stringify(demo) }
      return (await (await fetch(`${backend.auth.origin}/json/login`, init)).json()) as object
    })
    expect(await replay(har, { tokens })).toMatchObject({ ok: true, same: 2, skipped: 1 })
    expect(asked).toEqual(['p1'])
    backend.auth.revokeAccessTokens()
    expect(await replay(har, { tokens, onExpired: 'fail' })).toMatchObject({ ok: false, different: 2 })
    expect(await replay(har, { tokens })).toMatchObject({ ok: true, same: 2 })
    expect(asked).toEqual(['p1', 'p1'])
  })

  test('a token that nobody has: which entry needs it, before anything is sent', async () => {
    const backend = await start()
    const har = await recordCalls(backend)
    const before = backend.api.log.length
    await expect(replay(har, { tokens: nothing })).rejects.toMatchObject({
      name: 'RecordingError',
      code: 'missing_token',
      entry: 1,
      message:
        `entry 1 (GET ${backend.api.origin}/me) needs access_p1_1; ` +
        `entry 2 (GET ${backend.api.origin}/orders) needs access_p1_1: the provider has none`,
    })
    expect(backend.api.log).toHaveLength(before)
  })
})
