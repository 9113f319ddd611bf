import { createApiServer, type ApiServer } from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { demo, read, serversStage } from './stage.ts'

const stage = serversStage()
const { start, post, refreshed, get } = stage
const admin = { email: 'admin@example.com', password: 'admin' }
const claimsOf = (token: string): unknown => stage.backend.auth.introspect(token)

describe('a narrow token', () => {
  let other: ApiServer | undefined
  afterEach(() => other?.close())

  test('of a resource is good there and nowhere else; the session goes on', async () => {
    await start()
    const { auth } = stage.backend
    other = await createApiServer({ auth, audience: 'https://other.example/', clock: { now: () => stage.time } })
    const { access_token, refresh_token } = await stage.signIn()
    const narrow = await read(await refreshed(refresh_token, { resource: 'https://other.example/' }))
    const ask = async (token: string): Promise<number> =>
      (await fetch(`${other?.origin}/me`, { headers: { Authorization: `Bearer ${token}` } })).status
    expect([await ask(narrow.access_token), (await get('/me', narrow.access_token)).status]).toEqual([200, 401])
    expect([await ask(access_token), (await get('/me', access_token)).status]).toEqual([401, 200])
    expect((await get('/me', (await read(await refreshed(narrow.refresh_token))).access_token)).status).toBe(200)
  })

  test('of a scope has no other; a wider one than was granted is refused, and the refresh token is not spent', async () => {
    await start()
    const { refresh_token } = await read(await post('/json/login', admin))
    const wider = await refreshed(refresh_token, { scope: 'orders:read payments' })
    expect([wider.status, await wider.json()]).toEqual([400, { error: 'invalid_scope' }])
    const narrow = await read(await refreshed(refresh_token, { scope: 'orders:read' }))
    expect(narrow).toMatchObject({ scope: 'orders:read' })
    expect((await get('/admin', narrow.access_token)).status).toBe(403)
    const whole = await read(await refreshed(narrow.refresh_token))
    expect((await get('/admin', whole.access_token)).status).toBe(200)
  })

  test('of a resource that is none of ours is refused', async () => {
    await start({ auth: { resources: ['https://api.example/'] } })
    const { refresh_token } = await stage.signIn()
    const response = await refreshed(refresh_token, { resource: 'https://evil.example/' })
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_target' }])
    expect((await refreshed(refresh_token, { resource: 'https://api.example/' })).status).toBe(200)
  })

  test('can be asked for at the login', async () => {
    await start()
    const { access_token } = await read(await post('/json/login', { ...admin, scope: 'orders:read' }))
    expect((await get('/admin', access_token)).status).toBe(403)
    expect((await post('/json/login', { ...admin, scope: 'everything' })).status).toBe(400)
  })
})

describe('an opaque token', () => {
  test('says nothing, and is good until it expires or is taken back', async () => {
    await start({ auth: { format: 'opaque', accessTokenMs: 10_000 } })
    const { access_token } = await stage.signIn()
    expect(access_token).toMatch(/^[\w-]{43}$/)
    expect((await get('/me', access_token)).status).toBe(200)
    expect(claimsOf(access_token)).toMatchObject({ sub: 'demo@example.com', scope: 'orders:read' })
    stage.time += 11_000
    expect((await get('/me', access_token)).status).toBe(401)
    expect(claimsOf(access_token)).toBeUndefined()
  })
})

describe('revocation', () => {
  const revoke = (token: string): Promise<Response> =>
    fetch(`${stage.backend.auth.origin}/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })

  test('of an access token leaves the session, of a refresh token ends it, of neither is no error', async () => {
    await start()
    const { access_token, refresh_token } = await stage.signIn()
    expect((await revoke(access_token)).status).toBe(200)
    expect((await get('/me', access_token)).status).toBe(401)
    const next = await read(await refreshed(refresh_token))
    expect((await revoke(next.refresh_token)).status).toBe(200)
    expect((await get('/me', next.access_token)).status).toBe(401)
    expect((await refreshed(next.refresh_token)).status).toBe(401)
    expect((await revoke('made-up')).status).toBe(200)
    expect((await post('/revoke', {})).status).toBe(400)
    expect(stage.backend.auth.count('revoke', 'revoked')).toBe(3)
  })
})

describe('the API', () => {
  test('takes a one-use token once', async () => {
    await start({ api: { oneUse: true } })
    const { access_token } = await stage.signIn()
    expect([(await get('/me', access_token)).status, (await get('/me', access_token)).status]).toEqual([200, 401])
  })

  test('asks for a stronger sign-in, and is content with one', async () => {
    await start()
    const weak = await get('/transfer', (await stage.signIn()).access_token)
    expect([weak.status, weak.headers.get('WWW-Authenticate')]).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", acr_values="urn:example:mfa"',
    ])
    const { access_token } = await read(await post('/json/login', { ...demo, acr_values: 'urn:example:mfa' }))
    expect((await get('/transfer', access_token)).status).toBe(200)
  })

  test('has routes of the test’s own, below a path', async () => {
    await start({
      api: {
        path: '/v1',
        routes: {
          '/tea': { scope: 'orders:read', answer: ({ claims }) => ({ status: 418, body: String(claims['sub']) }) },
          '/gold': { scope: 'gold', answer: () => ({ status: 200 }) },
        },
      },
    })
    const { access_token } = await stage.signIn()
    const tea = await get('/v1/tea', access_token)
    expect([tea.status, await tea.text()]).toEqual([418, 'demo@example.com'])
    expect((await get('/v1/gold', access_token)).status).toBe(403)
    expect((await get('/v1/tea')).status).toBe(401)
  })

  test('refuses a garbage token, an ID token, `alg: none` and another key, all alike', async () => {
    await start()
    const { access_token } = await stage.signIn()
    const [head = '', payload = '', signature = ''] = access_token.split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    for (const token of [
      'garbage',
      `${head}.${payload}.`,
      `${head}.${payload}.${flipped}`,
      `${encode({ ...header, alg: 'none' })}.${payload}.`,
      `${encode({ ...header, typ: 'JWT' })}.${payload}.${signature}`,
      `${encode({ ...header, kid: 'other' })}.${payload}.${signature}`,
      `${access_token}.x`,
      '..',
    ]) {
      const response = await get('/me', token)
      expect([token.length, response.status, response.headers.get('WWW-Authenticate')]).toEqual([
        token.length,
        401,
        'Bearer error="invalid_token"',
      ])
    }
    expect((await get('/me', access_token)).status).toBe(200)
  })

  test('takes no token from the query, and two in the header are a bad request', async () => {
    await start()
    const { access_token } = await stage.signIn()
    const byQuery = await get(`/me?access_token=${access_token}`)
    expect([byQuery.status, byQuery.headers.get('WWW-Authenticate')]).toEqual([401, 'Bearer'])
    expect((await get('/me', `${access_token} ${access_token}`)).status).toBe(400)
    expect((await get('/me', undefined, { headers: { Authorization: 'Bearer' } })).status).toBe(400)
    expect((await get('/me', undefined, { headers: { Authorization: 'Basic eDp5' } })).status).toBe(401)
  })
})
