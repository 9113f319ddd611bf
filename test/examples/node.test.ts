import { inspect } from 'node:util'
import { tokenErrorOf } from 'tokenward'
import { fault } from 'tokenward/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listOrders } from '../../examples/05-node/main.mjs'
import { startBackend, type Backend } from '../support/backend.ts'

let backend: Backend
let elsewhere: Backend
beforeEach(async () => {
  ;[backend, elsewhere] = await Promise.all([startBackend(), startBackend()])
})
afterEach(() => Promise.all([backend.close(), elsewhere.close()]))

const settings = (): Parameters<typeof listOrders>[0] => ({
  auth: backend.auth.origin,
  api: backend.api.origin,
  email: 'demo@example.com',
  password: 'demo',
})

test('the script gets its data, and leaves no session behind', async () => {
  expect(await listOrders(settings())).toEqual({ orders: expect.any(Array) as unknown })
  expect(backend.auth.count('login', 'signed-in')).toBe(1)
  expect(backend.auth.liveFamilies()).toEqual([])
})

test('a redirect to another host takes no token along', async () => {
  backend.api.faults.next('/orders', fault.redirect(`${elsewhere.api.origin}/public`))
  expect(await listOrders(settings())).toEqual({ hello: 'anybody' })
  expect(elsewhere.api.log.map(({ path, presented }) => [path, presented])).toEqual([['/public', undefined]])
})

test('a call that fails shows no token, and the session is given back all the same', async () => {
  backend.api.faults.next('/orders', fault.status(500))
  const error: unknown = await listOrders(settings()).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ response: { status: 500 } })
  const shown = inspect(error, { depth: 20, showHidden: true })
  const secrets = backend.auth.issuedTokens()
  expect(secrets.length).toBeGreaterThan(0)
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([])
  expect(backend.auth.liveFamilies()).toEqual([])
})

test('a wrong password is said to be one', async () => {
  const error: unknown = await listOrders({ ...settings(), password: 'wrong' }).catch((thrown: unknown) => thrown)
  expect(tokenErrorOf(error)?.code).toBe('login_failed')
})
