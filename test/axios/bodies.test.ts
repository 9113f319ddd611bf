import { Readable } from 'node:stream'
import { ReadableStream as WebStream } from 'node:stream/web'
import { describe, expect, test } from 'vitest'
import { failureOf, setUp } from './setup.ts'
import { versions } from './versions.ts'

const form = (): FormData => {
  const data = new FormData()
  data.append('name', 'Ada Lovelace')
  data.append('file', new Blob([Buffer.from('\0\x01binary\xff', 'latin1')], { type: 'image/png' }), 'a.png')
  return data
}
const bytes = new Uint8Array([0, 1, 2, 250, 251, 252])

/** Parts of a multipart body, without the boundary that each send may choose anew. */
const partsOf = (body: Buffer): string[] => {
  const text = body.toString('latin1')
  const boundary = text.slice(0, text.indexOf('\r\n'))
  return text.split(boundary)
}

describe.each(versions)('%s', (version) => {
  const setup = setUp(version)

  describe.each(['http', 'fetch'] as const)('the %s adapter', (adapter) => {
    test.each([
      ['a JSON object', { a: 1, nested: ['ü'] }],
      ['a JSON text', '{"a":1}'],
      ['a text', 'plain ü'],
      ['URLSearchParams', new URLSearchParams({ a: '1 2', b: 'ü' })],
      ['a Blob', new Blob(['blob ü'], { type: 'text/csv' })],
      ['a Uint8Array', bytes],
      ['an ArrayBuffer', bytes.buffer],
      ['a Buffer', Buffer.from('buffer')],
      ['nothing', undefined],
    ])('F94: %s is sent twice, byte for byte, with the same headers', async (_what, body) => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      const response = await api.post('/upload?q=1', body, { headers: { 'X-Own': 'kept' } })
      expect(response.status).toBe(200)
      const [first, second, ...more] = setup.server.received
      expect(more).toEqual([])
      expect(second?.body).toEqual(first?.body)
      expect(first?.body.length).toBeGreaterThanOrEqual(body === undefined ? 0 : 1)
      expect({ ...second, headers: { ...second?.headers, authorization: 'Bearer first' } }).toEqual(first)
      expect(second?.headers).toMatchObject({ authorization: 'Bearer second', 'x-own': 'kept' })
    })

    test('F94: a FormData is sent twice with the same parts', async () => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      await api.post('/upload', form())
      const [first, second] = setup.server.received
      // Outside browsers axios' fetch adapter mislabels every form, with and without us.
      if (adapter === 'http') expect(first?.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/)
      expect(first?.body.length).toBeGreaterThan(200)
      expect(partsOf(second?.body as Buffer)).toEqual(partsOf(first?.body as Buffer))
      expect(second?.headers['content-length']).toBe(first?.headers['content-length'])
      expect(second?.body.toString('latin1')).toContain('binary\xff')
    })

    test('F94: postForm and a URL-encoded object are sent twice as they are', async () => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
      await api.put('/upload', { a: 1, b: 'x y' }, { headers })
      const [first, second] = setup.server.received
      expect(first?.body.toString()).toBe('a=1&b=x%20y'.replace('%20', first?.body.includes('+') ? '+' : '%20'))
      expect(second?.body).toEqual(first?.body)
      expect(second?.headers['content-type']).toBe(first?.headers['content-type'])
    })

    test.each([
      ['a Node stream', () => Readable.from(['spent']), ['http']],
      ['a ReadableStream', () => new Blob(['spent']).stream(), ['fetch']],
      ['a web stream of Node', () => WebStream.from([Buffer.from('spent')]), ['fetch']],
    ])('F93: %s is sent once; the token is new for the next request', async (_what, make, adapters) => {
      if (!adapters.includes(adapter)) return
      const { api, tokens } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      const error = await failureOf(api.post('/upload', make(), { maxRedirects: 0 }))
      expect(error).toMatchObject({ code: 'ERR_TOKEN', cause: { code: 'not_retryable' }, response: { status: 401 } })
      expect(setup.server.received.map(({ body }) => body.toString())).toEqual(['spent'])
      await api.get('/next')
      expect(tokens.refreshes).toBe(1)
    })
  })

  test('F93: a form of the form-data package is a stream, and is sent once', async () => {
    const { api } = setup.bound({ config: { adapter: 'http' } })
    setup.server.accepts = 'second'
    const data = setup.axios.toFormData({ a: '1' })
    expect(data).toHaveProperty('getHeaders')
    expect(await failureOf(api.post('/upload', data))).toMatchObject({ cause: { code: 'not_retryable' } })
    expect(setup.server.received).toHaveLength(1)
  })

  test('F96: a POST whose connection breaks is not sent again', async () => {
    const { api } = setup.bound({ config: { adapter: 'http' } })
    setup.server.answer = (_request, response) => response.destroy()
    expect(await failureOf(api.post('/upload', { a: 1 }))).toMatchObject({ code: 'ECONNRESET' })
    expect(setup.server.received).toHaveLength(1)
  })

  test('F96: with `retry: false` a refused POST is not sent again', async () => {
    const { api, tokens } = setup.bound({ config: { adapter: 'http' } })
    setup.server.accepts = 'second'
    const error = await failureOf(api.post('/upload', { a: 1 }, { tokens: { retry: false } }))
    expect(error).toMatchObject({ response: { status: 401 } })
    expect(setup.server.received).toHaveLength(1)
    expect(tokens.targets).toMatchObject([{ retry: false, method: 'POST' }])
  })

  test('F95: interceptors and transforms run once for two sends', async () => {
    const { api } = setup.bound({ config: { adapter: 'http' } })
    setup.server.accepts = 'second'
    const ran: string[] = []
    api.interceptors.request.use((config) => (ran.push('request'), config))
    api.interceptors.response.use((response) => (ran.push('response'), response))
    const { data } = await api.post(
      '/a',
      { n: 1 },
      {
        transformRequest: (body: unknown) => (ran.push('transformRequest'), JSON.stringify(body)),
        transformResponse: (body: string) => (ran.push('transformResponse'), JSON.parse(body) as unknown),
      },
    )
    expect(ran).toEqual(['request', 'transformRequest', 'transformResponse', 'response'])
    expect(data).toMatchObject({ url: '/a', body: '{"n":1}' })
    expect(setup.server.received.map(({ url }) => url)).toEqual(['/a', '/a'])
  })

  test('F99: three refusals in a row are answered with three refreshes', async () => {
    const { api, tokens } = setup.bound({ sender: { refresh: () => `token-${tokens.refreshes}` } })
    for (const n of [1, 2, 3]) {
      setup.server.accepts = `token-${n}`
      expect((await api.get('/x')).status).toBe(200)
      expect(tokens.refreshes).toBe(n)
    }
  })

  test.each(['http', 'fetch'] as const)(
    'progress is reported for both sends through the %s adapter',
    async (adapter) => {
      const { api } = setup.bound({ config: { adapter } })
      setup.server.accepts = 'second'
      const loaded = { up: 0, down: 0 }
      await api.post('/upload', 'x'.repeat(10_000), {
        onUploadProgress: (event) => (loaded.up = event.loaded),
        onDownloadProgress: (event) => (loaded.down = event.loaded),
      })
      expect(setup.server.received.map(({ body }) => body.length)).toEqual([10_000, 10_000])
      await expect.poll(() => loaded.up).toBe(10_000)
      expect(loaded.down).toBeGreaterThan(10_000)
    },
  )
})
