import { tokenErrorOf } from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import { describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { axiosAdapters, clients, failureOf, openStage, tokenFailureOf, type Stage } from './stage.ts'

const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251)
const file = new File([bytes], 'naïve "photo".png', { type: 'image/png' })

function form(): FormData {
  const data = new FormData()
  data.append('name', 'Ada Lovelace, ü')
  data.append('photo', file)
  data.append('empty', '')
  return data
}

const json = { 'Content-Type': 'application/json' }
/** Adds nothing of its own: what a body is without a word about it. */
const bodies: readonly [what: string, body: BodyInit, headers?: Record<string, string>][] = [
  ['JSON', '{"a":1,"text":"ü€😀"}', json],
  ['a Blob', new Blob(['blob ü'], { type: 'text/csv' })],
  ['a File', file],
  ['a Uint8Array', bytes, { 'Content-Type': 'application/octet-stream' }],
  ['URLSearchParams', new URLSearchParams({ a: '1 2', b: 'ü&=' })],
]

describe.each(clients)('%s', (name) => {
  test.each(bodies)('F94: %s is sent again byte for byte, with the same headers', async (_what, body, headers = {}) => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    await lab.revokeAccessTokens()
    const reply = await client(name)('/upload?q=1', { method: 'POST', body, headers: { 'X-Own': 'kept', ...headers } })
    expect(reply.status).toBe(201)
    const wanted = await sha256(body)
    expect(reply.data).toMatchObject({ sha256: wanted })
    const [first, second, ...more] = await lab.calls('/upload')
    expect(more).toEqual([])
    expect(first).toMatchObject({ status: 401, sha256: wanted, method: 'POST', path: '/upload?q=1' })
    expect(second).toEqual({ ...first, status: 201, presented: second?.presented })
    expect(second?.presented).not.toBe(first?.presented)
    expect(second?.headers).toMatchObject({ 'x-own': 'kept' })
    expect(await lab.count('refresh')).toBe(1)
  })

  test('F94: a FormData with a File is sent again with the same parts', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    await lab.revokeAccessTokens()
    const { status, data } = await client(name)('/upload', { method: 'POST', body: form() })
    expect(status).toBe(201)
    expect((data as { parts: unknown }).parts).toEqual([
      { name: 'name', value: 'Ada Lovelace, ü' },
      { name: 'photo', filename: file.name, type: 'image/png', sha256: await sha256(bytes) },
      { name: 'empty', value: '' },
    ])
    const [first, second, ...more] = await lab.calls('/upload')
    expect(more).toEqual([])
    expect([second?.sha256, second?.bytes]).toEqual([first?.sha256, first?.bytes])
    expect(first?.bytes).toBeGreaterThan(bytes.length)
    expect(second?.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/)
  })

  test('F96: a POST whose connection breaks off is not sent again', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    // Not before the answer begins: a browser itself sends again what got no byte of an answer on a used connection.
    await lab.next('api', '/upload', fault.cutAnswer())
    await expect(client(name)('/upload', { method: 'POST', body: 'x' })).rejects.toThrow(/network|fetch/i)
    expect(await lab.calls('/upload')).toHaveLength(1)
    expect(await lab.count('refresh')).toBe(0)
  })
})

describe.each(axiosAdapters)('axios with the %s adapter', (adapter) => {
  test('F94: an object is made JSON once and sent again as it is', async () => {
    const { lab, signIn, axios } = await openStage()
    await signIn()
    await lab.revokeAccessTokens()
    const transformed: unknown[] = []
    const api = axios(adapter, {
      transformRequest: (data: unknown, headers) => {
        transformed.push(data)
        headers.setContentType('application/json')
        return JSON.stringify(data)
      },
    })
    const body = { a: 1, nested: ['ü'] }
    const { data } = await api.post<{ sha256: string; contentType: string }>('/upload', body)
    expect(data).toMatchObject({ sha256: await sha256(JSON.stringify(body)), contentType: 'application/json' })
    expect(transformed).toEqual([body])
    const [first, second] = await lab.calls('/upload')
    expect(second).toEqual({ ...first, status: 201, presented: second?.presented })
  })

  test('F94: an object is made a form once (postForm) and its parts are sent again', async () => {
    const { lab, signIn, axios } = await openStage()
    await signIn()
    await lab.revokeAccessTokens()
    const { data } = await axios(adapter).postForm<{ parts: unknown }>('/upload', { a: 1, photo: file })
    expect(data.parts).toEqual([
      { name: 'a', value: '1' },
      { name: 'photo', filename: file.name, type: 'image/png', sha256: await sha256(bytes) },
    ])
    const [first, second] = await lab.calls('/upload')
    expect([second?.sha256, second?.bytes]).toEqual([first?.sha256, first?.bytes])
  })
})

