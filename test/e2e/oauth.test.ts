import { expect, test } from 'vitest'
import { check } from '../../src/testing/sim/checker/index.ts'
import { assertBites, judgePages } from '../support/histories.ts'
import { arrival, grants, restored, setUpOAuth, signIn, user } from './oauth-setup.ts'

const setting = setUpOAuth()

/** Everything that a page keeps where scripts, or the user, can see it. */
const visible = (): string =>
  JSON.stringify([
    Object.entries(localStorage),
    Object.entries(sessionStorage),
    document.cookie,
    location.href,
    history.state,
    document.documentElement.outerHTML,
    performance.getEntriesByType('resource').map(({ name }) => name),
  ])

test('P-8: a login leaves the page and comes back to where the user was, with a clean URL and nothing to be found', async () => {
  const { page, site, provider } = setting()
  await page.goto(site.origin)
  expect(await restored(page)).toBe('signed-out')
  await page.evaluate(() => void visit.tokens.login({ returnTo: '/orders?a=1#b' }).catch(() => {}))
  await page.getByLabel('Name').fill('ann')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await arrival(page, '/orders?a=1#b')
  expect(await restored(page)).toBe('active')
  expect(await user(page)).toBe('ann')
  expect(await page.evaluate(() => visit.call())).toBe(200)
  const [{ body }] = provider.log.filter(({ path }) => path === '/token') as [(typeof provider.log)[0]]
  const secrets = ['code', 'code_verifier'].map((name) => body.get(name))
  expect(secrets.every((one) => one && one.length > 20)).toBe(true)
  const shown = await page.evaluate(visible)
  for (const secret of secrets) expect(shown).not.toContain(secret)
  // Nor does the way back lead through it.
  await page.goBack()
  expect(page.url()).not.toContain('code=')
})

test('a verifier is in no web storage while the user is away', async () => {
  const { page, site, provider, context } = setting()
  await page.goto(site.origin)
  await page.evaluate(() => void visit.tokens.login({}).catch(() => {}))
  await page.getByLabel('Name').waitFor()
  const other = await context.newPage()
  await other.goto(`${site.origin}/blank`)
  const kept = [await other.evaluate(visible), JSON.stringify(await context.storageState())].join()
  await page.getByLabel('Name').fill('ann')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await arrival(page, '/callback')
  expect(await restored(page)).toBe('active')
  const verifier = provider.log.find(({ path }) => path === '/token')?.body.get('code_verifier')
  expect(verifier).toHaveLength(43)
  expect(kept + (await page.evaluate(visible))).not.toContain(verifier)
})

test('the user who says no is a login that failed, and nobody is signed in', async () => {
  const { page, site } = setting()
  await page.goto(site.origin)
  await page.evaluate(() => void visit.tokens.login({ returnTo: '/there' }).catch(() => {}))
  await page.getByRole('button', { name: 'Cancel' }).click()
  await arrival(page, '/there')
  expect(await restored(page)).toBe('login_failed')
  expect(await page.evaluate(() => visit.tokens.getState())).toMatchObject({ signedIn: false, reason: 'never-started' })
  expect(grants(setting(), 'authorization_code')).toEqual([])
})

test('F149, P-14: prompt=none without a session at the provider says that the user is needed', async () => {
  const { page, site } = setting()
  await page.goto(site.origin)
  await page.evaluate(() => void visit.tokens.login({ prompt: 'none', returnTo: '/there' }).catch(() => {}))
  await arrival(page, '/there')
  expect(await restored(page)).toBe('insufficient_authentication')
})

