import { createTokenManager, type TokenManager } from 'tokenward'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startProvider } from '../../examples/server/provider.ts'
import type { OAuthLogin, OAuthSourceOptions } from '../../src/oauth/options.ts'
import { createOAuthSource } from '../../src/oauth/source.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startSecondServer } from '../support/second-server.ts'
import { CALLBACK, createPage, noBinding, type PageDesk } from './desk.ts'

/** One of the two authorization servers, and a proxy between it and the application. */
interface Running {
  readonly server: NonNullable<OAuthSourceOptions['server']>
  readonly options: Pick<OAuthSourceOptions, 'scope' | 'ended'>
  readonly proxy: FaultProxy
  readonly log: { readonly path: string; readonly body: URLSearchParams; readonly status: number }[]
  readonly paths: { readonly token: string; readonly revoke: string }
  /** Whether a refresh token that comes twice ends the session there. */
  readonly endsAtReuse: boolean
  close(): Promise<void>
}

const origin = new URL(CALLBACK).origin

async function provider(): Promise<Running> {
  const running = await startProvider({ applications: [origin] })
  const proxy = await startFaultProxy(running.issuer)
  return {
    server: {
      issuer: running.issuer,
      authorization_endpoint: `${running.issuer}/auth`,
      token_endpoint: `${proxy.origin}/token`,
      revocation_endpoint: `${proxy.origin}/token/revocation`,
      authorization_response_iss_parameter_supported: true,
    },
    options: { scope: 'openid profile' },
    proxy,
    log: running.log,
    paths: { token: '/token', revoke: '/token/revocation' },
    endsAtReuse: true,
    async close() {
      await Promise.all([proxy.close(), running.close()])
    },
  }
}

async function second(): Promise<Running> {
  const running = await startSecondServer({ redirectUris: () => [CALLBACK] })
  const proxy = await startFaultProxy(running.origin)
  return {
    server: {
      issuer: running.origin,
      authorization_endpoint: `${running.origin}/authorize`,
      token_endpoint: `${proxy.origin}/token`,
      revocation_endpoint: `${proxy.origin}/revoke`,
    },
    options: {
      scope: 'orders',
      // It says `invalid_request` of a refresh token that is spent.
      ended: ({ body }) =>
        /revoked/.test((body as { error_description?: string }).error_description ?? '') || undefined,
    },
    proxy,
    log: running.log,
    paths: { token: '/token', revoke: '/revoke' },
    endsAtReuse: false,
    async close() {
      await Promise.all([proxy.close(), running.close()])
    },
  }
}