describe('a stream, over HTTP/2', () => {
  /** Sends `chunks` and tells how many of them were asked for. */
  function stream(chunks: readonly string[]): { body: ReadableStream<Uint8Array>; taken(): number } {
    let taken = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const chunk = chunks[taken++]
          if (chunk === undefined) controller.close()
          else controller.enqueue(new TextEncoder().encode(chunk))
        },
      },
      { highWaterMark: 0 },
    )
    return { body, taken: () => taken }
  }

  const init = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, duplex: 'half' } as const

  test('fetch sends it once with a good token', async () => {
    const { lab, signIn, tokens, origin } = await openStreams()
    await signIn()
    const response = await createFetch(tokens)(`${origin}/upload`, {
      ...init,
      body: stream(['a', 'b', 'c']).body,
    })
    expect(await response.json()).toMatchObject({ sha256: await sha256('abc'), bytes: 3 })
    expect(await lab.calls('/upload')).toHaveLength(1)
  })

  test.each(['a stream', 'a Request made of one'])(
    'F93: fetch refuses to send %s again; the next request carries a new token',
    async (what) => {
      const { lab, signIn, tokens, origin } = await openStreams()
      await signIn()
      await lab.revokeAccessTokens()
      const request = createFetch(tokens)
      const options = { ...init, body: stream(['a', 'b', 'c']).body } as RequestInit
      const url = `${origin}/upload`
      const sent = what === 'a stream' ? request(url, options) : request(new Request(url, options))
      const error = await tokenFailureOf(sent)
      expect(error).toMatchObject({ code: 'not_retryable', transient: false })
      expect(await lab.calls('/upload')).toMatchObject([{ status: 401, bytes: 3 }])
      expect(await lab.count('refresh')).toBe(1)
      expect((await request(`${origin}/me`)).status).toBe(200)
      expect(await lab.count('refresh')).toBe(1)
    },
  )

  test('F93: axios with the fetch adapter refuses to send it again; the next request carries a new token', async () => {
    const { lab, signIn, axios, origin } = await openStreams()
    await signIn()
    await lab.revokeAccessTokens()
    const api = axios('fetch', { baseURL: origin })
    const failure = await failureOf(api.post('/upload', stream(['a', 'b', 'c']).body, { headers: init.headers }))
    expect(failure).toMatchObject({ name: 'AxiosError', code: 'ERR_TOKEN', response: { status: 401 } })
    expect(tokenErrorOf(failure)?.code).toBe('not_retryable')
    expect(await lab.calls('/upload')).toMatchObject([{ status: 401, bytes: 3 }])
    expect((await api.get('/me')).status).toBe(200)
    expect(await lab.count('refresh')).toBe(1)
  })

  test('a Request with a body of bytes is sent again', async () => {
    const { lab, signIn, tokens, origin } = await openStreams()
    await signIn()
    await lab.revokeAccessTokens()
    const request = new Request(`${origin}/upload`, { method: 'PUT', body: bytes })
    expect((await createFetch(tokens)(request)).status).toBe(201)
    const [first, second] = await lab.calls('/upload')
    expect([first?.sha256, second?.sha256]).toEqual([await sha256(bytes), await sha256(bytes)])
  })

  async function openStreams(): Promise<Stage & { readonly origin: string }> {
    let origin = ''
    const stage = await openStage({ resources: async (lab) => [(origin = await lab.http2())] })
    return { ...stage, origin }
  }
})

async function sha256(body: BodyInit): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await new Response(body).arrayBuffer())
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}
