import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { cookieSource, createTokenManager, jsonSource } from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import {
  authMatrix,
  createApiServer,
  createClock,
  createRecorder,
  firstOf,
  fromEnv,
  mint,
  replay,
  type ApiServer,
  type Har,
  type TokenProvider,
  type TokenReference,
} from 'tokenward/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startBackend } from '../support/backend.ts'
import { createCookieJar } from '../support/cookie-jar.ts'

const iss = 'https://id.example.com'
const subjects = { sub: 'ann', scope: 'orders:read', aud: 'urn:example:api' }
const clock = createClock()
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

let api: ApiServer
let provider: TokenProvider
beforeEach(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }
  api = await createApiServer({ auth: { origin: iss, jwks: { keys: [jwk] } as never }, clock })
  cleanups.push(() => api.close())
  provider = mint({ key: await exportJWK(privateKey), alg: 'ES256', iss, kid: 'k1', now: clock.now })
})

/** A token of two seconds, as the application has it. */
async function tokenOf(claims: Record<string, unknown>): Promise<string> {
  const reference: TokenReference = {
    id: `access_p${String(claims['sub'])}`,
    kind: 'access',
    principal: 'p1',
    claims: { ...claims, ttl: 2 },
    issuedBy: null,
    refreshedFrom: null,
  }
  return (await provider.token(reference, {})) ?? ''
}

/** Six requests of two users: three with a token that must be good, three without. */
async function recordSix(): Promise<{
  har: Har
  raw: { url: string; headers: Record<string, string>; status: number }[]
}> {
  const recorder = createRecorder({ redact: { claims: ['sub', 'aud', 'scope', 'ttl'] } })
  const request = recorder.wrapFetch(fetch)
  const ann = { authorization: `Bearer ${await tokenOf(subjects)}` }
  const bob = { authorization: `Bearer ${await tokenOf({ ...subjects, sub: 'bob', scope: 'orders:read admin' })}` }
  const raw = []
  for (const [path, headers] of [
    ['/public', {}],
    ['/me', ann],
    ['/me', {}],
    ['/admin', bob],
    ['/public?again', {}],
    ['/orders', bob],
  ] as const) {
    const url = api.origin + path
    const { status } = await request(url, { headers })
    raw.push({ url, headers: { ...headers }, status })
  }
  await recorder.settled()
  return { har: recorder.toHar(), raw }
}

describe('a recording whose tokens have expired', () => {
  test('with the tokens that were recorded 3 of 6 statuses are the same, with minted ones 6 of 6', async () => {
    const { har, raw } = await recordSix()
    expect(raw.map(({ status }) => status)).toEqual([200, 200, 401, 200, 200, 200])
    await clock.advance(60_000)
    const again = await Promise.all(raw.map(async ({ url, headers }) => (await fetch(url, { headers })).status))
    expect(again.filter((status, index) => status === raw[index]?.status)).toHaveLength(3)

    const report = await replay(har, { tokens: provider, assert: { body: 'exact' } })
    expect(report.text).toMatch(/6 exchanges: 6 as recorded, 0 different, 0 skipped\n$/)
    expect(har.log._tokens?.map(({ claims }) => claims)).toEqual([
      { sub: 'ann', aud: 'urn:example:api', scope: 'orders:read', ttl: 2 },
      { sub: 'bob', aud: 'urn:example:api', scope: 'orders:read admin', ttl: 2 },
    ])
  })

  test.each(['HS256', 'RS256', 'PS256', 'ES384', 'EdDSA'] as const)('%s: a token that others accept', async (alg) => {
    const { jwtVerify, generateSecret } = await import('jose')
    const pair = alg === 'HS256' ? undefined : await generateKeyPair(alg, { extractable: true })
    const secret = pair ? undefined : await generateSecret('HS256', { extractable: true })
    const key = (await exportJWK((pair?.privateKey ?? secret)!)) as JsonWebKey
    const [entry] = (await recordSix()).har.log._tokens ?? []
    const value = await mint({ key, alg, iss, claims: () => ({ extra: 1 }) }).token(entry!, {})
    const { payload, protectedHeader } = await jwtVerify(value ?? '', (pair?.publicKey ?? secret)!, { issuer: iss })
    expect(payload).toMatchObject({ sub: 'ann', aud: 'urn:example:api', scope: 'orders:read', extra: 1 })
    expect(payload.exp! - payload.iat!).toBe(2)
    expect(protectedHeader).toEqual({ alg, typ: 'at+jwt' })
  })
})

