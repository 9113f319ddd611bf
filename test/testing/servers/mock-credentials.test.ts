import { createHash } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createMockServer, type Har, type MockOptions, type MockServer } from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { api, type Brief, recording, reference, story } from './recording.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open(har: Har, options: MockOptions = {}): Promise<MockServer> {
  const mock = await createMockServer(har, options)
  closing.push(mock.close)
  return mock
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const encoded = reference('encoded_p1_1', { kind: 'encoded', template: 'ann:{{password_p1_1}}', encoding: 'base64' })
const answer = { secret: 'data' }

describe('what is no bearer token is asked for too', () => {
  test.each<[string, Brief, Record<string, string>, Record<string, string>, string]>([
    [
      'an API key in a header',
      { url: `${api}/a`, headers: { 'x-api-key': '{{secret_p1_1}}' }, answer },
      { 'x-api-key': 'right' },
      { 'x-api-key': 'wrong' },
      'ApiKey',
    ],
    [
      'a scheme of its own',
      { url: `${api}/a`, headers: { authorization: 'Token {{secret_p1_1}}' }, answer },
      { authorization: 'Token right' },
      { authorization: 'Bearer right' },
      'Token',
    ],
    [
      'Basic',
      { url: `${api}/a`, headers: { authorization: 'Basic {{encoded_p1_1}}' }, answer },
      { authorization: basic('ann:right') },
      { authorization: basic('bob:right') },
      'Basic realm="recorded"',
    ],
  ])('%s', async (_, brief, right, wrong, challenge) => {
    const har = recording([brief], [reference('secret_p1_1'), reference('password_p1_1'), encoded])
    const { origin } = await open(har, { secrets: { secret_p1_1: 'right', password_p1_1: 'right' } })
    for (const headers of [{}, wrong]) {
      const response = await fetch(`${origin}/a`, { headers })
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, challenge])
    }
    expect(await (await fetch(`${origin}/a`, { headers: right })).json()).toEqual(answer)
    // Where nobody says what is right, something must be there.
    const lenient = await open(har)
    const { status } = await fetch(`${lenient.origin}/a`)
    expect([status, (await fetch(`${lenient.origin}/a`, { headers: right })).status]).toEqual([401, 200])
  })

  test('a key in the query', async () => {
    const har = recording([{ url: `${api}/a?key={{secret_p1_1}}&b=1`, answer }], [reference('secret_p1_1')])
    const { origin } = await open(har, { secrets: { secret_p1_1: 'right' } })
    const statusOf = async (query: string): Promise<number> => (await fetch(`${origin}/a?${query}`)).status
    expect([await statusOf('b=1'), await statusOf('b=1&key=wrong'), await statusOf('b=1&key=right')]).toEqual([
      401, 401, 200,
    ])
  })

  test('a session that is a cookie: it begins with the login, and ends with it', async () => {
    const har = recording(
      [
        {
          ...{ url: `${api}/login`, send: { password: '{{password_p1_1}}' }, answer: { ok: true } },
          ...{ answerHeaders: { 'set-cookie': 'sid={{cookie_p1_1}}; Path=/; HttpOnly' }, principal: 'p1' },
        },
        { url: `${api}/a`, headers: { cookie: 'lang=en; sid={{cookie_p1_1}}' }, answer, principal: 'p1' },
      ],
      [reference('password_p1_1'), reference('cookie_p1_1')],
    )
    const mock = await open(har)
    const ask = (cookie?: string): Promise<Response> =>
      fetch(`${mock.origin}/a`, cookie === undefined ? {} : { headers: { cookie } })
    for (const cookie of [undefined, 'lang=en', 'sid=anything', 'sid={{cookie_p1_1}}']) {
      expect((await ask(cookie)).status).toBe(401)
    }
    const login = await fetch(`${mock.origin}/login`, { method: 'POST', body: '{"password":"x"}' })
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    expect(cookie).toMatch(/^sid=[\w-]{20,}$/)
    expect(await (await ask(`lang=de; ${cookie}`)).json()).toEqual(answer)
    mock.revokeSessions()
    expect((await ask(cookie)).status).toBe(401)
  })

  test('a session in an HttpOnly cookie, which no browser shows to a recorder: the mock has one of its own', async () => {
    const hidden = { credentials: true, principal: 'p1' } as const
    const har = recording(
      [
        { url: `${api}/config`, answer, credentials: true },
        { url: `${api}/a`, status: 401, credentials: true },
        { ...hidden, url: `${api}/login`, send: { password: '{{password_p1_1}}' }, answer: { ok: true } },
        { ...hidden, url: `${api}/a`, answer },
        { ...hidden, url: `${api}/config`, answer },
        { ...hidden, url: `${api}/password`, send: { old: '{{password_p1_1}}', new: '{{password_p1_2}}' }, answer },
        { url: `${api}/plain`, answer },
        { ...hidden, url: `${api}/logout`, send: {}, status: 204, kind: 'logout' },
        { url: `${api}/goodbye`, answer, credentials: true },
      ],
      [reference('password_p1_1'), reference('password_p1_2')],
    )
    const mock = await open(har)
    const statusOf = async (path: string, cookie = ''): Promise<number> =>
      (await fetch(mock.origin + path, { headers: { cookie } })).status
    const post = (path: string, body: object, cookie = ''): Promise<Response> =>
      fetch(mock.origin + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie },
        body: JSON.stringify(body),
      })
    expect(await Promise.all(['/config', '/plain', '/goodbye'].map((path) => statusOf(path)))).toEqual([200, 200, 200])
    for (const cookie of ['', 'a=b', 'mock_session=made-up']) expect(await statusOf('/a', cookie)).toBe(401)
    expect((await post('/password', { old: 'x', new: 'y' })).status).toBe(401)
    const login = await post('/login', { password: 'x' })
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    expect(await statusOf('/a', `a=b; ${cookie}`)).toBe(200)
    expect((await post('/password', { old: 'x', new: 'y' }, cookie)).status).toBe(200)
    expect((await post('/logout', {}, cookie)).status).toBe(204)
    expect(await statusOf('/a', cookie)).toBe(401)
  })

  test('an access token in a cookie', async () => {
    const har = recording(
      [{ url: `${api}/a`, headers: { cookie: 'jwt={{access_p1_1}}' }, answer }],
      [reference('access_p1_1', { format: 'jwt' })],
    )
    const { origin, token } = await open(har)
    const statusOf = async (cookie: string): Promise<number> =>
      (await fetch(`${origin}/a`, { headers: { cookie } })).status
    expect([
      await statusOf('a=b'),
      await statusOf('jwt=x'),
      await statusOf(`jwt=${await token('access_p1_1')}`),
    ]).toEqual([401, 401, 200])
  })
})

