import { createTokenManager } from 'tokenward'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { wellKnownUrls } from '../../src/oauth/metadata.ts'
import type { OAuthLogin, OAuthSourceOptions } from '../../src/oauth/options.ts'
import { createOAuthSource } from '../../src/oauth/source.ts'
import type { TokenSource } from '../../src/ports.ts'
import {
  type AuthorizationServerDesk,
  begin,
  CALLBACK,
  createPage,
  createScene,
  failureOf,
  noBinding,
  startDesk,
} from './desk.ts'
import { vectorsOf } from './vectors.ts'

const { rfc8414, oidcDiscovery, issuerCheck } = vectorsOf<{
  readonly rfc8414: readonly { readonly issuer: string; readonly url: string }[]
  readonly oidcDiscovery: readonly { readonly issuer: string; readonly url: string }[]
  readonly issuerCheck: readonly { readonly requested: string; readonly document: string; readonly accept: boolean }[]
}>('wellKnown')

const OAUTH = '/.well-known/oauth-authorization-server'
const OPENID = '/.well-known/openid-configuration'

let desk: AuthorizationServerDesk
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = {}
})

const paths = (): string[] => desk.seen.map(({ path }) => path)
const metadata = (issuer = desk.url): object => ({ issuer, authorization_endpoint: `${desk.url}/authorize` })

describe('M-1: where the metadata of an issuer is', () => {
  test.each(rfc8414)('$issuer, for OAuth: inserted', ({ issuer, url }) => {
    expect(wellKnownUrls(issuer, false)[0]).toBe(url)
  })

  test.each(oidcDiscovery)('$issuer, for OpenID Connect: appended', ({ issuer, url }) => {
    expect(wellKnownUrls(issuer, true)[0]).toBe(url)
  })

  test.each([
    ['openid profile', OPENID, OAUTH],
    ['profile', OAUTH, OPENID],
  ])('with the scope %s it is looked for at %s first, and at the other place then', async (scope, first, second) => {
    desk.answers = { [second]: [{ body: metadata() }] }
    await begin(createScene(desk.url, { issuer: desk.url, scope }))
    expect(paths()).toEqual([first, second])
    desk.seen.length = 0
    desk.answers = { [first]: [{ body: metadata() }], [second]: [{ body: metadata() }] }
    await begin(createScene(desk.url, { issuer: desk.url, scope }))
    expect(paths()).toEqual([first])
  })
})

test('a logout while a refresh looks for it gives the tokens back all the same', async () => {
  const revocation_endpoint = `${desk.url}/revoke`
  desk.answers = { [OPENID]: [{ body: { ...metadata(), revocation_endpoint } }], '/revoke': [{}] }
  const { source } = createScene(desk.url, { issuer: desk.url })
  const ended: Promise<unknown>[] = []
  const looking: typeof fetch = async (...request) => {
    const answer = await fetch(...request)
    // At the first place there is nothing.
    if (!answer.ok) ended.push(tokens.logout())
    return answer
  }
  const tokens = createTokenManager({ source, resources: [{ url: desk.url, scope: 'pay' }], ports: { fetch: looking } })
  await tokens.startSession({ access_token: 'at', refresh_token: 'rt', expires_in: 3_600 })
  // For a scope of its own.
  await expect(tokens.getAccessToken()).rejects.toMatchObject({ code: 'signed_out' })
  expect(await Promise.all(ended)).toEqual([{ revoked: 'confirmed' }])
  expect(paths()).toEqual([OAUTH, OPENID, '/revoke', '/revoke'])
  tokens.dispose()
})

describe('M-2: the metadata has to be that of the very issuer', () => {
  test.each(issuerCheck)(
    'asked for $requested, and got $document: $accept',
    async ({ requested, document, accept }) => {
      const scene = createScene(desk.url, { issuer: requested, scope: 'openid' })
      // The network of this test: whatever is asked, this is the answer.
      const fetching = async (): Promise<Response> => Response.json(metadata(document))
      const context = { ...scene.context, fetch: fetching }
      const work = scene.source.authorize({}, context)
      if (accept) expect(await work).toBeTypeOf('function')
      else expect((await failureOf(work)).code).toBe('configuration')
    },
  )

  test('a document of another issuer is not made up for by the next', async () => {
    desk.answers = { [OAUTH]: [{ body: metadata('https://other.example.com') }], [OPENID]: [{ body: metadata() }] }
    const { source, context } = createScene(desk.url, { issuer: desk.url })
    expect((await failureOf(source.authorize({}, context))).code).toBe('configuration')
    expect(paths()).toEqual([OAUTH])
  })
})

