import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFetch } from '../../src/fetch/index.ts'
import { placesOf } from '../support/canary.ts'
import { startEchoServer, type EchoServer } from '../support/echo-server.ts'
import { createSender } from '../support/sender.ts'

let server: EchoServer
let other: EchoServer
beforeAll(async () => {
  server = await startEchoServer()
  other = await startEchoServer()
})
afterAll(() => Promise.all([server.close(), other.close()]))
beforeEach(() => {
  for (const each of [server, other]) {
    Object.assign(each, { accepts: 'first', answer: undefined })
    each.received.length = 0
  }
})

function bound(options: Parameters<typeof createFetch>[1] = {}) {
  const tokens = createSender({ resources: [server.origin] })
  return { tokens, request: createFetch(tokens, options) }
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('it did not reject')
    },
    (reason: unknown) => reason,
  )

const tokensAt = (where: EchoServer): (string | undefined)[] =>
  where.received.map(({ headers }) => headers.authorization)

test('what is no token manager, or a `refused` that is no function, is a TypeError that names the cure', () => {
  expect(() => createFetch(undefined as never)).toThrow(/^createFetch needs what createTokenManager returns\.$/)
  expect(() => bound({ refused: 419 as never })).toThrow(/refused must be a function/)
  expect(() => createFetch({} as never)).toThrow(TypeError)
})

describe('where the token goes', () => {
  test('a text, a URL and a Request of a resource carry it; another origin never sees it', async () => {
    const { request, tokens } = bound()
    await request(`${server.origin}/a`)
    await request(new URL('/b', server.origin))
    await request(new Request(`${server.origin}/c`, { method: 'DELETE', headers: { 'X-Own': '1' } }))
    await request(`${other.origin}/d`)
    expect(tokensAt(server)).toEqual(Array(3).fill('Bearer first'))
    expect(tokensAt(other)).toEqual([undefined])
    expect(tokens.targets).toMatchObject([
      { method: 'GET' },
      { method: 'GET' },
      { method: 'DELETE' },
      { method: 'GET' },
    ])
    expect(server.received[2]).toMatchObject({ method: 'DELETE', headers: { 'x-own': '1' } })
  })

  test('the transport is called in the same task, and is looked up at that moment', () => {
    const { request } = bound()
    const transport = vi.spyOn(globalThis, 'fetch').mockReturnValue(new Promise(() => {}))
    void request(`${server.origin}/a`)
    expect(transport).toHaveBeenCalledOnce()
    transport.mockRestore()
    expect(request.name).toBe('fetchWithTokens')
  })

  test.each([
    ['an object', { AUTHORIZATION: 'own' }],
    ['Headers', new Headers({ authorization: 'own' })],
    ['pairs', [['Authorization', 'own']]],
  ])('the own credentials of a caller in %s are left alone', async (_what, headers) => {
    const { request, tokens } = bound()
    await request(`${server.origin}/a`, { headers: headers as HeadersInit })
    await request(new Request(`${server.origin}/a`, { headers: headers as HeadersInit }))
    expect(tokensAt(server)).toEqual(['own', 'own'])
    expect(tokens.targets).toEqual([])
  })

  test('options are read from `init.tokens`, and only if it is an own property', async () => {
    const { request, tokens } = bound()
    await request(`${server.origin}/a`, { tokens: false })
    Object.assign(Object.prototype, { tokens: false })
    await request(`${server.origin}/a`, { method: 'post', tokens: { scope: 'pay', retry: false } })
    await request(`${server.origin}/a`, {})
    Reflect.deleteProperty(Object.prototype, 'tokens')
    expect(tokensAt(server)).toEqual([undefined, 'Bearer first', 'Bearer first'])
    expect(tokens.targets[0]).toEqual({ url: `${server.origin}/a`, method: 'POST', scope: 'pay', retry: false })
  })

  test('F106: a redirect to another origin arrives without the token', async () => {
    const { request } = bound()
    server.answer = (_request, response) => response.writeHead(307, { location: `${other.origin}/x` }).end()
    other.answer = (_request, response) => response.end('landed')
    expect(await (await request(`${server.origin}/a`)).text()).toBe('landed')
    expect(tokensAt(other)).toEqual([undefined])
  })

  test('the referrer and the referrer policy of a Request go along; what the options say is stronger', async () => {
    const transport = vi.fn<typeof fetch>(() => Promise.resolve(new Response()))
    const { request } = bound({ fetch: transport })
    const asking = new Request(`${server.origin}/a`, { referrer: '', referrerPolicy: 'no-referrer' })
    await request(asking)
    await request(asking, { referrerPolicy: 'origin' })
    await request(`${server.origin}/a`)
    expect(transport.mock.calls.map(([, init]) => [init?.referrer, init?.referrerPolicy])).toEqual([
      [asking.referrer, 'no-referrer'],
      [asking.referrer, 'origin'],
      [undefined, undefined],
    ])
  })

  test('a Request in the place of options lends its method, headers and body to another URL', async () => {
    const { request } = bound()
    server.accepts = 'second'
    const template = new Request('http://127.0.0.1:1/', { method: 'PUT', body: 'text', headers: { 'X-Own': '1' } })
    await request(`${server.origin}/a`, template)
    expect(server.received.map(({ method, body, headers }) => [method, body.toString(), headers['x-own']])).toEqual(
      Array(2).fill(['PUT', 'text', '1']),
    )
  })
})