test('a client that proved who it is at the token endpoint has to do so again', async () => {
  const client = reference('encoded_p1_1', { kind: 'encoded', template: 'spa:{{password_p1_1}}', encoding: 'base64' })
  const har = recording(
    [
      {
        ...{ url: `${api}/token`, form: { grant_type: 'client_credentials' }, kind: 'login', principal: 'p1' },
        ...{ headers: { authorization: 'Basic {{encoded_p1_1}}' }, answer: { access_token: '{{access_p1_1}}' } },
      },
    ],
    [client, reference('password_p1_1'), reference('access_p1_1')],
  )
  const { origin } = await open(har, { secrets: { password_p1_1: 'right' } })
  const ask = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${origin}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
  for (const headers of [{}, { authorization: basic('spa:wrong') }, { authorization: basic('other:right') }]) {
    const response = await ask(headers)
    expect([response.status, await response.json(), response.headers.get('www-authenticate')]).toEqual([
      401,
      { error: 'invalid_client' },
      'Basic realm="recorded"',
    ])
  }
  expect((await ask({ authorization: basic('spa:right') })).status).toBe(200)
})

describe('the access token of a request', () => {
  test('DPoP before a token that is bound to no key is refused, with a proof and without', async () => {
    const { origin, token } = await open(story)
    const value = await token('access_p1_1')
    const ask = async (headers: Record<string, string>): Promise<readonly unknown[]> => {
      const { status, headers: answered } = await fetch(`${origin}/me`, { headers })
      return [status, answered.get('www-authenticate')]
    }
    expect((await ask({ authorization: `Bearer ${value}` }))[0]).toBe(200)
    expect(await ask({ authorization: `DPoP ${value}` })).toEqual([
      401,
      expect.stringMatching(/^DPoP error="invalid_dpop_proof"/),
    ])
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const ath = createHash('sha256').update(value).digest('base64url')
    const proof = await new SignJWT({ jti: 'a', htm: 'GET', htu: `${origin}/me`, ath })
      .setIssuedAt()
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
      .sign(privateKey)
    const [status, challenge] = await ask({ authorization: `DPoP ${value}`, dpop: proof })
    expect([status, challenge]).toEqual([401, expect.stringContaining('bound to no key')])
  })

  test('in two places at once: 400 invalid_request', async () => {
    const { origin, token } = await open(story)
    const value = await token('access_p1_1')
    const headers = { authorization: `Bearer ${value}` }
    const response = await fetch(`${origin}/me?access_token=${value}`, { headers })
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_request' }])
    const form = new URLSearchParams({ access_token: value })
    const posted = await fetch(`${origin}/orders`, { method: 'POST', headers, body: form })
    expect(posted.status).toBe(400)
  })

  test('HEAD is answered as GET is, without the body, and not without a token; what was not recorded is unknown', async () => {
    const { origin, token } = await open(story)
    const headers = { authorization: `Bearer ${await token('access_p1_1')}` }
    const refused = await fetch(`${origin}/me`, { method: 'HEAD' })
    const head = await fetch(`${origin}/me`, { method: 'HEAD', headers })
    expect([refused.status, head.status, await head.text()]).toEqual([401, 200, ''])
    expect((await fetch(`${origin}/nowhere`, { method: 'HEAD', headers })).status).toBe(404)
  })
})
