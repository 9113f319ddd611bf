import axios from 'axios'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bindAxios } from '../../src/axios/index.ts'
import { startEchoServer, type EchoServer } from '../support/echo-server.ts'
import { createSender } from '../support/sender.ts'

describe('the xhr adapter', () => {
  let server: EchoServer
  let other: EchoServer
  beforeAll(async () => {
    server = await startEchoServer({ cors: true })
    other = await startEchoServer({ cors: true })
  })
  afterAll(() => Promise.all([server.close(), other.close()]))
  beforeEach(() => {
    for (const each of [server, other]) {
      Object.assign(each, { accepts: 'first', answer: undefined })
      each.received.length = 0
    }
  })

  function bound() {
    const api = axios.create({ baseURL: server.origin, adapter: 'xhr' })
    const tokens = createSender({ resources: [server.origin] })
    bindAxios(api, tokens)
    return { api, tokens }
  }
  const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => {
        throw new Error('it did not reject')
      },
      (reason: unknown) => reason,
    )

  test('a request carries the token; its XMLHttpRequest is handed back, its config is clean', async () => {
    const { api } = bound()
    const { status, request, config } = await api.get('/x')
    expect(status).toBe(200)
    expect(request).toBeInstanceOf(XMLHttpRequest)
    expect(config.headers.has('Authorization')).toBe(false)
    expect(Object.keys(config)).not.toContain('signal')
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer first'])
  })

  test.each([
    ['a JSON object', { a: 1 }],
    ['URLSearchParams', new URLSearchParams({ a: '1 2' })],
    ['a Uint8Array', new Uint8Array([0, 1, 255])],
    ['a Blob', new Blob(['blob'], { type: 'text/csv' })],
  ])('F94: %s is sent twice, byte for byte, with the same headers', async (_what, body) => {
    const { api } = bound()
    server.accepts = 'second'
    await api.post('/upload', body, { headers: { 'X-Own': 'kept' } })
    const [first, second, ...more] = server.received
    expect(more).toEqual([])
    expect(first?.body.length).toBeGreaterThan(0)
    expect(second?.body).toEqual(first?.body)
    expect({ ...second, headers: { ...second?.headers, authorization: 'Bearer first' } }).toEqual(first)
  })

  test('F94: a FormData is sent twice with the same parts', async () => {
    const { api } = bound()
    server.accepts = 'second'
    const body = new FormData()
    body.append('a', 'Ada Lovelace')
    await api.post('/upload', body)
    const [first, second] = server.received.map((each) => each.body.toString())
    const parts = (text = ''): string[] => text.split(text.slice(0, text.indexOf('\r\n')))
    expect(parts(second)).toEqual(parts(first))
    expect(second).toContain('Ada Lovelace')
  })

  test.each(['json', 'text', 'arraybuffer', 'blob', 'document'] as const)(
    'an answer of type %s arrives',
    async (responseType) => {
      const { api } = bound()
      server.accepts = 'second'
      const { status, data } = await api.get('/x', { responseType })
      expect([status, data !== undefined]).toEqual([200, true])
    },
  )

  test('an absolute URL of another origin gets no token', async () => {
    const { api } = bound()
    await failureOf(api.get(`${other.origin}/steal`))
    await failureOf(api.get(`//${other.origin.slice('http://'.length)}/steal`))
    expect(other.received.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  test('F97: abort, cancelToken and timeout in flight stay what axios makes of them', async () => {
    const { api } = bound()
    server.answer = () => {}
    const controller = new AbortController()
    const { token, cancel } = axios.CancelToken.source()
    const failures = [
      failureOf(api.get('/x', { signal: controller.signal })),
      failureOf(api.get('/x', { cancelToken: token })),
      failureOf(api.get('/x', { timeout: 40 })),
    ]
    setTimeout(() => {
      controller.abort()
      cancel('enough')
    }, 20)
    const [bySignal, byToken, byTime] = await Promise.all(failures)
    expect(bySignal).toMatchObject({ code: 'ERR_CANCELED' })
    expect(byToken).toBe(token.reason)
    expect(byTime).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 40ms exceeded' })
  })

  test('a session that ends cuts the request off with a typed error', async () => {
    const { api, tokens } = bound()
    server.answer = () => tokens.endSession()
    expect(await failureOf(api.get('/x'))).toMatchObject({ code: 'ERR_TOKEN', cause: { code: 'signed_out' } })
  })

  test('progress is reported for an upload that is sent twice', async () => {
    const { api } = bound()
    server.accepts = 'second'
    let loaded = 0
    await api.post('/upload', 'x'.repeat(5_000), { onUploadProgress: (event) => (loaded = event.loaded) })
    expect(loaded).toBe(5_000)
    // What an earlier test has aborted may still arrive.
    const uploads = server.received.filter(({ url }) => url === '/upload')
    expect(uploads.map(({ body }) => body.length)).toEqual([5_000, 5_000])
  })
})
