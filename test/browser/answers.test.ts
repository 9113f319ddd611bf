import type { AxiosProgressEvent, ResponseType } from 'axios'
import { createFetch } from 'tokenward/fetch'
import { describe, expect, test } from 'vitest'
import { axiosAdapters, failureOf, openStage, type Stage } from './stage.ts'

const me = { email: 'demo@example.com', scope: 'orders:read' }

async function openFronted(): Promise<Stage & { readonly h2: string }> {
  let h2 = ''
  const stage = await openStage({ resources: async (lab) => [lab.api, (h2 = await lab.http2())] })
  return { ...stage, h2 }
}

/** A page whose next call is refused, so that what it gets is the answer to the second send. */
async function openRefused(): Promise<Stage> {
  const stage = await openStage()
  await stage.signIn()
  await stage.lab.revokeAccessTokens()
  return stage
}

describe.each(axiosAdapters)('axios with the %s adapter', (adapter) => {
  test.each([
    ['json', (data: unknown) => data],
    ['text', (data: unknown) => JSON.parse(data as string) as unknown],
    ['blob', async (data: unknown) => JSON.parse(await (data as Blob).text()) as unknown],
    ['arraybuffer', (data: unknown) => JSON.parse(new TextDecoder().decode(data as ArrayBuffer)) as unknown],
  ] as const)('F94: responseType %s is what the second send brings', async (responseType: ResponseType, read) => {
    const { lab, axios } = await openRefused()
    // Of `text`, axios parses what looks like JSON, unless it is told not to.
    const transformResponse = responseType === 'text' ? [(data: unknown) => data] : undefined
    const response = await axios(adapter).get('/me', { responseType, ...(transformResponse && { transformResponse }) })
    const kinds = { json: 'Object', text: 'String', blob: 'Blob', arraybuffer: 'ArrayBuffer' }
    expect(Object.prototype.toString.call(response.data)).toBe(`[object ${kinds[responseType as keyof typeof kinds]}]`)
    expect(await read(response.data)).toEqual(me)
    expect(response.config.responseType).toBe(responseType)
    expect((await lab.calls('/me')).map(({ status }) => status)).toEqual([401, 200])
  })

  test('responseType document is parsed', async () => {
    const { lab, axios } = await openRefused()
    const page = '<!doctype html><title>Ünder way</title>'
    await lab.hold('api', '/me') // takes its place in the queue, so that only the second send gets the page
    const answer = { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: page }
    const waiting = axios(adapter).get<Document | string>('/me', { responseType: 'document' })
    await lab.arrived(0)
    await lab.release(0)
    await lab.next('api', '/me', { answer })
    const { data } = await waiting
    // axios' fetch adapter knows no documents: it hands over the text.
    expect(typeof data === 'string' ? data : data.title).toContain('Ünder way')
  })

  test('upload and download progress is told for the send that counts, up to the end', async () => {
    const { lab, axios, signIn, h2 } = await openFronted()
    await signIn()
    await lab.revokeAccessTokens()
    const up: AxiosProgressEvent[] = []
    const down: AxiosProgressEvent[] = []
    // By fetch, axios counts an upload by making a stream of it, and browsers send streams over HTTP/2 only.
    const api = axios(adapter, { baseURL: adapter === 'xhr' ? lab.api : h2 })
    await api.post('/upload', new Blob(['x'.repeat(300_000)]), {
      onUploadProgress: (event) => up.push(event),
      onDownloadProgress: (event) => down.push(event),
    })
    expect(await lab.calls('/upload')).toMatchObject([
      { status: 401, bytes: 300_000 },
      { status: 201, bytes: 300_000 },
    ])
    expect(down.at(-1)?.loaded).toBeGreaterThan(0)
    expect(up.at(-1)).toMatchObject({ loaded: 300_000, total: 300_000, progress: 1 })
    const big: AxiosProgressEvent[] = []
    const { data } = await axios(adapter).get<{ rows: unknown[] }>('/big', {
      onDownloadProgress: (event) => big.push(event),
    })
    expect(data.rows).toHaveLength(20_000)
    const total = JSON.stringify(data).length
    expect(big.at(-1)?.loaded).toBe(total)
    expect(big.map(({ loaded }) => loaded)).toEqual(big.map(({ loaded }) => loaded).toSorted((a, b) => a - b))
  })

  test('a validateStatus that takes every answer as good gets the answer to the second send', async () => {
    const { axios } = await openRefused()
    const api = axios(adapter, { validateStatus: () => true })
    expect((await api.get('/me')).status).toBe(200)
    expect((await api.get('/always-401')).status).toBe(401)
  })

  test('a failure that is not ours is axios’ own, without the credential', async () => {
    const { lab, signIn, axios } = await openStage()
    await signIn()
    const api = axios(adapter)
    const failure = await failureOf(api.get('/nowhere'))
    expect(failure).toMatchObject({ name: 'AxiosError', code: 'ERR_BAD_REQUEST', status: 404 })
    const [call] = await lab.calls('/nowhere')
    expect(call?.presented).toBeDefined()
    const { config, response, request } = failure as { config: object; response: { config: object }; request: object }
    expect(JSON.stringify([config, response.config])).not.toContain('Bearer')
    expect(request).toBeTruthy()
  })
})

