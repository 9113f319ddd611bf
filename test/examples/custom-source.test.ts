import axios, { type AxiosInstance } from 'axios'
import { createTokenManager, tokenErrorOf, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { fault } from 'tokenward/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { envelopeSource, type Credentials } from '../../examples/06-custom-source/source.ts'
import { startBackend, type Backend } from '../support/backend.ts'

let backend: Backend
let tokens: TokenManager<Credentials>
let api: AxiosInstance

beforeEach(async () => {
  backend = await startBackend({ auth: { spelling: 'nested' } })
  tokens = createTokenManager({ source: envelopeSource(backend.auth.origin), resources: [backend.api.origin] })
  api = axios.create({ baseURL: backend.api.origin })
  bindAxios(api, tokens)
})
afterEach(async () => {
  tokens.dispose()
  await backend.close()
})

const signIn = (): Promise<unknown> => tokens.login({ email: 'demo@example.com', password: 'demo' })
const statusOfOrders = async (): Promise<number> => (await api.get('/orders')).status

test('a server with ways of its own is signed in to, asked for new tokens, and told of the logout', async () => {
  await signIn()
  expect(await statusOfOrders()).toBe(200)
  expect(tokens.getState()).toMatchObject({ expiresAt: expect.any(Number) as unknown })
  backend.auth.revokeAccessTokens()
  expect(await Promise.all([statusOfOrders(), statusOfOrders()])).toEqual([200, 200])
  expect(backend.auth.count('refresh', 'rotated')).toBe(1)
  expect(await tokens.logout()).toEqual({ revoked: 'confirmed' })
  expect(backend.auth.liveFamilies()).toEqual([])
})

test('what it throws decides: a wrong password, passing trouble, and the end of the session', async () => {
  const refused: unknown = await tokens.login({ email: 'demo@example.com', password: 'x' }).catch((e: unknown) => e)
  expect(tokenErrorOf(refused)?.code).toBe('login_failed')

  await signIn()
  backend.auth.revokeAccessTokens()
  backend.auth.faults.next('refresh', fault.unavailable())
  const later: unknown = await statusOfOrders().catch((error: unknown) => error)
  expect(tokenErrorOf(later)).toMatchObject({ code: 'refresh_unavailable', transient: true })
  expect(tokens.getState().status).toBe('stale')

  await tokens.logout()
  await signIn()
  backend.auth.revokeSessions()
  const over: unknown = await statusOfOrders().catch((error: unknown) => error)
  expect(tokenErrorOf(over)?.code).toBe('refresh_rejected')
  expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
})
