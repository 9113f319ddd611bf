import { Readable } from 'node:stream'
import axios, { type AxiosInstance } from 'axios'
import { IDBFactory } from 'fake-indexeddb'
import { decodeJwt } from 'jose'
import {
  createTokenManager,
  type TokenError,
  tokenErrorOf,
  type TokenEvents,
  type TokenManager,
  type TokenManagerOptions,
  type TokenSource,
} from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dpop, type DpopOptions } from 'tokenward/dpop'
import { dpopSource } from '../support/dpop-source.ts'
import { type DpopServer, type DpopSettings, type NonceRule, startDpopServer } from '../support/dpop-server.ts'
import { vectors } from './vectors.ts'

interface App {
  readonly server: DpopServer
  readonly tokens: TokenManager
  readonly request: typeof fetch
  readonly api: AxiosInstance
  readonly told: { readonly type: keyof TokenEvents; readonly event: object }[]
}

const closing: (() => unknown)[] = []

beforeEach(() => void vi.stubGlobal('indexedDB', new IDBFactory()))
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

type Options = Partial<DpopSettings> & {
  readonly dpop?: DpopOptions
  readonly manager?: Partial<TokenManagerOptions<unknown>>
}

async function open({ dpop: options, manager, ...settings }: Options = {}): Promise<App> {
  const server = await startDpopServer(settings)
  closing.push(() => server.close())
  const tokens = createTokenManager({
    source: dpopSource(server.origin, dpop(options)),
    resources: [server.origin],
    ...manager,
  })
  closing.push(() => tokens.dispose())
  const told: App['told'] = []
  for (const type of ['signed-out', 'refreshed', 'alert', 'challenged'] as const) {
    tokens.on(type, (event) => void told.push({ type, event }))
  }
  const api = axios.create({ baseURL: server.origin })
  bindAxios(api, tokens)
  await tokens.login(undefined)
  return { server, tokens, request: createFetch(tokens), api, told }
}

const codeOf = (promise: Promise<unknown>): Promise<TokenError['code'] | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => tokenErrorOf(error)?.code,
  )

describe('a request', () => {
  test.each(['http', 'fetch'] as const)(
    'D-5, promise 1: goes out with the token and a proof for it (axios, %s)',
    async (adapter) => {
      const { api, server } = await open()
      const { status } = await api.patch('/orders?a=1#b', { item: 'Tea' }, { adapter, params: { c: 2 } })
      expect(status).toBe(200)
      expect(server.api()).toMatchObject([
        { authorization: expect.stringMatching(/^DPoP \S+$/) as string, error: undefined },
      ])
      expect(server.api()[0]!.claims).toMatchObject({ htm: 'PATCH', htu: `${server.origin}/orders` })
    },
  )

  test.each(vectors.htu.htm.cases)(
    'D-3: names the method as it is on the wire (fetch): $method',
    async ({ method, wire, wireFetch }) => {
      const { tokens, server } = await open()
      const sent: string[] = []
      // Not every server takes every method; nor does Node's.
      const request = createFetch(tokens, {
        fetch: async (_input, { headers } = {}) => {
          sent.push(String(decodeJwt(new Headers(headers).get('DPoP') ?? '')['htm']))
          return new Response()
        },
      })
      await request(`${server.origin}/orders`, { method })
      expect(sent).toEqual([wire ?? wireFetch])
    },
  )

  test('one header, whatever the application has put there', async () => {
    const { request, api, server } = await open()
    await request(`${server.origin}/orders`, { headers: { dpop: 'mine' } })
    await api.get('/orders', { headers: { dpop: 'mine' } })
    expect(server.api().map(({ status }) => status)).toEqual([200, 200])
  })

  test('leaves neither token nor proof in what the application gets to see', async () => {
    const { api, server } = await open()
    const good = await api.get('/orders')
    server.settings.insatiable = true
    const bad: unknown = await api.get('/orders').catch((error: unknown) => error)
    const { proof, authorization } = server.api()[0]!
    for (const seen of [good, bad]) {
      const { inspect } = await import('node:util')
      const text = inspect(seen, { depth: 8, showHidden: true })
      expect(text).not.toContain(proof)
      expect(text).not.toContain(authorization!.split(' ')[1])
    }
  })

  test('B-15: a redirect to another origin takes neither along (axios, http)', async () => {
    const { api } = await open()
    const other = await startDpopServer()
    closing.push(() => other.close())
    await api.get('/orders', { params: { to: `${other.origin}/orders` } }).catch(() => {})
    expect(other.log.length).toBeGreaterThan(0)
    for (const call of other.log) expect(call).toMatchObject({ authorization: undefined, proof: undefined })
  })

  test('getAccessToken says of what type the token is', async () => {
    const { tokens } = await open()
    expect(await tokens.getAccessToken()).toMatchObject({ tokenType: 'DPoP' })
  })
})