describe('sending twice', () => {
  const bytes = new Uint8Array([0, 1, 254, 255])
  const bodies: [string, () => NonNullable<RequestInit['body']>][] = [
    ['a text', () => 'plain ü'],
    ['a Blob', () => new Blob(['blob'], { type: 'text/csv' })],
    ['URLSearchParams', () => new URLSearchParams({ a: '1 2' })],
    ['a Uint8Array', () => bytes],
    ['an ArrayBuffer', () => bytes.buffer],
  ]

  test.each(bodies)('F94: %s is sent twice, byte for byte', async (_what, make) => {
    const { request } = bound()
    server.accepts = 'second'
    expect(
      (await request(`${server.origin}/a`, { method: 'POST', body: make(), headers: { 'X-Own': '1' } })).status,
    ).toBe(200)
    const ofRequest = new Request(`${server.origin}/a`, { method: 'POST', body: make(), headers: { 'X-Own': '1' } })
    server.accepts = 'third'
    await request(ofRequest)
    expect(ofRequest.bodyUsed).toBe(true)
    const [first, second, third, fourth] = server.received
    expect(first?.body.length).toBeGreaterThan(3)
    expect(second).toEqual({ ...first, headers: { ...first?.headers, authorization: 'Bearer second' } })
    expect(third?.body).toEqual(first?.body)
    expect(fourth?.body).toEqual(first?.body)
    expect(fourth?.headers['content-type']).toBe(first?.headers['content-type'])
  })

  test('F94: a FormData is sent twice with the same parts', async () => {
    const { request } = bound()
    server.accepts = 'second'
    const body = new FormData()
    body.append('file', new Blob([bytes]), 'a.bin')
    await request(`${server.origin}/a`, { method: 'POST', body })
    const [first, second] = server.received.map((each) => each.body.toString('latin1'))
    const parts = (text = ''): string[] => text.split(text.slice(0, text.indexOf('\r\n')))
    expect(parts(second)).toEqual(parts(first))
    expect(second).toContain('a.bin')
  })

  test('F93: a stream, and a Request made of one, is sent once', async () => {
    for (const ofRequest of [false, true]) {
      const { request, tokens } = bound()
      server.accepts = 'second'
      server.received.length = 0
      const init = {
        method: 'POST',
        body: new Blob(['spent']).stream().pipeThrough(new TransformStream()),
        duplex: 'half',
      }
      const url = `${server.origin}/a`
      const error = await failureOf(ofRequest ? request(new Request(url, init)) : request(url, init))
      expect(error).toMatchObject({ code: 'not_retryable', response: { status: 401 } })
      expect(Object.keys(error as object)).not.toContain('response')
      expect(server.received.map(({ body }) => body.toString())).toEqual(['spent'])
      expect(tokens.refreshes).toBe(1)
    }
  })

  test('F93: a Request that was sent before fails as `fetch` does', async () => {
    const { request, tokens } = bound()
    const used = new Request(`${server.origin}/a`, { method: 'POST', body: 'x' })
    await used.text()
    expect(await failureOf(request(used))).toBeInstanceOf(TypeError)
    expect(tokens.targets).toEqual([])
    expect(server.received).toEqual([])
  })

  test('a Request that was sent before lends the rest to a body of its own, twice', async () => {
    const { request } = bound()
    const used = new Request(`${server.origin}/a`, { method: 'POST', body: 'x', headers: { 'X-Own': '1' } })
    await used.text()
    server.accepts = 'second'
    expect((await request(used, { body: 'new' })).status).toBe(200)
    expect(server.received.map(({ method, body, headers }) => [method, body.toString(), headers['x-own']])).toEqual(
      Array(2).fill(['POST', 'new', '1']),
    )
  })

  test('F96: nothing is sent again after a broken connection, or with `retry: false`', async () => {
    const { request } = bound()
    server.answer = (_request, response) => response.destroy()
    expect(await failureOf(request(`${server.origin}/a`, { method: 'POST', body: 'x' }))).toBeInstanceOf(TypeError)
    expect(server.received).toHaveLength(1)
    server.answer = undefined
    server.accepts = 'second'
    expect((await request(`${server.origin}/a`, { tokens: { retry: false } })).status).toBe(401)
    expect(server.received).toHaveLength(2)
  })

  test('a second refusal comes as it is, and the answer to the first send is released', async () => {
    const { request } = bound()
    const closed = new Promise<void>((resolve) => {
      server.answer = ({ headers }, response) => {
        if (headers.authorization === 'Bearer second') return void response.writeHead(401).end('again')
        response.on('close', resolve)
        return response.writeHead(401).write('endless')
      }
    })
    const response = await request(`${server.origin}/a`)
    expect([response.status, await response.text()]).toEqual([401, 'again'])
    await closed
  })
})

