import { describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { demo, serversStage } from './stage.ts'

const stage = serversStage()
const { start, post, signIn, refreshed } = stage

describe('faults', () => {
  test.each([
    ['503', fault.status(503), 503, 'status 503'],
    ['500', fault.status(500), 500, 'status 500'],
    ['a captive portal', fault.captivePortal(), 200, '<!doctype html>'],
    ['an empty 200', fault.emptyBody(), 200, ''],
    ['an OAuth error with any status', fault.error('temporarily_unavailable', 418), 418, '{"error":"tempo'],
  ])('%s comes once and leaves the refresh token unspent', async (_name, wrong, status, text) => {
    await start()
    const { refresh_token } = await signIn()
    stage.backend.auth.faults.next('refresh', wrong)
    const response = await refreshed(refresh_token)
    expect(response.status).toBe(status)
    expect((await response.text()).slice(0, 15)).toBe(text.slice(0, 15))
    expect((await refreshed(refresh_token)).status).toBe(200)
  })

  test('429 carries Retry-After', async () => {
    await start()
    stage.backend.auth.faults.next('login', fault.tooManyRequests('30'))
    const response = await post('/json/login', demo)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '30'])
  })

  test('a redirect leads elsewhere', async () => {
    await start()
    stage.backend.auth.faults.next('refresh', fault.redirect('https://elsewhere.example/', 307))
    const response = await refreshed('any')
    expect([response.status, response.headers.get('Location')]).toEqual([307, 'https://elsewhere.example/'])
  })

  test('a fault lasts for n calls of its endpoint, and for no other endpoint', async () => {
    await start()
    stage.backend.auth.faults.next('refresh', fault.status(503), 2)
    const { refresh_token } = await signIn()
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) statuses.push((await refreshed(refresh_token)).status)
    expect(statuses).toEqual([503, 503, 200])
  })

  test('a dropped connection did nothing; the token is still good', async () => {
    await start()
    const { refresh_token } = await signIn()
    stage.backend.auth.faults.next('refresh', fault.dropped())
    await expect(refreshed(refresh_token)).rejects.toThrow()
    expect(stage.backend.auth.liveRefreshTokens()).toEqual([refresh_token])
  })

  test.each([
    ['a lost answer', fault.lostAnswer()],
    ['an answer cut in its body', fault.cutAnswer()],
    ['truncated JSON', fault.truncatedJson()],
  ])('%s comes after the server rotated: the token is spent', async (_name, wrong) => {
    await start()
    const { refresh_token } = await signIn()
    stage.backend.auth.faults.next('refresh', wrong)
    await expect(refreshed(refresh_token).then((response) => response.json())).rejects.toThrow()
    expect(stage.backend.auth.count('refresh', 'rotated')).toBe(1)
    expect(stage.backend.auth.liveRefreshTokens()).not.toContain(refresh_token)
    expect((await refreshed(refresh_token)).status).toBe(401)
    expect(stage.backend.auth.count('refresh', 'reused')).toBe(1)
  })

  test('a silent server never answers, and can be closed all the same', async () => {
    await start()
    stage.backend.auth.faults.next('refresh', fault.silence())
    await expect(
      fetch(`${stage.backend.auth.origin}/json/refresh`, { method: 'POST', signal: AbortSignal.timeout(100) }),
    ).rejects.toThrow()
    expect(stage.backend.auth.log[0]).toMatchObject({ end: 'silence', outcome: undefined, status: undefined })
  })

  test('a delay holds the answer back', async () => {
    await start()
    stage.backend.auth.faults.next('login', fault.delay(60))
    const startedAt = performance.now()
    await signIn()
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50)
  })

  test.each([
    ['before', []],
    ['after', ['rotated']],
  ] as const)('a gate holds a refresh %s the server did its work', async (when, outcomes) => {
    await start()
    const { refresh_token } = await signIn()
    const gate = stage.backend.auth.faults.hold('refresh', when)
    const held = refreshed(refresh_token)
    await gate.arrived
    expect(
      stage.backend.auth.log.flatMap(({ endpoint, outcome }) => (endpoint === 'refresh' && outcome) || []),
    ).toEqual(outcomes)
    expect(stage.backend.auth.log.at(-1)?.end).toBeUndefined()
    gate.release()
    expect((await held).status).toBe(200)
  })
})
