import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { fingerprint } from 'tokenward/testing'
import { createJar, demo, read, serversStage } from './stage.ts'

const stage = serversStage()
const { start, post, signIn, refreshed, get } = stage

describe('the authorization server, with the refresh token in the body', () => {
  test('an access token verifies with the published keys and says what it must', async () => {
    await start({ auth: { accessTokenMs: 60_000 } })
    const { access_token } = await signIn()
    const keys = createRemoteJWKSet(new URL('/jwks', stage.backend.auth.origin))
    const { payload, protectedHeader } = await jwtVerify(access_token, keys, { issuer: stage.backend.auth.origin })
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
    expect(stage.backend.auth.count('login', 'refused')).toBe(4)
    expect(stage.backend.auth.liveFamilies()).toEqual([])
  })

  test('each refresh rotates the refresh token', async () => {
    await start()
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    const third = await read(await refreshed(second.refresh_token))
    expect(new Set([first, second, third].map((tokens) => tokens.refresh_token)).size).toBe(3)
    expect(stage.backend.auth.liveRefreshTokens()).toEqual([third.refresh_token])
    expect(stage.backend.auth.log.map((entry) => entry.outcome)).toEqual(['signed-in', 'rotated', 'rotated'])
    expect(stage.backend.auth.log[1]?.presented).toBe(fingerprint(first.refresh_token))
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
    expect(stage.backend.auth.count('refresh', 'reused')).toBe(1)
    expect(stage.backend.auth.liveRefreshTokens()).toEqual([other.refresh_token])
    expect(stage.backend.auth.liveAccessTokens()).toEqual([other.access_token])
  })

  test('within the grace window a spent token is answered with the current one; after it, reuse', async () => {
    await start({ auth: { graceMs: 1_000 } })
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    stage.time += 999
    expect((await read(await refreshed(first.refresh_token))).refresh_token).toBe(second.refresh_token)
    stage.time += 1
    expect((await refreshed(first.refresh_token)).status).toBe(401)
    expect(stage.backend.auth.liveFamilies()).toEqual([])
  })

  test('without rotation the answer names no refresh token and the old one goes on', async () => {
    await start({ auth: { rotate: false } })
    const { refresh_token } = await signIn()
    const again = await read(await refreshed(refresh_token))
    expect(again).not.toHaveProperty('refresh_token')
    expect((await refreshed(refresh_token)).status).toBe(200)
  })

  test('a refresh token expires, and an unknown one is rejected', async () => {
    await start({ auth: { refreshTokenMs: 10_000 } })
    const { refresh_token } = await signIn()
    stage.time += 10_000
    expect((await refreshed(refresh_token)).status).toBe(401)
    expect((await refreshed('made-up')).status).toBe(401)
    expect(stage.backend.auth.log.slice(1).map((entry) => entry.outcome)).toEqual(['expired', 'unknown'])
  })

  test('logout revokes the family, also with a token that was spent', async () => {
    await start()
    const first = await signIn()
    const second = await read(await refreshed(first.refresh_token))
    expect((await post('/json/logout', { refresh_token: first.refresh_token })).status).toBe(204)
    expect((await refreshed(second.refresh_token)).status).toBe(401)
    expect((await get('/me', second.access_token)).status).toBe(401)
    expect(stage.backend.auth.liveAccessTokens()).toEqual([])
    expect((await post('/json/logout', { refresh_token: 'made-up' })).status).toBe(204)
  })

  test('an administrator ends all sessions', async () => {
    await start()
    const { refresh_token } = await signIn()
    stage.backend.auth.revokeSessions()
    expect((await refreshed(refresh_token)).status).toBe(401)
    expect(stage.backend.auth.count('refresh', 'ended')).toBe(1)
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
      expect(at).toBeGreaterThan(stage.time + 13_000)
      expect(at).toBeLessThanOrEqual(stage.time + 15_000)
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
    const jar = createJar(post)
    await jar.post('/auth/login', demo)
    const spent = jar.value('refresh_token') ?? ''
    expect((await jar.post('/auth/refresh')).status).toBe(200)
    expect(jar.value('refresh_token')).not.toBe(spent)
    expect((await post('/auth/refresh', undefined, { Cookie: `refresh_token=${spent}` })).status).toBe(401)
    expect((await jar.post('/auth/refresh')).status).toBe(401)
  })

  test('logout revokes the family and clears the cookie', async () => {
    await start()
    const jar = createJar(post)
    await jar.post('/auth/login', demo)
    const token = jar.value('refresh_token') ?? ''
    expect((await jar.post('/auth/logout')).status).toBe(204)
    expect(jar.value('refresh_token')).toBeUndefined()
    expect((await post('/auth/refresh', undefined, { Cookie: `refresh_token=${token}` })).status).toBe(401)
  })

  test('a browser without a cookie has no session', async () => {
    await start()
    expect((await post('/auth/refresh')).status).toBe(401)
    expect(stage.backend.auth.log[0]).toMatchObject({ outcome: 'unknown', presented: undefined })
  })

  test('a call without X-Requested-With is forged: 403, and nothing is done', async () => {
    await start()
    for (const name of ['login', 'refresh', 'logout']) {
      const response = await fetch(`${stage.backend.auth.origin}/auth/${name}`, {
        method: 'POST',
        body: JSON.stringify(demo),
      })
      expect(response.status).toBe(403)
    }
    expect(stage.backend.auth.log.map((entry) => entry.outcome)).toEqual(['forged', 'forged', 'forged'])
    expect(stage.backend.auth.liveFamilies()).toEqual([])
  })

  test('with double submit the header must repeat the cookie', async () => {
    await start({ auth: { csrf: { cookie: 'csrf', header: 'X-CSRF' } } })
    const jar = createJar(post)
    await jar.post('/auth/login', demo)
    expect((await jar.post('/auth/refresh')).status).toBe(403)
    expect((await jar.post('/auth/refresh', undefined, { 'X-CSRF': 'guess' })).status).toBe(403)
    expect((await jar.post('/auth/refresh', undefined, { 'X-CSRF': jar.value('csrf') ?? '' })).status).toBe(200)
  })
})