test('F144: two tabs sign in at the same time, and each finishes its own login', async () => {
  const { page, site, context } = setting()
  const other = await context.newPage()
  for (const tab of [page, other]) {
    await tab.goto(site.origin)
    await tab.evaluate(() => void visit.tokens.login({ prompt: 'login' }).catch(() => {}))
    await tab.getByLabel('Name').waitFor()
  }
  for (const [tab, name] of [
    [page, 'ann'],
    [other, 'bob'],
  ] as const) {
    await tab.getByLabel('Name').fill(name)
    await tab.getByRole('button', { name: 'Sign in' }).click()
    await arrival(tab, '/callback')
    expect(await restored(tab)).toBe('active')
    expect(await user(tab)).toBe(name)
  }
  expect(grants(setting(), 'authorization_code')).toEqual([200, 200])
  // The session of the second is that of both tabs.
  await expect.poll(() => user(page)).toBe('bob')
})

test('F146: a tab that is closed in the midst of its login keeps no other from signing in', async () => {
  const { page, site, context } = setting()
  await page.goto(site.origin)
  await page.evaluate(() => void visit.tokens.login({}).catch(() => {}))
  await page.getByLabel('Name').waitFor()
  const other = await context.newPage()
  await page.close()
  await other.goto(site.origin)
  await other.evaluate(() => void visit.tokens.login({}).catch(() => {}))
  await other.getByLabel('Name').fill('ann')
  await other.getByRole('button', { name: 'Sign in' }).click()
  await arrival(other, '/callback')
  expect(await restored(other)).toBe('active')
})

test('login CSRF: an answer to a login that was not begun here begins no session', async () => {
  const { page, site, context } = setting()
  await page.goto(site.origin)
  // The thief does not let his own answer be used up.
  site.settings = { ...site.settings, restores: false }
  await page.evaluate(() => void visit.tokens.login({ loginHint: 'mallory' }).catch(() => {}))
  await expect.poll(() => page.url()).toContain('code=')
  site.settings = { ...site.settings, restores: true }
  const victim = await context.browser()!.newContext()
  const tab = await victim.newPage()
  await tab.goto(page.url())
  expect(await restored(tab)).toBe('login_failed')
  expect(await tab.evaluate(() => visit.tokens.getState().signedIn)).toBe(false)
  expect(tab.url()).toBe(`${site.origin}/callback`)
  expect(grants(setting(), 'authorization_code')).toEqual([])
  // F145: and the next login is like any other.
  await signIn(tab)
  expect(await user(tab)).toBe('ann')
  await victim.close()
})

test('F47: a session that is stored is found after a reload, and refreshed with the rotated token', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, stores: true }
  await page.goto(site.origin)
  await signIn(page)
  for (let times = 0; times < 3; times++) {
    await page.reload()
    expect(await restored(page)).toBe('active')
    expect(await page.evaluate(() => visit.call())).toBe(200)
  }
  expect(grants(setting(), 'refresh_token')).toEqual([200, 200, 200])
  for (const { body } of provider.log.filter(({ body }) => body.get('grant_type') === 'refresh_token')) {
    expect([...body.keys()].sort()).toEqual(['client_id', 'grant_type', 'refresh_token'])
  }
  expect(await user(page)).toBe('ann')
})

test('eight tabs whose tokens expire together refresh once: a server that ends a session at reuse ends none', async () => {
  const { page, site, provider, context } = setting()
  site.settings = { ...site.settings, stores: true }
  await page.goto(site.origin)
  await signIn(page)
  const tabs = [page]
  while (tabs.length < 8) {
    const tab = await context.newPage()
    await tab.goto(site.origin)
    expect(await restored(tab)).toBe('active')
    tabs.push(tab)
  }
  const before = grants(setting(), 'refresh_token').length
  for (let round = 1; round <= 3; round++) {
    // In all of them first: to a clock that is moved later the token of the others has expired already.
    await Promise.all(tabs.map((tab) => tab.evaluate(() => visit.pass(400_000))))
    const statuses = await Promise.all(
      tabs.map((tab) => tab.evaluate(() => Promise.all([visit.call(), visit.call(), visit.call()]))),
    )
    expect(statuses.flat()).toEqual(Array(24).fill(200))
    expect(grants(setting(), 'refresh_token')).toEqual(Array(before + round).fill(200))
  }
  expect(provider.events.filter((event) => /revoked|error/.test(event))).toEqual([])
})

