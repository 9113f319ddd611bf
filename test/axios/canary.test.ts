import { Readable } from 'node:stream'
import { beforeAll, afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { AxiosStatic } from 'axios'
import { createSender } from '../support/sender.ts'
import { placesOf } from '../support/canary.ts'
import { startEchoServer, type EchoServer } from '../support/echo-server.ts'
import { load, versions } from './versions.ts'

const SECRET = 'canary-5f2e9c'

describe.each(versions)('%s', (version) => {
  let axios: AxiosStatic
  let bindAxios: Awaited<ReturnType<typeof load>>['bindAxios']
  let server: EchoServer
  beforeAll(async () => {
    ;({ axios, bindAxios } = await load(version))
    server = await startEchoServer()
  })
  afterAll(() => server.close())
  beforeEach(() => {
    server.accepts = SECRET
    server.answer = undefined
  })

  describe.each(['http', 'fetch'])('the %s adapter', (adapter) => {
    function bound() {
      const api = axios.create({ baseURL: server.origin, adapter: adapter as 'http', timeout: 5_000 })
      const tokens = createSender({ token: SECRET, resources: [server.origin], refresh: () => `${SECRET}-2` })
      bindAxios(api, tokens)
      return { api, tokens }
    }

    test.each(['json', 'text', 'arraybuffer', 'blob', 'document', 'stream'] as const)(
      'F107: a response of type %s holds no credential',
      async (responseType) => {
        if (responseType === 'blob' && adapter === 'http') return
        const { api } = bound()
        const response = await api.get('/x', { responseType })
        expect(response.request).toBeTruthy()
        expect(placesOf(SECRET, response)).toEqual([])
        response.data?.destroy?.()
        await response.data?.cancel?.()
      },
    )

    test.each(['text', 'stream'] as const)(
      'F107: the error of an HTTP answer (%s) holds no credential',
      async (responseType) => {
        const { api } = bound()
        server.answer = (_request, response) => response.writeHead(500).end('no')
        const error = await api.post('/x', { a: 1 }, { responseType }).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ code: 'ERR_BAD_RESPONSE', status: 500, request: {} })
        expect(placesOf(SECRET, error)).toEqual([])
      },
    )

    test.each([200, 401, 500])(
      'F107: a stream that was sent, and answered with %d, leads to no credential',
      async (status) => {
        const { api } = bound()
        server.answer = (_request, response) => response.writeHead(status).end('x')
        const sent = Readable.from(['abc'])
        const found = await api.post('/x', sent).catch((reason: unknown) => reason)
        expect(server.received.at(-1)?.body.toString()).toBe('abc')
        expect(placesOf(SECRET, [found, sent])).toEqual([])
      },
    )

    test('F107: the error of a second refusal holds neither the first nor the second token', async () => {
      const { api } = bound()
      server.answer = (_request, response) => response.writeHead(401).end('no')
      const error = await api.post('/x', { a: 1 }).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ response: { status: 401 } })
      expect(placesOf(SECRET, error)).toEqual([])
    })

    test('F107: the error of a broken connection holds no credential', async () => {
      const { api } = bound()
      server.answer = (_request, response) => response.destroy()
      const error = await api.post('/x', { a: 1 }).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: expect.any(String), request: {} })
      expect(placesOf(SECRET, error)).toEqual([])
    })

    test('F107: the error of an answer that breaks off holds no credential', async () => {
      const { api } = bound()
      server.answer = (_request, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('abc')
        setTimeout(() => response.destroy(), 20)
      }
      const error = await api.get('/x').catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(Error)
      expect(placesOf(SECRET, error)).toEqual([])
    })

    test('F107: the error of too many redirects holds no credential', async () => {
      const { api } = bound()
      server.answer = (_request, response) => response.writeHead(302, { location: '/x' }).end()
      const error = await api.get('/x', { maxRedirects: 2 }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(Error)
      expect(placesOf(SECRET, error)).toEqual([])
    })

    test('F107: the errors of a timeout, an abort and an answer that is too long hold no credential', async () => {
      const { api } = bound()
      server.answer = () => {}
      const late = await api.get('/x', { timeout: 50 }).catch((reason: unknown) => reason)
      const controller = new AbortController()
      setTimeout(() => controller.abort(), 20)
      const aborted = await api.get('/x', { signal: controller.signal }).catch((reason: unknown) => reason)
      server.answer = (_request, response) => response.end('a'.repeat(100))
      const long = await api.get('/x', { maxContentLength: 10 }).catch((reason: unknown) => reason)
      expect(late).toMatchObject({ code: expect.stringMatching(/ECONNABORTED|ETIMEDOUT/) })
      expect(axios.isCancel(aborted)).toBe(true)
      for (const error of [late, aborted, long]) expect(placesOf(SECRET, error)).toEqual([])
    })

    test('F107: the error of a session that ends holds no credential', async () => {
      const { api, tokens } = bound()
      server.answer = () => tokens.endSession()
      const error = await api.get('/x').catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ERR_TOKEN', cause: { code: 'signed_out' } })
      expect(placesOf(SECRET, error)).toEqual([])
    })

    test('F117: the defaults of the instance never hold the token', async () => {
      const { api } = bound()
      await api.get('/x')
      expect(placesOf(SECRET, api.defaults)).toEqual([])
      expect(placesOf(SECRET, axios.defaults)).toEqual([])
    })
  })
})
