import { createControlServer, type Served } from 'tokenward/testing'
import { afterEach, expect, test } from 'vitest'
import { demo, serversStage } from './stage.ts'

const stage = serversStage()
let control: Served
afterEach(() => control.close())

async function open(): Promise<void> {
  await stage.start()
  control = await createControlServer(stage.backend)
}
const ask = (
  path: string,
  body?: unknown,
  headers: Record<string, string> = { 'X-Requested-With': 'test' },
): Promise<Response> =>
  fetch(`${control.origin}/control${path}`, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'Content-Type': 'application/json', ...headers },
  })
const login = (): Promise<Response> => stage.post('/json/login', demo)

test('it names every fault, and each can be asked for', async () => {
  await open()
  const { faults } = (await (await ask('')).json()) as { faults: string[] }
  expect(faults).toEqual(
    expect.arrayContaining([
      'unavailable',
      'too-many-requests',
      'captive-portal',
      'slow',
      'never',
      'reset',
      'lost-answer',
      'malformed-json',
    ]),
  )
  for (const name of faults) {
    expect((await ask('/fault', { endpoint: 'login', fault: name, ms: 1_500 })).status).toBe(204)
    expect((await ask('/clear', {})).status).toBe(204)
  }
  expect((await login()).status).toBe(200)
})

test('a fault comes as often as was asked for, or until it is taken back', async () => {
  await open()
  await ask('/fault', { endpoint: 'login', fault: 'too-many-requests', ms: 1_500, times: 2 })
  const first = await login()
  expect([first.status, first.headers.get('Retry-After')]).toEqual([429, '2'])
  expect([(await login()).status, (await login()).status]).toEqual([429, 200])
  await ask('/fault', { endpoint: 'login', fault: 'unavailable', times: 'always' })
  for (let i = 0; i < 3; i++) expect((await login()).status).toBe(503)
  await ask('/clear', {})
  expect((await login()).status).toBe(200)
})

test('an outage resets every connection, for a while', async () => {
  await open()
  await ask('/outage', { ms: 1_000 })
  await expect(login()).rejects.toThrow()
  stage.time += 1_000
  expect((await login()).status).toBe(200)
})

test('the API can fail, too', async () => {
  await open()
  await ask('/fault', { server: 'api', endpoint: '/public', fault: 'captive-portal' })
  expect(await (await stage.get('/public')).text()).toContain('<!doctype html>')
})

test('tokens and sessions can be taken back, and settings changed', async () => {
  await open()
  const { access_token, refresh_token } = await stage.signIn()
  await ask('/revoke', { what: 'access-tokens' })
  expect((await stage.get('/me', access_token)).status).toBe(401)
  await ask('/revoke', { what: 'sessions' })
  expect((await stage.refreshed(refresh_token)).status).toBe(401)
  expect((await ask('/settings', { settings: { accessTokenMs: 5_000 } })).status).toBe(204)
  expect((await login()).status).toBe(200)
  expect(await (await login()).json()).toMatchObject({ expires_in: 5 })
})

test('what makes no sense is refused, and changes nothing', async () => {
  await open()
  for (const [path, body] of [
    ['/fault', {}],
    ['/fault', { fault: 'constructor' }],
    ['/fault', { fault: 'slow', server: 'other' }],
    ['/fault', { fault: 'slow', times: 0 }],
    ['/fault', { fault: 'slow', ms: -1 }],
    ['/fault', { fault: 'slow', endpoint: 1 }],
    ['/outage', { ms: 'long' }],
    ['/outage', { server: 'x' }],
    ['/revoke', {}],
    ['/settings', { settings: null }],
    ['/settings', { settings: { accessTokenMs: 'x' } }],
    ['/settings', { settings: { spelling: 'camel' } }],
    ['/settings', { server: 'x', settings: {} }],
  ] as const) {
    const response = await ask(path, body)
    expect([path, body, response.status]).toEqual([path, body, 400])
  }
  expect((await ask('/toString', {})).status).toBe(404)
  expect((await login()).status).toBe(200)
})

test('a page of another site can do nothing with it', async () => {
  await open()
  expect((await ask('/revoke', { what: 'sessions' }, { Origin: 'https://evil.example' })).status).toBe(403)
  const preflight = await fetch(`${control.origin}/control/revoke`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' },
  })
  expect(preflight.headers.get('Access-Control-Allow-Origin')).toBeNull()
})

test('its log has what both servers were asked, without a credential', async () => {
  await open()
  const tokens = await stage.signIn()
  await stage.get('/me', tokens.access_token)
  await stage.refreshed(tokens.refresh_token)
  const text = await (await ask('/log')).text()
  expect(JSON.parse(text)).toMatchObject({
    auth: [{ endpoint: 'login' }, { endpoint: 'refresh', outcome: 'rotated' }],
    api: [{ path: '/me' }],
  })
  for (const secret of stage.backend.auth.issuedTokens()) expect(text).not.toContain(secret)
})
