import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseTokenResponse } from '../../src/token.ts'
import type { TokenResponse } from '../../src/token.ts'
import {
  type Answered,
  type AuthorizationServerDesk,
  begin,
  CALLBACK,
  createScene,
  failureOf,
  NOW,
  type Scene,
  startDesk,
} from './desk.ts'
import { vectorsOf } from './vectors.ts'

interface ErrorCase {
  readonly name: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly raw?: string
  readonly body?: unknown
  readonly class: string
  readonly mode?: string
  readonly retryAfterMs?: number
}
interface ResponseCase {
  readonly name: string
  readonly context: {
    readonly dpop?: boolean
    readonly requestedScope?: string
    readonly previousRefreshToken?: string
  }
  readonly body: Readonly<Record<string, unknown>> | null
  readonly expect: {
    readonly ok: boolean
    readonly accessToken?: string
    readonly refreshToken?: string
    readonly formEncoded?: string
    readonly authorizationExpiresIn?: number
    readonly lenient?: { readonly ok: boolean }
  }
}
interface RawCase {
  readonly name: string
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly expect: { readonly ok: boolean; readonly accessToken?: string }
}
interface RevocationCase {
  readonly name: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly networkError?: boolean
  readonly outcome: string
}

const errors = vectorsOf<{ readonly cases: readonly ErrorCase[] }>('tokenErrors').cases
const responses = vectorsOf<{ readonly cases: readonly ResponseCase[]; readonly rawBodies: readonly RawCase[] }>(
  'tokenResponses',
)
const revocation = vectorsOf<{ readonly cases: readonly RevocationCase[] }>('revocation').cases
const encoding = vectorsOf<{ readonly cases: readonly { readonly raw: string; readonly encoded: string }[] }>(
  'formEncoding',
).cases

let desk: AuthorizationServerDesk
let scene: Scene
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = {}
  scene = createScene(desk.url)
})

const refresh = (refreshToken = 'rt', { source, context } = scene): Promise<TokenResponse> =>
  source.refresh({ refreshToken }, context)

const parsed = (response: unknown): ReturnType<typeof parseTokenResponse> =>
  parseTokenResponse(response, { wall: NOW, monotonic: 0 })

describe('T-1: what is sent', () => {
  test.each(encoding)('$raw is sent as $encoded', async ({ raw, encoded }) => {
    desk.answers = { '/token': [{ body: { access_token: 'at' } }] }
    await refresh(raw)
    expect(desk.seen[0]?.text).toContain(`refresh_token=${encoded}&`)
  })

  test('T-11, T-21: a refresh sends the client and the token; no scope, and no secret', async () => {
    desk.answers = { '/token': [{ body: { access_token: 'at' } }] }
    const wide = createScene(desk.url, { scope: 'a b', parameters: { audience: 'x' } })
    await refresh('rt', wide)
    expect(Object.fromEntries(desk.seen[0]!.form)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'rt',
      client_id: 'shop',
    })
    await wide.source.refresh({ refreshToken: 'rt', scope: 'a', resource: 'https://api.example.com/' }, wide.context)
    expect(Object.fromEntries(desk.seen[1]!.form)).toMatchObject({ scope: 'a', resource: 'https://api.example.com/' })
  })

  test('T-22: every call is a simple one for CORS, follows no redirect, and takes no cookie along', async () => {
    desk.answers = {
      '/token': [{ body: { access_token: 'at' } }],
      '/revoke': [{}],
      '/par': [{ body: { request_uri: 'u' } }],
    }
    const pushing = createScene(desk.url, { pushed: true })
    await begin(pushing)
    await refresh('rt', pushing)
    await pushing.source.revoke({ refreshToken: 'rt', accessTokens: ['at'] }, pushing.context)
    expect(desk.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /par',
      'POST /token',
      'POST /revoke',
      'POST /revoke',
    ])
    for (const { headers } of desk.seen) {
      expect(headers['content-type']).toBe('application/x-www-form-urlencoded;charset=UTF-8')
      expect(Object.keys(headers).filter((name) => /^(authorization|cookie|x-|dpop)/.test(name))).toEqual([])
    }
    for (const init of pushing.inits) {
      expect(init).toMatchObject({
        credentials: 'omit',
        redirect: 'error',
        cache: 'no-store',
        headers: { Accept: 'application/json' },
      })
      expect(Object.keys(init.headers ?? {})).toEqual(['Accept'])
    }
    // What must not be lost when the page is left.
    expect(pushing.inits.map(({ keepalive }) => keepalive)).toEqual([false, false, true, true])
  })

  test('a redirect is not followed with a refresh token', async () => {
    desk.answers = { '/token': [{ status: 307, headers: { location: `${desk.url}/elsewhere` } }] }
    await expect(refresh()).rejects.toThrow()
    expect(desk.seen.map(({ path }) => path)).toEqual(['/token'])
  })

  test('T-18: nor is it sent to an endpoint that anybody could listen to', async () => {
    const server = { issuer: desk.url, token_endpoint: 'http://as.example.com/token' }
    expect((await failureOf(refresh('rt', createScene(desk.url, { server })))).code).toBe('configuration')
  })
})

