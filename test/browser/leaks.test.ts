import axiosStatic from 'axios'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fault } from 'tokenward/testing'
import { everythingInPage, placesOfSecrets } from '../support/walk.ts'
import {
  axiosAdapters,
  clients,
  demo,
  failureOf,
  LIFETIME_MS,
  openStage,
  type ClientName,
  type Stage,
} from './stage.ts'

/** All that the code under test has said, shown or posted. */
let told: { console: unknown[]; posted: unknown[]; stored: unknown[]; states: unknown[] }

beforeEach(() => {
  told = { console: [], posted: [], stored: [], states: [] }
  for (const method of ['log', 'info', 'debug', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void told.console.push(args))
  }
  spyOn(BroadcastChannel.prototype, 'postMessage', told.posted)
  spyOn(MessagePort.prototype, 'postMessage', told.posted)
  spyOn(Storage.prototype, 'setItem', told.stored)
  spyOn(IDBObjectStore.prototype, 'put', told.stored)
})

afterEach(() => void vi.restoreAllMocks())

/** Writes down what `method` of any such object is given, and lets it do its work. */
function spyOn(target: object, method: string, list: unknown[]): void {
  const record = target as Record<string, (...args: unknown[]) => unknown>
  const original = record[method]!
  vi.spyOn(record, method).mockImplementation(function (this: unknown, ...args) {
    list.push(args)
    return original.apply(this, args)
  })
}

/** A life with all that can happen in it. Returns whatever came out on the way. */
async function live({ lab, tokens, client, pass, until }: Stage, name: ClientName): Promise<unknown[]> {
  const found: unknown[] = []
  const call = client(name)
  tokens.subscribe((state) => told.states.push(state))
  const keep = async (work: Promise<unknown>): Promise<void> => {
    found.push(await work.catch((error: unknown) => error))
  }

  await keep(tokens.login({ ...demo, password: 'wrong' }))
  await keep(tokens.login(demo))
  await keep(call('/me'))
  await lab.revokeAccessTokens()
  await keep(call('/upload', { method: 'POST', body: 'x' }))
  await keep(call('/always-401'))
  await keep(call('/admin'))
  await keep(call('/nowhere'))
  await lab.next('api', '/me', fault.cutAnswer())
  await keep(call('/me'))
  await keep(call(`${lab.foreign}/x`, { tokens: { required: true } }))
  await lab.next('api', '/me', { withoutCors: true })
  await keep(call('/me'))

  const controller = new AbortController()
  const aborted = keep(call(`${lab.slow}/stall`, { signal: controller.signal }))
  await lab.reached('slow', '/stall')
  controller.abort()
  await aborted

  pass(LIFETIME_MS)
  for (const trouble of [fault.status(503), fault.captivePortal(), fault.truncatedJson()]) {
    await lab.next('auth', 'refresh', trouble)
    await keep(call('/me'))
    found.push(tokens.getState())
    pass(LIFETIME_MS)
  }
  await keep(call('/me'))
  await until('active')
  const late = [keep(call(`${lab.slow}/drip`)), keep(call('/slow?ms=3000'))]
  await lab.reached('slow', '/drip')
  await keep(tokens.logout())
  await Promise.all(late)
  await keep(tokens.restore())
  return found
}

describe.each(clients)('%s', (name) => {
  test('F107, F108, F109, F110, F160: after a whole life no token is anywhere', async () => {
    const stage = await openStage({ timing: { requestTimeoutMs: 600 } })
    const out = await live(stage, name)
    expect(out.length).toBeGreaterThan(15)
    const secrets = await stage.lab.issuedTokens()
    // At the least: a sign-in and three refreshes, with two tokens each.
    expect(secrets.length).toBeGreaterThanOrEqual(8)
    expect(new Set(secrets).size).toBe(secrets.length)

    expect(placesOfSecrets(secrets, await everythingInPage())).toEqual([])
    expect(placesOfSecrets(secrets, told)).toEqual([])
    expect(placesOfSecrets(secrets, stage.events)).toEqual([])
    expect(placesOfSecrets(secrets, out)).toEqual([])
    expect(placesOfSecrets(secrets, stage.tokens)).toEqual([])
    expect(told.states.length).toBeGreaterThan(5)
    expect(told.stored.length).toBeGreaterThan(0)
  })
})

describe.each(axiosAdapters)('axios with the %s adapter', (adapter) => {
  test('F107: answers and errors as axios hands them out hold no token', async () => {
    const { lab, tokens, signIn } = await openStage()
    await signIn()
    const api = axiosStatic.create({ baseURL: lab.api, adapter })
    bindAxios(api, tokens)
    const good = await api.get('/me')
    await lab.revokeAccessTokens()
    const again = await api.post('/upload', { a: 1 })
    const bad = [
      await failureOf(api.get('/always-401')),
      await failureOf(api.get('/admin')),
      await failureOf(api.get('/nowhere')),
      await failureOf(api.get('/slow?ms=2000', { timeout: 100 })),
      await failureOf(api.get(`${lab.foreign}/x`, { tokens: { required: true } })),
    ]
    const secrets = await lab.issuedTokens()
    expect(secrets.length).toBeGreaterThanOrEqual(4)
    expect(placesOfSecrets(secrets, { good, again, bad, api: { defaults: api.defaults } })).toEqual([])
    expect((good.request as unknown) instanceof XMLHttpRequest).toBe(adapter === 'xhr')
  })
})

test('F107: a Response of fetch and its failures hold no token', async () => {
  const { lab, tokens, signIn } = await openStage()
  await signIn()
  const request = createFetch(tokens)
  const given = new Request(`${lab.api}/upload`, { method: 'POST', body: 'x' })
  await lab.revokeAccessTokens()
  const found = [given, await request(given), await failureOf(request(`${lab.api}/admin`))]
  const secrets = await lab.issuedTokens()
  expect(secrets.length).toBeGreaterThanOrEqual(4)
  expect(placesOfSecrets(secrets, found)).toEqual([])
})

test('the search itself finds a token wherever it is', async () => {
  const secret = crypto.randomUUID()
  const error = new Error('x', { cause: new Map([[{ secret }, 1]]) })
  const headers = new Headers({ Authorization: `Bearer ${secret}` })
  for (const value of [{ a: [secret] }, error, headers, new TextEncoder().encode(`x${secret}`), { [secret]: 1 }]) {
    expect(placesOfSecrets([secret], value)).not.toEqual([])
  }
  sessionStorage.setItem('probe', secret)
  expect(placesOfSecrets([secret], await everythingInPage())).not.toEqual([])
  expect(placesOfSecrets([secret], told.stored)).not.toEqual([])
  sessionStorage.removeItem('probe')
  expect(placesOfSecrets([secret], await everythingInPage())).toEqual([])
})
