import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Har, HarEntry } from 'tokenward/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tokenward, type Ran } from './cli.ts'

const api = 'https://api.example.com'
const json = [{ name: 'content-type', value: 'application/json' }]

function entry(request: Partial<HarEntry['request']>, body: unknown, more: Partial<HarEntry> = {}): HarEntry {
  const text = JSON.stringify(body)
  return {
    startedDateTime: '2026-11-24T08:00:00.000Z',
    time: 1,
    request: {
      method: 'GET',
      url: api,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [],
      queryString: [],
      headersSize: -1,
      bodySize: 0,
      ...request,
    },
    response: {
      status: 200,
      statusText: 'OK',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: json,
      content: { size: text.length, mimeType: 'application/json', text },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: 1, receive: 0 },
    _principal: 'p1',
    ...more,
  }
}

const har: Har = {
  log: {
    version: '1.2',
    creator: { name: 'tokenward', version: '1' },
    _tokenward: 1,
    _tokens: [
      { id: 'password_p1_1', kind: 'password', principal: 'p1', claims: {}, issuedBy: null, refreshedFrom: null },
      {
        id: 'access_p1_1',
        kind: 'access',
        principal: 'p1',
        claims: { ttl: 300 },
        issuedBy: 0,
        refreshedFrom: null,
        tokenType: 'Bearer',
        format: 'jwt',
        alg: 'ES256',
      },
    ],
    entries: [
      entry(
        {
          method: 'POST',
          url: `${api}/auth/login`,
          headers: json,
          postData: { mimeType: 'application/json', text: '{"email":"a@example.com","password":"{{password_p1_1}}"}' },
        },
        { access_token: '{{access_p1_1}}', token_type: 'Bearer', expires_in: 300 },
        { _exchange: 'login' },
      ),
      entry(
        { url: `${api}/orders`, headers: [{ name: 'authorization', value: 'Bearer {{access_p1_1}}' }] },
        { orders: [1, 2] },
      ),
    ],
  },
}

let folder: string
let stop: () => void
let served: Promise<Ran>
let origin: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenward-replay-'))
  await writeFile(join(folder, 'app.har'), JSON.stringify(har))
  await writeFile(join(folder, 'secrets.json'), '{"password_p1_1":"demo"}')
  let told: (text: string) => void
  const line = new Promise<string>((resolve) => (told = resolve))
  const interrupted = new Promise<void>((resolve) => (stop = resolve))
  served = tokenward(['serve', join(folder, 'app.har')], {
    interrupted: () => interrupted,
    onOut: (text) => told(text),
  })
  origin = (await line).trim().split(' ').at(-1)!
})
afterAll(async () => {
  stop()
  expect((await served).code).toBe(0)
  await rm(folder, { recursive: true, force: true })
})

test('serve answers as recorded, and only who brings a token that it gave', async () => {
  expect((await fetch(`${origin}/orders`)).status).toBe(401)
  const refused = await fetch(`${origin}/orders`, { headers: { authorization: 'Bearer garbage' } })
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringContaining('invalid_token'),
  ])
})

test('replay signs in again, replays green, and writes JUnit', async () => {
  const junit = join(folder, 'replay.xml')
  const args = [
    join(folder, 'app.har'),
    '--base-url',
    origin,
    '--secrets',
    join(folder, 'secrets.json'),
    '--junit',
    junit,
  ]
  const { code, out, err } = await tokenward(['replay', ...args])
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('2 exchanges: 2 as recorded, 0 different, 0 skipped')
  expect(await readFile(junit, 'utf8')).toContain('tests="2" failures="0" errors="0" skipped="0"')
})

test('a recording of several servers is replayed against one each; who does not answer is said by the system’s word', async () => {
  const text = JSON.stringify(har).replace(`${api}/orders`, 'https://orders.example.com/orders')
  await writeFile(join(folder, 'two.har'), text)
  const args = ['replay', join(folder, 'two.har'), '--secrets', join(folder, 'secrets.json'), '-u', `${api}=${origin}`]
  const green = await tokenward([...args, '-u', `https://orders.example.com/=${origin}`])
  expect([green.code, green.err]).toEqual([0, ''])
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const { port } = gone.address() as { port: number }
  await new Promise((resolve) => gone.close(resolve))
  const closed = await tokenward([...args, '-u', `https://orders.example.com=http://127.0.0.1:${port}`])
  expect([closed.code, closed.out]).toEqual([
    1,
    expect.stringContaining('status: was 200, is no answer (ECONNREFUSED)'),
  ])
})

test('replay says what differs, and exits with 1', async () => {
  const other = JSON.parse(JSON.stringify(har).replace('\\"orders\\":[1,2]', '\\"orders\\":[1,2],\\"total\\":2')) as Har
  await writeFile(join(folder, 'other.har'), JSON.stringify(other))
  const args = [join(folder, 'other.har'), '-u', origin, '--secrets', join(folder, 'secrets.json')]
  const { code, out } = await tokenward(['replay', ...args])
  expect(code).toBe(1)
  expect(out).toContain('body.total')
})

test('the matrix finds that no wrong token is let in', async () => {
  const junit = join(folder, 'matrix.xml')
  const args = [
    join(folder, 'app.har'),
    '-u',
    origin,
    '--secrets',
    join(folder, 'secrets.json'),
    '--matrix',
    '--junit',
    junit,
  ]
  const { code, out } = await tokenward(['replay', ...args])
  expect([code, out]).toEqual([0, expect.stringContaining('none')])
  expect(await readFile(junit, 'utf8')).toMatch(/failures="0"/)
})

test('a server whose 401 says nothing fails the matrix, unless that is allowed', async () => {
  const silent = createServer((request, response) => {
    void (async () => {
      const body = request.method === 'POST' ? await text(request) : undefined
      const { authorization = '' } = request.headers
      const { status, ...came } = await fetch(origin + (request.url ?? ''), {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
        ...(body === undefined ? {} : { body }),
      }).then(async (answer) => ({ status: answer.status, text: await answer.text() }))
      response.writeHead(status, { 'content-type': 'application/json' }).end(came.text)
    })()
  })
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(silent.address() as { port: number }).port}`
  const args = ['replay', join(folder, 'app.har'), '-u', base, '--secrets', join(folder, 'secrets.json'), '--matrix']
  const strict = await tokenward(args)
  const lenient = await tokenward([...args, '--bare-401'])
  silent.close()
  expect([strict.code, strict.out]).toEqual([1, expect.stringMatching(/FAIL.*none: 401.*without WWW-Authenticate/)])
  expect(lenient.code).toBe(0)
})

test.each([
  [['serve'], 'tell a recording (HAR), or - for standard input.'],
  [['serve', 'package.json'], 'package.json: '],
  [['serve', '-p', '99999', '-'], '--port 99999 is no port.'],
  [['replay', '-', '-u', 'nonsense'], '--base-url nonsense is no URL.'],
  [['replay', '-', '-u', 'https://a.example=x'], '--base-url https://a.example=x is no URL.'],
  [
    ['replay', '-', '-u', 'http://a.example', '-u', 'http://b.example'],
    '--base-url http://a.example: of several, each says',
  ],
  [['replay', 'docs'], 'docs is a folder: tell one recording.'],
])('%j: exit code 2, and a message that says what to do', async (args, message) => {
  const { code, err } = await tokenward(args)
  expect(code).toBe(2)
  expect(err).toContain(`tokenward: ${message}`)
})
