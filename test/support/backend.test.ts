import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fault, fingerprint, sha256, startBackend, type Backend, type BackendOptions } from './backend.ts'

let backend: Backend
let time: number
const start = async (options: BackendOptions = {}): Promise<void> => {
  backend = await startBackend({ now: () => time, ...options })
}

beforeEach(() => {
  time = Date.now()
})
afterEach(() => backend.close())

const demo = { email: 'demo@example.com', password: 'demo' }

function post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(backend.auth.origin + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'test', ...headers },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** A browser's cookie jar, as far as these tests need one. */
function createJar(): {
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  value(name: string): string | undefined
} {
  const cookies = new Map<string, string>()
  return {
    value: (name) => cookies.get(name),
    async post(path, body, headers) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await post(path, body, { ...(cookie === '' ? {} : { Cookie: cookie }), ...headers })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (line.includes('Max-Age=0')) cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    },
  }
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}
const read = async (response: Response): Promise<Tokens> => {
  expect(response.status).toBe(200)
  return (await response.json()) as Tokens
}
const signIn = async (): Promise<Tokens> => read(await post('/json/login', demo))
const refreshed = (token: string): Promise<Response> => post('/json/refresh', { refresh_token: token })
const get = (path: string, token?: string, init: RequestInit = {}): Promise<Response> =>
  fetch(backend.api.origin + path, {
    redirect: 'manual',
    ...init,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(init.headers as Record<string, string> | undefined),
    },
  })

