import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenward-'))
  const entryPoints = {
    index: source('index.ts'),
    axios: source('axios/index.ts'),
    fetch: source('fetch/index.ts'),
    oauth: source('oauth/index.ts'),
    storage: source('storage/index.ts'),
    testing: source('testing/index.ts'),
  }
  // axios is the application's, and does at its import what it likes.
  const alias = { axios: join(folder, 'no-axios.mjs') }
  await writeFile(alias.axios, AXIOS)
  const common = {
    outdir: folder,
    bundle: true,
    format: 'esm',
    splitting: true,
    outExtension: { '.js': '.mjs' },
  } as const
  await build({ ...common, entryPoints, alias, external: ['node:*'], logLevel: 'silent' })
})
afterAll(() => rm(folder, { recursive: true }))

const AXIOS = ['getAdapter', 'getUri', 'isCancel', 'mergeConfig', 'AxiosError', 'AxiosHeaders', 'CanceledError']
  .map((name) => `export function ${name}() {}`)
  .join('\n')
  .concat('\nexport default { getAdapter }')

/** Runs `code` in a Node of its own, and gives what it printed last, as JSON. */
async function inNode(code: string): Promise<unknown> {
  const file = join(folder, `run-${String(Math.random()).slice(2)}.mjs`)
  await writeFile(file, code)
  const { stdout, stderr } = await run(process.execPath, [file], { timeout: 10_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown
}

/** A manager with a source and an API in the same process, as plain JavaScript. */
const SCENE = `
const world = (options = {}) => {
  const asked = [], sent = [], timers = []
  let count = 0, now = 1e12
  const answers = []
  const issue = () => answers.length ? answers.shift()() : ({ access_token: 't' + ++count, refresh_token: 'r' + count, expires_in: 300 })
  const source = {
    id: 'desk', credential: 'token',
    login: async () => issue(),
    refresh: async ({ refreshToken }) => (asked.push(refreshToken), issue()),
    revoke: async () => 'confirmed',
  }
  const tokens = createTokenManager({
    source,
    resources: ['https://api.example.com'],
    ports: { clock: { now: () => ({ wall: now, monotonic: now }) }, timer: (task, ms) => (timers.push(ms), () => {}), random: () => 0.5 },
    ...options,
  })
  let status = () => 200
  const send = (url = 'https://api.example.com/x') =>
    tokens.send({ url }, {
      repeatable: true,
      send: async (headers) => (sent.push([url, headers.Authorization ?? null]), status(headers.Authorization)),
      answer: (reply) => ({ status: reply, header: () => null }),
    })
  return { tokens, send, asked, sent, answers, pass: (ms) => (now += ms), decide: (by) => (status = by) }
}
`

const LIFE = `
// What an error says of its own: what a polluted prototype adds when it is read is the reader's.
const own = (error, name) => (Object.hasOwn(error, name) ? error[name] : null)
const codeOf = (work) => work.then(() => 'fine', (error) => [String(error), own(error, 'code'), own(error, 'transient'), own(error, 'retryAt')])
async function life() {
  const seen = []
  const one = world()
  await one.send()
  await one.tokens.login()
  await one.send()
  await one.send('https://evil.test/')
  await one.send('https://api.example.com.evil.test/')
  await one.send('http://api.example.com/')
  seen.push(one.sent.splice(0))
  one.pass(301_000)
  await one.send()
  one.decide((sent) => (sent === 'Bearer t2' ? 401 : 200))
  await one.send()
  one.decide(() => 403)
  await one.send()
  seen.push(one.sent.splice(0), one.asked.splice(0))
  const down = (code, transient) => () => { throw new TokenError(code, 'x', transient ? { transient } : {}) }
  for (const [code, transient] of [['refresh_unavailable', true], ['configuration', false], ['refresh_rejected', false]]) {
    const two = world()
    await two.tokens.login()
    two.pass(301_000)
    two.answers.push(down(code, transient))
    const failed = await codeOf(two.send())
    two.pass(10_000)
    seen.push([failed, two.tokens.getState().status, await codeOf(two.send()), two.asked.length])
  }
  const three = world()
  three.answers.push(() => ({}))
  seen.push(await codeOf(three.tokens.login()))
  const four = world()
  four.answers.push(() => ({ access_token: 'abc' }))
  const { status, expiresAt, scope, claims } = await four.tokens.login()
  seen.push([status, expiresAt ?? null, scope, claims ?? null])
  seen.push(await codeOf(Promise.resolve().then(() => createTokenManager({ source: { id: 'x', credential: 'token', refresh() {} }, resources: ['http://a.example'] }))))
  return seen
}
`

describe('F159: importing and creating touches no global', () => {
  const GUARD = `
const touched = []
for (const name of ['window', 'self', 'document', 'location', 'navigator', 'localStorage', 'sessionStorage', 'indexedDB',
  'BroadcastChannel', 'fetch', 'crypto', 'caches', 'history', 'addEventListener', 'XMLHttpRequest', 'Worker', 'SharedWorker']) {
  Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); throw new Error('touched ' + name) } })
}
for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'requestAnimationFrame']) {
  const real = globalThis[name]
  globalThis[name] = (...args) => (touched.push(name), real?.(...args))
}
const globals = () => Reflect.ownKeys(globalThis).map(String).sort().join()
const prototypes = () => [Object, Array, Promise, Map, Set, Function, AbortSignal, EventTarget].map(({ prototype }) => Reflect.ownKeys(prototype).length).join()
const before = globals() + prototypes()
`

  const entries = ['index', 'axios', 'fetch', 'oauth', 'storage', 'testing']
  test.each(entries)('%s, where every global throws', async (entry) => {
    const code = `${GUARD}
await import('./${entry}.mjs')
console.log(JSON.stringify({ touched, changed: before !== globals() + prototypes() }))`
    expect(await inNode(code)).toEqual({ touched: [], changed: false })
  })

  test('nor does a manager that nobody asks for anything; and it is of use, with what ports it is given', async () => {
    const code = `${GUARD}
const { createTokenManager, cookieSource, jsonSource, TokenError } = await import('./index.mjs')
${SCENE}
createTokenManager({ source: cookieSource({ login: '/l', refresh: '/r', logout: '/o' }) }).subscribe(() => {})
const { tokens } = world({ source: jsonSource({ refresh: '/r' }) })
tokens.getState()
tokens.dispose()
const idle = [...touched]
console.log(JSON.stringify({ idle, changed: before !== globals() + prototypes() }))`
    expect(await inNode(code)).toEqual({ idle: [], changed: false })
  })

  test('F124: where every access to storage throws, the session works in memory', async () => {
    const code = `${GUARD}
const { createTokenManager } = await import('./index.mjs')
for (const name of ['navigator', 'document', 'location', 'addEventListener']) delete globalThis[name]
${SCENE}
const found = { restore: async () => undefined }
const { tokens, send, sent } = world()
await tokens.restore()
await tokens.login()
await send()
const report = await tokens.logout()
tokens.dispose()
console.log(JSON.stringify({ sent, report }))`
    const report = { revoked: 'confirmed' }
    expect(await inNode(code)).toEqual({ sent: [['https://api.example.com/x', 'Bearer t1']], report })
  })

  test('F84: a finished program ends, although a refresh is planned', async () => {
    const code = `
const { createTokenManager } = await import('./index.mjs')
${SCENE}
const { tokens, send } = world({ ports: {} })
await tokens.login()
await send()
console.log(JSON.stringify(tokens.getState().status))`
    expect(await inNode(code)).toBe('active')
  })
})

describe('F115: a polluted Object.prototype changes no decision', () => {
  const POLLUTION: Record<string, string> = {
    dangerouslyAllowHttp: 'true',
    allowHttp: 'true',
    resources: "['https://evil.test', 'https://api.example.com']",
    ports: '{ report() {} }',
    name: "'polluted'",
    timing: '{ leewayMs: 1e9, idleMs: 1 }',
    idleMs: '1',
    absoluteMs: '1',
    leewayMs: '1e9',
    requestTimeoutMs: '1',
    background: 'false',
    transient: 'true',
    retryAt: '9e15',
    cause: "'secret'",
    scope: "'admin'",
    resource: "'https://evil.test'",
    reuse: "'once'",
    required: 'true',
    retry: 'false',
    minTtlMs: '1e9',
    waitMs: '0',
    signal: 'AbortSignal.abort()',
    refused: 'true',
    access_token: "'polluted-token'",
    token_type: "'mac'",
    expires_in: '1',
    refresh_token: "'polluted-refresh'",
    id_token: "'e30.eyJzdWIiOiJ4In0.'",
    authorization_expires_in: '1',
    withheld: "'insecure'",
    session: '{ id: 1 }',
    tokens: '{}',
    flight: 'Promise.resolve()',
    tried: "['refresh-retry']",
    held: 'true',
    ask: 'true',
    reason: "'idle'",
    status: "'active'",
  }

  test.each(['before', 'after'] as const)('%s it is loaded: each of many names by itself', async (when) => {
    const load = "const { createTokenManager, TokenError } = await import('./index.mjs')"
    const code = (pollute: string): string => `
${when === 'after' ? load : ''}
const pollution = { ${Object.entries(POLLUTION)
      .map(([name, value]) => `${name}: () => (${value})`)
      .join(', ')} }
${pollute}
${when === 'before' ? load : ''}
${SCENE}
${LIFE}
const clean = JSON.stringify(await life())
const changed = {}
for (const [name, value] of Object.entries(pollution)) {
  Object.defineProperty(Object.prototype, name, { configurable: true, writable: true, value: value() })
  let found
  try {
    found = await Promise.race([life(), new Promise((resolve) => setTimeout(resolve, 500, 'hangs'))])
  } catch (error) {
    found = String(error)
  }
  delete Object.prototype[name]
  if (JSON.stringify(found) !== clean) changed[name] = found
}
console.log(JSON.stringify(Object.keys(changed)))
process.exit()`
    expect(await inNode(code(when === 'before' ? 'Object.prototype.unrelated = 1' : ''))).toEqual([])
  })

  test('and __proto__ in a token response changes nothing either', async () => {
    const code = `
const { createTokenManager, TokenError } = await import('./index.mjs')
${SCENE}
const { tokens, send, sent, answers } = world()
answers.push(() => JSON.parse('{"access_token":"abc","__proto__":{"polluted":1,"refresh_token":"evil"},"constructor":{"prototype":{"polluted":1}}}'))
await tokens.login()
await send()
console.log(JSON.stringify({ sent, polluted: ({}).polluted ?? null }))`
    expect(await inNode(code)).toEqual({ sent: [['https://api.example.com/x', 'Bearer abc']], polluted: null })
  })
})
