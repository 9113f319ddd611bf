import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import { cookieSource, createTokenManager, jsonSource, type TokenManager } from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import {
  createClock,
  createMockServer,
  fault,
  type FakeClock,
  type Har,
  type MockServer,
  type MockServerOptions,
} from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { digest } from '../../../src/testing/servers/digest.ts'
import { createCookieJar } from '../../support/cookie-jar.ts'
import { api, recording, reference, story, type Brief } from './recording.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

let clock: FakeClock
async function open(har: Har, options: MockServerOptions = {}): Promise<MockServer> {
  clock = createClock()
  const mock = await createMockServer(har, { clock, ...options })
  closing.push(mock.close)
  return mock
}

const post = (
  url: string,
  body: Record<string, string> | object,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const get = (url: string, token: string, scheme = 'Bearer', headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { headers: { Authorization: `${scheme} ${token}`, ...headers } })

interface Login {
  readonly email: string
  readonly password: string
}

function manage(source: ReturnType<typeof jsonSource<Login>>, mock: MockServer, ownFetch = fetch): TokenManager<Login> {
  const tokens = createTokenManager<Login>({
    source,
    resources: [mock.origin],
    timing: { background: false },
    ports: { ...clock.ports, fetch: ownFetch },
  })
  closing.unshift(tokens.dispose)
  return tokens
}
const ann = { email: 'ann@example.com', password: 'secret' }

describe('a manager that talks to a mock', () => {
  const endpoints = (origin: string): { login: string; refresh: string; logout: string } => ({
    login: `${origin}/login`,
    refresh: `${origin}/refresh`,
    logout: `${origin}/logout`,
  })

  test('with the refresh token in the body: signs in, has its expired token refreshed, signs out', async () => {
    const mock = await open(story)
    const tokens = manage(jsonSource(endpoints(mock.origin)), mock)
    const request = createFetch(tokens)
    await tokens.login(ann)
    const page = async (): Promise<unknown> => (await request(`${mock.origin}/orders?page=1`)).json()
    expect(await page()).toEqual({ orders: [1] })
    await clock.advance(61_000)
    expect(await Promise.all([page(), request(`${mock.origin}/me`).then(({ status }) => status)])).toEqual([
      { orders: [1, 3] },
      200,
    ])
    expect(mock.count('refreshed')).toBe(1)
    mock.revokeAccessTokens()
    expect((await request(`${mock.origin}/me`)).status).toBe(200)
    expect([mock.count('refreshed'), mock.count('invalid_token'), mock.count('reused')]).toEqual([2, 1, 0])
    expect(await tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(mock.count('signed-out')).toBe(1)
  })

  test('with a refresh cookie that the recording cannot show: the mock has one of its own, and rotates it', async () => {
    const grant = (generation: number): object => ({ access_token: `{{access_p1_${generation}}}`, expires_in: 60 })
    const exchanges: Brief[] = [
      {
        ...{ url: `${api}/login`, send: { email: ann.email, password: '{{password_p1_1}}' }, answer: grant(1) },
        ...{ kind: 'login', principal: 'p1', credentials: true },
      },
      { url: `${api}/me`, token: 'access_p1_1', answer: { name: 'Ann' } },
      {
        ...{ url: `${api}/refresh`, send: {}, answer: grant(2) },
        ...{ kind: 'refresh', principal: 'p1', credentials: true },
      },
      { url: `${api}/logout`, send: {}, status: 204, kind: 'logout', principal: 'p1', credentials: true },
    ]
    const mock = await open(
      recording(exchanges, [
        reference('password_p1_1'),
        reference('access_p1_1', { issuedBy: 0 }),
        reference('access_p1_2', { issuedBy: 2 }),
      ]),
    )
    const jar = createCookieJar()
    const source = cookieSource<Login>(endpoints(mock.origin))
    const tokens = manage(source, mock, jar.fetch)
    expect(await tokens.restore({ ask: true })).toMatchObject({ status: 'signed-out' })
    await tokens.login(ann)
    const first = jar.value('mock_session') ?? ''
    expect(first).toMatch(/^[\w-]{43}$/)
    await clock.advance(61_000)
    expect((await createFetch(tokens)(`${mock.origin}/me`)).status).toBe(200)
    expect(jar.value('mock_session')).not.toBe(first)
    tokens.dispose()
    const next = manage(source, mock, jar.fetch)
    expect(await next.restore()).toMatchObject({ status: 'active' })
    const stolen = await post(`${mock.origin}/refresh`, {}, { Cookie: `mock_session=${first}` })
    expect(stolen.status).toBe(401)
    expect([mock.count('refreshed'), mock.count('reused')]).toEqual([2, 1])
  })

  test('faults come by path', async () => {
    const mock = await open(story)
    mock.faults.next('/refresh', fault.unavailable())
    const tokens = manage(jsonSource(endpoints(mock.origin)), mock)
    await tokens.login(ann)
    await clock.advance(61_000)
    await expect(createFetch(tokens)(`${mock.origin}/me`)).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(mock.count('refreshed')).toBe(0)
  })
})

describe('what recordings hold', () => {
  test('one token endpoint for logins, refreshes and revocation, as OAuth has it', async () => {
    const token = `${api}/token`
    const mock = await open(
      recording(
        [
          {
            ...{ url: token, kind: 'login', principal: 'p1' },
            form: { grant_type: 'authorization_code', code: '{{code_p1_1}}', code_verifier: '{{verifier_p1_1}}' },
            answer: { access_token: '{{access_p1_1}}', refresh_token: '{{refresh_p1_1}}', id_token: '{{id_p1_1}}' },
          },
          {
            ...{ url: token, kind: 'refresh', principal: 'p1' },
            form: { grant_type: 'refresh_token', refresh_token: '{{refresh_p1_1}}' },
            answer: { access_token: '{{access_p1_2}}', token_type: 'Bearer' },
          },
        ],
        [
          reference('code_p1_1'),
          reference('verifier_p1_1'),
          reference('access_p1_1', { issuedBy: 0, claims: { ttl: 30 } }),
          reference('refresh_p1_1', { issuedBy: 0 }),
          reference('id_p1_1', { issuedBy: 0, claims: { aud: 'client' }, format: 'jwt' }),
          reference('access_p1_2', { issuedBy: 1, claims: { ttl: 30 } }),
        ],
      ),
    )
    const ask = (form: Record<string, string>): Promise<Response> =>
      fetch(`${mock.origin}/token`, { method: 'POST', body: new URLSearchParams(form) })
    const granted = (await (
      await ask({ grant_type: 'authorization_code', code: 'c', code_verifier: 'v' })
    ).json()) as Record<string, string>
    expect(granted['id_token']?.split('.')).toHaveLength(3)
    const refresh = (): Promise<Response> =>
      ask({ grant_type: 'refresh_token', refresh_token: granted['refresh_token'] ?? '' })
    // The recorded server did not rotate: the token stays good.
    expect([(await refresh()).status, (await refresh()).status]).toEqual([200, 200])
    expect((await ask({ grant_type: 'refresh_token', refresh_token: 'made-up' })).status).toBe(400)
    expect(mock.count('refreshed')).toBe(2)
  })

  test('a refresh that was refused then: its answer is what a refused refresh gets', async () => {
    const har = recording(
      [
        ...[{ url: `${api}/login`, send: { user: 'ann' }, answer: { refresh_token: '{{refresh_p1_1}}' } }].map(
          (one): Brief => ({ ...one, kind: 'login', principal: 'p1' }),
        ),
        {
          ...{ url: `${api}/refresh`, send: { refresh_token: '{{refresh_p1_1}}' }, kind: 'refresh', principal: 'p1' },
          ...{ status: 440, answer: { error: 'invalid_grant', hint: 'as it was' } },
        },
      ],
      [reference('refresh_p1_1', { issuedBy: 0 })],
    )
    const mock = await open(har)
    const response = await post(`${mock.origin}/refresh`, { refresh_token: 'x' })
    expect([response.status, await response.json()]).toEqual([440, { error: 'invalid_grant', hint: 'as it was' }])
  })

  test('a cookie with a refresh token in it, and its attributes, as far as http allows them', async () => {
    const cookie = 'rt={{refresh_p1_1}}; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=None'
    const mock = await open(
      recording(
        [
          {
            ...{ url: `${api}/login`, send: { user: 'ann' }, answer: {}, kind: 'login', principal: 'p1' },
            ...{ credentials: true, answerHeaders: { 'set-cookie': cookie } },
          },
          {
            ...{ url: `${api}/refresh`, send: {}, answer: {}, kind: 'refresh', principal: 'p1', credentials: true },
            headers: { cookie: 'rt={{refresh_p1_1}}' },
            answerHeaders: { 'set-cookie': 'rt={{refresh_p1_2}}; Path=/' },
          },
        ],
        [reference('refresh_p1_1', { issuedBy: 0 }), reference('refresh_p1_2', { issuedBy: 1 })],
      ),
    )
    const login = await post(`${mock.origin}/login`, { user: 'ann' })
    const [line = ''] = login.headers.getSetCookie()
    expect(line).toMatch(/^rt=[\w-]{43}; Path=\/; HttpOnly$/)
    const [pair = ''] = line.split(';')
    const refresh = (): Promise<Response> => post(`${mock.origin}/refresh`, {}, { Cookie: `a=b; ${pair}` })
    expect((await refresh()).status).toBe(200)
    expect((await refresh()).status).toBe(401)
    expect(mock.count('reused')).toBe(1)
  })

  test('tokens in a header of the application’s own, in the query, in pieces, and encoded', async () => {
    const mock = await open(
      recording(
        [
          {
            ...{ url: `${api}/login`, send: { user: 'ann' }, kind: 'login', principal: 'p1' },
            answer: {
              access_token: '{{access_p1_1}}',
              claims: '{{access_p1_1_payload}}',
              basic: '{{encoded_p1_1}}',
              hex: '{{encoded_p1_2}}',
            },
          },
          { url: `${api}/own`, headers: { 'X-Token': 'v1 {{access_p1_1}}' }, answer: 'own' },
          { url: `${api}/query?t=%7B%7Baccess_p1_1%7D%7D&a=1`, answer: 'query' },
          { url: `${api}/echo`, token: 'access_p1_1', answer: { sent: '{{access_p1_1}}' } },
        ],
        [
          reference('access_p1_1', { issuedBy: 0, claims: { ttl: 30 }, format: 'jwt' }),
          reference('encoded_p1_1', { template: 'user:{{access_p1_1}}', encoding: 'base64' }),
          reference('encoded_p1_2', { template: '{{access_p1_1}}', encoding: 'hex' }),
        ],
      ),
    )
    const login = (await (await post(`${mock.origin}/login`, { user: 'ann' })).json()) as Record<string, string>
    const token = login['access_token'] ?? ''
    expect(login['claims']).toBe(token.split('.')[1])
    expect(atob(login['basic'] ?? '')).toBe(`user:${token}`)
    expect(Buffer.from(login['hex'] ?? '', 'hex').toString()).toBe(token)
    const statuses = async (value: string): Promise<number[]> => [
      (await fetch(`${mock.origin}/own`, { headers: { 'X-Token': `v1 ${value}` } })).status,
      (await fetch(`${mock.origin}/query?t=${value}&a=1`)).status,
    ]
    expect(await statuses(token)).toEqual([200, 200])
    expect(await statuses('other')).toEqual([401, 401])
    expect((await fetch(`${mock.origin}/own`)).status).toBe(401)
    expect(await (await get(`${mock.origin}/echo`, token)).json()).toEqual({ sent: token })
  })

  test('a path with an id in it, a binary body, an answer without a body, and none at all', async () => {
    const har = recording(
      [
        { url: `${api}/a%20b/c`, answer: 'found' },
        { url: `${api}/image` },
        { url: `${api}/empty`, status: 204 },
        { url: `${api}/gone`, status: 0 },
      ],
      [],
    )
    const [, image] = har.log.entries
    Object.assign(image?.response.content ?? {}, { text: 'AAEC/w==', encoding: 'base64', mimeType: 'image/png' })
    const { origin } = await open(har)
    expect(await (await fetch(`${origin}/a%20b/c`)).json()).toBe('found')
    expect([...(await (await fetch(`${origin}/image`)).bytes())]).toEqual([0, 1, 2, 255])
    expect((await fetch(`${origin}/empty`)).status).toBe(204)
    await expect(fetch(`${origin}/gone`)).rejects.toThrow()
  })

  test('a request whose Host is a recorded one is taken for that', async () => {
    const mock = await open(story)
    const { request } = await import('node:http')
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { Host: 'charges.example.net' }
      request(`${mock.origin}/charges`, { headers }, (answer) => resolve(answer.resume().statusCode))
        .once('error', reject)
        .end()
    })
    expect(status).toBe(401)
    expect(mock.log[0]).toMatchObject({ origin: 'https://charges.example.net', outcome: 'no_token' })
  })

  test('third parties that are not named are not served', async () => {
    const mock = await open(story, { third: [/stripe/] })
    expect(Object.keys(mock.origins)).toEqual([api])
    const both = await open(story, { third: [/^https:\/\/charges/] })
    expect(Object.keys(both.origins)).toHaveLength(2)
  })

  test('a placeholder that the recording has not is told', async () => {
    await expect((await open(story)).token('access_p9_1')).rejects.toThrow(/access_p1_1/)
  })
})