describe('the authorization server, with the refresh token in the body', () => {
  test('an access token verifies with the published keys and says what it must', async () => {
    await start({ auth: { accessTokenTtlS: 60 } })
    const { access_token } = await signIn()
    const keys = createRemoteJWKSet(new URL('/jwks', backend.auth.origin))
    const { payload, protectedHeader } = await jwtVerify(access_token, keys, { issuer: backend.auth.origin })
    expect(protectedHeader.alg).toBe('ES256')
    expect(payload).toMatchObject({ sub: 'demo@example.com', aud: 'urn:example:api', scope: 'orders:read' })
    expect([typeof payload.jti, typeof payload['sid'], typeof payload.iat]).toEqual(['string', 'string', 'number'])
  })

  test('a wrong password, an unknown user and an inherited property name are refused alike', async () => {
    await start()
    for (const body of [
      { ...demo, password: 'x' },
      { ...demo, email: 'x@example.com' },
      { email: 'constructor' },
      [],
    ]) {
      const response = await post('/json/login', body)
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: 'invalid_credentials' })
    }
    expect(backend.auth.count('login', 'refused')).toBe(4)
    expect(backend.auth.liveFamilies()).toEqual([])
  })

  test('each refresh rotates the refresh token', async () => {
    await start()
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    const third = await read(await refreshed(second.refresh_token))
    expect(new Set([first, second, third].map((tokens) => tokens.refresh_token)).size).toBe(3)
    expect(backend.auth.liveRefreshTokens()).toEqual([third.refresh_token])
    expect(backend.auth.log.map((entry) => entry.outcome)).toEqual(['signed-in', 'rotated', 'rotated'])
    expect(backend.auth.log[1]?.presented).toBe(fingerprint(first.refresh_token))
  })

  test('reuse of a spent refresh token ends the whole family, and no other', async () => {
    await start()
    const other = await signIn()
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    expect((await refreshed(first.refresh_token)).status).toBe(401)
    const after = await refreshed(second.refresh_token)
    expect(after.status).toBe(401)
    expect(await after.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await get('/me', second.access_token)).status).toBe(401)
    expect(backend.auth.count('refresh', 'reused')).toBe(1)
    expect(backend.auth.liveRefreshTokens()).toEqual([other.refresh_token])
    expect(backend.auth.liveAccessTokens()).toEqual([other.access_token])
  })

  test('within the grace window a spent token is answered with the current one; after it, reuse', async () => {
    await start({ auth: { graceMs: 1_000 } })
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    time += 999
    expect((await read(await refreshed(first.refresh_token))).refresh_token).toBe(second.refresh_token)
    time += 1
    expect((await refreshed(first.refresh_token)).status).toBe(401)
    expect(backend.auth.liveFamilies()).toEqual([])
  })

  test('without rotation the answer names no refresh token and the old one goes on', async () => {
    await start({ auth: { rotate: false } })
    const { refresh_token } = await signIn()
    const again = await read(await refreshed(refresh_token))
    expect(again).not.toHaveProperty('refresh_token')
    expect((await refreshed(refresh_token)).status).toBe(200)
  })

  test('a refresh token expires, and an unknown one is rejected', async () => {
    await start({ auth: { refreshTtlS: 10 } })
    const { refresh_token } = await signIn()
    time += 10_000
    expect((await refreshed(refresh_token)).status).toBe(401)
    expect((await refreshed('made-up')).status).toBe(401)
    expect(backend.auth.log.slice(1).map((entry) => entry.outcome)).toEqual(['expired', 'unknown'])
  })

  test('logout revokes the family, also with a token that was spent', async () => {
    await start()
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    expect((await post('/json/logout', { refresh_token: first.refresh_token })).status).toBe(204)
    expect((await refreshed(second.refresh_token)).status).toBe(401)
    expect((await get('/me', second.access_token)).status).toBe(401)
    expect(backend.auth.liveAccessTokens()).toEqual([])
    expect((await post('/json/logout', { refresh_token: 'made-up' })).status).toBe(204)
  })

  test('an administrator ends all sessions', async () => {
    await start()
    const { refresh_token } = await signIn()
    backend.auth.revokeSessions()
    expect((await refreshed(refresh_token)).status).toBe(401)
    expect(backend.auth.count('refresh', 'ended')).toBe(1)
  })

  test.each([
    ['camel', ['accessToken', 'tokenType', 'expiresIn', 'scope', 'refreshToken']],
    ['nested', ['success', 'data']],
    ['jwt-only', ['jwt', 'refreshToken']],
    ['expires-at-iso', ['token', 'expiresAt', 'refreshToken']],
    ['expires-at-s', ['token', 'expiresAt', 'refreshToken']],
    ['expires-at-ms', ['token', 'expiresAt', 'refreshToken']],
  ] as const)('the token response may be spelled %s', async (spelling, names) => {
    await start({ auth: { spelling } })
    const body = (await (await post('/json/login', demo)).json()) as Record<string, unknown>
    expect(Object.keys(body)).toEqual(names)
    if ('expiresAt' in body) {
      const { expiresAt } = body
      const at =
        typeof expiresAt === 'string'
          ? Date.parse(expiresAt)
          : Number(expiresAt) * (spelling === 'expires-at-s' ? 1_000 : 1)
      expect(at).toBeGreaterThan(time + 13_000)
      expect(at).toBeLessThanOrEqual(time + 15_000)
    }
  })
})