describe('the tests that only tokens make possible', () => {
  const outcomes = (
    results: readonly { case: string; entry: number; outcome: string; actual: number | undefined }[],
  ): string[] =>
    results.map(({ entry, case: name, outcome, actual }) => `${entry} ${name} ${String(actual)} ${outcome}`)

  test('each request with each token that must not do', async () => {
    const { har } = await recordSix()
    const report = await authMatrix(har, { tokens: provider, expected: { 'other-principal': [200, 403] } })
    const perEntry = (entry: number, other: string, noScope: string): string[] => [
      `${entry} valid 200 passed`,
      `${entry} none 401 passed`,
      `${entry} expired 401 passed`,
      `${entry} not-yet-valid 401 passed`,
      `${entry} wrong-audience 401 passed`,
      `${entry} wrong-issuer 401 passed`,
      `${entry} no-scope ${noScope}`,
      `${entry} tampered 401 passed`,
      `${entry} unsigned 401 passed`,
      `${entry} other-principal ${other}`,
    ]
    expect(outcomes(report.results)).toEqual([
      ...perEntry(1, '200 passed', '200 failed'),
      ...perEntry(3, '403 passed', '403 passed'),
      // The example API lists orders for whoever asks: that is what such a test finds.
      ...perEntry(5, '200 passed', '200 failed'),
      '1 after-logout undefined skipped',
      '3 after-logout undefined skipped',
      '5 after-logout undefined skipped',
    ])
    expect(report.ok).toBe(false)
    expect(report.text).toContain('FAIL   1  GET ' + api.origin + '/me  no-scope: 200, not 403\n')
  })

  test('a server that does not look at the signature, the expiry or the audience is found out', async () => {
    const { har } = await recordSix()
    const careless = createServer(({ headers }, response) => {
      response.writeHead(headers.authorization?.startsWith('Bearer ') ? 200 : 401).end('{}')
    })
    await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => careless.close())
    const { port } = careless.address() as { port: number }
    const { results, ok } = await authMatrix(har, {
      tokens: provider,
      baseUrl: `http://127.0.0.1:${port}`,
      only: (_, index) => index === 1,
    })
    expect(ok).toBe(false)
    expect(results.filter(({ outcome }) => outcome === 'passed').map(({ case: name }) => name)).toEqual(['valid'])
    // It says 401 and not what it asks for.
    expect(results.find(({ case: name }) => name === 'none')).toMatchObject({
      actual: 401,
      outcome: 'failed',
      reason: 'without WWW-Authenticate',
    })
    const lenient = await authMatrix(har, {
      tokens: provider,
      baseUrl: `http://127.0.0.1:${port}`,
      cases: ['none'],
      challenge: false,
    })
    expect([lenient.ok, lenient.results[1]?.reason]).toEqual([true, 'without WWW-Authenticate'])
  })

  test.each<[string, (token: string) => readonly [string, RequestInit]]>([
    ['a header of its own', (token) => ['/', { headers: { 'x-access-token': token } }]],
    ['the query', (token) => [`/?access_token=${token}&a=%20b`, {}]],
    ['a form', (token) => ['/', { method: 'POST', body: new URLSearchParams({ access_token: token, a: 'b' }) }]],
    ['JSON', (token) => ['/', { method: 'POST', body: JSON.stringify({ a: { access_token: token }, b: 1 }) }]],
  ])('a token in %s is replaced there, and taken away', async (_, ask) => {
    const seen: string[] = []
    const server = createServer((request, response) => {
      let text = `${request.url} ${String(request.headers['x-access-token'])} `
      request.on('data', (chunk: Buffer) => (text += chunk.toString()))
      request.on('end', () => {
        seen.push(text)
        const isRight = text.includes(good)
        response.writeHead(isRight ? 200 : 401, { 'www-authenticate': 'Bearer' }).end('{}')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    const good = 'an-opaque-token.of-some-length'
    const recorder = createRecorder()
    recorder.learn(good, 'access')
    const [path, init] = ask(good)
    await recorder.wrapFetch(fetch)(`http://127.0.0.1:${(server.address() as { port: number }).port}${path}`, init)
    await recorder.settled()
    seen.length = 0
    const tokens = fromEnv({ TOKEN_ACCESS_P1: good })
    const { text } = await authMatrix(recorder.toHar(), { tokens, cases: ['none', 'tampered'], unsafe: true })
    expect(text).toMatch(/3 cases: 3 passed, 0 failed/)
    expect(seen.map((one) => one.includes('of-some-length'))).toEqual([true, false, false])
    expect(seen[1]).not.toContain('opaque')
    // What is beside it stays.
    for (const beside of ['b', 'a=%20b', '"b":1'].filter((text) => seen[0]?.includes(text))) {
      for (const one of seen) expect(one).toContain(beside)
    }
  })

  /** A login, a call, a refresh, another call, a logout. */
  async function recordSession(flavour: 'json' | 'auth'): Promise<Har> {
    const backend = await startBackend({ auth: { accessTokenMs: 300_000 } })
    cleanups.push(() => backend.close())
    const source = flavour === 'json' ? jsonSource : cookieSource
    const tokens = createTokenManager<{ email: string; password: string }>({
      source: source(backend.endpoints(flavour)),
      resources: [backend.api.origin],
      ports: flavour === 'auth' ? { fetch: createCookieJar().fetch } : {},
    })
    const recorder = createRecorder({ manager: tokens })
    const request = createFetch(tokens, { fetch: recorder.wrapFetch(fetch) })
    await tokens.login({ email: 'demo@example.com', password: 'demo' })
    await request(`${backend.api.origin}/orders`)
    backend.auth.revokeAccessTokens()
    await request(`${backend.api.origin}/me`)
    await tokens.logout()
    await recorder.settled()
    tokens.dispose()
    return recorder.toHar()
  }

  const name = ({ log }: Har, entry: number): string => new URL(log.entries[entry]?.request.url ?? '').pathname
  const tokens = firstOf(fromEnv({ TOKEN_PASSWORD_P1: 'demo' }))

  test.each(['json', 'auth'] as const)(
    '%s: after the logout, and what was exchanged already for new tokens',
    async (flavour) => {
      const har = await recordSession(flavour)
      const cases = ['none', 'tampered', 'rotated', 'after-logout'] as const
      const { results, text } = await authMatrix(har, { tokens, cases })
      expect(results.map(({ entry, case: one, actual }) => `${name(har, entry)} ${one} ${String(actual)}`)).toEqual([
        '/orders valid 200',
        '/orders none 401',
        '/orders tampered 401',
        '/me valid 200',
        '/me none 401',
        '/me tampered 401',
        `/${flavour}/refresh rotated 401`,
        '/orders after-logout 401',
        '/me after-logout 401',
      ])
      expect(text).toMatch(/9 cases: 9 passed, 0 failed, 0 skipped\n$/)
    },
  )

  test('a logout that ends nothing is found out, also after a spent refresh token has ended a session', async () => {
    const har = await recordSession('json')
    const deaf: typeof fetch = (input, init) =>
      (input as string).endsWith('/logout') ? Promise.resolve(new Response(null, { status: 204 })) : fetch(input, init)
    const { results } = await authMatrix(har, { tokens, cases: ['rotated', 'after-logout'], fetch: deaf })
    expect(
      outcomes(results.filter(({ case: one }) => one !== 'valid')).map((line) => line.replace(/^\d+ /, '')),
    ).toEqual(['rotated 401 passed', 'after-logout 200 failed', 'after-logout 200 failed'])
  })

  test('a recording without a token has nothing to test', async () => {
    const { har } = await recordSix()
    const bare = { log: { ...har.log, entries: har.log.entries.filter((_, index) => index % 2 === 0) } }
    await expect(authMatrix(bare, { tokens: provider })).rejects.toMatchObject({ code: 'missing_token' })
  })
})
