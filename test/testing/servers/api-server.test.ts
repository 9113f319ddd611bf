import { describe, expect, test } from 'vitest'
import { fault, fingerprint } from 'tokenward/testing'
import { sha256 } from '../../support/backend.ts'
import { read, serversStage } from './stage.ts'

const stage = serversStage()
const { start, post, signIn, refreshed, get } = stage

describe('the API', () => {
  test('it takes a token that lives and refuses it from its expiry on', async () => {
    await start({ auth: { accessTokenMs: 10_000 } })
    const { access_token } = await signIn()
    stage.time += 10_000 - 1
    expect(await (await get('/me', access_token)).json()).toEqual({ email: 'demo@example.com', scope: 'orders:read' })
    stage.time += 1_001
    expect((await get('/me', access_token)).status).toBe(401)
  })

  test('it refuses a token of another issuer or audience, and one that was taken back', async () => {
    await start({ api: { audience: 'urn:example:other' } })
    const { access_token } = await signIn()
    expect((await get('/me', access_token)).status).toBe(401)
    await stage.backend.close()
    await start()
    expect((await get('/me', access_token)).status).toBe(401)
    const { access_token: own, refresh_token } = await signIn()
    expect((await get('/me', own)).status).toBe(200)
    stage.backend.auth.revokeAccessTokens()
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
    stage.backend.api.settings.challenge = 'bare'
    expect(await challenge('/me', 'made-up')).toBe('Bearer')
    stage.backend.api.settings.challenge = 'none'
    expect(await challenge('/me', 'made-up')).toBeNull()
    stage.backend.api.settings.challenge = { text: 'Basic realm="x"' }
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
    stage.backend.api.faults.next('/me', fault.status(503))
    expect((await get('/me', access_token)).status).toBe(503)
    expect((await get('/me')).status).toBe(401)
    expect(stage.backend.api.log).toMatchObject([
      { presented: fingerprint(access_token), subject: undefined, status: 503 },
      { presented: undefined, status: 401 },
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
    expect(headers.get('Access-Control-Expose-Headers')).toBe('WWW-Authenticate, Retry-After, Date, DPoP-Nonce')
    expect(stage.backend.api.log).toHaveLength(1)
  })

  test('any other origin gets nothing, and a fault can withhold the headers from an allowed one', async () => {
    await start({ api: { allowedOrigins: [origin] } })
    const other = await get('/me', undefined, { headers: { Origin: 'http://other.example' } })
    expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull()
    stage.backend.api.faults.next('/me', { withoutCors: true })
    const bare = await get('/me', undefined, { headers: { Origin: origin } })
    expect(bare.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })
})

test('a token in the query beside that in the header: 400 invalid_request, as RFC 6750 section 2 has it', async () => {
  await start()
  const { access_token } = await signIn()
  const response = await get(`/me?access_token=${access_token}`, access_token)
  expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([
    400,
    expect.stringContaining('error="invalid_request"'),
  ])
})
