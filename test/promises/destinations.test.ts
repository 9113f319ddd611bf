import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { cookieSource, createTokenManager, jsonSource, type TokenError } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { createDesk, createWorld } from '../support/world.ts'
import { API, createScene, failureOf, only, type Scene } from './stage.ts'

const { htu } = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url), 'utf8')) as {
  readonly htu: { readonly cases: readonly { readonly input: string; readonly base?: string }[] }
}

const PAGE = 'https://app.example.com/deep/page'
const RESOURCES = [API, 'https://files.example.com/v1/', 'http://localhost:3000', 'http://127.0.0.1:8080']

async function signedIn(options: Parameters<typeof createScene>[0] = {}, baseUrl = PAGE): Promise<Scene> {
  const scene = createScene({ world: createWorld({ baseUrl }), resources: RESOURCES, ...options })
  await scene.tokens.login('ann')
  return scene
}

/** Written without a look at the code: whether the platform would send `url` to a resource, and nowhere else. */
function mayCarry(url: string, base: string, resources: readonly string[]): boolean {
  let target: URL
  try {
    target = new URL(url, base)
  } catch {
    return false
  }
  if (target.username !== '' || target.password !== '') return false
  return resources.some((resource) => {
    const allowed = new URL(resource)
    if (target.protocol !== allowed.protocol || target.host !== allowed.host) return false
    const wanted = allowed.pathname.split('/').filter((segment, index, all) => segment !== '' || index < all.length - 1)
    const had = target.pathname.split('/')
    return wanted.every((segment, index) => had[index] === segment)
  })
}

async function check(scene: Scene, url: string, base = PAGE, resources: readonly string[] = RESOURCES): Promise<void> {
  const expected = mayCarry(url, base, resources)
  const before = scene.seen.length
  await scene.send({ url })
  expect([url, scene.seen[before]]).toEqual([url, expected ? 'Bearer ann.1' : undefined])
  const required = await scene.send({ url, required: true }).then(
    () => 'sent',
    (error: unknown) => (error as TokenError).code,
  )
  expect([url, required]).toEqual([url, expected ? 'sent' : 'destination_refused'])
}

/** Each of them once led somewhere else than a reader, or a library, took it to lead. */
const HOSTILE = [
  'https://api.example.com',
  'https://api.example.com/',
  'HTTPS://API.EXAMPLE.COM/x',
  'https://api.example.com:443/x',
  'https://api.example.com:444/x',
  'https://api.example.com:0443/x',
  'http://api.example.com/x',
  'https://api.example.com./x',
  'https://api.example.com.evil.test/x',
  'https://api.example.com@evil.test/x',
  'https://api.example.com:x@evil.test/x',
  'https://user:pass@api.example.com/x',
  'https://@api.example.com/x',
  'https://evil.test/https://api.example.com',
  'https://evil.test?https://api.example.com/',
  'https://evil.test#@api.example.com/',
  'https://evil.test\\@api.example.com/x',
  'https://api.example.com\\@evil.test/x',
  'https:\\\\api.example.com\\x',
  'https:api.example.com/x',
  'https:/api.example.com/x',
  'https:///api.example.com/x',
  '//api.example.com/x',
  '//evil.test/x',
  '\\\\evil.test\\x',
  '/\\evil.test/x',
  '/\t/evil.test/x',
  '/x',
  'x',
  '?x',
  '#x',
  '',
  '\u0001https://evil.test/x',
  ' https://api.example.com/x ',
  'ht\ntps://api.example.com/x',
  'https://api\t.example.com/x',
  'https://ap\u0131.example.com/x',
  'https://\u0430pi.example.com/x',
  'https://\uff41pi.example.com/x',
  'https://api\u3002example\u3002com/x',
  'https://api%2eexample.com/x',
  'https://api.example.com%2f@evil.test/x',
  'https://api.example.com%00.evil.test/x',
  'https://xn--pi-7kc.example.com/x',
  'https://evilapi.example.com/x',
  'https://example.com/x',
  'https://[::1]/x',
  'wss://api.example.com/x',
  'ftp://api.example.com/x',
  'data:text/plain,https://api.example.com/',
  'blob:https://api.example.com/1234',
  'javascript:fetch("https://api.example.com")',
  'file:///api.example.com/x',
  'about:blank',
  'https://',
  'https://files.example.com/v1',
  'https://files.example.com/v1/',
  'https://files.example.com/v1/x',
  'https://files.example.com/v1?x',
  'https://files.example.com/v1 ?x',
  'https://files.example.com/v1\t#x',
  'https://api.example.com ?x',
  'https://files.example.com/v10/x',
  'https://files.example.com/v1.evil/x',
  'https://files.example.com/v1;x',
  'https://files.example.com/V1/x',
  'https://files.example.com/v2/x',
  'https://files.example.com/',
  'https://files.example.com//v1/x',
  'https://files.example.com/v1/../v2',
  'https://files.example.com/v1/%2e%2e/v2',
  'https://files.example.com/v1/.%2E/v2',
  'https://files.example.com/v1/..%2fv2',
  'https://files.example.com/v1/.\t./v2',
  'https://files.example.com/v1%2fx',
  'https://files.example.com/%76%31/x',
  'https://files.example.com/x/../v1/y',
  'https://files.example.com\\v1\\x',
  'http://localhost:3000/x',
  'http://localhost:3001/x',
  'http://localhost/x',
  'http://LOCALHOST:3000/x',
  'http://localhost.:3000/x',
  'http://127.0.0.1:8080/x',
  'http://127.1:8080/x',
  'http://2130706433:8080/x',
  'http://0x7f.0.0.1:8080/x',
  'http://127.0.0.2:8080/x',
  'http://0177.0.0.1:8080/x',
]

