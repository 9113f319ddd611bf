import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AuthorizationServerDesk, begin, createPage, createScene, failureOf, startDesk } from './desk.ts'
import { vectorsOf } from './vectors.ts'

const pkce = vectorsOf<{
  readonly appendixB: Readonly<Record<'code_verifier' | 'code_challenge', string>> & { readonly randomOctets: number[] }
  readonly verifierSyntax: readonly { readonly value: string; readonly valid: boolean }[]
}>('pkce')

let desk: AuthorizationServerDesk
beforeAll(async () => {
  desk = await startDesk()
})
afterAll(() => desk.close())
beforeEach(() => {
  desk.seen.length = 0
  desk.answers = { '/token': [{ body: { access_token: 'at', token_type: 'Bearer' } }] }
})
afterEach(() => void vi.restoreAllMocks())

/** The verifier that goes with a request: the token endpoint is told it. */
async function verifierFor(scene: ReturnType<typeof createScene>, request: URLSearchParams): Promise<string> {
  const callbackUrl = `https://app.example.com/callback?code=c&state=${request.get('state')}`
  await scene.source.login({ callbackUrl }, scene.context)
  return desk.seen.at(-1)?.form.get('code_verifier') ?? ''
}

describe('PKCE', () => {
  test('P-1: the example of RFC 7636: the octets make this verifier, and the verifier this challenge', async () => {
    const { randomOctets, code_verifier, code_challenge } = pkce.appendixB
    const scene = createScene(desk.url)
    const real = crypto.getRandomValues.bind(crypto)
    const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      if (array instanceof Uint8Array && array.length === 32) return Object.assign(array, randomOctets)
      return real(array)
    })
    const request = await begin(scene)
    random.mockRestore()
    expect(request.get('code_challenge')).toBe(code_challenge)
    expect(await verifierFor(scene, request)).toBe(code_verifier)
  })

  test('P-1: each request has a verifier of its own, of the form that RFC 7636 wants', async () => {
    const syntax = /^[\w\-.~]{43,128}$/
    for (const { value, valid } of pkce.verifierSyntax) expect(syntax.test(value) && !value.endsWith('\n')).toBe(valid)
    const scene = createScene(desk.url)
    const verifiers = new Set<string>()
    for (let count = 0; count < 5; count++) {
      const request = await begin(scene)
      const verifier = await verifierFor(scene, request)
      expect(verifier).toMatch(syntax)
      expect(request.get('code_challenge')).toBe(createHash('sha256').update(verifier).digest('base64url'))
      verifiers.add(verifier)
    }
    expect(verifiers.size).toBe(5)
  })

  test('P-2: the method is always S256, and always said', async () => {
    for (const server of [{}, { code_challenge_methods_supported: ['plain'] }]) {
      const scene = createScene(desk.url, { server: { issuer: desk.url, ...server } })
      expect((await begin(scene)).getAll('code_challenge_method')).toEqual(['S256'])
    }
  })
})

