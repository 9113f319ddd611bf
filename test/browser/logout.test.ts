import { tokenErrorOf } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { axiosAdapters, clients, demo, failureOf, LIFETIME_MS, openStage, times, tokenFailureOf } from './stage.ts'

const admin = { email: 'admin@example.com', password: 'admin' }

describe.each(clients)('%s', (name) => {
  test('F73, F81: a logout takes calls in flight off the wire at once', async () => {
    const { lab, tokens, signIn, client } = await openStage()
    await signIn()
    const call = client(name)
    const unanswered = tokenFailureOf(call(`${lab.slow}/stall`))
    const halfAnswered = failureOf(call(`${lab.slow}/drip`))
    await Promise.all([lab.reached('slow', '/stall'), lab.reached('slow', '/drip')])
    const gate = await lab.hold('auth', 'logout')
    const report = tokens.logout()
    expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout', elsewhere: false })
    // The server has not even answered the logout.
    expect((await unanswered).code).toBe('signed_out')
    // A response that fetch has handed over says it in the platform's words when its body is read.
    const error = await halfAnswered
    expect(tokenErrorOf(error)?.code ?? (error as Error).name).toMatch(
      name === 'fetch' ? /^(signed_out|AbortError)$/ : /^signed_out$/,
    )
    await Promise.all([lab.left('slow', '/stall'), lab.left('slow', '/drip')])
    await lab.release(gate)
    expect(await report).toEqual({ revoked: 'confirmed' })
    expect(await lab.liveSessions()).toBe(0)
  })

  test('F73: a refresh that answers after the logout does not bring the session back', async () => {
    const { lab, tokens, signIn, client, pass, events } = await openStage()
    await signIn()
    pass(LIFETIME_MS)
    const gate = await lab.hold('auth', 'refresh', 'after')
    const call = client(name)
    const waiting = times(3, () => tokenFailureOf(call('/me')))
    await lab.arrived(gate)
    const report = tokens.logout()
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('signed_out')
    await lab.release(gate)
    expect(await report).toEqual({ revoked: 'confirmed' })
    // The logout call came after the refresh, with the cookie that the refresh had brought.
    expect(await lab.liveSessions()).toBe(0)
    expect(await lab.count('logout', 'signed-out')).toBe(1)
    expect(tokens.getState().status).toBe('signed-out')
    expect((await call('/me')).status).toBe(401)
    expect((await lab.calls('/me')).map(({ presented }) => presented)).toEqual([undefined])
    expect(events.map(([type]) => type)).toEqual(['signed-in', 'signed-out'])
  })

  test('F79: a logout that the server does not hear of is still a logout, and is made up for later', async () => {
    const { lab, tokens, signIn, client, reload } = await openStage({ timing: { requestTimeoutMs: 600 } })
    await signIn()
    await lab.next('auth', 'logout', { answer: 'silence' })
    const report = tokens.logout()
    expect(tokens.getState().signedIn).toBe(false)
    expect(await report).toEqual({ revoked: 'unconfirmed' })
    expect((await client(name)('/me')).status).toBe(401)
    expect(await lab.liveSessions()).toBe(1)
    expect((await reload().restore()).signedIn).toBe(false)
    await expect.poll(() => lab.liveSessions(), { timeout: 10_000 }).toBe(0)
    expect(await lab.count('refresh')).toBe(0)
  })

  test('F75: a call of one user in flight is not answered to the next, nor sent with his token', async () => {
    const { lab, tokens, signIn, client, events } = await openStage()
    await signIn()
    const call = client(name)
    await lab.revokeAccessTokens()
    const gate = await lab.hold('api', '/echo')
    const first = tokenFailureOf(call('/echo', { method: 'POST', body: 'mine' }))
    await lab.arrived(gate)
    await tokens.login(admin)
    await lab.release(gate)
    expect((await first).code).toBe('session_changed')
    expect((await call('/me')).data).toMatchObject({ email: 'admin@example.com' })
    expect(await lab.calls('/echo')).toHaveLength(1)
    expect(events.map(([type]) => type)).toEqual(['signed-in', 'signed-out', 'signed-in'])
    expect(events[1]?.[1]).toMatchObject({ reason: 'replaced' })
  })
})

test.each(axiosAdapters)('F117: after a logout no default of axios holds a token (%s)', async (adapter) => {
  const { tokens, signIn, axios } = await openStage()
  await signIn()
  const api = axios(adapter)
  await api.get('/me')
  await tokens.logout()
  expect(JSON.stringify(api.defaults)).not.toMatch(/bearer|authorization/i)
  expect(await failureOf(api.get('/me'))).toMatchObject({ status: 401 })
})

test('after a logout, restore() knows without a call that nobody is signed in, in this page and the next', async () => {
  const { lab, tokens, signIn, reload } = await openStage()
  await signIn()
  await tokens.logout()
  const before = await lab.count('refresh')
  expect(await tokens.restore()).toMatchObject({ status: 'signed-out', reason: 'logout' })
  expect(await reload().restore()).toMatchObject({ status: 'signed-out' })
  expect(await lab.count('refresh')).toBe(before)
  expect(await lab.count('logout')).toBe(1)
})

test('a logout and a new sign-in at once: the new session lives, the old one is over', async () => {
  const { lab, tokens, signIn, client } = await openStage()
  await signIn()
  const out = tokens.logout()
  const [, state] = await Promise.all([out, tokens.login(demo)])
  expect(state.signedIn).toBe(true)
  expect((await client('fetch')('/me')).status).toBe(200)
  expect(await lab.liveSessions()).toBe(1)
  expect(await lab.count('login', 'signed-in')).toBe(2)
})
