import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as after from '../../examples/12-from-axios-auth-refresh/after.ts'
import * as before from '../../examples/12-from-axios-auth-refresh/before.ts'
import { startBackend, type Backend } from '../support/backend.ts'

let backend: Backend
let kept: Map<string, string>
beforeEach(async () => {
  backend = await startBackend()
  kept = new Map()
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  })
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await backend.close()
})

const user = { email: 'demo@example.com', password: 'demo' }

describe.each([
  ['before', before.createClient],
  ['after', after.createClient],
] as const)('%s', (_when, createClient) => {
  test('the application calls, and a refused token is renewed', async () => {
    const { auth, api: server } = backend
    const { api, login } = createClient(auth.origin, server.origin)
    await login(user)
    expect((await api.get('/orders')).status).toBe(200)
    auth.revokeAccessTokens()
    expect((await api.get('/me')).status).toBe(200)
    expect(auth.count('refresh', 'rotated')).toBe(1)
  })
})

/** A 401 that comes when another request has got a new token already. */
async function refreshesForALate401(createClient: typeof after.createClient): Promise<number> {
  const { auth, api: server } = backend
  const { api, login } = createClient(auth.origin, server.origin)
  await login(user)
  auth.revokeAccessTokens()
  const gate = server.faults.hold('/me', 'after')
  const late = api.get('/me')
  await gate.arrived
  await api.get('/orders')
  gate.release()
  expect((await late).status).toBe(200)
  return auth.count('refresh')
}

test('F04: a late 401 cost a second refresh before, and costs none after', async () => {
  expect(await refreshesForALate401(before.createClient)).toBe(2)
  await backend.close()
  backend = await startBackend()
  expect(await refreshesForALate401(after.createClient)).toBe(1)
})

test('many requests whose token is refused are all served by one refresh', async () => {
  const { auth, api: server } = backend
  const { api, login } = after.createClient(auth.origin, server.origin)
  await login(user)
  auth.revokeAccessTokens()
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.get('/orders')))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(auth.count('refresh')).toBe(1)
})

test('tokens lay in localStorage before; after, none does', async () => {
  const { auth, api: server } = backend
  const tokensKept = (): string[] => auth.issuedTokens().filter((token) => [...kept.values()].includes(token))
  await before.createClient(auth.origin, server.origin).login(user)
  expect(tokensKept()).toHaveLength(2)
  kept.clear()
  await after.createClient(auth.origin, server.origin).login(user)
  expect(tokensKept()).toEqual([])
})
