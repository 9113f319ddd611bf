import { mockFixtures, serverFixtures, type ApiServer, type AuthServer } from 'tokenward/testing'
import { afterAll, describe, expect, expectTypeOf, test as base } from 'vitest'
import { api as recordedApi, story } from './recording.ts'

const origins: string[] = []
afterAll(async () => {
  expect(origins).toHaveLength(4)
  for (const origin of origins) await expect(fetch(origin)).rejects.toThrow()
})

describe('servers for each test', () => {
  const test = base.extend(serverFixtures({ auth: { accessTokenMs: 60_000 } }))

  test('they are there, on one clock', async ({ auth, api, clock }) => {
    expectTypeOf(auth).toEqualTypeOf<AuthServer>()
    expectTypeOf(api).toEqualTypeOf<ApiServer>()
    origins.push(auth.origin, api.origin)
    const login = await fetch(auth.endpoints('json').login, {
      method: 'POST',
      body: JSON.stringify({ email: 'demo@example.com', password: 'demo' }),
    })
    const { access_token } = (await login.json()) as { access_token: string }
    const me = async (): Promise<number> =>
      (await fetch(`${api.origin}/me`, { headers: { Authorization: `Bearer ${access_token}` } })).status
    expect(await me()).toBe(200)
    await clock.advance(61_000)
    expect(await me()).toBe(401)
  })

  test('the next test has others', ({ auth, clock }) => {
    expect(origins).not.toContain(auth.origin)
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1))
    origins.push(auth.origin)
  })
})

describe('a mock for each test', () => {
  const test = base.extend(mockFixtures(story))

  test('it enforces', async ({ mock }) => {
    expect((await fetch(`${mock.origins[recordedApi]}/me`)).status).toBe(401)
    origins.push(mock.origin)
  })

  test('it begins from the beginning', ({ mock }) => {
    expect(mock.log).toEqual([])
  })
})