describe('no other origin ever receives the token', () => {
  test.each(HOSTILE)('F103 F104 F105: %j', async (url) => {
    await check(await signedIn(), url)
  })

  test.each(htu.cases.map(({ input, base = PAGE }) => [input, base] as const))(
    'F104: %j on a page at %s',
    async (url, base) => {
      const resources = ['https://server.example.com', 'https://api.example.com/v1/']
      await check(await signedIn({ resources }, base), url, base, resources)
    },
  )

  test('F104: whatever a URL is made of', async () => {
    const piece = fc.constantFrom(
      ...[
        'https:',
        'http:',
        'ws:',
        '/',
        '//',
        '\\',
        '@',
        ':',
        '?',
        '#',
        '.',
        '..',
        '%2e',
        '%2f',
        '%5c',
        '\t',
        '\n',
        ' ',
      ],
      ...['api.example.com', 'evil.test', 'files.example.com', 'localhost', '127.0.0.1', ':443', ':3000', ':8080'],
      ...['v1', 'V1', 'v10', 'user', 'x', '\u3002', '\uff0f', '[', ']', '::1', '\u0000', ';', '&'],
    )
    const scene = await signedIn()
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 9 }), async (pieces) => check(scene, pieces.join(''))),
      { numRuns: 2_000 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => check(scene, `${API}${pieces.join('')}`)),
      { numRuns: 1_000 },
    )
  })

  test('F105: <base href> decides what a relative URL means, at the time of the request', async () => {
    const world = createWorld()
    let baseUrl = 'https://app.example.com/'
    const lifecycle = { ...world.ports.lifecycle, baseUrl: () => baseUrl }
    const scene = createScene({ world, ports: { lifecycle } })
    await scene.tokens.login('ann')
    for (const base of ['https://app.example.com/', `${API}/v2/`, 'https://evil.test/', `${API}/v2/`]) {
      baseUrl = base
      await check(scene, 'orders', base, [API])
      await check(scene, '/orders', base, [API])
    }
  })

  test('the default is the page’s own origin, wherever <base href> points', async () => {
    const own = 'https://app.example.com'
    for (const baseUrl of [`${own}/`, 'https://cdn.example.net/']) {
      const world = createWorld({ baseUrl, origin: own })
      const { source } = createDesk()
      const scene = createScene({ world, source, resources: undefined as never })
      await scene.tokens.login('ann')
      for (const url of ['/x', 'x', `${own}/x`, 'https://evil.test/', '//app.example.com/y', `${own}:444/`]) {
        await check(scene, url, baseUrl, [own])
      }
    }
  })

  test('F84: where there is no page, nothing is the default', async () => {
    const world = createWorld()
    const lifecycle = { ...world.ports.lifecycle, baseUrl: () => undefined, origin: () => undefined }
    const scene = createScene({ world, resources: undefined as never, ports: { lifecycle } })
    await scene.tokens.login('ann')
    for (const url of ['/x', 'https://app.example.com/', 'null', 'about:blank', 'data:,x']) await scene.send({ url })
    expect(scene.seen).toEqual([undefined, undefined, undefined, undefined, undefined])
  })

  test('a page with an opaque origin has none of its own', async () => {
    const world = createWorld({ baseUrl: 'about:srcdoc' })
    const lifecycle = { ...world.ports.lifecycle, origin: () => undefined }
    const scene = createScene({ world, resources: undefined as never, ports: { lifecycle } })
    await scene.tokens.login('ann')
    await scene.send({ url: 'data:text/plain,x' })
    await scene.send({ url: 'file:///x' })
    expect(scene.seen).toEqual([undefined, undefined])
  })
})