describe('the authorization server, with the refresh token in a cookie', () => {
  test('the refresh token is in an HttpOnly cookie and nowhere in the body', async () => {
    await start()
    const response = await post('/auth/login', demo)
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^refresh_token=[\w-]{43}; Path=\/auth; HttpOnly; SameSite=Strict; Max-Age=\d+$/),
    ])
    expect(await response.json()).not.toHaveProperty('refresh_token')
  })

  test('it rotates, and reuse of an older cookie ends the family', async () => {
    await start()
    const jar = createJar()
    await jar.post('/auth/login', demo)
    const spent = jar.value('refresh_token') ?? ''
    expect((await jar.post('/auth/refresh')).status).toBe(200)
    expect(jar.value('refresh_token')).not.toBe(spent)
    expect((await post('/auth/refresh', undefined, { Cookie: `refresh_token=${spent}` })).status).toBe(401)
    expect((await jar.post('/auth/refresh')).status).toBe(401)
  })

  test('logout revokes the family and clears the cookie', async () => {
    await start()
    const jar = createJar()
    await jar.post('/auth/login', demo)
    const token = jar.value('refresh_token') ?? ''
    expect((await jar.post('/auth/logout')).status).toBe(204)
    expect(jar.value('refresh_token')).toBeUndefined()
    expect((await post('/auth/refresh', undefined, { Cookie: `refresh_token=${token}` })).status).toBe(401)
  })

  test('a browser without a cookie has no session', async () => {
    await start()
    expect((await post('/auth/refresh')).status).toBe(401)
    expect(backend.auth.log[0]).toMatchObject({ outcome: 'unknown', presented: undefined })
  })

  test('a call without X-Requested-With is forged: 403, and nothing is done', async () => {
    await start()
    for (const name of ['login', 'refresh', 'logout']) {
      const response = await fetch(`${backend.auth.origin}/auth/${name}`, {
        method: 'POST',
        body: JSON.stringify(demo),
      })
      expect(response.status).toBe(403)
    }
    expect(backend.auth.log.map((entry) => entry.outcome)).toEqual(['forged', 'forged', 'forged'])
    expect(backend.auth.liveFamilies()).toEqual([])
  })

  test('with double submit the header must repeat the cookie', async () => {
    await start({ auth: { csrf: { cookie: 'csrf', header: 'X-CSRF' } } })
    const jar = createJar()
    await jar.post('/auth/login', demo)
    expect((await jar.post('/auth/refresh')).status).toBe(403)
    expect((await jar.post('/auth/refresh', undefined, { 'X-CSRF': 'guess' })).status).toBe(403)
    expect((await jar.post('/auth/refresh', undefined, { 'X-CSRF': jar.value('csrf') ?? '' })).status).toBe(200)
  })
})

describe('faults', () => {
  test.each([
    ['503', fault.status(503), 503, 'status 503'],
    ['500', fault.status(500), 500, 'status 500'],
    ['a captive portal', fault.captivePortal(), 200, '<!doctype html>'],
    ['an empty 200', fault.emptyBody(), 200, ''],
    ['an OAuth error with any status', fault.error('temporarily_unavailable', 418), 418, '{"error":"tempo'],
  ])('%s comes once and leaves the refresh token unspent', async (_name, wrong, status, text) => {
    await start()
    const { refresh_token } = await signIn()
    backend.auth.faults.next('refresh', wrong)
    const response = await refreshed(refresh_token)
    expect(response.status).toBe(status)
    expect((await response.text()).slice(0, 15)).toBe(text.slice(0, 15))
    expect((await refreshed(refresh_token)).status).toBe(200)
  })

  test('429 carries Retry-After', async () => {
    await start()
    backend.auth.faults.next('login', fault.tooManyRequests('30'))
    const response = await post('/json/login', demo)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '30'])
  })

  test('a redirect leads elsewhere', async () => {
    await start()
    backend.auth.faults.next('refresh', fault.redirect('https://elsewhere.example/', 307))
    const response = await refreshed('any')
    expect([response.status, response.headers.get('Location')]).toEqual([307, 'https://elsewhere.example/'])
  })

  test('a fault lasts for n calls of its endpoint, and for no other endpoint', async () => {
    await start()
    backend.auth.faults.next('refresh', fault.status(503), 2)
    const { refresh_token } = await signIn()
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) statuses.push((await refreshed(refresh_token)).status)
    expect(statuses).toEqual([503, 503, 200])
  })

  test('a dropped connection did nothing; the token is still good', async () => {
    await start()
    const { refresh_token } = await signIn()
    backend.auth.faults.next('refresh', fault.dropped())
    await expect(refreshed(refresh_token)).rejects.toThrow()
    expect(backend.auth.liveRefreshTokens()).toEqual([refresh_token])
  })

  test.each([
    ['a lost answer', fault.lostAnswer()],
    ['an answer cut in its body', fault.cutAnswer()],
    ['truncated JSON', fault.truncatedJson()],
  ])('%s comes after the server rotated: the token is spent', async (_name, wrong) => {
    await start()
    const { refresh_token } = await signIn()
    backend.auth.faults.next('refresh', wrong)
    await expect(refreshed(refresh_token).then((response) => response.json())).rejects.toThrow()
    expect(backend.auth.count('refresh', 'rotated')).toBe(1)
    expect(backend.auth.liveRefreshTokens()).not.toContain(refresh_token)
    expect((await refreshed(refresh_token)).status).toBe(401)
    expect(backend.auth.count('refresh', 'reused')).toBe(1)
  })

  test('a silent server never answers, and can be closed all the same', async () => {
    await start()
    backend.auth.faults.next('refresh', fault.silence())
    await expect(
      fetch(`${backend.auth.origin}/json/refresh`, { method: 'POST', signal: AbortSignal.timeout(100) }),
    ).rejects.toThrow()
    expect(backend.auth.log[0]).toMatchObject({ end: 'silence', outcome: undefined, status: undefined })
  })

  test('a delay holds the answer back', async () => {
    await start()
    backend.auth.faults.next('login', fault.delay(60))
    const startedAt = performance.now()
    await signIn()
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50)
  })

  test.each([
    ['before', []],
    ['after', ['rotated']],
  ] as const)('a gate holds a refresh %s the server did its work', async (when, outcomes) => {
    await start()
    const { refresh_token } = await signIn()
    const gate = backend.auth.faults.hold('refresh', when)
    const held = refreshed(refresh_token)
    await gate.arrived
    expect(backend.auth.log.flatMap(({ endpoint, outcome }) => (endpoint === 'refresh' && outcome) || [])).toEqual(
      outcomes,
    )
    expect(backend.auth.log.at(-1)?.end).toBeUndefined()
    gate.release()
    expect((await held).status).toBe(200)
  })
})