describe('an authorization request', () => {
  test('P-4: has a state that nobody can guess, and another one each time', async () => {
    const scene = createScene(desk.url)
    const states = [await begin(scene), await begin(scene)].map((request) => request.get('state') ?? '')
    expect(new Set(states).size).toBe(2)
    for (const state of states) expect(state).toMatch(/^r\w{7}\.[\w-]{43}$/)
  })

  test('P-7: names the redirect URI as it is configured, and so does the token request', async () => {
    const redirectUri = 'https://app.example.com/callback?tenant=a%20b'
    const scene = createScene(desk.url, { redirectUri })
    const request = await begin(scene)
    expect(request.get('redirect_uri')).toBe(redirectUri)
    await scene.source.login({ callbackUrl: `${redirectUri}&code=c&state=${request.get('state')}` }, scene.context)
    expect(desk.seen.at(-1)?.form.get('redirect_uri')).toBe(redirectUri)
  })

  test('P-15: keeps what the endpoint has of its own', async () => {
    const server = { issuer: desk.url, authorization_endpoint: `${desk.url}/authorize?tenant=x&a=b` }
    const request = await begin(createScene(desk.url, { server }))
    expect([request.get('tenant'), request.get('a'), request.get('client_id')]).toEqual(['x', 'b', 'shop'])
  })

  test('O-1: has a nonce exactly when it asks for an ID token', async () => {
    expect((await begin(createScene(desk.url, { scope: 'openid a' }))).get('nonce')).toMatch(/^[\w-]{43}$/)
    expect((await begin(createScene(desk.url, { scope: 'openids' }))).has('nonce')).toBe(false)
    expect((await begin(createScene(desk.url))).has('scope')).toBe(false)
  })

  test('RI-1: names every resource, and the code is exchanged for a token of the first', async () => {
    const resource = ['https://a.example.com/', 'https://b.example.com/x']
    const scene = createScene(desk.url, { resource })
    const request = await begin(scene)
    expect(request.getAll('resource')).toEqual(resource)
    await verifierFor(scene, request)
    expect(desk.seen.at(-1)?.form.getAll('resource')).toEqual(['https://a.example.com/'])
  })

  test('S-1: asks for what a step-up needs', async () => {
    const login = { acrValues: 'gold silver', maxAge: 0, scope: 'openid pay', prompt: 'login', loginHint: 'ann' }
    const request = await begin(createScene(desk.url, { scope: 'openid' }), login)
    expect(Object.fromEntries(request)).toMatchObject({
      acr_values: 'gold silver',
      max_age: '0',
      scope: 'openid pay',
      prompt: 'login',
      login_hint: 'ann',
    })
  })

  test('has further parameters, of which none takes the place of ours', async () => {
    const parameters = { audience: 'shop-api', state: 'x', code_challenge_method: 'plain', prompt: 'consent' }
    const scene = createScene(desk.url, { parameters })
    const request = await begin(scene, { parameters: { audience: 'other', response_type: 'token' } })
    expect(request.getAll('audience')).toEqual(['other'])
    expect(request.getAll('prompt')).toEqual(['consent'])
    expect(request.getAll('response_type')).toEqual(['code'])
    expect(request.getAll('code_challenge_method')).toEqual(['S256'])
    expect(request.get('state')).not.toBe('x')
  })

  test('M-3: leads nowhere but to an https: endpoint', async () => {
    for (const endpoint of ['http://as.example.com/a', 'https://as.example.com/a#b', 'javascript:alert(1)', '/a', 7]) {
      const server = { issuer: desk.url, authorization_endpoint: endpoint as string }
      const { source, page, context } = createScene(desk.url, { server })
      expect((await failureOf(source.authorize({}, context))).code).toBe('configuration')
      expect(page.left).toEqual([])
    }
  })

  test('F147: after five logins within a minute without success none leaves the page, until one has succeeded', async () => {
    const scene = createScene(desk.url)
    let request = new URLSearchParams()
    for (let count = 0; count < 5; count++) request = await begin(scene)
    expect((await failureOf(scene.source.authorize({}, scene.context))).code).toBe('login_failed')
    await verifierFor(scene, request)
    await begin(scene)
  })

  test('F147: one that never left the page does not count', async () => {
    const scene = createScene(desk.url, { pushed: true })
    desk.answers['/par'] = [{ status: 503 }]
    for (let count = 0; count < 5; count++)
      expect((await failureOf(scene.source.authorize({}, scene.context))).code).toBe('refresh_unavailable')
    desk.answers['/par'] = [{ status: 201, body: { request_uri: 'urn:x:1' } }]
    await begin(scene)
  })

  test('that cannot be remembered does not leave the page: a popup still can', async () => {
    const page = createPage('https://app.example.com/')
    const broken = { ...page, records: () => Promise.reject(new Error('no IndexedDB')) }
    const { source, context } = createScene(desk.url, {}, Object.assign(page, broken))
    const failure = await failureOf(source.authorize({}, context))
    expect([failure.code, failure.message]).toEqual(['unsupported', expect.stringContaining('IndexedDB')])
    expect(page.left).toEqual([])
  })

  test.each([
    ['closes its window when nobody waits for the user any more', false],
    ['keeps its window open for whoever waits for the user', true],
  ])('by a popup %s', async (_what, isAwaited) => {
    let isClosed = false
    const popup = { url: () => undefined, isClosed: () => isClosed, go() {}, close: () => void (isClosed = true) }
    const tasks = new Set<() => void>()
    const timer = (task: () => void): (() => void) => {
      tasks.add(task)
      return () => void tasks.delete(task)
    }
    const page = Object.assign(createPage('https://app.example.com/'), { open: () => popup, timer })
    const { source, context } = createScene(desk.url, {}, page)
    const usersPart = await source.authorize({ display: 'popup' }, context)
    const leaving = new AbortController()
    const part = isAwaited ? usersPart(leaving.signal) : undefined
    part?.catch(() => {})
    const [first] = tasks
    first?.()
    expect(isClosed).toBe(!isAwaited)
    leaving.abort(new Error('over'))
    await part?.catch(() => {})
    expect(isClosed).toBe(true)
  })

  test('a page that is shown again without an answer ends the login that has left it', async () => {
    const { source, page, context } = createScene(desk.url)
    const usersPart = await source.authorize({}, context)
    const part = usersPart(new AbortController().signal)
    page.comeBack()
    expect((await failureOf(part)).code).toBe('aborted')
  })
})