describe('withheld', () => {
  test('is raised once for each origin and reason, and names neither path nor query', async () => {
    const scene = await signedIn({ resources: [API, 'https://files.example.com/v1/'] })
    for (let i = 0; i < 3; i++) {
      await scene.send({ url: 'https://evil.test/secret-path?token=1' })
      await scene.send({ url: 'https://evil.test/other' })
      await scene.send({ url: 'https://files.example.com/v2/' })
      await scene.send({ url: 'https://me:secret@api.example.com/' })
      await scene.send({ url: 'http://' })
    }
    expect(only(scene.told, 'withheld')).toEqual([
      { origin: 'https://evil.test', why: 'not-a-resource' },
      { origin: 'https://files.example.com', why: 'not-a-resource' },
      { origin: API, why: 'own-credentials' },
      { origin: 'null', why: 'not-a-resource' },
    ])
  })

  test('says nothing while nobody is signed in', async () => {
    const scene = createScene()
    await scene.send({ url: 'https://evil.test/' })
    expect(scene.told).toEqual([])
  })

  test('required: the request is refused, and does not leave', async () => {
    const scene = await signedIn()
    const error = await failureOf(scene.send({ url: 'https://evil.test/?q=secret', required: true }))
    expect(error).toMatchObject({ code: 'destination_refused', transient: false })
    expect(error.message).not.toContain('secret')
    expect(scene.seen).toEqual([])
  })

  test('a token in a URL is told, by its origin alone', async () => {
    const scene = await signedIn()
    await scene.send({ url: `${API}/x?access_token=ann.1` })
    await scene.send({ url: `${API}/y?access_token=ann.1` })
    expect(only(scene.told, 'alert')).toEqual([{ rule: 'token-in-url', origin: API }])
  })
})

describe('http', () => {
  test.each([
    'http://localhost:1',
    'http://app.localhost',
    'http://a.b.localhost:9',
    'http://127.0.0.1',
    'http://127.255.3.4:5',
    'http://[::1]:6',
  ])('%s is loopback: it may be a resource', async (resource) => {
    const scene = await signedIn({ resources: [resource] })
    await scene.send({ url: `${resource}/x` })
    expect(scene.seen).toEqual(['Bearer ann.1'])
  })

  test.each([
    'http://localhost.evil.test',
    'http://127.0.0.1.evil.test',
    'http://128.0.0.1',
    'http://[::2]',
    'http://notlocalhost',
    'http://0.0.0.0',
    'http://localhost.',
  ])('%s is not', (resource) => {
    const { source } = createDesk()
    expect(() => createTokenManager({ source, resources: [resource] })).toThrow(/dangerouslyAllowHttp/)
  })

  test('a page on http gives its own origin no token, unless dangerouslyAllowHttp', async () => {
    const origin = 'http://intranet.example'
    for (const dangerouslyAllowHttp of [false, true]) {
      const scene = createScene({ world: createWorld({ origin }), resources: undefined as never, dangerouslyAllowHttp })
      await scene.tokens.login('ann')
      await scene.send({ url: '/x' })
      expect(scene.seen).toEqual([dangerouslyAllowHttp ? 'Bearer ann.1' : undefined])
      if (!dangerouslyAllowHttp) expect(only(scene.told, 'withheld')).toEqual([{ origin, why: 'insecure' }])
    }
  })

  test.each([cookieSource, jsonSource])('a source at http: is not called, and says why', async (makeSource) => {
    const at = 'http://id.example.com'
    const source = makeSource<string>({ login: `${at}/login`, refresh: `${at}/refresh`, logout: `${at}/logout` })
    const calls: string[] = []
    const send: typeof fetch = async (url) => {
      calls.push(url as string)
      return Response.json({ access_token: 'abc', refresh_token: 'r', expires_in: 300 })
    }
    const refusing = createScene({ source, ports: { fetch: send } })
    expect(await failureOf(refusing.tokens.login('ann'))).toMatchObject({ code: 'configuration', transient: false })
    await refusing.tokens.startSession({ access_token: 'abc', refresh_token: 'r', expires_in: 1 })
    await refusing.world.pass(2_000)
    expect(await failureOf(refusing.send())).toMatchObject({ code: 'configuration' })
    expect(await refusing.tokens.logout()).toEqual({ revoked: 'unconfirmed' })
    expect(calls).toEqual([])
    const allowing = createScene({ source, ports: { fetch: send }, dangerouslyAllowHttp: true })
    await allowing.tokens.login('ann')
    expect(calls).toEqual([`${at}/login`])
  })
})