test('axios with the fetch adapter: responseType stream hands over the stream of the second send', async () => {
  const { lab, axios } = await openRefused()
  const { data } = await axios('fetch').get<ReadableStream<Uint8Array>>('/me', { responseType: 'stream' })
  expect(data).toBeInstanceOf(ReadableStream)
  expect(await new Response(data).json()).toEqual(me)
  expect(await lab.calls('/me')).toHaveLength(2)
})

test.each([
  ['json', (response: Response) => response.json()],
  ['text', async (response: Response) => JSON.parse(await response.text()) as unknown],
  ['blob', async (response: Response) => JSON.parse(await (await response.blob()).text()) as unknown],
  ['arrayBuffer', async (response: Response) => new Response(await response.arrayBuffer()).json()],
  ['body', async (response: Response) => new Response(response.body).json()],
  ['clone', (response: Response) => response.clone().json()],
] as const)('fetch: the response of the second send can be read by %s', async (_way, read) => {
  const { lab, tokens } = await openRefused()
  const response = await createFetch(tokens)(`${lab.api}/me`)
  expect(response).toBeInstanceOf(Response)
  expect(response.url).toBe(`${lab.api}/me`)
  expect(await read(response)).toEqual(me)
  expect(await lab.calls('/me')).toHaveLength(2)
})

test('fetch: a Request, its method, headers, body and mode go along in both sends', async () => {
  const { lab, tokens } = await openRefused()
  const request = new Request(`${lab.api}/upload`, {
    method: 'PUT',
    body: 'text',
    headers: { 'X-Own': 'kept' },
  })
  expect((await createFetch(tokens)(request)).status).toBe(201)
  const [first, second] = await lab.calls('/upload')
  expect(second).toEqual({ ...first, status: 201, presented: second?.presented })
  expect(second).toMatchObject({ method: 'PUT', headers: { 'x-own': 'kept' }, bytes: 4 })
})

test.each([
  ['no referrer', { referrerPolicy: 'no-referrer' }, undefined],
  ['the whole referrer', { referrerPolicy: 'unsafe-url' }, location.href],
  ['an empty referrer', { referrer: '' }, undefined],
  ['a referrer of its own', { referrer: '/elsewhere', referrerPolicy: 'unsafe-url' }, `${location.origin}/elsewhere`],
] as const)('fetch: a Request that wants %s sends no other', async (_what, init, referer) => {
  const { lab, tokens } = await openRefused()
  await createFetch(tokens)(new Request(`${lab.api}/echo`, init))
  expect((await lab.calls('/echo')).map(({ headers }) => headers['referer'])).toEqual([referer, referer])
})