describe('a pushed authorization request', () => {
  test.each([
    ['where the server requires it', { server: { issuer: '', require_pushed_authorization_requests: true } }],
    ['where the application asks for it', { pushed: true }],
  ])('%s: the URL names nothing but the request', async (_where, options) => {
    desk.answers['/par'] = [{ status: 201, body: { request_uri: 'urn:x:1', expires_in: 60 } }]
    const server = { ...('server' in options ? options.server : {}), issuer: desk.url }
    const scene = createScene(desk.url, { scope: 'openid', ...options, server })
    const request = await begin(scene)
    expect(Object.fromEntries(request)).toEqual({ client_id: 'shop', request_uri: 'urn:x:1' })
    const [{ form }] = desk.seen as [(typeof desk.seen)[0]]
    expect([...form.keys()].sort()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ])
  })

  test.each([
    ['invalid_request', 400, 'configuration', false],
    ['invalid_client', 401, 'configuration', false],
    ['access_denied', 400, 'login_failed', false],
    ['', 503, 'refresh_unavailable', true],
  ])('that is answered with %s (%i) is %s', async (error, status, code, transient) => {
    desk.answers['/par'] = [{ status, body: { error } }]
    const { source, context, page } = createScene(desk.url, { pushed: true })
    expect(await failureOf(source.authorize({}, context))).toMatchObject({ code, transient })
    expect(page.left).toEqual([])
  })
})

describe('P-12: the page to return to', () => {
  test.each(['/orders?a=1#b', 'orders', 'https://app.example.com/x', '?a', '#b'])(
    '%s lies in this origin',
    async (returnTo) => {
      const scene = createScene(desk.url)
      const request = await begin(scene, { returnTo })
      await verifierFor(scene, request)
      expect(scene.page.href).toBe(new URL(returnTo, 'https://app.example.com/callback').href)
    },
  )

  test.each([
    '//evil.example',
    'https://evil.example/',
    '\\\\evil.example',
    '/\\evil.example',
    'https://app.example.com@evil.example/',
    'https://app.example.com.evil.example/',
    'http://app.example.com/',
    'javascript:alert(1)',
    'data:text/html,x',
    '/\t/evil.example',
    // No page of this origin can be made to look as if it were there.
    'https://ann@app.example.com/',
    'blob:https://app.example.com/7',
  ])('%s does not', async (returnTo) => {
    const { source, page, context } = createScene(desk.url)
    expect((await failureOf(source.authorize({ returnTo }, context))).code).toBe('unsupported')
    expect(page.left).toEqual([])
  })
})