describe('what comes back', () => {
  test('F97: the abort of a caller rejects with its own reason, waiting or in flight', async () => {
    const { request, tokens } = bound()
    const reason = new Error('changed my mind')
    server.answer = () => {}
    for (const waitFor of [new Promise(() => {}), undefined]) {
      tokens.waitFor = waitFor
      for (const wrap of [false, true]) {
        const controller = new AbortController()
        const { signal } = controller
        const failure = failureOf(
          wrap ? request(new Request(`${server.origin}/a`, { signal })) : request(`${server.origin}/a`, { signal }),
        )
        await delay(20)
        controller.abort(reason)
        expect(await failure).toBe(reason)
      }
    }
  })

  test.each([['with'], ['without']])(
    'a body that is being read can still be aborted (%s AbortSignal.any)',
    async (how) => {
      const { request } = bound()
      const any = vi.spyOn(AbortSignal, 'any')
      if (how === 'without') {
        any.mockImplementation(() => {
          throw new TypeError('an old browser')
        })
      }
      server.answer = (_request, response) => response.writeHead(200).write('abc')
      const controller = new AbortController()
      const response = await request(`${server.origin}/a`, { signal: controller.signal })
      setTimeout(() => controller.abort(new Error('enough')), 20)
      await expect(response.text()).rejects.toThrow('enough')
      any.mockRestore()
    },
  )

  test('a session that ends rejects with the TokenError, and cuts the request off', async () => {
    const { request, tokens } = bound()
    const closed = new Promise<void>((resolve) => {
      server.answer = (_request, response) => {
        response.on('close', resolve)
        tokens.endSession()
      }
    })
    expect(await failureOf(request(`${server.origin}/a`))).toMatchObject({ name: 'TokenError', code: 'signed_out' })
    await closed
  })

  test('a step-up carries the answer, which is not listed', async () => {
    const { request } = bound()
    server.answer = (_request, response) => {
      response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="pay"' }).end('why')
    }
    const error = (await failureOf(request(`${server.origin}/a`))) as { response: Response }
    expect(error).toMatchObject({ code: 'insufficient_scope', scope: 'pay', response: { status: 403 } })
    expect(await error.response.text()).toBe('why')
    expect(JSON.stringify(error)).not.toContain('response')
  })

  test('`refused` sees status, headers and JSON; the body is still there for the caller', async () => {
    const refused = vi.fn(({ data }: { data: unknown }) => JSON.stringify(data ?? '').includes('UNAUTHENTICATED'))
    const { request, tokens } = bound({ refused })
    server.answer = ({ headers }, response) => {
      const code = headers.authorization === 'Bearer second' ? 'none' : 'UNAUTHENTICATED'
      response
        .writeHead(200, { 'content-type': 'application/graphql-response+json; charset=utf-8' })
        .end(`{"code":"${code}"}`)
    }
    const response = await request(`${server.origin}/graphql`, { method: 'POST', body: '{}' })
    expect(await response.json()).toEqual({ code: 'none' })
    expect(tokens.refreshes).toBe(1)
    expect(refused.mock.calls[0]?.[0]).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringContaining('json') },
      data: { code: 'UNAUTHENTICATED' },
    })
  })

  test('`refused` decides by status when the JSON is broken, and its exception counts as no', async () => {
    const refused = vi.fn(({ status }: { status: number }) => status === 419)
    const { request, tokens } = bound({ refused })
    server.answer = ({ headers }, response) => {
      response.writeHead(headers.authorization === 'Bearer second' ? 200 : 419, { 'content-type': 'application/json' })
      response.end('<html>')
    }
    expect(await (await request(`${server.origin}/a`)).text()).toBe('<html>')
    expect(tokens.refreshes).toBe(1)
    refused.mockImplementation(() => {
      throw new Error('a bug of the application')
    })
    expect((await request(`${server.origin}/a`)).status).toBe(200)
    server.answer = (_request, response) => response.end('plain')
    await request(`${server.origin}/a`)
    expect(refused.mock.lastCall?.[0]).toMatchObject({ status: 200, data: undefined })
  })

  test('F107: neither answers nor failures hold the token', async () => {
    const { request, tokens } = bound()
    tokens.token = server.accepts = 'canary-77aa'
    const found: unknown[] = [await request(`${server.origin}/a`)]
    server.answer = (_request, response) => response.destroy()
    found.push(await failureOf(request(`${server.origin}/a`)))
    server.answer = (_request, response) =>
      response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }).end()
    found.push(await failureOf(request(new Request(`${server.origin}/a`))))
    server.answer = () => tokens.endSession()
    found.push(await failureOf(request(`${server.origin}/a`)))
    for (const each of found) expect(placesOf('canary-77aa', each)).toEqual([])
  })
})
