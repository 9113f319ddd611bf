import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { isTokenError } from '../../src/errors.ts'
import { jsonSource } from '../../src/sources/json.ts'
import { contextOf, failureOf, NOW, type Seen, startServer, type Station } from './server.ts'

interface ErrorCase {
  readonly name: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly body?: unknown
  readonly raw?: string
  readonly class: string
}
interface RawCase {
  readonly name: string
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly expect: { readonly ok: boolean; readonly accessToken?: string }
}
interface Vectors {
  readonly tokenErrors: { readonly cases: readonly ErrorCase[] }
  readonly tokenResponses: { readonly rawBodies: readonly RawCase[] }
}

const { tokenErrors, tokenResponses } = JSON.parse(
  readFileSync(new URL('../vectors.json', import.meta.url), 'utf8'),
) as Vectors

let server: Station
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())
beforeEach(() => {
  server.seen.length = 0
  server.answer = { body: { access_token: 'abc' } }
})

const urls = (): { login: string; refresh: string; logout: string } => ({
  login: `${server.url}/login`,
  refresh: `${server.url}/refresh`,
  logout: `${server.url}/logout`,
})
const R1 = { refreshToken: 'R1' }
const lastSeen = (): Seen => server.seen.at(-1)!
const html = { 'content-type': 'text/html; charset=utf-8' }

