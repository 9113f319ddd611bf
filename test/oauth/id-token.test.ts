import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServerDesk, begin, CALLBACK, createScene, failureOf, type Scene, startDesk } from './desk.ts'
import { vectorsOf } from './vectors.ts'

type Claims = Readonly<Record<string, unknown>>
const { claims: signIn, refreshedIdToken } = vectorsOf<{
  readonly claims: {
    readonly now: number
    readonly clientId: string
    readonly issuer: string
    readonly nonce: string
    readonly cases: readonly { readonly name: string; readonly claims: Claims; readonly accept: boolean }[]
  }
  readonly refreshedIdToken: {
    readonly original: Claims
    readonly cases: readonly { readonly name: string; readonly claims: Claims | null; readonly accept: boolean }[]
  }
}>('idToken')

let desk: AuthorizationServerDesk
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = { '/revoke': [{}] }
})
afterEach(() => void vi.useRealTimers())

/** By a clock that stands still at `seconds`. */
function at(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1_000 })
}

function idToken(claims: Claims, header: object = { alg: 'RS256' }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.c2ln`
}

function sceneOf(issuer: string, clientId: string, more: object = {}): Scene {
  const server = {
    issuer,
    authorization_endpoint: `${desk.url}/authorize`,
    token_endpoint: `${desk.url}/token`,
    revocation_endpoint: `${desk.url}/revoke`,
    ...more,
  }
  const scene = createScene(desk.url, { server, clientId, scope: 'openid' })
  Object.assign(scene.context, { now: () => Date.now() })
  return scene
}

/** Signs in; the answer holds the ID token that `make` makes with the nonce that was sent. */
async function login(
  scene: Scene,
  make: (nonce: string) => string | undefined,
  options: { maxAge?: number; headers?: Record<string, string> } = {},
): Promise<unknown> {
  const { maxAge, headers = {} } = options
  const request = await begin(scene, maxAge === undefined ? {} : { maxAge })
  const body = { access_token: 'at', refresh_token: 'rt', id_token: make(request.get('nonce') ?? '') }
  desk.answers = { ...desk.answers, '/token': [{ headers, body }] }
  return scene.source.login({ callbackUrl: `${CALLBACK}?code=c&state=${request.get('state')}` }, scene.context)
}

describe('O-1: the ID token of a sign-in', () => {
  const { now, clientId, issuer, nonce: sent, cases } = signIn

  test.each(cases)('$name: $accept', async ({ claims, accept }) => {
    at(now)
    const scene = sceneOf(issuer, clientId)
    // The nonce of the vectors stands for the one that was sent.
    const work = login(scene, (nonce) => idToken({ ...claims, ...(claims['nonce'] === sent && { nonce }) }))
    if (accept) {
      expect(await work).toMatchObject({ access_token: 'at' })
      return
    }
    expect((await failureOf(work)).code).toBe('malformed_response')
    // O-2: nothing of the answer counts, and nobody is to have it.
    expect(desk.seen.filter(({ path }) => path === '/revoke').map(({ form }) => form.get('token'))).toEqual([
      'rt',
      'at',
    ])
  })

  const good = (nonce: string, more: Claims = {}): Claims => ({
    iss: issuer,
    sub: '1',
    aud: clientId,
    nonce,
    exp: now + 300,
    iat: now - 10,
    ...more,
  })

  test('has to be there', async () => {
    at(now)
    expect((await failureOf(login(sceneOf(issuer, clientId), () => undefined))).code).toBe('malformed_response')
  })

  test.each(['', 'a.b', 'a.b.c', 'x'.repeat(50)])('has to be one: %j', async (text) => {
    at(now)
    expect((await failureOf(login(sceneOf(issuer, clientId), () => text))).code).toBe('malformed_response')
  })

  test.each(['RS256', 'ES256', 'PS512', 'EdDSA', 'Ed25519'])(
    'may be signed with %s where the server does not say',
    async (alg) => {
      at(now)
      expect(await login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce), { alg }))).toBeDefined()
    },
  )

  test('has to be signed, and as the server says', async () => {
    at(now)
    const only = { id_token_signing_alg_values_supported: ['ES256'] }
    const unsigned = login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce), { alg: 'none' }))
    expect((await failureOf(unsigned)).code).toBe('malformed_response')
    const other = login(sceneOf(issuer, clientId, only), (nonce) => idToken(good(nonce), { alg: 'RS256' }))
    expect((await failureOf(other)).code).toBe('malformed_response')
  })

  test('of many audiences has to be issued to us', async () => {
    at(now)
    const both = { aud: [clientId, 'other'] }
    expect(
      await login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce, { ...both, azp: clientId }))),
    ).toBeDefined()
    const other = login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce, { ...both, azp: 'other' })))
    expect((await failureOf(other)).code).toBe('malformed_response')
  })

  test('S-6: has to show how long ago the user has authenticated, if that was asked', async () => {
    at(now)
    const options = { maxAge: 60 }
    const recent = (nonce: string): string => idToken(good(nonce, { auth_time: now - 50 }))
    expect(await login(sceneOf(issuer, clientId), recent, options)).toBeDefined()
    for (const more of [{ auth_time: now - 1_000 }, {}]) {
      const work = login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce, more)), options)
      expect((await failureOf(work)).code).toBe('malformed_response')
    }
  })

  test('is judged by the clock of the server, where that can be read: a device may be an hour ahead', async () => {
    at(now + 3_600)
    const blind = login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce)))
    expect((await failureOf(blind)).code).toBe('malformed_response')
    const headers = { date: new Date(now * 1_000).toUTCString() }
    expect(await login(sceneOf(issuer, clientId), (nonce) => idToken(good(nonce)), { headers })).toBeDefined()
  })

  test('is named to the provider at the end, and only there', async () => {
    at(now)
    const scene = sceneOf(issuer, clientId, { end_session_endpoint: `${desk.url}/end` })
    let token = ''
    await login(scene, (nonce) => (token = idToken(good(nonce))))
    const url = new URL(scene.source.endSessionUrl(scene.context) ?? '')
    expect(url.searchParams.get('id_token_hint')).toBe(token)
  })
})

describe('O-3: the ID token of a refresh', () => {
  const { original, cases } = refreshedIdToken
  const now = 1_700_000_000
  const [issuer, clientId] = [String(original['iss']), String(original['aud'])]
  const times = { exp: now + 300, iat: now }

  /** What a refresh brings after a sign-in with the original; its nonce stands for the one that was sent. */
  async function refreshed(claims: Claims | null, header?: object): Promise<Claims> {
    at(now)
    const scene = sceneOf(issuer, clientId)
    let sent = ''
    await login(scene, (nonce) => idToken({ ...original, ...times, nonce: (sent = nonce) }))
    const own = claims && { ...times, ...claims, ...(claims['nonce'] === original['nonce'] && { nonce: sent }) }
    const body = { access_token: 'at2', refresh_token: 'rt2', ...(own && { id_token: idToken(own, header) }) }
    desk.answers = { '/token': [{ body }] }
    return { ...(await scene.source.refresh({ refreshToken: 'rt' }, scene.context)) }
  }

  test.each(cases.filter(({ name }) => name !== 'other-sub'))('$name: $accept', async ({ claims, accept }) => {
    const response = await refreshed(claims)
    // The refresh token has been rotated, whatever is wrong.
    expect(response['refresh_token']).toBe('rt2')
    expect(response['access_token']).toBe(accept ? 'at2' : undefined)
    if (accept && claims) expect(response['id_token']).toBeTypeOf('string')
    if (!accept) expect(response['id_token']).toBeUndefined()
  })

  test('of another user is left to the manager, which ends the session', async () => {
    const { claims } = cases.find(({ name }) => name === 'other-sub') ?? {}
    expect(await refreshed(claims ?? null)).toMatchObject({ access_token: 'at2', id_token: expect.any(String) })
  })

  test('of a session that another tab has begun since then goes by no nonce of ours', async () => {
    at(now)
    const scene = sceneOf(issuer, clientId)
    await login(scene, (nonce) => idToken({ ...original, ...times, nonce }))
    const theirs = idToken({ ...original, ...times, nonce: 'of the other tab' })
    desk.answers = { '/token': [{ body: { access_token: 'at2', refresh_token: 'rt2', id_token: theirs } }] }
    const refresh = (refreshToken: string): Promise<unknown> => scene.source.refresh({ refreshToken }, scene.context)
    expect(await refresh('of the other tab')).toMatchObject({ access_token: 'at2', id_token: theirs })
    // Ours is still checked, however often its refresh token was exchanged here.
    expect(await refresh('rt')).toEqual({ refresh_token: 'rt2' })
    expect(await refresh('rt2')).toEqual({ refresh_token: 'rt2' })
  })

  test.each([
    ['has expired', { exp: now - 1_000 }, undefined],
    ['has no subject', { sub: undefined }, undefined],
    ['is not signed', {}, { alg: 'none' }],
  ])('that %s is not used, and loses no session', async (_what, more, header) => {
    const response = await refreshed({ ...original, ...more }, header)
    expect(response).toMatchObject({ access_token: 'at2', refresh_token: 'rt2' })
    expect(response['id_token']).toBeUndefined()
  })
})
