import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import axios, { type AxiosRequestConfig } from 'axios'
import { createTokenManager, jsonSource, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import { createRecorder, fromEnv, replay, type RecordingError, type Har, type HarEntry } from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { problemsOfHar } from './har-validator.ts'
import { startBackend, type Backend } from '../support/backend.ts'

interface Credentials {
  readonly email: string
  readonly password: string
}

const demo = { email: 'demo@example.com', password: 'demo' }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function begin(): Promise<{ backend: Backend; tokens: TokenManager<Credentials> }> {
  const backend = await startBackend({ auth: { accessTokenMs: 300_000 } })
  cleanups.push(() => backend.close())
  const tokens = createTokenManager<Credentials>({
    source: jsonSource(backend.endpoints('json')),
    resources: [backend.api.origin],
  })
  cleanups.push(() => tokens.dispose())
  return { backend, tokens }
}

/** Serves on a free port. */
async function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const paths = ({ log }: Har): string[] =>
  log.entries.map(({ request, response }) => `${request.method} ${new URL(request.url).pathname} ${response.status}`)
const authorizationOf = ({ request }: HarEntry): string | undefined =>
  request.headers.find(({ name }) => name.toLowerCase() === 'authorization')?.value

describe('a session, recorded', () => {
  test.each(['http', 'fetch'])(
    'through axios with its adapter %s: what was sent, without any secret',
    async (adapter) => {
      const { backend, tokens } = await begin()
      const recorder = createRecorder({ manager: tokens })
      const api = axios.create({ baseURL: backend.api.origin, adapter })
      bindAxios(api, tokens)
      recorder.attach(api)

      await tokens.login(demo)
      await api.get('/me')
      backend.auth.revokeAccessTokens()
      await api.post('/echo?x=1', { note: 'hello' })
      await api.get('/me', { tokens: false, validateStatus: () => true })
      await tokens.logout()
      await recorder.settled()
      const har = recorder.toHar()

      expect(paths(har)).toEqual([
        'POST /json/login 200',
        'GET /me 200',
        'POST /echo 401',
        'POST /json/refresh 200',
        'POST /echo 200',
        'GET /me 401',
        'POST /json/logout 204',
      ])
      expect(har.log.entries.map(authorizationOf)).toEqual([
        undefined,
        'Bearer {{access_p1_1}}',
        'Bearer {{access_p1_1}}',
        undefined,
        'Bearer {{access_p1_2}}',
        undefined,
        undefined,
      ])
      expect(har.log.entries.map(({ _exchange }) => _exchange)).toEqual([
        'login',
        undefined,
        undefined,
        'refresh',
        undefined,
        undefined,
        'logout',
      ])
      const texts = har.log.entries.map(({ request }) => request.postData?.text)
      expect(texts).toEqual([
        '{"email":"demo@example.com","password":"{{password_p1_1}}"}',
        undefined,
        '{"note":"hello"}',
        '{"refresh_token":"{{refresh_p1_1}}"}',
        '{"note":"hello"}',
        undefined,
        '{"refresh_token":"{{refresh_p1_2}}"}',
      ])
      expect(JSON.parse(har.log.entries[0]?.response.content.text ?? '')).toEqual({
        access_token: '{{access_p1_1}}',
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'orders:read',
        refresh_token: '{{refresh_p1_1}}',
      })
      expect(har.log._tokens).toEqual([
        { id: 'password_p1_1', kind: 'password', principal: 'p1', claims: {}, issuedBy: null, refreshedFrom: null },
        {
          id: 'access_p1_1',
          kind: 'access',
          principal: 'p1',
          claims: { aud: 'urn:example:api', scope: 'orders:read', ttl: 300 },
          issuedBy: 0,
          refreshedFrom: null,
          tokenType: 'Bearer',
          format: 'jwt',
          alg: expect.any(String) as string,
        },
        {
          id: 'refresh_p1_1',
          kind: 'refresh',
          principal: 'p1',
          claims: {},
          issuedBy: 0,
          refreshedFrom: null,
          format: 'opaque',
        },
        expect.objectContaining({ id: 'access_p1_2', issuedBy: 3, refreshedFrom: 'access_p1_1' }),
        expect.objectContaining({ id: 'refresh_p1_2', issuedBy: 3, refreshedFrom: 'refresh_p1_1' }),
      ])
      const text = JSON.stringify(har)
      for (const token of backend.auth.issuedTokens()) expect(text).not.toContain(token)
      expect(await problemsOfHar(har)).toEqual([])
    },
  )

  test('through fetch: the same', async () => {
    const { backend, tokens } = await begin()
    const recorder = createRecorder({ manager: tokens })
    const request = createFetch(tokens, { fetch: recorder.wrapFetch(fetch) })
    await tokens.login(demo)
    expect(await (await request(`${backend.api.origin}/me`)).json()).toMatchObject({ email: 'demo@example.com' })
    await request(new Request(`${backend.api.origin}/upload`, { method: 'POST', body: 'text of a request' }))
    await recorder.settled()
    const har = recorder.toHar()
    expect(paths(har)).toEqual(['POST /json/login 200', 'GET /me 200', 'POST /upload 201'])
    expect(authorizationOf(har.log.entries[2] as HarEntry)).toBe('Bearer {{access_p1_1}}')
    expect(har.log.entries[2]?.request.postData).toMatchObject({ text: 'text of a request' })
    expect(await problemsOfHar(har)).toEqual([])
  })

  test('recorded again it is the same file, but for times', async () => {
    const record = async (): Promise<unknown> => {
      const { backend, tokens } = await begin()
      const recorder = createRecorder({ manager: tokens })
      const request = createFetch(tokens, { fetch: recorder.wrapFetch(fetch) })
      await tokens.login(demo)
      await request(`${backend.api.origin}/orders`)
      await recorder.settled()
      const { log } = recorder.toHar()
      const entries = log.entries.map(({ startedDateTime: _, time: _time, timings: _timings, ...entry }) => entry)
      return JSON.parse(
        JSON.stringify({ ...log, entries })
          .replaceAll(/127\.0\.0\.1:\d+/g, 'host')
          .replaceAll(/"date","value":"[^"]*"/gi, '"date"'),
      )
    }
    expect(await record()).toEqual(await record())
  })

  test('what becomes known later is taken out of what was recorded before', async () => {
    const origin = await serve((_, response) => response.end('{"data":"a value of importance"}'))
    const recorder = createRecorder()
    await recorder.wrapFetch(fetch)(`${origin}/a?q=a%20value%20of%20importance`)
    await recorder.settled()
    expect(recorder.toHar().log.entries[0]?.request.url).toContain('q=a%20value')
    recorder.learn('a value of importance')
    const [entry] = recorder.toHar().log.entries
    expect(entry?.request.url).toBe(`${origin}/a?q=%7B%7Bsecret_p1_1%7D%7D`)
    expect(entry?.request.queryString).toEqual([{ name: 'q', value: '{{secret_p1_1}}' }])
    expect(entry?.response.content.text).toBe('{"data":"{{secret_p1_1}}"}')
  })

  test('what was learned before it is cleared stays known', async () => {
    const origin = await serve((request, response) => response.end(`{"path":"${request.url}"}`))
    const recorder = createRecorder()
    const request = recorder.wrapFetch(fetch)
    await request(`${origin}/a`, { headers: { authorization: 'Bearer a-token-of-length' } })
    await request(`${origin}/login`, { method: 'POST', body: '{"password":"a long password"}' })
    await recorder.settled()
    recorder.clear()
    expect(recorder.toHar().log).toMatchObject({ entries: [], _tokens: [] })
    await request(`${origin}/echo/a-token-of-length`, { method: 'POST', body: 'was: a long password' })
    await recorder.settled()
    const { entries, _tokens } = recorder.toHar().log
    expect(entries[0]?.request.url).toBe(`${origin}/echo/%7B%7Baccess_p1_1%7D%7D`)
    expect(entries[0]?.request.postData?.text).toBe('was: {{password_p1_1}}')
    expect(_tokens?.map(({ id }) => id)).toEqual(['access_p1_1', 'password_p1_1'])
  })

  test('what is not to be in the recording tells of secrets all the same', async () => {
    const origin = await serve((request, response) => {
      response.end(request.url === '/login' ? '{"access_token":"a-token-of-length"}' : 'for a-token-of-length')
    })
    const recorder = createRecorder({ include: [`${origin}/items`] })
    const request = recorder.wrapFetch(fetch)
    await request(`${origin}/login`, { method: 'POST', body: '{"password":"a long password"}' })
    await request(`${origin}/items?note=a+long+password`)
    await recorder.settled()
    const { entries, _tokens } = recorder.toHar().log
    expect(entries.map(({ request: { url } }) => url)).toEqual([`${origin}/items?note=%7B%7Bpassword_p1_1%7D%7D`])
    expect(entries[0]?.response.content.text).toBe('for {{access_p1_1}}')
    // Its place among the entries is that of none.
    expect(_tokens?.find(({ kind }) => kind === 'access')?.issuedBy).toBeNull()
  })

  test.each<[string, (origin: string) => AxiosRequestConfig]>([
    ['its auth', (origin) => ({ url: `${origin}/x`, auth: { username: 'ann', password: 'a long password' } })],
    ['its URL', (origin) => ({ url: `${origin.replace('//', '//ann:a%20long%20password@')}/x` })],
  ])('what axios is given in %s is recorded as it is sent', async (_, configOf) => {
    const origin = await serve((request, response) => response.end(request.headers.authorization))
    const api = axios.create({ adapter: 'http' })
    const recorder = createRecorder()
    recorder.attach(api)
    await api.request(configOf(origin))
    await recorder.settled()
    const [entry] = recorder.toHar().log.entries
    expect(entry?.request.url).toBe(`${origin}/x`)
    expect(authorizationOf(entry!)).toBe('Basic {{encoded_p1_1}}')
    expect(entry?.response.content.text).toBe('Basic {{encoded_p1_1}}')
    const report = await replay(recorder.toHar(), { tokens: fromEnv({ TOKEN_PASSWORD_P1: 'a long password' }) })
    expect(report.text).toMatch(/1 exchanges: 1 as recorded/)
  })

  test('of a manager it knows what its source is given and gives, whatever way the source asks', async () => {
    const origin = await serve((_, response) => response.end('{}'))
    class OwnSource {
      readonly id = 'own'
      readonly credential = 'token' as const
      login(): Promise<object> {
        return Promise.resolve({
          access_token: 'at-of-length',
          refresh_token: 'rt-of-length',
          id_token: 'it-of-length',
        })
      }
      refresh(): Promise<object> {
        return this.login()
      }
    }
    const source = new OwnSource()
    const { login } = source
    const tokens = createTokenManager<Credentials>({ source: source as never, resources: [origin] })
    cleanups.push(() => tokens.dispose())
    const recorder = createRecorder({ manager: tokens })
    await tokens.login({ email: 'ann@example.com', password: 'correct horse' })
    await recorder.wrapFetch(fetch)(`${origin}/x`, {
      method: 'POST',
      body: 'correct horse, it-of-length, at-of-length',
    })
    // One that comes later knows what is in use.
    const late = createRecorder({ manager: tokens })
    await late.wrapFetch(fetch)(`${origin}/x`, { method: 'POST', body: 'at-of-length and rt-of-length' })
    await Promise.all([recorder.settled(), late.settled()])
    const textOf = ({ log }: Har): string | undefined => log.entries[0]?.request.postData?.text
    expect(textOf(recorder.toHar())).toBe('{{password_p1_1}}, {{id_p1_1}}, {{access_p1_1}}')
    expect(textOf(late.toHar())).toBe('{{access_p1_1}} and {{refresh_p1_1}}')
    late.stop()
    recorder.stop()
    expect(source.login).toBe(login)
    expect(Object.keys(source)).toEqual(['id', 'credential'])
  })

  test('two users are two principals, also when one comes back', async () => {
    const { backend, tokens } = await begin()
    const recorder = createRecorder({ manager: tokens })
    const request = createFetch(tokens, { fetch: recorder.wrapFetch(fetch) })
    for (const email of ['demo@example.com', 'admin@example.com', 'demo@example.com']) {
      await tokens.login({ email, password: email.split('@')[0] ?? '' })
      await request(`${backend.api.origin}/me`)
    }
    await recorder.settled()
    const har = recorder.toHar()
    const calls = har.log.entries.filter(({ request: { url } }) => url.endsWith('/me'))
    expect(calls.map(authorizationOf)).toEqual([
      'Bearer {{access_p1_1}}',
      'Bearer {{access_p2_1}}',
      'Bearer {{access_p1_2}}',
    ])
    expect(calls.map(({ _principal }) => _principal)).toEqual(['p1', 'p2', 'p1'])
  })

  test('a manager that createTokenManager did not make is refused, and its source can be watched instead', async () => {
    expect(() => createRecorder({ manager: { subscribe: () => () => {} } })).toThrow(
      expect.objectContaining({ code: 'unknown_manager' }) as RecordingError,
    )
    const { backend } = await begin()
    const recorder = createRecorder()
    const tokens = createTokenManager({
      source: recorder.watch(jsonSource<Credentials>(backend.endpoints('json'))),
      resources: [backend.api.origin],
    })
    await tokens.login(demo)
    await tokens.logout()
    await recorder.settled()
    const har = recorder.toHar()
    expect(paths(har)).toEqual(['POST /json/login 200', 'POST /json/logout 204'])
    const text = JSON.stringify(har)
    for (const token of backend.auth.issuedTokens()) expect(text).not.toContain(token)
    tokens.dispose()
  })

  test('when it stops, everything is as it was', async () => {
    const { backend, tokens } = await begin()
    const recorder = createRecorder({ manager: tokens })
    const api = axios.create({ baseURL: backend.api.origin })
    const { adapter } = api.defaults
    bindAxios(api, tokens)
    recorder.attach(api)
    expect(api.defaults.adapter).not.toBe(adapter)
    recorder.stop()
    expect(api.defaults.adapter).toBe(adapter)
    await tokens.login(demo)
    await api.get('/me')
    expect(recorder.toHar().log.entries).toEqual([])
  })
})