test('the token is for the API that it was asked for: a JWT here, and of no use there', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, source: { ...site.settings.source, resource: [`${provider.api}/jwt`] } }
  await page.goto(site.origin)
  await signIn(page)
  expect(await page.evaluate(() => visit.call('/jwt'))).toBe(200)
  await page.evaluate(() => visit.pass(400_000))
  expect(await page.evaluate(() => visit.call('/jwt'))).toBe(200)
  // Refused with a fresh token: the answer is the caller's.
  expect(await page.evaluate(() => visit.call('/opaque'))).toBe(401)
})

test('S-1 to S-4: an API that wants more says what, no refresh is tried, and a login with it lets the same request through', async () => {
  const { page, site, provider } = setting()
  const source = { ...site.settings.source, scope: 'openid profile read' }
  site.settings = { ...site.settings, source }
  await page.goto(site.origin)
  await signIn(page)
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  const wanted = await page.evaluate(() => visit.failure('/opaque/strong'))
  expect(wanted).toEqual({ code: 'insufficient_authentication', acrValues: 'urn:example:strong' })
  const wider = await page.evaluate(() => visit.failure('/opaque/write'))
  expect(wider).toEqual({ code: 'insufficient_scope', scope: 'write' })
  expect([page.url(), grants(setting(), 'refresh_token')]).toEqual([`${site.origin}/home`, []])
  // PR-1: the API was asked what it is, and says that it takes tokens of this issuer.
  expect(asked).toContain(`${provider.api}/.well-known/oauth-protected-resource/opaque/strong`)

  // A login that does not ask for it is challenged in the same way, once.
  await signIn(page, 'ann', '/second')
  expect(await page.evaluate(() => visit.failure('/opaque/strong'))).toEqual(wanted)

  const login = { loginHint: 'ann', returnTo: '/again', acrValues: wanted.acrValues!, scope: `${source.scope} write` }
  await page.evaluate((input) => void visit.tokens.login(input).catch(() => {}), login)
  await arrival(page, '/again')
  expect(await restored(page)).toBe('active')
  const calls = (): Promise<(number | string)[]> =>
    page.evaluate(() => Promise.all([visit.call('/opaque/strong'), visit.call('/opaque/write')]))
  expect(await calls()).toEqual([200, 200])
  // What was reached stays, whatever is refreshed.
  await page.evaluate(() => visit.pass(400_000))
  expect(await calls()).toEqual([200, 200])
  expect(provider.events).not.toContain('grant.revoked')
})

test('V-2: a logout gives the tokens back, ends the session at the provider too, and leads back without a new login', async () => {
  const { page, site, provider } = setting()
  await page.goto(site.origin)
  await signIn(page)
  const report = await page.evaluate(() => visit.tokens.logout())
  expect(report).toMatchObject({ revoked: 'confirmed', endSessionUrl: expect.stringContaining('id_token_hint=') })
  const revoked = provider.log.filter(({ path }) => path === '/token/revocation')
  expect(revoked.map(({ body, status }) => [body.get('token_type_hint'), body.get('client_id'), status])).toEqual([
    ['refresh_token', 'spa', 200],
    ['access_token', 'spa', 200],
  ])
  expect(provider.events).toContain('grant.revoked')
  expect(await page.evaluate(() => visit.call())).toBe(401)

  site.visited.length = 0
  await page.evaluate((url) => location.assign(url), report.endSessionUrl ?? '')
  await arrival(page, '/')
  expect(await restored(page)).toBe('signed-out')
  expect(site.visited).toEqual([expect.stringMatching(/^\/\?state=/)])
  expect(page.url()).toBe(`${site.origin}/`)
  expect(provider.log.filter(({ path }) => path === '/token')).toHaveLength(1)
  // The provider has forgotten the user: it asks who it is.
  await page.evaluate(() => void visit.tokens.login({}).catch(() => {}))
  await page.getByLabel('Name').waitFor()
})