describe('metadata that cannot be had', () => {
  test.each([
    ['is nowhere', [{ status: 404 }], [{ status: 404 }], 'configuration', false],
    [
      'meets trouble',
      [{ status: 503, headers: { 'retry-after': '7' } }],
      [{ status: 404 }],
      'refresh_unavailable',
      true,
    ],
    ['meets trouble at the second place', [{ status: 404 }], [{ status: 500 }], 'refresh_unavailable', true],
    ['is a page', [{ body: '<!doctype html>' }], [{ body: '<!doctype html>' }], 'malformed_response', true],
    ['has no issuer', [{ body: {} }], [{ body: [] }], 'malformed_response', true],
  ])('%s', async (_what, first, second, code, transient) => {
    desk.answers = { [OAUTH]: first, [OPENID]: second }
    const { source, context } = createScene(desk.url, { issuer: desk.url })
    expect(await failureOf(source.authorize({}, context))).toMatchObject({ code, transient })
  })

  test('is asked for again by the next who needs it; once it is there, by nobody', async () => {
    const scene = createScene(desk.url, { issuer: desk.url })
    await failureOf(scene.source.authorize({}, scene.context))
    desk.seen.length = 0
    desk.answers = { [OAUTH]: [{ body: metadata() }] }
    await Promise.all([begin(scene), begin(scene)])
    await begin(scene)
    expect(paths()).toEqual([OAUTH])
  })

  test('T-22: the call has nothing that it does not need', async () => {
    desk.answers = { [OAUTH]: [{ body: metadata() }] }
    const scene = createScene(desk.url, { issuer: desk.url })
    await begin(scene)
    const [init] = scene.inits
    expect({ ...init, signal: undefined }).toEqual({
      headers: { Accept: 'application/json' },
      credentials: 'omit',
      redirect: 'error',
      signal: undefined,
    })
  })
})

test('I-3: the id says which issuer and which client, and holds no secret', () => {
  expect(createScene('https://as.example.com').source.id).toBe('https://as.example.com shop')
  expect(createScene('', { issuer: 'https://as.example.com/t' }).source.id).toBe('https://as.example.com/t shop')
})

describe('an option that is wrong is refused at once, with the cure', () => {
  const make = (options: object): TokenSource<OAuthLogin> =>
    createOAuthSource(options as OAuthSourceOptions, createPage(CALLBACK), noBinding)
  const right = { issuer: 'https://as.example.com', clientId: 'shop', redirectUri: CALLBACK }
  test.each<[string, object]>([
    ['issuer or server', { issuer: undefined }],
    ['issuer or server', { server: { issuer: 'https://as.example.com' } }],
    ['issuer must be an https: URL', { issuer: 'http://as.example.com' }],
    ['issuer must be an https: URL', { issuer: 'https://as.example.com/?a' }],
    ['issuer must be an https: URL', { issuer: 'https://as.example.com/#a' }],
    ['issuer must be an https: URL', { issuer: 'as.example.com' }],
    ['server must be metadata', { issuer: undefined, server: {} }],
    ['server must be metadata', { issuer: undefined, server: null }],
    ['clientId must be set', { clientId: '' }],
    ['needs clientId', { clientId: undefined }],
    ['redirectUri must be the absolute URL', { redirectUri: '/callback' }],
    ['redirectUri must be the absolute URL', { redirectUri: `${CALLBACK}#` }],
    ['scope must be like', { scope: ' a' }],
    ['resource must be absolute URIs', { resource: '/api' }],
    ['resource must be absolute URIs', { resource: ['https://api.example.com', 'https://api.example.com/#a'] }],
    ['postLogoutRedirectUri must be', { postLogoutRedirectUri: '/' }],
    ['pushed must be', { pushed: 'yes' }],
    ['parameters must be', { parameters: { audience: 7 } }],
    ['dpop must be true', { dpop: false }],
    ['ended must be', { ended: true }],
    ['has no "client_secret"', { client_secret: 'x' }],
  ])('%s', (cure, more) => {
    expect(() => make({ ...right, ...more })).toThrow(cure)
    expect(() => make({ ...right, ...more })).toThrow(TypeError)
  })

  const { valid, invalid } = vectorsOf<{ readonly valid: readonly string[]; readonly invalid: readonly string[] }>(
    'scope',
  )
  test.each(valid)('the scope %j is right', (scope) => {
    expect(make({ ...right, scope }).id).toContain('shop')
  })
  test.each(invalid)('the scope %j is wrong', (scope) => {
    expect(() => make({ ...right, scope })).toThrow(TypeError)
  })
})