describe('the API', () => {
  test('it takes a token that lives and refuses it from its expiry on', async () => {
    await start({ auth: { accessTokenTtlS: 10 } })
    const { access_token } = await signIn()
    time += 10_000 - 1
    expect(await (await get('/me', access_token)).json()).toEqual({ email: 'demo@example.com', scope: 'orders:read' })
    time += 1_001
    expect((await get('/me', access_token)).status).toBe(401)
  })

  test('it refuses a token of another issuer or audience, and one that was taken back', async () => {
    await start({ api: { audience: 'urn:example:other' } })
    const { access_token } = await signIn()
    expect((await get('/me', access_token)).status).toBe(401)
    await backend.close()
    await start()
    expect((await get('/me', access_token)).status).toBe(401)
    const { access_token: own, refresh_token } = await signIn()
    expect((await get('/me', own)).status).toBe(200)
    backend.auth.revokeAccessTokens()
    expect((await get('/me', own)).status).toBe(401)
    const next = await read(await refreshed(refresh_token))
    expect((await get('/me', next.access_token)).status).toBe(200)
  })

  test('the challenge is invalid_token, bare, absent, or any text', async () => {
    await start()
    const challenge = async (path = '/me', token?: string): Promise<string | null> =>
      (await get(path, token)).headers.get('WWW-Authenticate')
    expect(await challenge()).toBe('Bearer')
    expect(await challenge('/me', 'made-up')).toBe('Bearer error="invalid_token"')
    backend.api.settings.challenge = 'bare'
    expect(await challenge('/me', 'made-up')).toBe('Bearer')
    backend.api.settings.challenge = 'none'
    expect(await challenge('/me', 'made-up')).toBeNull()
    backend.api.settings.challenge = { text: 'Basic realm="x"' }
    expect(await challenge('/me', 'made-up')).toBe('Basic realm="x"')
  })

  test('a scope that is too narrow is no reason to refuse the token', async () => {
    await start()
    const { access_token } = await signIn()
    const response = await get('/admin', access_token)
    expect(response.status).toBe(403)
    expect(response.headers.get('WWW-Authenticate')).toContain('insufficient_scope')
    const admin = await read(await post('/json/login', { email: 'admin@example.com', password: 'admin' }))
    expect((await get('/admin', admin.access_token)).status).toBe(200)
  })

  test('it echoes what came, without the credential', async () => {
    await start()
    const { access_token } = await signIn()
    const response = await get('/echo?a=1', access_token, {
      method: 'POST',
      body: 'hello',
      headers: { 'X-Mine': 'yes' },
    })
    const text = await response.text()
    expect(text).not.toContain(access_token)
    expect(JSON.parse(text)).toMatchObject({
      method: 'POST',
      url: '/echo?a=1',
      bytes: 5,
      sha256: sha256('hello'),
      headers: { 'x-mine': 'yes' },
    })
  })

  test('two encodings of one form have the same parts', async () => {
    await start()
    const { access_token } = await signIn()
    const form = new FormData()
    form.append('name', 'value')
    form.append('file', new Blob(['data'], { type: 'text/plain' }), 'a.txt')
    const upload = async (): Promise<{ parts: unknown; sha256: string }> =>
      (await (await get('/upload', access_token, { method: 'POST', body: form })).json()) as {
        parts: unknown
        sha256: string
      }
    const [first, second] = [await upload(), await upload()]
    expect(first.sha256).not.toBe(second.sha256)
    expect(second.parts).toEqual(first.parts)
    expect(first.parts).toEqual([
      { name: 'name', value: 'value' },
      { name: 'file', filename: 'a.txt', type: 'text/plain', sha256: sha256('data') },
    ])
  })

  test('it redirects, refuses for ever, answers slowly and at length', async () => {
    await start()
    const { access_token } = await signIn()
    const redirect = await get('/redirect?to=https%3A%2F%2Felsewhere.example%2F&status=307')
    expect([redirect.status, redirect.headers.get('Location')]).toEqual([307, 'https://elsewhere.example/'])
    expect((await get('/always-401', access_token)).status).toBe(401)
    expect((await get('/slow?ms=1', access_token)).status).toBe(200)
    expect((await (await get('/big', access_token)).text()).length).toBeGreaterThan(1_000_000)
    expect((await get('/public')).status).toBe(200)
    expect((await get('/nothing', access_token)).status).toBe(404)
  })

  test('it keeps what it saw, and has faults of its own', async () => {
    await start()
    const { access_token } = await signIn()
    backend.api.faults.next('/me', fault.status(503))
    expect((await get('/me', access_token)).status).toBe(503)
    expect((await get('/me')).status).toBe(401)
    expect(backend.api.log).toMatchObject([
      { authorization: `Bearer ${access_token}`, presented: fingerprint(access_token), status: 503 },
      { authorization: undefined, presented: undefined, status: 401 },
    ])
  })
})

describe('CORS', () => {
  const origin = 'http://app.example'

  test('an allowed origin may send credentials and read the headers that matter', async () => {
    await start({ api: { allowedOrigins: [origin] } })
    const preflight = await get('/me', undefined, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'authorization',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toBe('authorization')
    const { headers } = await get('/me', undefined, { headers: { Origin: origin } })
    expect(headers.get('Access-Control-Allow-Origin')).toBe(origin)
    expect(headers.get('Access-Control-Allow-Credentials')).toBe('true')
    expect(headers.get('Access-Control-Expose-Headers')).toBe('WWW-Authenticate, Retry-After, Date')
    expect(backend.api.log).toHaveLength(1)
  })

  test('any other origin gets nothing, and a fault can withhold the headers from an allowed one', async () => {
    await start({ api: { allowedOrigins: [origin] } })
    const other = await get('/me', undefined, { headers: { Origin: 'http://other.example' } })
    expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull()
    backend.api.faults.next('/me', { withoutCors: true })
    const bare = await get('/me', undefined, { headers: { Origin: origin } })
    expect(bare.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })
})
