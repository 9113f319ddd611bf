import { cookieSource, createTokenManager, jsonSource, type TokenManager } from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import {
  authMatrix,
  createClock,
  createMockServer,
  createRecorder,
  fromHar,
  replay,
  type Har,
  type MockServer,
  type TokenProvider,
} from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { startBackend } from '../../support/backend.ts'
import { createCookieJar } from '../../support/cookie-jar.ts'
import { entryOf } from '../entry.ts'

interface Login {
  readonly email: string
  readonly password: string
}
const demo = { email: 'demo@example.com', password: 'demo' }
const admin = { email: 'admin@example.com', password: 'admin' }
const nothing: TokenProvider = { token: () => Promise.resolve(undefined) }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const clock = createClock()

/** What a session of an application leaves: sign-in, calls, an expiry, a refresh, a log-out. */
async function record(flavour: 'json' | 'auth', user = demo): Promise<Har> {
  const backend = await startBackend({ auth: { accessTokenMs: 60_000 }, now: clock.now })
  closing.push(backend.close)
  const jar = createCookieJar()
  const source = flavour === 'json' ? jsonSource<Login> : cookieSource<Login>
  const tokens: TokenManager<Login> = createTokenManager<Login>({
    source: source(backend.endpoints(flavour)),
    resources: [backend.api.origin],
    name: `${flavour} ${user.email}`,
    timing: { background: false },
    ports: {
      ...{ clock: clock.ports.clock, timer: clock.ports.timer },
      ...(flavour === 'auth' && { fetch: jar.fetch }),
    },
  })
  closing.push(tokens.dispose)
  const recorder = createRecorder({ manager: tokens, clock })
  const request = createFetch(tokens, { fetch: recorder.wrapFetch(fetch) })
  const { origin } = backend.api
  await tokens.login(user)
  await request(`${origin}/me`)
  // Who lacks the scope is told so: that, too, is in the recording.
  await request(`${origin}/admin`).catch(() => undefined)
  await request(`${origin}/public`)
  const { value } = await tokens.getAccessToken()
  await clock.advance(61_000)
  await recorder.wrapFetch(fetch)(`${origin}/orders`, { headers: { Authorization: `Bearer ${value}` } })
  await request(`${origin}/orders`)
  await tokens.logout()
  await recorder.settled()
  await backend.close()
  return recorder.toHar()
}

async function mockOf(har: Har): Promise<{ mock: MockServer; har: Har }> {
  const mock = await createMockServer(har, { clock })
  closing.push(mock.close)
  return { mock, har }
}

describe('what was recorded at real servers, served without them', () => {
  test.each(['json', 'auth'] as const)('%s: a replay finds all as it was', async (flavour) => {
    const har = await record(flavour)
    const { mock } = await mockOf(har)
    const report = await replay(har, {
      ...{ baseUrl: mock.origins, tokens: nothing, secrets: { password_p1_1: 'x' } },
      ...{ clock, waitMs: 100_000 },
    })
    expect(report.text).toMatch(/8 exchanges: 8 as recorded, 0 different, 0 skipped\n$/)
    expect([mock.count('signed-in'), mock.count('refreshed'), mock.count('signed-out')]).toEqual([1, 1, 1])
  })

  test('tokens that should not do do not: every case of the matrix that can be made', async () => {
    const har = await record('json', admin)
    const { mock } = await mockOf(har)
    const { ok, text } = await authMatrix(har, {
      baseUrl: mock.origins,
      tokens: nothing,
      secrets: { password_p1_1: 'x' },
    })
    expect(text).toContain('rotated')
    expect([ok, text]).toEqual([true, text])
  })
})

test('a text that was recorded in another charset goes out in the one that its type says', async () => {
  const type = 'text/plain; charset=ISO-8859-1'
  const foreign = entryOf({ answered: { 'content-type': type } })
  const content = {
    size: 4,
    mimeType: type,
    text: Buffer.from('caf\u00e9', 'latin1').toString('base64'),
    encoding: 'base64',
  }
  const { mock } = await mockOf(
    fromHar({ log: { entries: [{ ...foreign, response: { ...foreign.response, content } }] } }),
  )
  const answer = await fetch(`${mock.origin}/items`)
  const charset = answer.headers.get('content-type')?.split('charset=')[1]
  expect(new TextDecoder(charset).decode(await answer.arrayBuffer())).toBe('caf\u00e9')
})