describe('T-15, T-16: what an error of the token endpoint means for a refresh', () => {
  const codes: Readonly<Record<string, string>> = {
    'session-ended': 'refresh_rejected',
    config: 'configuration',
    interaction: 'insufficient_authentication',
  }
  const applicable = errors.filter(({ status, mode }) => status !== undefined && status !== 302 && mode !== 'cookie')

  test.each(applicable)(
    '$name',
    async ({ status = 0, headers = {}, contentType, raw, body, class: what, retryAfterMs }) => {
      const type = contentType === undefined ? {} : { 'content-type': contentType }
      desk.answers = { '/token': [{ status, headers: { ...headers, ...type }, body: raw ?? body ?? '' }] }
      const failure = await failureOf(refresh())
      expect(failure.code).toBe(codes[what] ?? (status === 504 ? 'timeout' : 'refresh_unavailable'))
      expect(failure.transient).toBe(codes[what] === undefined)
      expect(failure.retryAt).toBe(retryAfterMs === undefined ? undefined : NOW + retryAfterMs)
      expect(desk.seen).toHaveLength(1)
    },
  )

  test('an error in a 200 is one', async () => {
    desk.answers = { '/token': [{ body: { error: 'invalid_grant' } }] }
    expect((await failureOf(refresh())).code).toBe('refresh_rejected')
  })

  test('`ended` decides otherwise, either way', async () => {
    const seen: unknown[] = []
    const own = createScene(desk.url, {
      ended: ({ status, body, header }) => {
        seen.push([status, body, header('x-why')])
        return status === 403 ? true : status === 400 ? false : undefined
      },
    })
    const codes: string[] = []
    for (const [status, error] of [
      [403, 'blocked'],
      [400, 'invalid_grant'],
      [401, 'invalid_grant'],
    ] as const) {
      desk.answers = { '/token': [{ status, headers: { 'x-why': 'w' }, body: { error } }] }
      codes.push((await failureOf(refresh('rt', own))).code)
    }
    expect(codes).toEqual(['refresh_rejected', 'refresh_unavailable', 'refresh_rejected'])
    expect(seen[0]).toEqual([403, { error: 'blocked' }, 'w'])
  })

  test('a call that was cut off is no answer', async () => {
    desk.answers = { '/token': [{ broken: true }] }
    await expect(refresh()).rejects.toThrow('fetch failed')
  })
})

describe('what an error of the token endpoint means for a login', () => {
  test.each<[string, Answered, string, boolean]>([
    ['invalid_grant', { status: 400, body: { error: 'invalid_grant' } }, 'login_failed', false],
    ['invalid_client', { status: 401, body: { error: 'invalid_client' } }, 'configuration', false],
    ['invalid_target', { status: 400, body: { error: 'invalid_target' } }, 'configuration', false],
    ['nothing', { status: 503 }, 'refresh_unavailable', true],
    ['a page', { body: '<!doctype html>' }, 'malformed_response', true],
  ])('%s', async (_name, answer, code, transient) => {
    const state = (await begin(scene)).get('state') ?? ''
    desk.answers = { '/token': [answer] }
    const work = scene.source.login({ callbackUrl: `${CALLBACK}?code=c&state=${state}` }, scene.context)
    expect(await failureOf(work)).toMatchObject({ code, transient })
    expect(desk.seen.filter(({ path }) => path === '/token')).toHaveLength(1)
  })
})