describe('jsonSource', () => {
  test('sends the login input, and the refresh token to refresh and logout, as JSON', async () => {
    const source = jsonSource<{ email: string }>(urls())
    expect(await source.login?.({ email: 'a@example.com' }, contextOf())).toEqual({ access_token: 'abc' })
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/login', body: { email: 'a@example.com' } })
    await source.refresh(R1, contextOf())
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/refresh', body: { refresh_token: 'R1' } })
    await source.revoke?.({ ...R1, accessTokens: ['abc'] }, contextOf())
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/logout', body: { refresh_token: 'R1' } })
  })

  test('F41: a refresh token that comes without an access token is not lost, but is no login', async () => {
    const source = jsonSource(urls())
    server.answer = { body: { data: { refreshToken: 'R2' } } }
    expect(await source.refresh(R1, contextOf())).toMatchObject({ access_token: '', refresh_token: 'R2' })
    expect(await failureOf(source.login!({}, contextOf()))).toMatchObject({ code: 'malformed_response' })
    server.answer = { body: { error: 'invalid_grant', refresh_token: 'R1' } }
    expect(await failureOf(source.refresh(R1, contextOf()))).toMatchObject({ code: 'refresh_rejected' })
    server.answer = { status: 503, body: { refresh_token: 'R1' } }
    expect(await failureOf(source.refresh(R1, contextOf()))).toMatchObject({ code: 'refresh_unavailable' })
  })

  test('F118: sends the header against CSRF and no Authorization', async () => {
    await jsonSource(urls()).refresh(R1, contextOf())
    const { headers } = lastSeen()
    expect(headers).toMatchObject({
      'x-requested-with': 'tokenward',
      'content-type': 'application/json',
      accept: 'application/json',
    })
    expect(headers).not.toHaveProperty('authorization')
  })

  test('calls without cookies, cache and redirects, and outlives the page only to log out', async () => {
    const inits: RequestInit[] = []
    const controller = new AbortController()
    const context = contextOf(inits, controller.signal)
    const source = jsonSource(urls())
    await source.login?.(undefined, context)
    await source.refresh(R1, context)
    await source.revoke?.({ ...R1, accessTokens: [] }, context)
    for (const init of inits) {
      expect(init).toMatchObject({
        credentials: 'omit',
        cache: 'no-store',
        redirect: 'error',
        signal: controller.signal,
      })
    }
    expect(inits.map(({ keepalive }) => keepalive)).toEqual([false, false, true])
  })

  test('does not call fetch as a method, which browsers forbid', async () => {
    const context = contextOf()
    const bound = vi.fn(function (this: unknown, ...args: Parameters<typeof fetch>) {
      expect(this).toBeUndefined()
      return context.fetch(...args)
    })
    await jsonSource(urls()).refresh(R1, { ...context, fetch: bound })
    expect(bound).toHaveBeenCalledOnce()
  })

  test('sends the body that the option makes, with a narrower scope or a resource added', async () => {
    const source = jsonSource({ ...urls(), body: (refreshToken) => ({ token: refreshToken }) })
    await source.refresh({ ...R1, scope: 'a', resource: 'https://api.example.com' }, contextOf())
    expect(lastSeen().body).toEqual({ token: 'R1', scope: 'a', resource: 'https://api.example.com' })
    await source.revoke?.({ ...R1, accessTokens: [] }, contextOf())
    expect(lastSeen().body).toEqual({ token: 'R1' })
    await jsonSource({ ...urls(), body: (refreshToken) => refreshToken }).refresh({ ...R1, scope: 'a' }, contextOf())
    expect(lastSeen().body).toBe('R1')
  })

  test('sends more headers, which a function may make anew for each call, but keeps its own', async () => {
    await jsonSource({ ...urls(), headers: { 'X-Tenant': 'acme', 'X-Requested-With': 'x' } }).refresh(R1, contextOf())
    expect(lastSeen().headers).toMatchObject({ 'x-tenant': 'acme', 'x-requested-with': 'tokenward' })
    let calls = 0
    const source = jsonSource({ ...urls(), headers: () => ({ 'X-Call': String(++calls) }) })
    await source.refresh(R1, contextOf())
    await source.refresh(R1, contextOf())
    expect(lastSeen().headers['x-call']).toBe('2')
  })

  test('reads what the server answers by the option', async () => {
    server.answer = { body: { deep: { secret: 'abc' } } }
    const read = (body: unknown): { access_token: string } => ({ access_token: (body as never)['deep']['secret'] })
    expect(await jsonSource({ ...urls(), read }).refresh(R1, contextOf())).toEqual({ access_token: 'abc' })
    server.answer = { body: { other: true } }
    expect(await failureOf(jsonSource({ ...urls(), read }).refresh(R1, contextOf()))).toMatchObject({
      code: 'malformed_response',
      transient: true,
    })
    server.answer = { body: { error: 'invalid_grant' } }
    expect((await failureOf(jsonSource({ ...urls(), read }).refresh(R1, contextOf()))).code).toBe('refresh_rejected')
  })

  test('F66: an instant of expiry counts from the Date of the answer', async () => {
    server.answer = {
      headers: { date: 'Sun, 22 Nov 2020 12:00:00 GMT' },
      body: { token: 'abc', expiresAt: '2020-11-22T12:05:00Z' },
    }
    expect((await jsonSource(urls()).refresh(R1, contextOf())).expires_in).toBe(300)
  })

  // These sources make no DPoP proofs, a timeout is the manager's, and CSRF is tested with cookieSource.
  const codes: Readonly<Record<string, string>> = {
    'session-ended': 'refresh_rejected',
    transient: 'refresh_unavailable',
    unknown: 'refresh_unavailable',
    config: 'configuration',
    interaction: 'insufficient_authentication',
  }
  const applicable = tokenErrors.cases.filter(
    ({ name, status }) => status !== undefined && status !== 302 && !name.includes('dpop'),
  )

  test.each(applicable)('F49 F58: classifies the vector $name as $class', async (row) => {
    const body = row.raw ?? row.body ?? ''
    const type = row.contentType === undefined ? {} : { 'content-type': row.contentType }
    server.answer = { status: row.status!, headers: { ...row.headers, ...type }, body }
    const error = await failureOf(jsonSource(urls()).refresh(R1, contextOf()))
    expect(error.code).toBe(row.status === 504 ? 'timeout' : codes[row.class])
    expect(error.transient).toBe(row.class === 'transient' || row.class === 'unknown')
  })

  test.each(tokenResponses.rawBodies)(
    'F51: reads the raw body $name',
    async ({ status, contentType, body, ...row }) => {
      server.answer = { status, headers: { 'content-type': contentType }, body }
      const answered = jsonSource(urls()).refresh(R1, contextOf())
      if (row.expect.ok) expect((await answered).access_token).toBe(row.expect.accessToken ?? 'abc')
      else expect(await failureOf(answered)).toMatchObject({ code: 'malformed_response', transient: true })
    },
  )

  test.each([
    ['a 401 without a body', 401, ''],
    ['a 401 with any JSON', 401, { message: 'no' }],
    ['a 401 with a plain text', 401, 'Unauthorized'],
    ['a 401 with an unknown error code', 401, { error: 'token_expired' }],
    ['a 403 invalid_grant', 403, { error: 'invalid_grant' }],
    ['a 400 invalid_token', 400, { error: 'invalid_token' }],
  ])('takes %s for a definitive refusal', async (_, status, body) => {
    server.answer = { status, body, headers: { 'content-type': 'text/plain' } }
    expect(await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).toMatchObject({
      code: 'refresh_rejected',
      transient: false,
    })
  })

  test('F51: a 401 that is a page of HTML decides nothing, but JSON sent as HTML does', async () => {
    server.answer = { status: 401, headers: html, body: '<h1>Sign in to the Wi-Fi</h1>' }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).code).toBe('refresh_unavailable')
    server.answer = { status: 401, headers: html, body: 'Sign in to the Wi-Fi' }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).code).toBe('refresh_unavailable')
    server.answer = { status: 401, headers: html, body: { message: 'no' } }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).code).toBe('refresh_rejected')
    server.answer = { status: 401, headers: html, body: '' }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).code).toBe('refresh_rejected')
  })

  test('F52: a 200 with an error body is that error, and one beside an access token is not', async () => {
    const outcome = async (body: unknown): Promise<string> => {
      server.answer = { body }
      return (await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).code
    }
    expect(await outcome({ error: 'invalid_grant' })).toBe('refresh_rejected')
    expect(await outcome({ error: 'invalid_client' })).toBe('configuration')
    expect(await outcome({ error: 'bad_verification_code' })).toBe('refresh_unavailable')
    expect(await outcome({ error: null })).toBe('malformed_response')
    server.answer = { body: { error: '', access_token: 'abc' } }
    expect(await jsonSource(urls()).refresh(R1, contextOf())).toEqual({ access_token: 'abc' })
  })

  test.each([
    ['30', 30_000],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['999999', 3_600_000],
    ['soon', undefined],
  ])('F50: carries Retry-After: %s as retryAt, at most an hour ahead', async (value, waitMs) => {
    for (const status of [408, 425, 429, 503, 504]) {
      server.answer = { status, headers: { 'retry-after': value } }
      const error = await failureOf(jsonSource(urls()).refresh(R1, contextOf()))
      expect([error.transient, error.retryAt]).toEqual([true, waitMs && NOW + waitMs])
    }
  })

  test('F50: a date in Retry-After counts from the Date of the answer, not from the clock of the device', async () => {
    const headers = { date: 'Sun, 22 Nov 2020 12:00:00 GMT', 'retry-after': 'Sun, 22 Nov 2020 12:00:30 GMT' }
    server.answer = { status: 503, headers }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).retryAt).toBe(NOW + 30_000)
  })

  test('the option `ended` decides what ends the session, with what it sees of the answer', async () => {
    const ended = vi.fn<(answer: { status: number; body: unknown; header(name: string): string | null }) => boolean>(
      ({ status, body, header }) =>
        status === 419 || (body as { out?: boolean }).out === true || header('x-out') === '1',
    )
    const source = jsonSource({ ...urls(), ended })
    const outcome = async (status: number, body: unknown, headers = {}): Promise<string> => {
      server.answer = { status, body, headers }
      return (await failureOf(source.refresh(R1, contextOf()))).code
    }
    expect(await outcome(419, {})).toBe('refresh_rejected')
    expect(await outcome(200, { out: true })).toBe('refresh_rejected')
    expect(await outcome(500, {}, { 'x-out': '1' })).toBe('refresh_rejected')
    expect(await outcome(401, {})).toBe('refresh_unavailable')
    expect(await outcome(401, { error: 'invalid_client' })).toBe('configuration')
    server.answer = { status: 401 }
    const undecided = jsonSource({ ...urls(), ended: () => undefined })
    expect((await failureOf(undecided.refresh(R1, contextOf()))).code).toBe('refresh_rejected')
  })

  test.each([
    [400, { error: 'invalid_grant' }, 'login_failed'],
    [401, { message: 'wrong password' }, 'login_failed'],
    [403, '', 'login_failed'],
    [422, { errors: [] }, 'login_failed'],
    [200, { error: 'bad_credentials' }, 'login_failed'],
    [429, {}, 'refresh_unavailable'],
    [500, {}, 'refresh_unavailable'],
    [504, {}, 'timeout'],
    [200, {}, 'malformed_response'],
  ])('a login answered %i %j fails as %s', async (status, body, code) => {
    server.answer = { status, body }
    const error = await failureOf(jsonSource(urls()).login!({}, contextOf()))
    expect([error.code, error.transient]).toEqual([code, code !== 'login_failed'])
  })

  test('a login answered with a page of HTML may succeed later', async () => {
    server.answer = { status: 403, headers: html, body: '<h1>Blocked</h1>' }
    expect(await failureOf(jsonSource(urls()).login!({}, contextOf()))).toMatchObject({
      code: 'refresh_unavailable',
      transient: true,
    })
  })

  test('no answer, a redirect and an abort are passed on as fetch reports them', async () => {
    const source = jsonSource(urls())
    const reasonOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((reason: unknown) => reason)
    server.answer = { broken: true }
    const broken = await reasonOf(source.refresh(R1, contextOf()))
    expect([broken instanceof TypeError, isTokenError(broken)]).toEqual([true, false])
    server.answer = { status: 302, headers: { location: '/elsewhere' } }
    expect(await reasonOf(source.refresh(R1, contextOf()))).toBeInstanceOf(TypeError)
    expect(lastSeen().path).toBe('/refresh')
    const reason = new Error('over')
    expect(await reasonOf(source.refresh(R1, contextOf([], AbortSignal.abort(reason))))).toBe(reason)
  })

  test('an error names the status and a well-formed code, and quotes nothing else', async () => {
    server.answer = { status: 400, body: { error: 'invalid_grant', error_description: 'R1 is spent' } }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).message).toBe(
      'the server answered 400 (invalid_grant)',
    )
    server.answer = { status: 400, body: { error: 'R1 is spent' } }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).message).toBe('the server answered 400')
  })

  test.each([
    { error: 'invalid_grant', error_description: 'Maximum allowed refresh token reuse exceeded' },
    { error: 'invalid_grant', error_description: 'The refresh token has already been used.' },
    { code: 401, error_code: 'refresh_token_already_used', msg: 'Invalid Refresh Token: Already Used' },
    { __type: 'RefreshTokenReuseException', message: 'Refresh token has been reused' },
  ])('RFC 9700 4.14.2: a server that says a refresh token was used before is understood: %j', async (body) => {
    server.answer = { status: 401, body }
    const error = await failureOf(jsonSource(urls()).refresh(R1, contextOf()))
    expect(error).toMatchObject({ code: 'refresh_rejected', reused: true })
    server.answer = { status: 401, body: { error: 'invalid_grant', error_description: 'Unknown or invalid' } }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).reused).toBeUndefined()
    server.answer = { status: 401, body: { error: 'invalid_grant', thrownBy: 'RequireUserGuard' } }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).reused).toBeUndefined()
    // Of what decides nothing it says nothing.
    server.answer = { status: 503, body }
    expect((await failureOf(jsonSource(urls()).refresh(R1, contextOf()))).reused).toBeUndefined()
  })

  test('without a refresh token there is nothing to refresh or revoke, and nobody is asked', async () => {
    const none = { refreshToken: undefined, accessTokens: ['abc'] }
    expect((await failureOf(jsonSource(urls()).refresh(none, contextOf()))).code).toBe('refresh_rejected')
    expect(await jsonSource(urls()).revoke?.(none, contextOf())).toBe('unconfirmed')
    expect(server.seen).toEqual([])
  })

  test.each([
    [{ status: 200, body: '<html>anything</html>' }, 'confirmed'],
    [{ status: 204 }, 'confirmed'],
    [{ status: 401 }, 'confirmed'],
    [{ status: 400, body: { error: 'invalid_token' } }, 'confirmed'],
    [{ status: 400, body: { error: 'unsupported_token_type' } }, 'unconfirmed'],
    [{ status: 401, body: { error: 'invalid_client' } }, 'unconfirmed'],
    [{ status: 401, headers: html, body: '<h1>Wi-Fi</h1>' }, 'unconfirmed'],
    [{ status: 404 }, 'unconfirmed'],
    [{ status: 503 }, 'unconfirmed'],
    [{ broken: true }, 'unconfirmed'],
  ])('a logout answered %j is %s', async (answer, outcome) => {
    server.answer = answer
    expect(await jsonSource(urls()).revoke?.({ ...R1, accessTokens: [] }, contextOf())).toBe(outcome)
  })

  test('has no login and no revoke without the endpoints', () => {
    const source = jsonSource({ refresh: '/auth/refresh' })
    expect(['login', 'revoke', 'restore'].filter((name) => name in source)).toEqual([])
    expect(source.credential).toBe('token')
  })

  test('its id says whom it asks, without userinfo, query and fragment', () => {
    expect(jsonSource({ refresh: 'https://user:pw@id.example.com/refresh?key=secret#x' }).id).toBe(
      'token https://id.example.com/refresh',
    )
  })

  test.each([
    [undefined, 'refresh'],
    [{}, "refresh: '/auth/refresh'"],
    [{ refresh: '' }, 'refresh'],
    [{ refresh: '/r', login: 1 }, "login: '/auth/login'"],
    [{ refresh: '/r', logout: '' }, "logout: '/auth/logout'"],
    [{ refresh: '/r', read: {} }, 'read must be a function'],
    [{ refresh: '/r', body: 'x' }, 'body must be a function'],
    [{ refresh: '/r', ended: 401 }, 'ended must be a function'],
  ])('refuses the options %j with a message that names the cure', (options, message) => {
    const make = (): unknown => jsonSource(options as never)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  test('F115: a polluted Object.prototype adds no endpoint, no request option and no decision', async () => {
    const polluted = {
      logout: `${server.url}/evil`,
      login: `${server.url}/evil`,
      scope: 'evil',
    }
    const more = { ended: () => true, csrf: { cookie: 'a', header: 'b' } }
    for (const [name, value] of Object.entries({ ...polluted, ...more })) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    }
    try {
      const source = jsonSource({ refresh: `${server.url}/refresh` })
      expect(Object.keys(source)).toEqual(['id', 'credential', 'refresh'])
      const inits: RequestInit[] = []
      await source.refresh(R1, contextOf(inits))
      expect(inits.map((init) => Object.getPrototypeOf(init) as unknown)).toEqual([null])
      expect(JSON.stringify(lastSeen().body)).toBe('{"refresh_token":"R1"}')
      server.answer = { status: 400, body: {} }
      const context = contextOf()
      const polluting: typeof fetch = async (...args) => {
        const { status } = await context.fetch(...args)
        const answer = new Response('{}', { status })
        // Not before the call: it would break the fetch of Node.
        Object.defineProperty(Object.prototype, 'error', { value: 'invalid_grant', configurable: true })
        return answer
      }
      expect((await failureOf(source.refresh(R1, { ...context, fetch: polluting }))).code).toBe('refresh_unavailable')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'error')
      for (const name of Object.keys({ ...polluted, ...more })) Reflect.deleteProperty(Object.prototype, name)
    }
  })
})
