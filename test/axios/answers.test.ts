import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { failureOf, setUp } from './setup.ts'
import { versions } from './versions.ts'

describe.each(versions)('%s', (version) => {
  const setup = setUp(version)

  describe.each(['http', 'fetch'] as const)('the %s adapter', (adapter) => {
    test('a 401 that `validateStatus` accepts is refused all the same, and a second one comes as it is', async () => {
      const { api, tokens } = setup.bound({ config: { adapter, validateStatus: () => true } })
      setup.server.accepts = 'second'
      expect((await api.get('/x')).status).toBe(200)
      setup.server.accepts = 'none'
      expect((await api.get('/x')).status).toBe(401)
      expect(tokens.refreshes).toBe(2)
      expect(setup.server.received).toHaveLength(4)
    })

    test.each([
      ['json', { a: 1 }],
      ['text', '{"a":1}'],
      ['arraybuffer', Buffer.from('{"a":1}')],
      ['blob', new Blob(['{"a":1}'])],
      ['document', { a: 1 }],
      ['stream', undefined],
    ] as const)('an answer of type %s is the one of the second send', async (responseType, expected) => {
      if (responseType === 'blob' && adapter === 'http') return
      const { api } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      setup.server.answer = ({ headers }, response) => {
        if (headers.authorization !== 'Bearer second') return false
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
        return response.end(gzipSync('{"a":1}'))
      }
      const { data, request } = await api.get('/x', { responseType })
      expect(request).toBeTruthy()
      if (responseType === 'blob') expect(await (data as Blob).text()).toBe('{"a":1}')
      else if (responseType === 'arraybuffer') expect(Buffer.from(data as ArrayBuffer)).toEqual(expected)
      else if (responseType === 'document') expect(JSON.stringify(data)).toMatch(/a\W+1/)
      else if (expected) expect(data).toEqual(expected)
      else {
        let text = ''
        for await (const chunk of data as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString()
        expect(text).toBe('{"a":1}')
      }
    })

    test('the stream of a refused answer is released before the second send', async () => {
      const { api } = setup.bound({ config: { adapter } })
      const closed = new Promise<void>((resolve) => {
        setup.server.answer = ({ headers }, response) => {
          if (headers.authorization === 'Bearer second') return void response.end('good')
          response.on('close', resolve)
          response.writeHead(401).write('an endless body')
        }
      })
      const { data, config } = await api.get('/x', { responseType: 'stream' })
      let text = ''
      for await (const chunk of data as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString()
      expect(text).toBe('good')
      await closed
      await delay(5)
      expect(Object.keys(config)).not.toContain('signal')
    })

    test.each([[() => true], [undefined]])(
      'a step-up keeps the answer, also one that `validateStatus` accepts',
      async (validateStatus) => {
        const { api } = setup.bound({ config: { adapter, ...(validateStatus && { validateStatus }) } })
        setup.server.answer = (_request, response) => {
          response.writeHead(403, {
            'content-type': 'application/json',
            'www-authenticate': 'Bearer error="insufficient_scope", scope="pay"',
          })
          response.end('{"why":"scope"}')
        }
        const error = await failureOf(api.get('/x'))
        expect(error).toMatchObject({
          code: 'ERR_TOKEN',
          name: 'AxiosError',
          status: 403,
          cause: { code: 'insufficient_scope', scope: 'pay' },
          response: { status: 403, data: { why: 'scope' } },
        })
        expect((error as { request: unknown }).request).toBeTruthy()
      },
    )
  })

  test('`refused` sees status, headers and parsed data, and an answer that it names is refused', async () => {
    const refused = vi.fn(({ data }: { data: unknown }) => JSON.stringify(data).includes('UNAUTHENTICATED'))
    const { api, tokens } = setup.bound({ refused })
    setup.server.answer = ({ headers }, response) => {
      const error = headers.authorization === 'Bearer second' ? 'none' : 'UNAUTHENTICATED'
      response.writeHead(200, { 'x-kind': 'graphql', 'content-type': 'application/json' })
      response.end(JSON.stringify({ errors: [{ extensions: { code: error } }] }))
    }
    const { data } = await api.post('/graphql', { query: '{ me }' })
    expect(data).toEqual({ errors: [{ extensions: { code: 'none' } }] })
    expect(tokens.refreshes).toBe(1)
    expect(refused.mock.calls[0]?.[0]).toMatchObject({
      status: 200,
      headers: { 'x-kind': 'graphql' },
      data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    })
  })

  test('what is no token manager, or a `refused` that is no function, is a TypeError that names the cure', () => {
    const { api, tokens } = setup.bound()
    expect(() => setup.bindAxios(api, undefined as never)).toThrow(
      /^bindAxios needs what createTokenManager returns\.$/,
    )
    expect(() => setup.bindAxios(api, tokens, { refused: 419 as never })).toThrow(/refused must be a function/)
    expect(() => setup.bindAxios(api, {} as never)).toThrow(TypeError)
  })

  test('an exception of `refused` counts as no, and an answer that is no JSON is handed over as text', async () => {
    const refused = vi.fn((): boolean => {
      throw new Error('a bug of the application')
    })
    const { api } = setup.bound({ refused })
    setup.server.answer = (_request, response) => response.end('plain')
    expect((await api.get('/x')).data).toBe('plain')
    expect(refused).toHaveBeenCalledWith(expect.objectContaining({ data: 'plain' }))
  })

  test('sixty requests at once through one session each get their answer', async () => {
    const { api } = setup.bound({ config: { adapter: 'http' } })
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => api.get(`/${n}`)))
    expect(answers.map(({ data }) => (data as { url: string }).url)).toEqual(answers.map((_, n) => `/${n}`))
  })
})
