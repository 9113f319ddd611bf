import { describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { hiddenChallenge } from './lab.ts'
import { clients, LIFETIME_MS, openStage, times, tokenFailureOf } from './stage.ts'

describe.each(clients)('%s', (name) => {
  test('after the sign-in a call to an API of another origin carries the token, through a preflight', async () => {
    const { lab, tokens, signIn, client } = await openStage()
    const call = client(name)
    expect((await call('/public')).data).toEqual({ hello: 'anybody' })
    expect(tokens.getState().status).toBe('signed-out')
    await signIn()
    expect((await call('/me')).data).toEqual({ email: 'demo@example.com', scope: 'orders:read' })
    const [bare, me] = await lab.calls()
    expect(bare?.presented).toBeUndefined()
    expect(me?.presented).toBeDefined()
    expect(me?.headers['cookie']).toBeUndefined()
    expect(await lab.count('refresh')).toBe(0)
  })

  test('F01: 20 calls that find the token expired cause one refresh, and each is sent once', async () => {
    const { lab, signIn, client, pass, events } = await openStage()
    await signIn()
    const call = client(name)
    pass(LIFETIME_MS)
    const replies = await Promise.all(times(20, (index) => call(`/echo?${index}`)))
    expect(replies.map(({ status }) => status)).toEqual(times(20, () => 200))
    expect(await lab.count('refresh', 'rotated')).toBe(1)
    expect(await lab.count('refresh')).toBe(1)
    expect(await lab.calls('/echo')).toHaveLength(20)
    expect(events.map(([type]) => type)).toEqual(['signed-in', 'refreshed'])
  })

  test('F04, F100: 20 calls whose token is refused cause one refresh, and each is sent twice at most', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    const call = client(name)
    await lab.revokeAccessTokens()
    const replies = await Promise.all(times(20, (index) => call(`/echo?${index}`)))
    expect(replies.map(({ status }) => status)).toEqual(times(20, () => 200))
    expect(await lab.count('refresh')).toBe(1)
    const calls = await lab.calls('/echo')
    for (const index of times(20, (one) => one)) {
      const sent = calls.filter(({ path }) => path === `/echo?${index}`)
      expect(sent.length).toBeLessThanOrEqual(2)
      expect(sent.at(-1)?.status).toBe(200)
    }
    expect(new Set(calls.map(({ presented }) => presented)).size).toBe(2)
  })

  test('F05: a call that begins while an expired token is refreshed waits for that refresh', async () => {
    const { lab, signIn, client, pass } = await openStage()
    await signIn()
    const call = client(name)
    pass(LIFETIME_MS)
    const gate = await lab.hold('auth', 'refresh')
    const first = call('/echo?first')
    await lab.arrived(gate)
    const second = call('/echo?second')
    await lab.release(gate)
    expect([(await first).status, (await second).status]).toEqual([200, 200])
    expect(await lab.count('refresh')).toBe(1)
    expect((await lab.calls('/echo')).map(({ status }) => status)).toEqual([200, 200])
  })

  test('F87: a second 401 goes to the caller as it came, and the session goes on', async () => {
    const { lab, tokens, signIn, client } = await openStage()
    await signIn()
    const call = client(name)
    expect(await call('/always-401')).toEqual({ status: 401, data: { error: 'invalid_token' } })
    expect((await call('/always-401')).status).toBe(401)
    expect(await lab.count('refresh')).toBe(1)
    expect(await lab.calls('/always-401')).toHaveLength(3)
    expect(tokens.getState().signedIn).toBe(true)
    expect((await call('/me')).status).toBe(200)
  })

  test.each([
    ['has no WWW-Authenticate', 'none'],
    ['has a bare one', 'bare'],
    ['names invalid_token', 'invalid_token'],
    ['speaks nonsense', { text: 'Bearer error="inv, ==' }],
  ] as const)('F89: a 401 that %s is answered by a refresh', async (_what, challenge) => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    await lab.settings({}, { challenge })
    await lab.revokeAccessTokens()
    expect((await client(name)('/me')).status).toBe(200)
    expect(await lab.count('refresh')).toBe(1)
  })

  test('F89: a 401 whose WWW-Authenticate the page may not read is answered by a refresh', async () => {
    const { lab, signIn, client, events } = await openStage()
    await signIn()
    await lab.next('api', '/me', hiddenChallenge())
    expect((await client(name)('/me')).status).toBe(200)
    expect(await lab.count('refresh')).toBe(1)
    expect(events.map(([type]) => type)).not.toContain('challenged')
  })

  test('F59, F96: a 401 without CORS headers is a network failure: no refresh, no second send', async () => {
    const { lab, tokens, signIn, client } = await openStage()
    await signIn()
    await lab.next('api', '/echo', { ...fault.status(401), withoutCors: true })
    await expect(client(name)('/echo', { method: 'POST', body: 'x' })).rejects.toThrow(/network|fetch/i)
    expect(await lab.calls('/echo')).toHaveLength(1)
    expect(await lab.count('refresh')).toBe(0)
    expect(tokens.getState().signedIn).toBe(true)
  })

  test('F90: insufficient_scope causes no refresh, and the error names the scope', async () => {
    const { lab, signIn, client } = await openStage()
    await signIn()
    const error = await tokenFailureOf(client(name)('/admin'))
    expect(error).toMatchObject({ code: 'insufficient_scope', scope: 'admin' })
    expect(await lab.count('refresh')).toBe(0)
  })

  test('tokens: false goes bare, required goes to a resource only, retry: false is sent once', async () => {
    const { lab, signIn, client } = await openStage()
    const call = client(name)
    expect((await tokenFailureOf(call('/me', { tokens: { required: true } }))).code).toBe('signed_out')
    await signIn()
    expect((await call('/me', { tokens: false })).status).toBe(401)
    const refused = call(`${lab.foreign}/x`, { tokens: { required: true } })
    expect((await tokenFailureOf(refused)).code).toBe('destination_refused')
    await lab.revokeAccessTokens()
    expect((await call('/me', { tokens: { retry: false } })).status).toBe(401)
    expect(await lab.calls('/me')).toHaveLength(2)
    expect(await lab.received('foreign')).toEqual([])
    expect((await call('/me')).status).toBe(200)
    expect(await lab.count('refresh')).toBe(1)
  })
})

test('a token that really lived for a second and is over is renewed once for all', async () => {
  const { lab, tokens, signIn, client } = await openStage({
    auth: { accessTokenMs: 1_000 },
    timing: { background: false },
  })
  await signIn()
  const call = client('axios by XHR')
  const expiresAt = (tokens.getState() as { expiresAt: number }).expiresAt
  await expect.poll(() => Date.now(), { timeout: 3_000, interval: 50 }).toBeGreaterThan(expiresAt)
  await lab.settings({ accessTokenMs: 300_000 })
  const replies = await Promise.all(times(20, () => call('/me')))
  expect(replies.map(({ status }) => status)).toEqual(times(20, () => 200))
  expect(await lab.count('refresh')).toBe(1)
  expect(await lab.calls('/me')).toHaveLength(20)
})
