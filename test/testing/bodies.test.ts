import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import axios from 'axios'
import { createRecorder, type Har, type RecorderOptions } from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { problemsOfHar } from './har-validator.ts'

const secret = 'Zq8+tok/en==.and-more'
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function serve(handle: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => handle(request, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What is recorded of requests that carry `secret` as a token. */
async function record(
  work: (request: typeof fetch, origin: string) => Promise<unknown>,
  handle: RequestListener = (_, response) => response.end(),
  options: RecorderOptions = {},
): Promise<Har> {
  const origin = await serve(handle)
  const recorder = createRecorder(options)
  recorder.learn(secret, 'access')
  await work(recorder.wrapFetch(fetch), origin)
  await recorder.settled()
  const har = recorder.toHar()
  expect(await problemsOfHar(har)).toEqual([])
  return har
}

const post =
  (body: unknown, headers = {}) =>
  async (request: typeof fetch, origin: string) =>
    request(origin, { method: 'POST', body: body as BodyInit, headers })
const sentIn = (har: Har): unknown => har.log.entries[0]?.request.postData
const answeredIn = (har: Har): unknown => har.log.entries[0]?.response.content

describe('what is sent', () => {
  const form = new FormData()
  form.append('token', secret)
  form.append('note', new File([`a file with ${secret} in it`], `${secret}.txt`, { type: 'text/plain' }))
  form.append('image', new File([new Uint8Array([0, 1, 2, 255])], 'a.png', { type: 'image/png' }))

  test.each<[string, () => unknown, unknown]>([
    [
      'a form',
      () => new URLSearchParams({ token: secret, a: 'b c' }),
      { mimeType: 'application/x-www-form-urlencoded;charset=UTF-8', text: 'token={{access_p1_1}}&a=b+c' },
    ],
    [
      'a multipart form, with files',
      () => form,
      {
        mimeType: 'multipart/form-data',
        params: [
          { name: 'token', value: '{{access_p1_1}}' },
          {
            name: 'note',
            fileName: '{{access_p1_1}}.txt',
            contentType: 'text/plain',
            value: 'a file with {{access_p1_1}} in it',
          },
          { name: 'image', fileName: 'a.png', contentType: 'image/png' },
        ],
      },
    ],
    [
      'bytes of text',
      () => new TextEncoder().encode(`x ${secret}`),
      { mimeType: 'text/plain;charset=UTF-8', text: 'x {{access_p1_1}}' },
    ],
    [
      'a blob of text',
      () => new Blob([`x ${secret}`], { type: 'text/css' }),
      { mimeType: 'text/css', text: 'x {{access_p1_1}}' },
    ],
    [
      'gzip of text',
      () => gzipSync(`x ${secret}`),
      { mimeType: 'text/plain;charset=UTF-8', text: 'x {{access_p1_1}}' },
    ],
    [
      'bytes',
      () => new Uint8Array([0, 1, 255]).buffer,
      { mimeType: 'text/plain;charset=UTF-8', text: 'AAH/', _encoding: 'base64' },
    ],
    [
      'bytes with a secret in them',
      () => Buffer.concat([Buffer.from([0, 1, 255]), Buffer.from(secret)]),
      { mimeType: 'text/plain;charset=UTF-8', _omitted: 'secret' },
    ],
    [
      'UTF-16 with a secret in it',
      () => Buffer.concat([Buffer.from([0, 1, 255]), Buffer.from(secret, 'utf16le')]),
      { mimeType: 'text/plain;charset=UTF-8', _omitted: 'secret' },
    ],
  ])('%s', async (_, body, expected) => {
    expect(sentIn(await record(post(body())))).toEqual(expected)
  })

  test('a stream is left to who made it', async () => {
    const stream = new Blob(['abc']).stream()
    const har = await record(async (request, origin) =>
      request(origin, { method: 'POST', body: stream, duplex: 'half' } as RequestInit),
    )
    expect(sentIn(har)).toEqual({ mimeType: 'text/plain;charset=UTF-8', _omitted: 'stream' })
  })

  test('a request object, whose body is still there for the server', async () => {
    let length = ''
    const har = await record(
      async (request, origin) => request(new Request(origin, { method: 'PUT', body: JSON.stringify({ secret }) })),
      ({ headers }, response) => {
        length = headers['content-length'] ?? headers['transfer-encoding'] ?? ''
        response.end()
      },
    )
    expect(har.log.entries[0]?.request).toMatchObject({
      method: 'PUT',
      postData: { text: '{"secret":"{{access_p1_1}}"}' },
    })
    expect(length).not.toBe('')
  })
})

describe('what is answered', () => {
  test('a secret that comes in pieces, echoed in headers, and escaped in JSON', async () => {
    const har = await record(
      async (request, origin) => (await request(origin)).text(),
      (_, response) => {
        response.setHeader('X-Echo', `Bearer ${secret}`)
        response.setHeader('Content-Type', 'application/json')
        const text = JSON.stringify({ echo: secret, inner: JSON.stringify({ secret }) }).replaceAll('/', '\\/')
        response.write(text.slice(0, 15))
        setTimeout(() => response.end(text.slice(15)), 5)
      },
    )
    expect(har.log.entries[0]?.response.headers).toContainEqual({ name: 'x-echo', value: 'Bearer {{access_p1_1}}' })
    expect(answeredIn(har)).toMatchObject({
      text: '{"echo":"{{access_p1_1}}","inner":"{\\"secret\\":\\"{{access_p1_1}}\\"}"}',
    })
  })

  test('gzip that the platform has unpacked, in another charset', async () => {
    const har = await record(
      async (request, origin) => (await request(origin)).text(),
      (_, response) => {
        response.setHeader('Content-Encoding', 'gzip')
        response.setHeader('Content-Type', 'text/plain; charset=iso-8859-1')
        response.end(gzipSync(Buffer.from(`é ${secret}`, 'latin1')))
      },
    )
    expect(answeredIn(har)).toMatchObject({ text: 'é {{access_p1_1}}' })
  })

  test('what is too large, an endless stream, bytes: the recording says so, and the application has all of it', async () => {
    const big = 'x'.repeat(5_000)
    let received = ''
    const large = await record(
      async (request, origin) => (received = await (await request(origin)).text()),
      (_, response) => response.write(big) && response.end(),
      { maxBodyBytes: 1_000 },
    )
    expect(received).toBe(big)
    expect(answeredIn(large)).toMatchObject({ _omitted: 'too-large' })
    expect(answeredIn(large)).not.toHaveProperty('text')

    const endless = await record(
      async (request, origin) => {
        const response = await request(origin)
        const reader = response.body!.getReader()
        received = new TextDecoder().decode((await reader.read()).value)
        await reader.cancel()
      },
      (_, response) => response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n'),
    )
    expect(received).toBe('data: 1\n\n')
    expect(answeredIn(endless)).toMatchObject({ _omitted: 'stream' })

    const bytes = await record(
      async (request, origin) => (await request(origin)).arrayBuffer(),
      (_, response) => response.writeHead(200, { 'Content-Type': 'image/png' }).end(Buffer.from([0, 255])),
    )
    expect(answeredIn(bytes)).toEqual({ size: 2, mimeType: 'image/png', text: 'AP8=', encoding: 'base64' })
  })

  test('nothing: why, and no address in it', async () => {
    const har = await record(
      async (request, origin) => request(origin).catch(() => {}),
      ({ socket }) => socket.destroy(),
    )
    expect(har.log.entries[0]).toMatchObject({ _error: 'TypeError', response: { status: 0 } })
  })
})

describe('axios', () => {
  test('a form, an upload, a failure, a redirect and a stream, as they were sent', async () => {
    const origin = await serve(({ url = '', method }, response) => {
      if (url === '/moved') response.writeHead(302, { Location: '/end' })
      else if (url === '/wrong') response.writeHead(500, { 'Content-Type': 'application/json' })
      response.end(url === '/wrong' ? '{"why":"x"}' : method)
    })
    const recorder = createRecorder({ include: [/^http:\/\/127\.0\.0\.1/g] })
    const api = axios.create({ baseURL: origin, headers: { common: { 'X-Api-Key': secret } } })
    recorder.attach(api)
    await api.post('/form', new URLSearchParams({ a: '1' }), { params: { q: secret } })
    await api.post('/json', { a: 1 }, { adapter: 'fetch' })
    await api.get('/wrong').catch(() => {})
    await api.get('/moved')
    const { data } = await api.get<NodeJS.ReadableStream>('/stream', { responseType: 'stream' })
    expect(await new Response(data as never).text()).toBe('GET')
    await api.get('http://localhost:1/elsewhere').catch(() => {})
    await recorder.settled()
    const { entries } = recorder.toHar().log
    expect(
      entries.map(({ request: { method, url }, response: { status } }) => [method, url.replace(origin, ''), status]),
    ).toEqual([
      ['POST', '/form?q=%7B%7Bsecret_p1_1%7D%7D', 200],
      ['POST', '/json', 200],
      ['GET', '/wrong', 500],
      ['GET', '/moved', 200],
      ['GET', '/stream', 200],
    ])
    expect(entries[0]?.request.headers).toContainEqual({ name: 'X-Api-Key', value: '{{secret_p1_1}}' })
    expect(entries.map(({ request }) => request.postData?.text)).toEqual([
      'a=1',
      '{"a":1}',
      undefined,
      undefined,
      undefined,
    ])
    expect(entries[2]?.response.content.text).toBe('{"why":"x"}')
    expect(entries[4]?.response.content).toMatchObject({ _omitted: 'stream' })
  })
})
