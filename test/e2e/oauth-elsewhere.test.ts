import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSecondServer, type SecondServer } from '../support/second-server.ts'
import { arrival, grants, restored, setUpOAuth, signIn, user } from './oauth-setup.ts'

// A site whose provider is of another site: its cookies are third-party ones here.
const setting = setUpOAuth({ siteHost: '127.0.0.1', pushedOnly: true })

test('F148: where the cookies of the provider are third-party ones, nothing that follows the sign-in needs them', async () => {
  const { page, site, provider } = setting()
  site.settings = { ...site.settings, stores: true }
  await page.goto(site.origin)
  await signIn(page)
  // The provider takes nothing but pushed requests.
  expect(provider.log.map(({ path, status }) => `${path} ${status}`)).toEqual(['/request 201', '/token 200'])
  await page.reload()
  expect(await restored(page)).toBe('active')
  expect(await page.evaluate(() => visit.call())).toBe(200)
  await page.evaluate(() => visit.pass(400_000))
  expect(await page.evaluate(() => visit.call())).toBe(200)
  expect(grants(setting(), 'refresh_token')).toEqual([200, 200])
  expect(await page.evaluate(() => visit.tokens.logout())).toMatchObject({ revoked: 'confirmed' })
})

test('T-17: managers and calls that are all shown one answer exchange it once, and all find the session', async () => {
  const { page, site, context } = setting()
  await page.goto(site.origin)
  site.settings = { ...site.settings, restores: false }
  await page.evaluate(() => void visit.tokens.login({ loginHint: 'ann', returnTo: '/there' }).catch(() => {}))
  await expect.poll(() => page.url()).toContain('code=')
  const other = await context.newPage()
  await other.goto(page.url())
  const outcomes = page.evaluate(() => {
    const all = [visit, visit, visit.another(), visit.another(false)]
    return Promise.all(all.map(({ outcome, tokens }) => outcome(tokens.restore())))
  })
  const elsewhere = other.evaluate(() => visit.outcome(visit.tokens.restore()))
  expect([...(await outcomes), await elsewhere]).toEqual(Array(5).fill('active'))
  expect(await other.evaluate(() => visit.call())).toBe(200)
  expect(await user(other)).toBe('ann')
  expect(grants(setting(), 'authorization_code')).toEqual([200])
})

describe('at a second authorization server, of another author', () => {
  let second: SecondServer
  beforeAll(async () => {
    second = await startSecondServer({ redirectUris: () => [`${setting().site.origin}/callback`] })
  })
  afterAll(() => second.close())

  test('a page signs in, refreshes with a new refresh token, and signs out', async () => {
    const { page, site } = setting()
    const { origin: issuer } = second
    const server = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      revocation_endpoint: `${issuer}/revoke`,
    }
    site.settings = { ...site.settings, source: { server, scope: 'orders', issuer: undefined as never } }
    await page.goto(site.origin)
    await page.evaluate(() => void visit.tokens.login({ loginHint: 'ann', returnTo: '/there' }).catch(() => {}))
    await arrival(page, '/there')
    expect(await restored(page)).toBe('active')
    const tokens = await page.evaluate(async () => {
      const before = await visit.tokens.getAccessToken()
      visit.pass(400_000)
      return [before.value, (await visit.tokens.getAccessToken()).value]
    })
    expect(new Set(tokens).size).toBe(2)
    expect(await page.evaluate(() => visit.tokens.logout())).toEqual({ revoked: 'confirmed' })
    expect(second.log.map(({ path, status }) => `${path} ${status}`)).toEqual([
      '/token 200',
      '/token 200',
      '/revoke 200',
      '/revoke 200',
    ])
  })
})