describe('a token that is refused', () => {
  test('F142, D-4: is replaced, and the retry has a proof of its own for the new one', async () => {
    const { request, server, told } = await open()
    server.forget()
    expect((await request(`${server.origin}/orders`)).status).toBe(200)
    const [first, second] = server.api()
    expect([first!.error, second!.error, first!.status, second!.status]).toEqual([undefined, undefined, 401, 200])
    expect(first!.claims['ath']).not.toBe(second!.claims['ath'])
    expect(first!.claims['jti']).not.toBe(second!.claims['jti'])
    expect(told.map(({ type }) => type)).toEqual(['refreshed'])
  })

  test('D-6: the refresh proves with the key of the sign-in', async () => {
    const { request, server } = await open()
    server.forget()
    await request(`${server.origin}/orders`)
    expect(new Set(server.log.map(({ jkt }) => jkt)).size).toBe(1)
    expect(server.log.map(({ path }) => path)).toEqual(['/login', '/orders', '/refresh', '/orders'])
  })
})

describe('a nonce that is asked for', () => {
  test('F132: is used in one retry with the same token, and without a refresh', async () => {
    const { request, server, told } = await open({ nonce: 'constant', tokenNonce: 'constant' })
    expect((await request(`${server.origin}/orders`, { method: 'POST', body: 'x' })).status).toBe(200)
    const [first, second, ...more] = server.api()
    expect(more).toEqual([])
    expect([first!.error, second!.error]).toEqual(['nonce', undefined])
    expect(first!.authorization).toBe(second!.authorization)
    expect(second!.claims['nonce']).toBe('the-nonce-of-api')
    expect([server.count('/refresh'), told]).toEqual([0, []])
    // Known from now on.
    await request(`${server.origin}/orders`)
    expect(server.api()).toHaveLength(3)
  })

  test.each<NonceRule>(['constant', 'once', 'latest'])(
    'D-10: twenty requests at once all succeed, each sent at most twice, where nonces are taken so: %s',
    async (nonce) => {
      const { request, api, server } = await open({ nonce })
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          index % 2 ? api.get(`/orders/${index}`) : request(`${server.origin}/orders/${index}`),
        ),
      )
      expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
      for (let index = 0; index < 20; index++) expect(server.count(`/orders/${index}`)).toBeLessThanOrEqual(2)
      expect(server.count('/refresh')).toBe(0)
    },
  )

  test('D-10: twenty requests at once with a token that was revoked: one refresh, and at most three sends of each', async () => {
    const { request, server } = await open({ nonce: 'latest' })
    server.forget()
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => request(`${server.origin}/orders/${index}`)),
    )
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(server.count('/refresh')).toBe(1)
    for (let index = 0; index < 20; index++) expect(server.count(`/orders/${index}`)).toBeLessThanOrEqual(3)
  })

  test('F136: again and again gets one retry, and the answer goes to the caller', async () => {
    const { request, server, told } = await open({ nonce: 'once' })
    server.settings.insatiable = true
    expect((await request(`${server.origin}/orders`)).status).toBe(401)
    expect(server.api()).toHaveLength(2)
    expect(server.count('/refresh')).toBe(0)
    expect(told.map(({ type }) => type)).toEqual(['challenged'])
  })

  test('F136: that the proof has had is worth no retry', async () => {
    const { request, server } = await open({ nonce: 'constant' })
    await request(`${server.origin}/orders`)
    server.settings.insatiable = true
    expect((await request(`${server.origin}/orders`)).status).toBe(401)
    expect(server.api()).toHaveLength(3)
  })

  test('is not waited for behind requests that were aborted in the line', async () => {
    const { request, server } = await open({ nonce: 'once' })
    const url = `${server.origin}/orders`
    await request(url)
    const aborts = Array.from({ length: 6 }, () => {
      const abort = new AbortController()
      void request(url, { signal: abort.signal }).catch(() => {})
      return abort
    })
    for (const abort of aborts) abort.abort()
    const began = performance.now()
    expect((await request(url)).status).toBe(200)
    expect(performance.now() - began).toBeLessThan(2_500)
    // None of them was sent, and none has taken a nonce.
    expect(server.api().map(({ status }) => status)).toEqual([401, 200, 200])
  })

  test('promise 5: is not answered with a body that is spent, nor where no retry is wanted', async () => {
    const { api, request, server } = await open({ nonce: 'once' })
    expect(await codeOf(api.post('/orders', Readable.from(['x'])))).toBe('not_retryable')
    expect((await request(`${server.origin}/orders`, { tokens: { retry: false } })).status).toBe(200)
    server.settings.insatiable = true
    expect((await request(`${server.origin}/orders`, { tokens: { retry: false } })).status).toBe(401)
    expect(server.api()).toHaveLength(3)
  })
})