test('T-19, T-20: the end that the server sets is announced ahead, outlasts refreshes, and comes', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, stores: true }
  // The provider knows of an end, and says nothing of it.
  await page.route(`${provider.issuer}/token`, async (route) => {
    const response = await route.fetch()
    const isLogin = route.request().postData()?.includes('authorization_code')
    const json = { ...((await response.json()) as object), ...(isLogin && { refresh_token_expires_in: 600 }) }
    await route.fulfill({ response, json })
  })
  await page.goto(site.origin)
  await signIn(page)
  const later = (ms: number): Promise<string[]> =>
    page.evaluate((passed) => {
      visit.pass(passed)
      dispatchEvent(new Event('resume'))
      return visit.events
    }, ms)
  await later(400_000)
  expect(await page.evaluate(() => visit.call())).toBe(200)
  expect(grants(setting(), 'refresh_token')).toEqual([200])
  expect(await later(100_000)).not.toContain('session-ending absolute')
  await expect.poll(() => later(20_000)).toContain('session-ending absolute')
  await expect.poll(() => later(20_000)).toContain('signed-out expired')
  expect(await page.evaluate(() => visit.call())).toBe(401)
  await page.reload()
  expect(await restored(page)).toBe('signed-out')
  expect(grants(setting(), 'refresh_token')).toEqual([200])
})

test('who signs in again as the same user keeps what the provider has granted him', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, stores: true }
  await page.goto(site.origin)
  await signIn(page)
  await signIn(page, 'ann', '/again')
  expect(await page.evaluate(() => visit.call())).toBe(200)
  await page.evaluate(() => visit.pass(400_000))
  expect(await page.evaluate(() => visit.call())).toBe(200)
  expect(provider.events).not.toContain('grant.revoked')
})

test('another user takes the place of the one before, whose tokens are given back', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, stores: true }
  await page.goto(site.origin)
  await signIn(page)
  await signIn(page, 'bob', '/bob')
  expect(await user(page)).toBe('bob')
  await expect.poll(() => provider.events).toContain('grant.revoked')
  await page.evaluate(() => visit.pass(400_000))
  expect(await page.evaluate(() => visit.call())).toBe(200)
})

test('F75: no invariant is broken by tabs that expire, are reloaded, change user and sign out at a real authorization server', async () => {
  const { page, site, provider, context } = setting()
  site.settings = { ...site.settings, stores: true, records: true }
  await page.goto(site.origin)
  await signIn(page)
  const other = await context.newPage()
  await other.goto(site.origin)
  expect(await restored(other)).toBe('active')
  const tabs = [page, other]
  const call = (): Promise<(number | string)[]> => Promise.all(tabs.map((tab) => tab.evaluate(() => visit.call())))
  await Promise.all(tabs.map((tab) => tab.evaluate(() => visit.pass(400_000))))
  expect(await call()).toEqual([200, 200])
  // A page that has come anew goes by the right time.
  await Promise.all(tabs.map((tab) => tab.reload()))
  expect(await Promise.all(tabs.map(restored))).toEqual(['active', 'active'])
  expect(await call()).toEqual([200, 200])
  await signIn(page, 'bob', '/bob')
  await expect.poll(() => user(other)).toBe('bob')
  expect(await call()).toEqual([200, 200])
  await other.evaluate(() => visit.tokens.logout())
  await expect.poll(() => page.evaluate(() => visit.tokens.getState().signedIn)).toBe(false)
  expect(await call()).toEqual([401, 401])

  const seen = await Promise.all(tabs.map((tab) => tab.evaluate(() => visit.seen)))
  const mode = { credential: 'token', stored: true, requestTimeoutMs: 3_000 } as const
  const history = judgePages(seen, { ...mode, resources: [`${provider.api}/`] })
  const codes = history.entries.filter((entry) => entry.what === 'asked' && entry.code !== undefined)
  expect(codes).toHaveLength(2)
  // And the checker is not blind.
  expect(check({ ...history, entries: [...history.entries, codes[0]!] }).map(({ invariant }) => invariant)).toContain(
    18,
  )
  assertBites(history)
})
