import { createLocalJWKSet, jwtVerify } from 'jose'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import {
  createClock,
  createMockServer,
  fingerprint,
  RecordingError,
  toHandlers,
  type FakeClock,
  type Har,
  type MockControl,
  type MockOptions,
} from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { api, recordedAt, recording, reference, shop, story } from './recording.ts'

/** One mock, however it is served, and requests to it by their recorded URLs. */
interface Mock extends MockControl {
  ask(url: string, init?: RequestInit & { readonly token?: string; readonly json?: unknown }): Promise<Response>
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

const served = {
  async 'a server'(har: Har, options: MockOptions): Promise<Mock> {
    const mock = await createMockServer(har, options)
    closing.push(mock.close)
    return {
      ...mock,
      ask: (url, init) => {
        const { origin, pathname, search } = new URL(url)
        return fetch(`${mock.origins[origin]}${pathname}${search}`, initOf(init))
      },
    }
  },
  async 'handlers of msw'(har: Har, options: MockOptions): Promise<Mock> {
    const mock = toHandlers(har, { http, HttpResponse }, options)
    const server = setupServer(
      ...mock.handlers,
      http.all('*', () => new HttpResponse('nobody', { status: 599 })),
    )
    server.listen({ onUnhandledRequest: 'error' })
    closing.push(() => server.close())
    return { ...mock, ask: (url, init) => fetch(url, initOf(init)) }
  },
}

function initOf({ token, json, headers, ...init }: Parameters<Mock['ask']>[1] = {}): RequestInit {
  return {
    ...init,
    ...(json !== undefined && { method: 'POST', body: JSON.stringify(json) }),
    headers: {
      ...(json !== undefined && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(headers as Record<string, string>),
    },
  }
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
}

const ann = { email: 'ann@example.com', password: 'anything' }
const bob = { email: 'bob@example.com', password: 'anything' }

async function tokensOf(answer: Promise<Response>): Promise<Tokens> {
  const response = await answer
  expect(response.status).toBe(200)
  return (await response.json()) as Tokens
}
const challengeOf = async (answer: Promise<Response>): Promise<[number, string | null]> => {
  const { status, headers } = await answer
  return [status, headers.get('WWW-Authenticate')]
}

describe.each(Object.entries(served))('a recording, served by %s', (_kind, serve) => {
  let clock: FakeClock
  async function open(options: MockOptions = {}, har: Har = story): Promise<Mock> {
    clock = createClock()
    return serve(har, { clock, ...options })
  }

  test('no token: 401 and a challenge without an error code', async () => {
    const { ask } = await open()
    expect(await challengeOf(ask(`${api}/me`))).toEqual([401, 'Bearer'])
  })

  test('a garbage token, a good one of nobody here, and a refresh token: 401 invalid_token', async () => {
    const { ask } = await open()
    const { access_token, refresh_token } = await tokensOf(ask(`${api}/login`, { json: ann }))
    const other = await toHandlers(story, { http, HttpResponse }, { clock }).token('access_p1_1')
    for (const token of ['garbage', '{{access_p1_1}}', other, refresh_token, `${access_token}x`]) {
      const [status, challenge] = await challengeOf(ask(`${api}/me`, { token }))
      expect(status).toBe(401)
      expect(challenge).toContain('error="invalid_token"')
    }
    expect((await ask(`${api}/me`, { token: access_token })).status).toBe(200)
  })

  test('a token that is two: 400 invalid_request', async () => {
    const { ask } = await open()
    const [status, challenge] = await challengeOf(ask(`${api}/me`, { token: 'a b' }))
    expect([status, challenge]).toEqual([400, expect.stringContaining('invalid_request')])
  })

  test('a recorded login gives new tokens with the recorded claims, and the recorded answers come for them', async () => {
    const mock = await open()
    const tokens = await tokensOf(mock.ask(`${api}/login`, { json: ann }))
    const { payload } = await jwtVerify(tokens.access_token, createLocalJWKSet(await mock.jwks()), {
      audience: api,
      currentDate: new Date(clock.now()),
    })
    expect(payload).toMatchObject({ scope: 'orders', sub: 'p1', exp: clock.now() / 1_000 + 60 })
    expect(payload).not.toHaveProperty('ttl')
    const again = await tokensOf(mock.ask(`${api}/login`, { json: ann }))
    expect(new Set([...Object.values(tokens), ...Object.values(again)]).size).toBe(6)
    expect(await (await mock.ask(`${api}/me`, { token: tokens.access_token })).json()).toEqual({ name: 'Ann' })
    expect(await (await mock.ask(`${api}/me`, { token: again.access_token })).json()).toEqual({ name: 'Ann' })
  })

  test('an unknown user, an empty password, and a wrong one where the right one is told: 401', async () => {
    const { ask } = await open({ secrets: { password_p1_1: 'right' } })
    for (const json of [{ email: 'eve@example.com', password: 'x' }, { ...bob, password: '' }, ann, {}]) {
      const response = await ask(`${api}/login`, { json })
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual({ error: 'invalid_credentials' })
    }
    expect((await ask(`${api}/login`, { json: { ...ann, password: 'right' } })).status).toBe(200)
  })

  test('a token is good until its expiry by the clock, and a refresh brings the next one', async () => {
    const { ask } = await open()
    const { access_token, refresh_token } = await tokensOf(ask(`${api}/login`, { json: ann }))
    clock.jump(59_999)
    expect((await ask(`${api}/me`, { token: access_token })).status).toBe(200)
    clock.jump(1)
    expect(await challengeOf(ask(`${api}/me`, { token: access_token }))).toEqual([
      401,
      'Bearer error="invalid_token", error_description="The access token expired"',
    ])
    const next = await tokensOf(ask(`${api}/refresh`, { json: { refresh_token } }))
    expect((await ask(`${api}/me`, { token: next.access_token })).status).toBe(200)
  })

  test('a refresh rotates; the reuse of the spent token ends the session and its access tokens', async () => {
    const mock = await open()
    const { ask } = mock
    const other = await tokensOf(ask(`${api}/login`, { json: ann }))
    const first = await tokensOf(ask(`${api}/login`, { json: ann }))
    const second = await tokensOf(ask(`${api}/refresh`, { json: { refresh_token: first.refresh_token } }))
    const third = await tokensOf(ask(`${api}/refresh`, { json: { refresh_token: second.refresh_token } }))
    const reused = await ask(`${api}/refresh`, { json: { refresh_token: first.refresh_token } })
    expect([reused.status, await reused.json()]).toEqual([401, { error: 'invalid_grant' }])
    expect((await ask(`${api}/refresh`, { json: { refresh_token: third.refresh_token } })).status).toBe(401)
    expect((await ask(`${api}/me`, { token: third.access_token })).status).toBe(401)
    expect((await ask(`${api}/me`, { token: other.access_token })).status).toBe(200)
    expect([mock.count('reused'), mock.count('invalid_grant')]).toEqual([1, 1])
  })

  test('within the grace window a spent refresh token is still good', async () => {
    const { ask } = await open({ graceMs: 1_000 })
    const { refresh_token } = await tokensOf(ask(`${api}/login`, { json: ann }))
    const refresh = (): Promise<Response> => ask(`${api}/refresh`, { json: { refresh_token } })
    await tokensOf(refresh())
    clock.jump(999)
    await tokensOf(refresh())
    clock.jump(1)
    expect((await refresh()).status).toBe(401)
  })

  test('after the logout neither the access token nor the refresh token is good', async () => {
    const { ask } = await open()
    const { access_token, refresh_token } = await tokensOf(ask(`${api}/login`, { json: ann }))
    expect((await ask(`${api}/logout`, { json: { refresh_token } })).status).toBe(204)
    expect((await ask(`${api}/me`, { token: access_token })).status).toBe(401)
    expect((await ask(`${api}/refresh`, { json: { refresh_token } })).status).toBe(401)
  })

  test('a scope that is too narrow: 403 with the scope that is needed; whoever has it is let in', async () => {
    const { ask } = await open()
    const { access_token } = await tokensOf(ask(`${api}/login`, { json: ann }))
    expect(await challengeOf(ask(`${api}/admin`, { token: access_token }))).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="admin"',
    ])
    const admin = await tokensOf(ask(`${api}/login`, { json: bob }))
    expect((await ask(`${api}/admin`, { token: admin.access_token })).status).toBe(200)
  })

  test('a scope that the test names is needed, too, and with `scopes: false` none is', async () => {
    const strict = await open({ scopes: { 'GET /me': 'profile' } })
    const tokens = await tokensOf(strict.ask(`${api}/login`, { json: ann }))
    expect(await challengeOf(strict.ask(`${api}/me`, { token: tokens.access_token }))).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="profile"',
    ])
    await Promise.all(closing.splice(0).map((close) => close()))
    const lax = await open({ scopes: false })
    const { access_token } = await tokensOf(lax.ask(`${api}/login`, { json: ann }))
    expect((await lax.ask(`${api}/admin`, { token: access_token })).status).toBe(403)
    expect((await lax.ask(`${api}/admin`, { token: access_token })).headers.get('WWW-Authenticate')).toContain(
      'insufficient_scope',
    )
  })

  test('what only another user was answered is forbidden', async () => {
    const { ask } = await open()
    const { access_token } = await tokensOf(ask(`${api}/login`, { json: bob }))
    const response = await ask(`${api}/me`, { token: access_token })
    expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([403, null])
  })

  test('a third party takes its own token only, and the own API does not take the third party’s', async () => {
    const mock = await open()
    const { access_token } = await tokensOf(mock.ask(`${api}/login`, { json: ann }))
    const own = await mock.token('access_p2_1')
    expect((await mock.ask(`${shop}/charges`)).status).toBe(401)
    expect((await mock.ask(`${shop}/charges`, { token: access_token })).status).toBe(401)
    expect((await mock.ask(`${shop}/charges`, { token: own })).status).toBe(200)
    expect((await mock.ask(`${api}/me`, { token: own })).status).toBe(401)
    clock.jump(600_000)
    expect((await mock.ask(`${shop}/charges`, { token: own })).status).toBe(401)
  })

  test('the query decides, then the body, then the order; the last answer stays', async () => {
    const { ask } = await open()
    const { access_token: token } = await tokensOf(ask(`${api}/login`, { json: ann }))
    const orders = async (query: string): Promise<unknown> => (await ask(`${api}/orders${query}`, { token })).json()
    expect(await orders('?page=2')).toEqual({ orders: [2] })
    const pages = [await orders('?page=1'), await orders('?page=1'), await orders('?page=1')]
    expect(pages).toEqual([{ orders: [1] }, { orders: [1, 3] }, { orders: [1, 3] }])
    const order = async (item: string): Promise<unknown> =>
      (await ask(`${api}/orders`, { token, json: { item } })).json()
    expect([await order('Bread'), await order('Tea')]).toEqual([{ id: 8 }, { id: 7 }])
  })

  test('what was answered without a token needs none', async () => {
    const { ask } = await open()
    expect(await (await ask(`${api}/public`)).json()).toEqual({ hello: 'anybody' })
  })

  test('what is not in the recording is not made up', async () => {
    const mock = await open()
    const { access_token: token } = await tokensOf(mock.ask(`${api}/login`, { json: ann }))
    for (const path of ['/nothing', '/orders?page=3']) {
      expect([404, 599]).toContain((await mock.ask(`${api}${path}`, { token })).status)
    }
    expect(mock.count('not_recorded')).toBe(2)
  })

  test('with `auth: ignore` everybody is answered, as by other mocks', async () => {
    const { ask } = await open({ auth: 'ignore' })
    expect((await ask(`${api}/me`, { token: 'garbage' })).status).toBe(200)
    expect((await ask(`${shop}/charges`)).status).toBe(200)
  })

  test('a test takes tokens and sessions back', async () => {
    const mock = await open()
    const { access_token, refresh_token } = await tokensOf(mock.ask(`${api}/login`, { json: ann }))
    mock.revokeAccessTokens()
    expect((await mock.ask(`${api}/me`, { token: access_token })).status).toBe(401)
    const next = await tokensOf(mock.ask(`${api}/refresh`, { json: { refresh_token } }))
    expect((await mock.ask(`${api}/me`, { token: next.access_token })).status).toBe(200)
    mock.revokeSessions()
    expect((await mock.ask(`${api}/refresh`, { json: { refresh_token: next.refresh_token } })).status).toBe(401)
  })

  test('the log says what became of each request, and holds no secret', async () => {
    const mock = await open()
    const { access_token, refresh_token } = await tokensOf(mock.ask(`${api}/login`, { json: ann }))
    await mock.ask(`${api}/me`, { token: access_token, headers: { Cookie: `a=${refresh_token}` } })
    await mock.ask(`${api}/me`)
    expect(mock.log).toMatchObject([
      { outcome: 'signed-in', entry: 0, origin: api, path: '/login', status: 200 },
      { outcome: 'answered', entry: 1, presented: fingerprint(access_token) },
      { outcome: 'no_token', entry: undefined, status: 401 },
    ])
    const text = JSON.stringify(mock.log)
    for (const secret of [access_token, refresh_token]) expect(text).not.toContain(secret)
  })

  test('an expiry that is an instant lies as far ahead as it did', async () => {
    const answer = {
      token: '{{access_p1_1}}',
      expiresAt: new Date(recordedAt + 60_000).toISOString(),
      exp: recordedAt / 1_000 + 60,
      refresh_expires_at: recordedAt + 90_000,
      bornAt: '2001-01-01T00:00:00.000Z',
    }
    const har = recording(
      [{ url: `${api}/login`, send: { email: 'ann@example.com' }, answer, kind: 'login', principal: 'p1' }],
      [reference('access_p1_1', { issuedBy: 0 })],
    )
    const { ask } = await open({}, har)
    expect(await (await ask(`${api}/login`, { json: { email: 'ann@example.com' } })).json()).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/) as unknown,
      expiresAt: new Date(clock.now() + 60_000).toISOString(),
      exp: clock.now() / 1_000 + 60,
      refresh_expires_at: clock.now() + 90_000,
      bornAt: '2001-01-01T00:00:00.000Z',
    })
  })
})

describe('a recording that is damaged', () => {
  const failure = async (har: unknown): Promise<RecordingError> => {
    const error = await createMockServer(har as Har).then(
      ({ close }) => close(),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(RecordingError)
    return error as RecordingError
  }

  test('is told so, with the entry', async () => {
    expect(await failure({})).toMatchObject({ code: 'invalid_har', entry: undefined })
    expect(await failure(null)).toMatchObject({ code: 'invalid_har' })
    const { log } = story
    expect(await failure({ log: { ...log, _tokenward: 99 } })).toMatchObject({ code: 'unsupported_version' })
    const [first, ...rest] = log.entries
    const bad = { ...first, request: { ...first?.request, url: '/relative' } }
    expect(await failure({ log: { ...log, entries: [...rest.slice(0, 2), bad] } })).toMatchObject({
      code: 'invalid_har',
      entry: 2,
    })
    expect(await failure({ log: { ...log, entries: [null] } })).toMatchObject({ code: 'invalid_har', entry: 0 })
    expect(await failure({ log: { ...log, _tokens: [] } })).toMatchObject({ code: 'missing_token', entry: 1 })
  })
})