test('a token that is used once is not sent again with a better proof: the retry has another', async () => {
  const { origin, ...server } = await startDpopServer({ nonce: 'once' })
  closing.push(() => server.close())
  const tokens = createTokenManager({
    source: dpopSource(origin, dpop()),
    resources: [{ url: origin, reuse: 'once' }],
    timing: { background: false },
  })
  closing.push(() => tokens.dispose())
  await tokens.login(undefined)
  expect((await createFetch(tokens)(`${origin}/orders`)).status).toBe(200)
  const [refused, accepted, ...more] = server.api()
  expect([refused!.error, accepted!.error, more]).toEqual(['nonce', undefined, []])
  expect(refused!.authorization).not.toBe(accepted!.authorization)
})

describe('the clock', () => {
  test.each([-600_000, 600_000])(
    'F138: a device that is off by %d ms succeeds with one more attempt, and then with none',
    async (aheadMs) => {
      const { request, server, told } = await open()
      server.settings.aheadMs = aheadMs
      expect((await request(`${server.origin}/orders`)).status).toBe(200)
      expect(server.api().map(({ error }) => error)).toEqual(['iat', undefined])
      expect((await request(`${server.origin}/orders`)).status).toBe(200)
      expect(server.api()).toHaveLength(3)
      expect([server.count('/refresh'), told]).toEqual([0, []])
    },
  )
})

describe('the type of the token', () => {
  test('F114, D-7: one that the server has not bound is refused', async () => {
    await expect(open({ tokenType: 'Bearer' })).rejects.toMatchObject({ code: 'malformed_response' })
  })

  test('D-7: unless that is allowed: then it is a Bearer token, and the refresh goes on to prove', async () => {
    const { request, server } = await open({ tokenType: 'Bearer', dpop: { allowBearer: true } })
    expect((await request(`${server.origin}/orders`)).status).toBe(200)
    expect(server.api()).toMatchObject([
      { authorization: expect.stringMatching(/^Bearer /) as string, proof: undefined },
    ])
    server.forget()
    expect((await request(`${server.origin}/orders`)).status).toBe(200)
    expect(server.log.find(({ path }) => path === '/refresh')?.proof).toBeDefined()
  })

  test('F114: a bound token is of no use where there is no key', async () => {
    const source: TokenSource = {
      id: 'unbound',
      credential: 'token',
      refresh: async () => ({ access_token: 'a', token_type: 'DPoP' }),
    }
    const tokens = createTokenManager({ source, resources: ['https://api.example.com'] })
    closing.push(() => tokens.dispose())
    const response = { access_token: 'a', token_type: 'DPoP' }
    await expect(tokens.startSession(response)).rejects.toMatchObject({ code: 'malformed_response' })
  })

  test('D-20: a cookie is not bound to a key', () => {
    const source: TokenSource = { ...dpopSource('https://as.example', dpop()), credential: 'cookie' }
    expect(() => createTokenManager({ source })).toThrow(/^tokenward: a source with a cookie cannot bind tokens/)
  })

  test('D-18: a server that wants a Bearer token is not sent one', async () => {
    const { request, server, told } = await open()
    vi.spyOn(globalThis, 'fetch').mockResolvedValueOnce(
      new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="legacy"' } }),
    )
    expect((await request(`${server.origin}/orders`)).status).toBe(401)
    expect([server.api(), server.count('/refresh'), told.map(({ type }) => type)]).toEqual([[], 0, ['challenged']])
  })
})

