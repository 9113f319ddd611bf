import { afterEach, describe, expect, test, vi } from 'vitest'
import { failureOf, setUp } from './setup.ts'
import { versions } from './versions.ts'

describe.each(versions)('%s', (version) => {
  const setup = setUp(version)
  const tokenAt = (server: 'server' | 'other'): (string | undefined)[] =>
    setup[server].received.map(({ headers }) => headers.authorization)

  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'baseURL')
    Reflect.deleteProperty(Object.prototype, 'tokens')
    Reflect.deleteProperty(Object.prototype, 'allowAbsoluteUrls')
  })

  describe.each(['http', 'fetch'] as const)('the %s adapter', (adapter) => {
    test('a path of the base URL is kept, and params never change where the token goes', async () => {
      const { api, tokens } = setup.bound({ config: { adapter, baseURL: `${setup.server.origin}/v1/` } })
      await api.get('/orders', { params: { q: 'https://evil.example/', list: [1, 2] } })
      await api.get('orders', { params: { a: '@evil' }, paramsSerializer: { serialize: () => '@evil.example/x' } })
      expect(tokens.targets.map(({ url }) => url)).toEqual(Array(2).fill(`${setup.server.origin}/v1/orders`))
      expect(setup.server.received.map(({ url }) => url.split('?')[0])).toEqual(['/v1/orders', '/v1/orders'])
      expect(setup.server.received[1]?.url).toBe('/v1/orders?@evil.example/x')
      expect(tokenAt('server')).toEqual(['Bearer first', 'Bearer first'])
    })

    test('a URL object is one too, and is sent where it pointed when the token was put to it', async () => {
      const { api, tokens } = setup.bound({ config: { adapter } })
      const url = new URL('/x', setup.server.origin)
      tokens.waitFor = Promise.resolve().then(() => (url.port = new URL(setup.other.origin).port))
      await api.get(url as unknown as string)
      expect(tokenAt('server')).toEqual(['Bearer first'])
      expect(tokenAt('other')).toEqual([])
    })

    test('F105: an absolute URL that overrides the base URL carries no token to another origin', async () => {
      const { api, tokens } = setup.bound({ config: { adapter } })
      await failureOf(api.get(`${setup.other.origin}/steal`))
      expect(tokenAt('other')).toEqual([undefined])
      expect(tokens.targets).toMatchObject([{ url: `${setup.other.origin}/steal` }])
    })

    test('F105: an absolute URL of the resource gets the token although the base URL is elsewhere', async () => {
      const { api } = setup.bound({ config: { adapter, baseURL: setup.other.origin } })
      await api.get(`${setup.server.origin}/x`)
      expect(tokenAt('server')).toEqual(['Bearer first'])
    })

    test.each([['foreign'], ['own']])(
      'F105: with `allowAbsoluteUrls: false` every version sends to the base URL, and the token follows (%s base)',
      async (base) => {
        const [here, there] = base === 'own' ? (['server', 'other'] as const) : (['other', 'server'] as const)
        const { api } = setup.bound({ config: { adapter, baseURL: setup[here].origin, allowAbsoluteUrls: false } })
        await api.get(`${setup[there].origin}/x`).catch(() => {})
        expect(tokenAt(here)).toEqual([base === 'own' ? 'Bearer first' : undefined])
        expect(tokenAt(there)).toEqual([])
      },
    )

    test('F115: a polluted Object.prototype neither sends the token elsewhere nor changes the decision', async () => {
      const { api, tokens } = setup.bound({ config: { adapter } })
      const bare = setup.axios.create({ adapter })
      setup.bindAxios(bare, tokens)
      Object.assign(Object.prototype, { tokens: false })
      await api.get('/x')
      // Axios 1.8 itself fails for `api` from here on.
      Object.assign(Object.prototype, { baseURL: setup.other.origin, allowAbsoluteUrls: false })
      await bare.get('/relative').catch(() => {})
      await bare.get(`${setup.server.origin}/y`).catch(() => {})
      expect(tokenAt('other').filter(Boolean)).toEqual([])
      expect(setup.server.received[0]?.headers.authorization).toBe('Bearer first')
    })

    test('F106: a redirect to another origin arrives without the token; on the same origin it keeps it', async () => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.answer = ({ url }, response) => {
        if (url === '/away') return response.writeHead(302, { location: `${setup.other.origin}/x` }).end()
        if (url === '/here') return response.writeHead(302, { location: '/landed' }).end()
        return false
      }
      setup.other.answer = (_request, response) => response.end('{}')
      await api.get('/here')
      await api.get('/away')
      expect(tokenAt('server')).toEqual(['Bearer first', 'Bearer first', 'Bearer first'])
      expect(tokenAt('other')).toEqual([undefined])
    })
  })

  test('F106: a redirect to a subdomain, which follow-redirects trusts, arrives without the token', async () => {
    const origin = setup.server.origin.replace('127.0.0.1', 'localhost')
    const { api } = setup.bound({ config: { adapter: 'http', baseURL: origin }, sender: { resources: [origin] } })
    const lookup = ((_host: string, _options: unknown, done: (error: null, address: string, family: number) => void) =>
      done(null, '127.0.0.1', 4)) as never
    setup.server.answer = ({ url }, response) =>
      url === '/away'
        ? response.writeHead(302, { location: `${origin.replace('localhost', 'sub.localhost')}/landed` }).end()
        : response.end('{}')
    const beforeRedirect = vi.fn()
    const { config } = await api.get('/away', { lookup, beforeRedirect })
    expect(setup.server.received.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/away', 'Bearer first'],
      ['/landed', undefined],
    ])
    expect(beforeRedirect).toHaveBeenCalledOnce()
    expect(config.beforeRedirect).toBe(beforeRedirect)
  })

  test.each(['Authorization', 'authorization', 'AUTHORIZATION'])(
    'the own %s header of a caller is left alone',
    async (name) => {
      const { api, tokens } = setup.bound()
      const error = await failureOf(api.get('/x', { headers: { [name]: 'Basic own' } }))
      expect(tokenAt('server')).toEqual(['Basic own'])
      expect(tokens.targets).toEqual([])
      expect(error).toMatchObject({ response: { status: 401 } })
    },
  )

  test('`config.auth` and `tokens: false` go to the transport directly', async () => {
    const { api, tokens } = setup.bound()
    await failureOf(api.get('/x', { auth: { username: 'a', password: 'b' } }))
    await failureOf(api.get('/x', { tokens: false }))
    expect(tokenAt('server')).toEqual(['Basic YTpi', undefined])
    expect(tokens.targets).toEqual([])
  })

  test('what a request says about its token reaches the manager, and nothing else does', async () => {
    const { api, tokens } = setup.bound()
    const wanted = { resource: setup.server.origin, scope: 'pay', minTtlMs: 5_000, required: true, retry: false }
    await api.delete('/x', { tokens: wanted, timeout: 3_000 })
    expect(tokens.targets).toEqual([{ ...wanted, url: `${setup.server.origin}/x`, method: 'DELETE', waitMs: 3_000 }])
  })

  test('a request that must have a token does not leave without one', async () => {
    const { api } = setup.bound()
    const error = await failureOf(api.get(`${setup.other.origin}/x`, { tokens: { required: true } }))
    expect(error).toMatchObject({ name: 'AxiosError', code: 'ERR_TOKEN', cause: { code: 'destination_refused' } })
    expect(setup.other.received).toEqual([])
  })
})