describe('T-3: a response that is good in what counts is taken', () => {
  const applicable = responses.cases.filter(({ context }) => context.dpop !== true)

  test.each(applicable)('$name', async ({ body: given, context, expect: wanted }) => {
    desk.answers = { '/token': [{ body: given }] }
    const body = given ?? {}
    // Not one that says anything of the refresh token.
    if (body['error'] !== undefined) {
      expect((await failureOf(refresh())).code).toBe('refresh_unavailable')
      return
    }
    const rotated = typeof body['refresh_token'] === 'string' && body['refresh_token'] !== ''
    const good = (wanted.lenient ?? wanted).ok
    const work = refresh(context.previousRefreshToken)
    // What has a refresh token in it is handed on, whatever else is wrong: it is the only good one now.
    if (!good && !rotated && !body['access_token']) {
      expect((await failureOf(work)).code).toBe('malformed_response')
      return
    }
    const response = await work
    if (rotated) expect(response.refresh_token).toBe(body['refresh_token'])
    if (!good) {
      expect(() => parsed(response)).toThrow()
      return
    }
    if (wanted.accessToken !== undefined) expect(parsed(response).accessToken).toBe(wanted.accessToken)
    if (wanted.authorizationExpiresIn !== undefined) {
      expect(response.authorization_expires_in).toBe(wanted.authorizationExpiresIn)
    }
    if (wanted.formEncoded !== undefined) {
      await refresh(response.refresh_token)
      expect(desk.seen.at(-1)?.text).toContain(`refresh_token=${wanted.formEncoded}`)
    }
  })

  test.each(responses.rawBodies)('$name', async ({ status, contentType, body, expect: { ok, accessToken } }) => {
    desk.answers = { '/token': [{ status, headers: { 'content-type': contentType }, body }] }
    if (!ok) {
      const { code, transient } = await failureOf(refresh())
      expect([code, transient]).toEqual(['malformed_response', true])
      return
    }
    expect((await refresh()).access_token).toBe(accessToken ?? 'abc')
  })

  test('T-9: what was granted is what was asked for, where the server does not say', async () => {
    for (const [scope, granted] of [
      [undefined, 'a b'],
      ['', 'a b'],
      ['a', 'a'],
    ] as const) {
      const wide = createScene(desk.url, { scope: 'a b' })
      const state = (await begin(wide)).get('state') ?? ''
      desk.answers = { '/token': [{ body: { access_token: 'at', scope } }] }
      const response = await wide.source.login({ callbackUrl: `${CALLBACK}?code=c&state=${state}` }, wide.context)
      expect(response.scope).toBe(granted)
    }
  })

  test('T-19: the end of the session goes by the name in the draft, and by the older one', async () => {
    for (const [body, end] of [
      [{ authorization_expires_in: 10, refresh_token_expires_in: 20 }, 10],
      [{ refresh_token_expires_in: 20 }, 20],
      [{}, undefined],
    ] as const) {
      desk.answers = { '/token': [{ body: { access_token: 'at', ...body } }] }
      expect((await refresh()).authorization_expires_in).toBe(end)
    }
  })

  test('D-7: a token that is bound to a key, of which there is none, is not taken for one of ours', async () => {
    desk.answers = { '/token': [{ body: { access_token: 'at', token_type: 'DPoP', cnf: { jkt: 'theirs' } } }] }
    const response = await refresh()
    expect(() => parsed(response)).toThrow()
  })

  test('an ID token that nobody has asked for is not used', async () => {
    const state = (await begin(scene)).get('state') ?? ''
    desk.answers = { '/token': [{ body: { access_token: 'at', id_token: 'a.b.c' } }] }
    const response = await scene.source.login({ callbackUrl: `${CALLBACK}?code=c&state=${state}` }, scene.context)
    expect(response.id_token).toBeUndefined()
  })
})

describe('V-3, V-4, V-5: what the revocation endpoint says', () => {
  const revoke = (accessTokens: readonly string[] = [], refreshToken: string | undefined = 'rt'): Promise<string> =>
    scene.source.revoke({ refreshToken, accessTokens }, scene.context)

  test.each(revocation)('$name', async ({ status = 0, headers = {}, body = '', networkError, outcome }) => {
    desk.answers = { '/revoke': [networkError ? { broken: true } : { status, headers, body }] }
    expect(await revoke()).toBe(outcome === 'revoked' ? 'confirmed' : 'unconfirmed')
    expect(desk.seen[0]?.text).toBe('token=rt&token_type_hint=refresh_token&client_id=shop')
    expect(desk.seen).toHaveLength(1)
  })

  test('V-2: the refresh token goes first, and its answer counts: an access token may be of a kind that cannot be revoked', async () => {
    desk.answers = { '/revoke': [{}, { status: 400, body: { error: 'unsupported_token_type' } }] }
    expect(await revoke(['a', 'b'])).toBe('confirmed')
    expect(desk.seen.map(({ form }) => [form.get('token'), form.get('token_type_hint')])).toEqual([
      ['rt', 'refresh_token'],
      ['a', 'access_token'],
      ['b', 'access_token'],
    ])
  })

  test('without a refresh token every access token has to be confirmed', async () => {
    desk.answers = { '/revoke': [{}, { status: 503 }] }
    expect(await scene.source.revoke({ refreshToken: undefined, accessTokens: ['a', 'b'] }, scene.context)).toBe(
      'unconfirmed',
    )
    desk.answers = { '/revoke': [{}] }
    expect(await scene.source.revoke({ refreshToken: undefined, accessTokens: ['a', 'b'] }, scene.context)).toBe(
      'confirmed',
    )
  })

  test('a server without such an endpoint is not asked, and the report says so', async () => {
    const server = { issuer: desk.url, revocation_endpoint: undefined as never }
    expect('revoke' in createScene(desk.url, { server }).source).toBe(false)
    const issuer = desk.url
    desk.answers = { '/.well-known/oauth-authorization-server': [{ body: { issuer } }] }
    const found = createScene(desk.url, { issuer })
    expect(await found.source.revoke({ refreshToken: 'rt', accessTokens: [] }, found.context)).toBe('not-configured')
  })

  test('V-1: tokens are not given back where anybody could listen', async () => {
    const server = { issuer: desk.url, revocation_endpoint: 'http://as.example.com/revoke' }
    const { source, context } = createScene(desk.url, { server })
    expect((await failureOf(source.revoke({ refreshToken: 'rt', accessTokens: [] }, context))).code).toBe(
      'configuration',
    )
  })
})