describe('tokens that are bound to a key', () => {
  test('a login with a proof binds them: another key, no proof and a bearer are refused', async () => {
    const mock = await open(story)
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    const prove = async (method: string, url: string, token?: string, key: JWK = jwk): Promise<string> =>
      new SignJWT({
        ...{ jti: crypto.randomUUID(), htm: method, htu: url, iat: clock.now() / 1_000 },
        ...(token !== undefined && { ath: digest(token) }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key })
        .sign(privateKey)
    const login = await post(`${mock.origin}/login`, ann, { DPoP: await prove('POST', `${mock.origin}/login`) })
    const { access_token, refresh_token } = (await login.json()) as Record<'access_token' | 'refresh_token', string>
    const me = `${mock.origin}/me`
    const payload = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString()) as object
    expect(payload).toMatchObject({ cnf: { jkt: await calculateJwkThumbprint(jwk) } })
    expect((await get(me, access_token, 'DPoP', { DPoP: await prove('GET', me, access_token) })).status).toBe(200)
    const bare = await get(me, access_token, 'DPoP')
    expect(bare.headers.get('WWW-Authenticate')).toContain('DPoP error="invalid_dpop_proof"')
    expect((await get(me, access_token)).status).toBe(401)
    expect((await get(me, access_token, 'DPoP', { DPoP: await prove('POST', me, access_token) })).status).toBe(401)
    const refresh = `${mock.origin}/refresh`
    expect((await post(refresh, { refresh_token })).status).toBe(400)
    expect((await post(refresh, { refresh_token }, { DPoP: await prove('POST', refresh) })).status).toBe(200)
  })
})