/** What the browser of the user does: follows redirects, keeps cookies, and comes back with an answer. */
async function userAgent(start: string): Promise<string> {
  const cookies = new Map<string, string>()
  let url = start
  for (let hops = 0; hops < 10 && !url.startsWith(CALLBACK); hops++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${response.status} at ${url}: ${await response.text()}`)
    url = new URL(location, url).href
  }
  return url
}

describe.each([
  ['oidc-provider', provider],
  ['@jmondi/oauth2-server', second],
])('at %s', (_name, run) => {
  let running: Running
  let page: PageDesk
  let tokens: TokenManager<OAuthLogin>
  let seconds = 0
  const events: string[] = []

  beforeAll(async () => {
    running = await run()
  })
  afterAll(() => running.close())
  beforeEach(() => {
    running.log.length = events.length = seconds = 0
    page = createPage(`${origin}/`)
    start()
  })

  /** A manager for a page that has just been loaded. */
  function start(): void {
    const { server, options } = running
    const config = { server, clientId: 'spa', redirectUri: CALLBACK, ...options }
    tokens = createTokenManager({
      source: createOAuthSource(config, page, noBinding),
      resources: ['https://api.example.com'],
      timing: { requestTimeoutMs: 400 },
      ports: {
        clock: { now: () => ({ wall: Date.now() + seconds * 1_000, monotonic: performance.now() + seconds * 1_000 }) },
        random: () => 0,
      },
    })
    tokens.on('signed-out', ({ reason }) => events.push(`signed-out ${reason}`))
    tokens.on('refreshed', () => events.push('refreshed'))
    tokens.on('refresh-failed', ({ code }) => events.push(`refresh-failed ${code}`))
  }

  async function answer(): Promise<string> {
    void tokens.login({ loginHint: 'ann' }).catch(() => {})
    await expect.poll(() => page.left.length).toBe(1)
    // The page is gone, and another comes.
    tokens.dispose()
    start()
    return userAgent(page.left[0] ?? '')
  }

  async function signIn(): Promise<void> {
    page.href = await answer()
    expect(await tokens.restore()).toMatchObject({ status: 'active' })
    expect(page.href).toBe(CALLBACK)
  }

  const grants = (type = 'refresh_token'): number[] =>
    running.log.filter(({ body }) => body.get('grant_type') === type).map(({ status }) => status)
  const presented = (): (string | null)[] =>
    running.log
      .filter(({ body }) => body.get('grant_type') === 'refresh_token')
      .map(({ body }) => body.get('refresh_token'))

  /** A token that is needed when the one that is here has expired. */
  function obtain(): Promise<string> {
    seconds += 400
    return tokens.getAccessToken().then(
      ({ value }) => value,
      (error: unknown) => (error as { code: string }).code,
    )
  }

  test('a login, refreshes with a new refresh token each time, and a logout that takes them back', async () => {
    await signIn()
    const first = (await tokens.getAccessToken()).value
    const values = [first, await obtain(), await obtain()]
    expect(new Set(values).size).toBe(3)
    expect(grants()).toEqual([200, 200])
    expect(new Set(presented()).size).toBe(2)
    expect(await tokens.logout()).toMatchObject({ revoked: 'confirmed' })
    const revoked = running.log.filter(({ path }) => path === running.paths.revoke)
    expect(revoked.map(({ body }) => body.get('token_type_hint'))).toEqual(['refresh_token', 'access_token'])
    // It is as good as the server says.
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'spa',
      refresh_token: revoked[0]?.body.get('token') ?? '',
    })
    const response = await fetch(running.server.token_endpoint ?? '', { method: 'POST', body })
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ error: expect.any(String) }),
    ])
  })

  test('P-1: the server wants the verifier of the very request, and a challenge in each', async () => {
    const callbackUrl = await answer()
    for (const [name, kept] of page.stored) {
      const text = JSON.stringify(kept).replace(/"verifier":"./, '"verifier":"~')
      page.stored.set(name, JSON.parse(text))
    }
    await expect(tokens.login({ callbackUrl })).rejects.toMatchObject({ transient: false })
    expect(tokens.getState().signedIn).toBe(false)
    expect(grants('authorization_code')).toEqual([400])
    const bare = new URL(page.left[0] ?? '')
    for (const name of ['code_challenge', 'code_challenge_method']) bare.searchParams.delete(name)
    const refused = await userAgent(bare.href).catch((error: unknown) => String(error))
    expect(refused).toMatch(/error=invalid_request|^Error: 400/)
  })

  test('T-17: StrictMode: two restores with one answer exchange the code once, and both find the session', async () => {
    page.href = await answer()
    const states = await Promise.all([tokens.restore(), tokens.restore()])
    expect(states.map(({ status }) => status)).toEqual(['active', 'active'])
    expect(grants('authorization_code')).toEqual([200])
  })

  test('a lost call: the session is stale, and goes on when the server can be reached', async () => {
    await signIn()
    running.proxy.next(running.paths.token, 'lost-call')
    expect(await obtain()).toBe('refresh_unavailable')
    expect(tokens.getState().status).toBe('stale')
    await expect.poll(() => tokens.getState().status, { timeout: 5_000 }).toBe('active')
    expect(grants()).toEqual([200])
    expect(events).toEqual(['refresh-failed refresh_unavailable', 'refreshed'])
  })

  test('F36: a lost answer: the token is presented once more, and what the server says then is the end', async () => {
    await signIn()
    running.proxy.next(running.paths.token, 'lost-answer')
    expect(await obtain()).toBe('refresh_unavailable')
    expect(tokens.getState()).toMatchObject({ status: 'stale', signedIn: true })
    await expect.poll(() => tokens.getState().status, { timeout: 5_000 }).toBe('signed-out')
    expect(tokens.getState()).toMatchObject({ reason: 'unknown-outcome' })
    expect(grants()).toEqual([200, 400])
    expect(new Set(presented()).size).toBe(1)
  })

  test('a late answer is an answer, and one that is too late is none', async () => {
    await signIn()
    running.proxy.next(running.paths.token, 100)
    expect(await obtain()).not.toBe('refresh_unavailable')
    expect(grants()).toEqual([200])
    running.proxy.next(running.paths.token, 2_000)
    expect(await obtain()).toBe('refresh_unavailable')
    expect(tokens.getState().status).toBe('stale')
    await expect.poll(() => tokens.getState().status, { timeout: 5_000 }).toBe('signed-out')
    expect(events.at(-1)).toBe('signed-out unknown-outcome')
  })

  test('a call that reaches the server twice: whether that is the end is the server’s to say', async () => {
    await signIn()
    running.proxy.next(running.paths.token, 'doubled')
    expect(await obtain()).not.toBe('refresh_unavailable')
    expect(grants()).toEqual([200, 400])
    const next = await obtain()
    expect(next.startsWith('refresh_') || next === 'signed_out').toBe(running.endsAtReuse)
    expect(tokens.getState().signedIn).toBe(!running.endsAtReuse)
    if (running.endsAtReuse) expect(events.at(-1)).toBe('signed-out rejected')
  })

  test('a lost answer to a login is no session, and the code is not exchanged again', async () => {
    page.href = await answer()
    running.proxy.next(running.paths.token, 'lost-answer')
    await expect(tokens.restore()).rejects.toMatchObject({ code: 'refresh_unavailable', transient: true })
    expect(tokens.getState().signedIn).toBe(false)
    await tokens.restore()
    expect(grants('authorization_code')).toEqual([200])
  })

  test('a lost answer to a logout is a logout that is not confirmed', async () => {
    await signIn()
    running.proxy.next(running.paths.revoke, 'lost-answer')
    expect(await tokens.logout()).toMatchObject({ revoked: 'unconfirmed' })
    expect(tokens.getState().signedIn).toBe(false)
  })
})
