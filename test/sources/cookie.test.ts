import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { readCookie } from '../../src/adapters/cookies.ts'
import { cookieSource } from '../../src/sources/cookie.ts'
import { contextOf, failureOf, type Seen, startServer, type Station } from './server.ts'

let server: Station
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())
beforeEach(() => {
  server.seen.length = 0
  server.answer = { body: { access_token: 'abc' } }
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const urls = (): { login: string; refresh: string; logout: string } => ({
  login: `${server.url}/login`,
  refresh: `${server.url}/refresh`,
  logout: `${server.url}/logout`,
})
const lastSeen = (): Seen => server.seen.at(-1)!
const NONE = { refreshToken: undefined }

describe('cookieSource', () => {
  test('sends no token of its own: the browser adds the cookie', async () => {
    const source = cookieSource<{ email: string }>(urls())
    expect(await source.login?.({ email: 'a@example.com' }, contextOf())).toEqual({ access_token: 'abc' })
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/login', body: { email: 'a@example.com' } })
    await source.refresh({ refreshToken: 'R1' }, contextOf())
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/refresh', body: {} })
    await source.restore?.(contextOf())
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/refresh', body: {} })
    await source.revoke?.({ refreshToken: 'R1', accessTokens: ['abc'] }, contextOf())
    expect(lastSeen()).toMatchObject({ method: 'POST', path: '/logout', body: {} })
    expect(JSON.stringify(server.seen)).not.toMatch(/R1|abc|authorization/i)
  })

  test('sends a narrower scope and a resource along', async () => {
    await cookieSource(urls()).refresh({ ...NONE, scope: 'a', resource: 'https://api.example.com' }, contextOf())
    expect(lastSeen().body).toEqual({ scope: 'a', resource: 'https://api.example.com' })
  })

  test('every call takes cookies along and outlives the page, so that no rotated cookie is lost', async () => {
    const inits: RequestInit[] = []
    const context = contextOf(inits)
    const source = cookieSource(urls())
    await source.login?.({}, context)
    await source.restore?.(context)
    await source.refresh(NONE, context)
    await source.revoke?.({ ...NONE, accessTokens: [] }, context)
    expect(inits).toHaveLength(4)
    for (const init of inits) {
      expect(init).toMatchObject({ credentials: 'include', keepalive: true, cache: 'no-store', redirect: 'error' })
    }
  })

  test('restore finds no session where the server refuses one, and does not guess when it cannot be reached', async () => {
    const source = cookieSource(urls())
    expect(await source.restore?.(contextOf())).toEqual({ access_token: 'abc' })
    server.answer = { status: 401 }
    expect(await source.restore?.(contextOf())).toBeUndefined()
    server.answer = { status: 503 }
    expect((await failureOf(source.restore!(contextOf()))).code).toBe('refresh_unavailable')
    server.answer = { broken: true }
    await expect(source.restore!(contextOf())).rejects.toThrow(TypeError)
  })

  test('a refused CSRF token is not the end of the session', async () => {
    server.answer = { status: 403, body: { error: 'csrf' } }
    expect(await failureOf(cookieSource(urls()).refresh(NONE, contextOf()))).toMatchObject({
      code: 'refresh_unavailable',
      transient: true,
    })
  })

  test('echoes the CSRF cookie in the header, as it is at each call', async () => {
    const source = cookieSource({ ...urls(), csrf: { cookie: 'XSRF-TOKEN', header: 'X-XSRF-TOKEN' } })
    for (const [cookie, header] of [
      ['XSRF-TOKEN=one', 'one'],
      ['a=b; XSRF-TOKEN=t%3Dwo; c=d', 't=wo'],
      ['a=b', undefined],
      ['XSRF-TOKEN=', undefined],
      ['XSRF-TOKEN=a%0D%0AX-Evil:1', undefined],
    ] as const) {
      vi.stubGlobal('document', { cookie })
      await source.refresh(NONE, contextOf())
      expect(lastSeen().headers['x-xsrf-token']).toBe(header)
    }
  })

  test('refuses a csrf option that does not name both', () => {
    for (const csrf of ['XSRF-TOKEN', {}, { cookie: 'a' }, { header: 'b' }]) {
      expect(() => cookieSource({ refresh: '/r', csrf: csrf as never })).toThrow("{ cookie: 'XSRF-TOKEN'")
    }
  })

  test('has no login and no revoke without the endpoints, and its id says whom it asks', () => {
    const source = cookieSource({ refresh: '/auth/refresh?x=1' })
    expect(['login', 'revoke'].filter((name) => name in source)).toEqual([])
    expect([source.id, source.credential]).toEqual(['cookie /auth/refresh', 'cookie'])
  })
})

describe('readCookie', () => {
  test('reads a cookie by its whole name, and decodes it where that is possible', () => {
    vi.stubGlobal('document', { cookie: 'xa=0; a.b=1; a=%C3%A9; bad=100%; empty=; two=x=y; a=second' })
    expect(['a', 'a.b', 'bad', 'empty', 'two', 'none', 'b'].map(readCookie)).toEqual([
      'é',
      '1',
      '100%',
      '',
      'x=y',
      undefined,
      undefined,
    ])
  })

  test('reads nothing where there is no document, or its cookies are out of reach', () => {
    expect(readCookie('a')).toBeUndefined()
    vi.stubGlobal('document', {
      get cookie(): string {
        throw new DOMException('sandboxed', 'SecurityError')
      },
    })
    expect(readCookie('a')).toBeUndefined()
  })
})