describe('a key that is lost', () => {
  test('F140: ends the session clearly, and nothing is sent', async () => {
    const { tokens, server } = await open()
    const key = server.log[0]!.jkt!
    // As if the storage of the origin had been cleared while another tab was opened.
    const second = createTokenManager({ source: dpopSource(server.origin, dpop()), resources: [server.origin] })
    closing.push(() => second.dispose())
    const { value } = await tokens.getAccessToken()
    await second.startSession({ access_token: value, token_type: 'DPoP', cnf: { jkt: `${key}x` } })
    const told: object[] = []
    second.on('signed-out', (event) => told.push(event))
    expect(await codeOf(createFetch(second)(`${server.origin}/orders`))).toBe('key_lost')
    expect(second.getState()).toMatchObject({ status: 'signed-out', reason: 'key-lost' })
    expect(told).toMatchObject([{ reason: 'key-lost' }])
    expect(server.api()).toEqual([])
  })

  test('F140: by the refresh too', async () => {
    const { server } = await open()
    let shift = 0
    const tokens = createTokenManager({
      source: dpopSource(server.origin, dpop()),
      resources: [server.origin],
      ports: { clock: { now: () => ({ wall: Date.now() + shift, monotonic: performance.now() + shift }) } },
    })
    closing.push(() => tokens.dispose())
    const response = { access_token: 'a', token_type: 'DPoP', refresh_token: 'r', cnf: { jkt: 'gone' } }
    await tokens.startSession({ ...response, expires_in: 60 })
    shift = 61_000
    expect(await codeOf(tokens.getAccessToken())).toBe('key_lost')
    expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'key-lost' })
  })
})

describe('the end of the session', () => {
  test('D-19: the revocation is proved with the key, and then the key is deleted', async () => {
    const { tokens, server } = await open()
    const kept = async (): Promise<number> => {
      const request = indexedDB.open('tokenward-dpop')
      const db = await new Promise<IDBDatabase>((resolve) => (request.onsuccess = () => resolve(request.result)))
      const count = db.transaction('keys').objectStore('keys').count()
      const found = await new Promise<number>((resolve) => (count.onsuccess = () => resolve(count.result)))
      db.close()
      return found
    }
    expect(await kept()).toBe(1)
    expect(await tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(server.log.at(-1)).toMatchObject({ path: '/revoke', status: 200, jkt: server.log[0]!.jkt })
    await vi.waitFor(async () => expect(await kept()).toBe(0))
  })

  test('the next session has another key', async () => {
    const { tokens, server } = await open()
    await tokens.logout()
    await tokens.login(undefined)
    const [first, second] = server.log.filter(({ path }) => path === '/login')
    expect(first!.jkt).not.toBe(second!.jkt)
  })

  test('a session that another replaces is given back with its own key', async () => {
    const { tokens, server } = await open()
    await tokens.login(undefined)
    await vi.waitFor(() => expect(server.log.find(({ path }) => path === '/revoke')?.status).toBe(200))
    const [first, second, revoked] = server.log
    expect(revoked!.jkt).toBe(first!.jkt)
    expect(second!.jkt).not.toBe(first!.jkt)
  })
})
