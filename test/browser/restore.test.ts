import { describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { bindAxios } from 'tokenward/axios'
import axios from 'axios'
import { openStage, times, tokenFailureOf } from './stage.ts'

const marks = (): string[] => Object.keys(localStorage).filter((key) => key.startsWith('tokenward:'))

describe('a page that is loaded again', () => {
  test('finds its session by the cookie, with one call', async () => {
    const { lab, tokens, signIn, reload } = await openStage()
    await signIn()
    tokens.dispose()
    const next = reload()
    expect(next.getState()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
    const states = await Promise.all(times(3, () => next.restore()))
    for (const state of states) expect(state).toBe(next.getState())
    expect(next.getState().status).toBe('active')
    expect(await lab.count('refresh')).toBe(1)
    const api = axios.create({ baseURL: lab.api })
    bindAxios(api, next)
    expect((await api.get('/me')).data).toMatchObject({ email: 'demo@example.com' })
    expect(await next.restore()).toBe(next.getState())
    expect(await lab.count('refresh')).toBe(1)
  })

  test('lets calls wait while it looks for the session', async () => {
    const { lab, tokens, signIn, reload } = await openStage()
    await signIn()
    tokens.dispose()
    const next = reload()
    const api = axios.create({ baseURL: lab.api })
    bindAxios(api, next)
    const gate = await lab.hold('auth', 'refresh')
    const restored = next.restore()
    expect(next.getState().status).toBe('restoring')
    const call = api.get('/me')
    await lab.arrived(gate)
    await lab.release(gate)
    expect((await restored).signedIn).toBe(true)
    expect((await call).status).toBe(200)
  })

  test('F47: is stale while the server cannot be reached, and recovers by itself', async () => {
    const { lab, tokens, signIn, reload, until } = await openStage()
    await signIn()
    tokens.dispose()
    await lab.next('auth', 'refresh', fault.status(503))
    const next = reload()
    expect(await next.restore()).toMatchObject({ status: 'stale', signedIn: true })
    expect((await until('active', next)).signedIn).toBe(true)
    expect(await lab.count('refresh')).toBe(2)
  })

  test('learns that the session has been ended by the server, and asks no more', async () => {
    const { lab, tokens, signIn, reload } = await openStage()
    await signIn()
    tokens.dispose()
    await lab.revokeSessions()
    expect(await reload().restore()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
    expect(await reload().restore()).toMatchObject({ status: 'signed-out' })
    expect(await lab.count('refresh')).toBe(1)
  })
})

describe('a visitor who never signed in', () => {
  test('costs one call, and then none', async () => {
    const { lab, tokens, reload } = await openStage()
    expect(marks()).toEqual([])
    expect(await tokens.restore()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
    expect(await lab.count('refresh')).toBe(1)
    const [mark] = marks()
    // A number, not a secret.
    expect(localStorage.getItem(mark ?? '')).toMatch(/^\d+$/)
    for (const page of [tokens, reload(), reload()]) expect((await page.restore()).signedIn).toBe(false)
    expect(await lab.count('refresh')).toBe(1)
  })

  test('is asked about once more with ask: true', async () => {
    const { lab, tokens } = await openStage()
    await tokens.restore()
    await tokens.restore({ ask: true })
    expect(await lab.count('refresh')).toBe(2)
  })

  test('is not remembered when the server could not be reached', async () => {
    const { lab, tokens, reload } = await openStage()
    await lab.next('auth', 'refresh', fault.status(503))
    expect((await tokenFailureOf(tokens.restore())).code).toBe('refresh_unavailable')
    expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
    expect((await reload().restore()).signedIn).toBe(false)
    expect(await lab.count('refresh')).toBe(2)
  })
})

test.each(['getItem', 'setItem'] as const)(
  'F54: a localStorage whose %s throws costs a call, not the session',
  async (method) => {
    const { lab, tokens, signIn, reload } = await openStage()
    const { [method]: original } = Storage.prototype
    Storage.prototype[method] = () => {
      throw new DOMException('full, or forbidden', 'QuotaExceededError')
    }
    try {
      await signIn()
      tokens.dispose()
      expect((await reload().restore()).signedIn).toBe(true)
    } finally {
      Storage.prototype[method] = original as never
    }
    expect(await lab.count('refresh')).toBe(1)
  },
)

test('F54: rubbish in localStorage is no session and no obstacle', async () => {
  const { lab, tokens, signIn, reload } = await openStage()
  await signIn()
  tokens.dispose()
  const [mark = ''] = marks()
  localStorage.setItem(mark, '{"what":"?"')
  expect((await reload().restore()).signedIn).toBe(true)
  expect(await lab.count('refresh')).toBe(1)
})
