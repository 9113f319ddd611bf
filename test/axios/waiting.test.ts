import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, setUp } from './setup.ts'
import { versions } from './versions.ts'

const never = new Promise<never>(() => {})

describe.each(versions)('%s', (version) => {
  const setup = setUp(version)

  test('with a synchronous chain the transport is called in the same task', () => {
    const adapter = vi.fn(() => never)
    const { api } = setup.bound({ config: { adapter } })
    void api.get('/x')
    expect(adapter).toHaveBeenCalledOnce()
  })

  test.each([
    [{}, 'ECONNABORTED', 'timeout of 60ms exceeded'],
    [{ transitional: { clarifyTimeoutError: true } }, 'ETIMEDOUT', 'timeout of 60ms exceeded'],
    [{ timeoutErrorMessage: 'too slow' }, 'ECONNABORTED', 'too slow'],
  ])('F97: the timeout covers the wait for a token (%j)', async (config, code, message) => {
    const { api, tokens } = setup.bound()
    tokens.waitFor = never
    const error = await failureOf(api.get('/x', { timeout: 60, ...config }))
    expect(error).toMatchObject({ name: 'AxiosError', code, message, isAxiosError: true })
    expect(error).not.toHaveProperty('response')
    expect(setup.server.received).toEqual([])
  })

  test.each([
    ['http', {}, /^timeout of 500ms exceeded$/],
    ['http', { timeoutErrorMessage: 'too slow' }, /^too slow$/],
    // Axios 1.8 puts the words of its fetch adapter in an order of its own.
    ['fetch', {}, /^timeout (of 500ms|500 of ms) exceeded$/],
  ] as const)(
    'F97: after a wait the %s adapter gets what is left of the timeout, and names the whole (%j)',
    async (adapter, config, message) => {
      const { api, tokens } = setup.bound({ config: { adapter, ...config } })
      tokens.waitFor = delay(400)
      setup.server.answer = () => {}
      const startedAt = performance.now()
      const error = (await failureOf(api.get('/x', { timeout: 500 }))) as { config: object }
      const code = adapter === 'http' ? 'ECONNABORTED' : 'ETIMEDOUT'
      expect(error).toMatchObject({ code, message: expect.stringMatching(message), config: { timeout: 500 } })
      // With the whole of it after the wait it would be 900.
      expect(performance.now() - startedAt).toBeLessThan(850)
      expect(error.config).toEqual(expect.objectContaining(config))
    },
  )

  test.each(['http', 'fetch'] as const)('a timeout that is a text is one for the %s adapter too', async (adapter) => {
    const { api, tokens } = setup.bound({ config: { adapter } })
    const timeout = '5000' as unknown as number
    const { status, config } = await api.get('/x', { timeout })
    expect([status, config.timeout]).toEqual([200, timeout])
    tokens.waitFor = never
    const error = await failureOf(api.get('/x', { timeout: '60' as unknown as number }))
    expect(error).toMatchObject({
      code: 'ECONNABORTED',
      message: 'timeout of 60ms exceeded',
      config: { timeout: '60' },
    })
  })

  test('a timeout of the refresh that is not the timeout of the request is a failure of ours', async () => {
    const { TokenError } = await import('../../src/errors.ts')
    const { api, tokens } = setup.bound()
    tokens.waitFor = Promise.reject(new TokenError('timeout', 'no answer came in time', { transient: true }))
    expect(await failureOf(api.get('/x', { timeout: 5_000 }))).toMatchObject({
      code: 'ERR_TOKEN',
      cause: { code: 'timeout', transient: true },
    })
  })

  test('F97: an abort while the request waits rejects at once as axios does, and nothing is sent', async () => {
    const { api, tokens } = setup.bound()
    tokens.waitFor = never
    const controller = new AbortController()
    const failure = failureOf(api.get('/x', { signal: controller.signal }))
    await delay(10)
    controller.abort()
    const error = await failure
    expect(setup.axios.isCancel(error)).toBe(true)
    expect(error).toMatchObject({ name: 'CanceledError', code: 'ERR_CANCELED', message: 'canceled' })
    expect(setup.server.received).toEqual([])
  })

  test('F97: a cancelToken ends the wait with its own reason, and keeps no listener', async () => {
    const { api, tokens } = setup.bound()
    tokens.waitFor = never
    const { token, cancel } = setup.axios.CancelToken.source()
    const failure = failureOf(api.get('/x', { cancelToken: token, signal: new AbortController().signal }))
    await delay(10)
    cancel('changed my mind')
    expect(await failure).toBe(token.reason)
    expect(token.reason).toMatchObject({ message: 'changed my mind' })

    tokens.waitFor = undefined
    const other = setup.axios.CancelToken.source()
    await api.get('/x', { cancelToken: other.token })
    expect((other.token as { _listeners?: unknown[] })._listeners ?? []).toEqual([])
  })

  describe.each(['http', 'fetch'] as const)('the %s adapter', (adapter) => {
    test('F97: an abort in flight stays what axios makes of it', async () => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.answer = () => {}
      const controller = new AbortController()
      const { token, cancel } = setup.axios.CancelToken.source()
      const failures = [
        failureOf(api.get('/x', { signal: controller.signal })),
        failureOf(api.get('/x', { cancelToken: token })),
      ]
      await delay(30)
      controller.abort()
      cancel('enough')
      const [bySignal, byToken] = await Promise.all(failures)
      expect(setup.axios.isCancel(bySignal)).toBe(true)
      expect((bySignal as { config: object }).config).toMatchObject({ signal: controller.signal })
      expect(byToken).toMatchObject({ message: 'enough', code: 'ERR_CANCELED' })
    })

    test('a session that ends cuts the request off with a typed error and a clean config', async () => {
      const { api, tokens } = setup.bound({ config: { adapter } })
      const closed = new Promise<void>((resolve) => {
        setup.server.answer = (_request, response) => {
          response.on('close', resolve)
          setTimeout(() => tokens.endSession(), 20)
        }
      })
      const controller = new AbortController()
      const error = (await failureOf(api.get('/x', { signal: controller.signal }))) as { config: { headers: object } }
      expect(error).toMatchObject({
        code: 'ERR_TOKEN',
        cause: { code: 'signed_out' },
        config: { signal: controller.signal },
      })
      expect(setup.axios.isCancel(error)).toBe(false)
      expect(JSON.stringify(error.config.headers)).not.toContain('first')
      await closed
    })

    test('what was lent to the config is taken back', async () => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      const { config } = await api.get('/x', { timeout: 5_000 })
      expect(config).toMatchObject({ timeout: 5_000 })
      expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['signal']))
      expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['beforeRedirect']))
      expect(config.headers.has('Authorization')).toBe(false)
    })

    test('the caller can still abort a body that streams after the answer', async () => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.answer = (_request, response) => void response.writeHead(200).write('abc')
      const controller = new AbortController()
      const { data, config } = await api.get('/x', { responseType: 'stream', signal: controller.signal })
      setTimeout(() => controller.abort(), 20)
      await expect(
        (async () => {
          for await (const chunk of data as AsyncIterable<unknown>) expect(chunk).toBeDefined()
        })(),
      ).rejects.toThrow()
      await delay(0)
      expect(config.signal).toBe(controller.signal)
    })
  })

  test('F157: a thousand requests leave no listener on the signals of session and caller', async () => {
    const added = vi.spyOn(EventTarget.prototype, 'addEventListener')
    const removed = vi.spyOn(EventTarget.prototype, 'removeEventListener')
    const { api } = setup.bound({
      config: {
        adapter: (config) => {
          const listener = (): void => {}
          config.signal?.addEventListener?.('abort', listener)
          config.signal?.removeEventListener?.('abort', listener)
          return Promise.resolve({ status: 200, statusText: 'OK', data: '', headers: {}, config })
        },
      },
    })
    const any = vi.spyOn(AbortSignal, 'any').mockImplementation(() => {
      throw new TypeError('an old browser')
    })
    const { signal } = new AbortController()
    for (let n = 0; n < 1_000; n++) await api.get('/x', n % 2 ? { signal } : {})
    // The stand-in adds listeners with a signal of their own, which removes them.
    const lasting = added.mock.calls.filter(([, , options]) => !(options as { signal?: unknown } | undefined)?.signal)
    expect(removed.mock.calls.length).toBe(lasting.length)
    for (const spy of [added, removed, any]) spy.mockRestore()
  })
})
