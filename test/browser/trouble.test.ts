import { describe, expect, test } from 'vitest'
import { fault, type Fault } from 'tokenward/testing'
import { clients, LIFETIME_MS, openStage, tokenFailureOf, type Stage } from './stage.ts'

/** A page whose access token has expired; the next refresh goes wrong. */
async function openTrouble(what: Fault, count = 1): Promise<Stage> {
  const stage = await openStage({ timing: { requestTimeoutMs: 600 } })
  await stage.signIn()
  stage.pass(LIFETIME_MS)
  await stage.lab.next('auth', 'refresh', what, count)
  return stage
}

/** What a browser tells when the network is back. */
const goOnline = (): boolean => globalThis.dispatchEvent(new Event('online'))

describe('a refresh that fails keeps the session, and the page recovers', () => {
  const troubles: readonly [what: string, fault: Fault][] = [
    ['F51: the HTML of a captive portal', fault.captivePortal()],
    ['F51: an empty answer', fault.emptyBody()],
    ['F51: half an answer', fault.truncatedJson()],
    ['F51: JSON that is no token response', fault.body('{"ok":true}')],
    ['F51: a captive portal that answers 401', fault.body('<!doctype html><h1>Sign in</h1>', 'text/html', 401)],
    ['F48: 500', fault.status(500)],
    ['F48: 502', fault.body('<html>Bad gateway</html>', 'text/html', 502)],
    ['F48: 503', fault.status(503)],
    ['F49: 425', fault.status(425)],
    ['F49: 429', fault.status(429)],
    ['F47: an answer that breaks off', fault.cutAnswer()],
    ['F47: an answer without CORS headers', { withoutCors: true }],
    ['F106: a redirect', fault.redirect('/auth/login')],
  ]
  test.each(troubles)('%s', async (_what, trouble) => {
    const { lab, tokens, client, until, pass, events } = await openTrouble(trouble)
    const call = client('fetch')
    const error = await tokenFailureOf(call('/me'))
    expect(error).toMatchObject({ code: 'refresh_unavailable', transient: true })
    expect(error.retryAt).toBeGreaterThan(Date.now())
    expect(tokens.getState()).toMatchObject({ status: 'stale', signedIn: true, error: { code: 'refresh_unavailable' } })
    expect(await lab.calls('/me')).toEqual([])
    // Before it is time, nobody is asked again.
    expect((await tokenFailureOf(call('/me'))).code).toBe('refresh_unavailable')
    expect(await lab.count('refresh')).toBe(1)

    pass(2_000)
    goOnline()
    await until('active')
    expect((await call('/me')).status).toBe(200)
    expect(await lab.count('refresh')).toBe(2)
    expect(events.map(([type]) => type)).toEqual(['signed-in', 'refresh-failed', 'refreshed'])
  })
})

