import MockAdapter from 'axios-mock-adapter'
import axiosRetry from 'axios-retry'
import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSender } from '../support/sender.ts'
import { failureOf, setUp } from './setup.ts'
import { versions } from './versions.ts'

describe.each(versions)('%s', (version) => {
  const setup = setUp(version)
  const seen: (string | undefined)[] = []
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})

  /** Answers with 200 for the token `accepted`, as adapters do; keeps what it saw. */
  const fake =
    (accepted = 'first'): AxiosAdapter =>
    async (config) => {
      const token = config.headers.get('Authorization') as string | undefined
      seen.push(token)
      return { status: token === `Bearer ${accepted}` ? 200 : 401, statusText: '', data: 'fake', headers: {}, config }
    }

  beforeEach(() => void (seen.length = 0))
  afterEach(() => void warn.mockClear())

  test('an adapter of the instance, of one request, by name or in a list is used', async () => {
    const { api } = setup.bound({ config: { adapter: fake('second') } })
    expect((await api.get('/x')).status).toBe(200)
    expect(seen).toEqual(['Bearer first', 'Bearer second'])
    const answer = await api.get('/x', { adapter: fake('second') })
    expect(answer.status).toBe(200)
    expect(answer.config.adapter).toBeTypeOf('function')
    setup.server.accepts = 'second'
    expect((await api.get('/x', { adapter: ['xhr', 'http'] })).status).toBe(200)
    expect((await api.get('/x', { adapter: 'fetch' })).status).toBe(200)
    expect(setup.server.received).toHaveLength(2)
    expect(await failureOf(api.get('/x', { adapter: 'nonsense' as 'http' }))).toMatchObject({ name: 'AxiosError' })
  })

  test('adapters in lists are told apart, however alike they look', async () => {
    const { api } = setup.bound()
    const named =
      (data: string): AxiosAdapter =>
      async (config) => ({ status: 200, statusText: '', data, headers: {}, config })
    const dataOf = async (name: string): Promise<unknown> =>
      (await api.get<unknown>('/x', { adapter: [named(name)] })).data
    expect([await dataOf('one'), await dataOf('two')]).toEqual(['one', 'two'])
  })

  test('a default adapter that is set after the bind is used', async () => {
    const { api } = setup.bound()
    api.defaults.adapter = fake()
    await api.get('/x')
    expect(seen).toEqual(['Bearer first'])
  })

  test.each(['before', 'after'])(
    'axios-mock-adapter works %s the bind, and sees the paths that were asked for',
    async (when) => {
      const api = setup.axios.create({ baseURL: 'https://api.example.com' })
      const tokens = createSender({ resources: ['https://api.example.com'] })
      if (when === 'after') setup.bindAxios(api, tokens)
      const mock = new MockAdapter(api)
      if (when === 'before') setup.bindAxios(api, tokens)
      mock
        .onGet('/orders')
        .reply(({ headers }) => [headers?.['Authorization'] === 'Bearer second' ? 200 : 401, { ok: true }])
      mock.onAny().networkError()
      const { data, config } = await api.get('/orders')
      expect(data).toEqual({ ok: true })
      expect(tokens.refreshes).toBe(1)
      expect(mock.history['get']).toHaveLength(2)
      expect(JSON.stringify([mock.history, config])).not.toContain('Bearer')
      expect(await failureOf(api.get('/other'))).toMatchObject({ message: 'Network Error' })
    },
  )

  test('axios-retry sends again through one wrapper, never through a nest of them', async () => {
    const { api, tokens } = setup.bound({ config: { adapter: 'http' } })
    axiosRetry(api, { retries: 3 })
    let left = 3
    setup.server.answer = (_request, response) => (left-- > 0 ? response.writeHead(503).end() : false)
    const { status, config } = await api.get('/x')
    expect(status).toBe(200)
    expect(tokens.targets).toHaveLength(4)
    expect(setup.server.received.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer first'))
    expect(config.adapter).toBe('http')
  })

  test('axios-retry after a wait that timed out does not nest either', async () => {
    const { api, tokens } = setup.bound({ config: { adapter: 'http' } })
    axiosRetry(api, { retries: 1, retryCondition: () => true, shouldResetTimeout: true })
    tokens.waitFor = new Promise(() => {})
    expect(await failureOf(api.get('/x', { timeout: 30 }))).toMatchObject({ code: 'ECONNABORTED' })
    expect(tokens.targets).toHaveLength(2)
  })

  test('interceptors before and after ours see no token, and what they change is what is sent', async () => {
    const api = setup.axios.create({ adapter: fake() })
    const tokens = createSender({ resources: [setup.server.origin] })
    const change = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
      expect(config.headers.has('Authorization')).toBe(false)
      // A copy, as some libraries return.
      return { ...config, baseURL: setup.server.origin, url: `${config.url ?? ''}/changed` }
    }
    api.interceptors.request.use(change)
    setup.bindAxios(api, tokens)
    api.interceptors.request.use(change)
    const { config } = await api.get('/x')
    expect(tokens.targets).toMatchObject([{ url: `${setup.server.origin}/x/changed/changed` }])
    expect(seen).toEqual(['Bearer first'])
    expect(config.headers.has('Authorization')).toBe(false)
    expect(warn).not.toHaveBeenCalled()
  })

  test('an interceptor that runs later and replaces the adapter is noticed once', async () => {
    const api = setup.axios.create()
    api.interceptors.request.use((config) => Object.assign(config, { adapter: fake() }))
    setup.bindAxios(api, createSender({ resources: [] }))
    await failureOf(
      api.get('/x', { validateStatus: (status) => status === 200 }).then(() => Promise.reject(new Error())),
    )
    await api.get('/x')
    expect(seen).toEqual([undefined, undefined])
    expect(warn.mock.calls).toEqual([[expect.stringContaining('call bindAxios before you add it')]])
  })

  test('so is one that is added later, where axios is told to run those later', async () => {
    const api = setup.axios.create({ adapter: fake(), transitional: { legacyInterceptorReqResOrdering: false } })
    setup.bindAxios(api, createSender({ resources: [] }))
    api.interceptors.request.use((config) => Object.assign(config, { adapter: fake() }))
    // Old versions know no such option, and send nothing.
    await api.get('/x').catch(() => {})
    expect(warn).toHaveBeenCalledTimes(version === 'axios' ? 1 : 0)
  })

  test('an interceptor that runs later and wraps our adapter is not reported', async () => {
    const api = setup.axios.create({ baseURL: setup.server.origin, adapter: fake() })
    api.interceptors.request.use((config) => {
      const inner = config.adapter as AxiosAdapter
      return Object.assign(config, { adapter: (wire: InternalAxiosRequestConfig) => inner(wire) })
    })
    setup.bindAxios(api, createSender({ resources: [setup.server.origin] }))
    await api.get('/x')
    expect(seen).toEqual(['Bearer first'])
    expect(warn).not.toHaveBeenCalled()
  })

  test('a response interceptor that was there before and unwraps answers is not mistaken for that', async () => {
    const api = setup.axios.create({ baseURL: setup.server.origin, adapter: fake() })
    api.interceptors.response.use(() => null as never)
    setup.bindAxios(api, createSender({ resources: [setup.server.origin] }))
    expect(await api.get('/x')).toBeNull()
    expect(warn).not.toHaveBeenCalled()
  })

  test('binding a manager twice wraps once; each unbind undoes its own bind', async () => {
    const { api, tokens, unbind } = setup.bound({ config: { adapter: fake() } })
    const unbindAgain = setup.bindAxios(api, tokens)
    await api.get('/x')
    expect(tokens.targets).toHaveLength(1)
    unbind()
    await api.get('/x')
    expect(tokens.targets).toHaveLength(2)
    unbindAgain()
    unbindAgain()
    await api.get('/x')
    expect(tokens.targets).toHaveLength(2)
    expect(seen).toEqual(['Bearer first', 'Bearer first', undefined])
  })

  test('two managers on one instance each serve their own resource', async () => {
    const { api, tokens } = setup.bound({ config: { adapter: 'http' } })
    const others = createSender({ token: 'theirs', resources: [setup.other.origin] })
    setup.other.accepts = 'theirs'
    setup.bindAxios(api, others)
    expect((await api.get('/x')).status).toBe(200)
    expect((await api.get(`${setup.other.origin}/x`)).status).toBe(200)
    expect(tokens.refreshes + others.refreshes).toBe(0)
  })

  test.each([
    ['a text'],
    [undefined],
    [null],
    [42],
    [Object.freeze(new Error('frozen'))],
    [new TypeError('plain')],
    [{ message: ['odd'] }],
  ])('F98: what an adapter throws without response, request or config comes through unchanged (%s)', async (thrown) => {
    const { api } = setup.bound({
      config: {
        adapter: async () => {
          throw thrown as Error
        },
      },
    })
    expect(await failureOf(api.get('/x'))).toBe(thrown)
  })

  test('an answer with a `req` of its own is data, not the request of a stream', async () => {
    const data = { req: { id: 1 }, once: true }
    const answering: AxiosAdapter = (config) =>
      Promise.resolve({ status: 200, statusText: '', data, headers: {}, config })
    const { api } = setup.bound({ config: { adapter: answering } })
    expect((await api.get('/x')).data).toEqual({ req: { id: 1 }, once: true })
  })

  test('an adapter that throws at once rejects the request', async () => {
    const thrown = new Error('at once')
    const { api } = setup.bound({
      config: {
        adapter: () => {
          throw thrown
        },
      },
    })
    expect(await failureOf(api.get('/x'))).toBe(thrown)
  })

  test('the configs and answers that a passing-through adapter makes of ours are clean too', async () => {
    const { api } = setup.bound({
      config: {
        adapter: (config) =>
          setup.axios.request({ ...config, adapter: 'http', transformRequest: [], transformResponse: [] } as never),
      },
    })
    const response = await api.get('/x')
    expect(response.status).toBe(200)
    expect(JSON.stringify(response.config)).not.toContain('Bearer')
  })
})