test('F49: 408 keeps the session, although a browser by itself sends again what a used connection refused so', async () => {
  const { tokens, client } = await openTrouble(fault.status(408), 10)
  expect((await tokenFailureOf(client('fetch')('/me'))).code).toBe('refresh_unavailable')
  expect(tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
})

test('F47, F55: it recovers by itself, without an event or a call', async () => {
  const { lab, client, until } = await openTrouble(fault.status(503), 2)
  await tokenFailureOf(client('axios by XHR')('/me'))
  await until('active')
  expect(await lab.count('refresh')).toBe(3)
  expect((await client('axios by XHR')('/me')).status).toBe(200)
})

test('F50: nobody is asked before a Retry-After is over, whatever happens', async () => {
  const { lab, tokens, client, until, pass } = await openTrouble(fault.tooManyRequests('30'))
  const call = client('axios by fetch')
  const error = await tokenFailureOf(call('/me'))
  expect(error.retryAt! - Date.now() - LIFETIME_MS).toBeGreaterThan(25_000)
  pass(20_000)
  goOnline()
  await tokenFailureOf(call('/me'))
  await tokens.restore()
  expect(await lab.count('refresh')).toBe(1)
  pass(11_000)
  expect((await call('/me')).status).toBe(200)
  await until('active')
  expect(await lab.count('refresh')).toBe(2)
})

test('F50: a Retry-After of a second is waited for, and then the page asks by itself', async () => {
  const { lab, client, until } = await openTrouble(fault.tooManyRequests('1'))
  const startedAt = performance.now()
  await tokenFailureOf(client('fetch')('/me'))
  await until('active')
  expect(performance.now() - startedAt).toBeGreaterThan(1_000)
  expect(await lab.count('refresh')).toBe(2)
})

test('F36: an answer that never comes is bounded, and a server with a grace period keeps the session', async () => {
  const { lab, client, until } = await openTrouble({ answer: 'silence', committed: true })
  await lab.settings({ graceMs: 60_000 })
  const startedAt = performance.now()
  const error = await tokenFailureOf(client('fetch')('/me'))
  expect(error.code).toBe('refresh_unavailable')
  expect(performance.now() - startedAt).toBeLessThan(3 * 600 + 1_000)
  await until('active')
  expect((await client('fetch')('/me')).status).toBe(200)
  expect(await lab.count('refresh', 'within-grace')).toBe(1)
})

test('F36, F45: the browser by itself presents the cookie again when the connection breaks; a grace period forgives it', async () => {
  const { lab, tokens, client, until } = await openTrouble(fault.lostAnswer())
  await lab.settings({ graceMs: 60_000 })
  await client('fetch')('/me').catch(() => {})
  await until('active')
  expect(tokens.getState().signedIn).toBe(true)
  // The source has asked once if the connection was a used one, else twice; the server was asked twice.
  expect(await lab.count('refresh', 'rotated')).toBe(1)
  expect(await lab.count('refresh', 'within-grace')).toBe(1)
})

describe.each(clients)('%s', (name) => {
  test('F53: while the access token is valid, calls go on whatever happens to the refresh', async () => {
    const stage = await openStage()
    await stage.signIn()
    const call = stage.client(name)
    await stage.lab.next('auth', 'refresh', fault.status(503), 5)
    // Within the leeway: the call itself starts a refresh ahead of expiry.
    stage.pass(250_000)
    expect((await call('/me')).status).toBe(200)
    const state = await stage.until('stale')
    expect(state.signedIn).toBe(true)
    expect((await call('/me')).status).toBe(200)
  })

  test.each([
    ['F82: 401', fault.error('invalid_grant', 401)],
    ['F52: invalid_grant in a 200', fault.error('invalid_grant', 200)],
    ['invalid_grant in a 400', fault.error('invalid_grant', 400)],
  ])('%s from the refresh ends the session once; later calls go bare', async (_what, refusal) => {
    const { lab, tokens, client, events } = await openTrouble(refusal)
    const call = client(name)
    const errors = await Promise.all([tokenFailureOf(call('/me')), tokenFailureOf(call('/me'))])
    for (const { code } of errors) expect(['refresh_rejected', 'signed_out']).toContain(code)
    expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
    expect(events.filter(([type]) => type === 'signed-out')).toHaveLength(1)
    expect((await call('/me')).status).toBe(401)
    expect(await lab.count('refresh')).toBe(1)
    expect((await lab.calls('/me')).map(({ presented }) => presented)).toEqual([undefined])
  })

  test('F58: a configuration error keeps the session and stops asking', async () => {
    const { lab, tokens, client, pass } = await openTrouble(fault.error('invalid_client', 401))
    expect((await tokenFailureOf(client(name)('/me'))).code).toBe('configuration')
    expect(tokens.getState()).toMatchObject({ status: 'stale', error: { code: 'configuration' } })
    pass(LIFETIME_MS)
    goOnline()
    await tokenFailureOf(client(name)('/me'))
    expect(await lab.count('refresh')).toBe(1)
    expect((await tokens.restore()).status).toBe('active')
    expect((await client(name)('/me')).status).toBe(200)
  })
})
