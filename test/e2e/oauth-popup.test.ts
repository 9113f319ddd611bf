import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { grants, restored, setUpOAuth, user } from './oauth-setup.ts'

const setting = setUpOAuth()

/** Begins a login by a popup as a click does, and resolves with the popup; what becomes of it is `visit.popup`. */
async function openPopup(page: Page, login: object = {}): Promise<Page> {
  const [popup] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate((input) => {
      const work = visit.tokens.login({ display: 'popup', ...input })
      Object.assign(globalThis, { popup: visit.outcome(work) })
    }, login),
  ])
  return popup
}

const outcome = (page: Page): Promise<unknown> => page.evaluate('popup')

test.each([
  ['', {}],
  [' that is cut off from it by a policy of its own', { 'Cross-Origin-Opener-Policy': 'same-origin' }],
])('a login in a window beside the page%s leaves the page where it is', async (_what, headers) => {
  const { page, site, context, provider } = setting()
  site.headers = headers
  await page.goto(`${site.origin}/work?a=1#b`)
  const listener = await context.newPage()
  await listener.goto(`${site.origin}/blank`)
  await listener.evaluate((id) => {
    const said: string[] = []
    // Boxes are bytes: as text, in case there are words in them.
    const read = (_: string, value: unknown): unknown =>
      value instanceof Uint8Array ? String([...value]) + new TextDecoder().decode(value) : value
    const open = (name: string): void => {
      const channel = new BroadcastChannel(`tokenward:${name}`)
      channel.onmessage = ({ data }) => said.push(JSON.stringify(data, read))
    }
    open(`oauth ${id}`)
    open(id)
    Object.assign(globalThis, { said })
  }, `${provider.issuer} spa`)
  const popup = await openPopup(page)
  await popup.getByLabel('Name').fill('ann')
  const closed = popup.waitForEvent('close')
  await popup.getByRole('button', { name: 'Sign in' }).click()
  expect(await outcome(page)).toBe('active')
  await closed
  expect(await user(page)).toBe('ann')
  expect(page.url()).toBe(`${site.origin}/work?a=1#b`)
  expect(await page.evaluate(() => visit.call())).toBe(200)
  expect(grants(setting(), 'authorization_code')).toEqual([200])
  const [{ body }] = provider.log.filter(({ path }) => path === '/token') as [(typeof provider.log)[0]]
  const said = String(await listener.evaluate('said'))
  expect(said).toContain('"epoch"')
  for (const name of ['code', 'code_verifier']) expect(said).not.toContain(body.get(name))
})

test('F150: a window that the browser blocks is a login that this environment cannot do', async () => {
  const { page, site } = setting()
  // This Chromium has no blocker of its own: what one answers.
  await page.addInitScript(() => void (globalThis.open = () => null))
  await page.goto(site.origin)
  expect(await page.evaluate(() => visit.outcome(visit.tokens.login({ display: 'popup' })))).toBe('unsupported')
  expect(await page.evaluate(() => visit.tokens.getState().status)).toBe('signed-out')
})

test('F150: a window that the user closes ends the login, and the next one works', async () => {
  const { page, site } = setting()
  await page.goto(site.origin)
  const popup = await openPopup(page)
  await popup.getByLabel('Name').waitFor()
  await popup.close()
  expect(await outcome(page)).toBe('aborted')
  expect(await page.evaluate(() => visit.tokens.getState().signedIn)).toBe(false)
  const next = await openPopup(page, { loginHint: 'bob' })
  expect(await outcome(page)).toBe('active')
  expect(next.isClosed()).toBe(true)
})

test('F150: so does one that was cut off first', async () => {
  const { page, site } = setting()
  site.headers = { 'Cross-Origin-Opener-Policy': 'same-origin' }
  await page.goto(site.origin)
  const popup = await openPopup(page)
  await popup.getByLabel('Name').waitFor()
  await popup.close()
  expect(await outcome(page)).toBe('aborted')
})

test('the user takes his time: longer than a call to the server may', async () => {
  const { page, site } = setting()
  site.settings = { ...site.settings, requestTimeoutMs: 300 }
  await page.goto(site.origin)
  await restored(page)
  const popup = await openPopup(page)
  await popup.getByLabel('Name').waitFor()
  const started = Date.now()
  await expect.poll(() => Date.now() - started, { timeout: 3_000 }).toBeGreaterThan(1_000)
  // Nobody is kept waiting by it.
  expect(await page.evaluate(() => visit.call())).toBe(401)
  await popup.getByLabel('Name').fill('ann')
  await popup.getByRole('button', { name: 'Sign in' }).click()
  expect(await outcome(page)).toBe('active')
})

test('a logout overtakes a login, and closes its window', async () => {
  const { page, site } = setting()
  await page.goto(site.origin)
  const popup = await openPopup(page)
  await popup.getByLabel('Name').waitFor()
  const closed = popup.waitForEvent('close')
  const started = Date.now()
  await page.evaluate(() => visit.tokens.logout())
  expect(await outcome(page)).toBe('aborted')
  await closed
  expect(Date.now() - started).toBeLessThan(2_000)
})

test('the user who says no in the window is a login that failed', async () => {
  const { page, site } = setting()
  await page.goto(site.origin)
  const popup = await openPopup(page)
  await popup.getByRole('button', { name: 'Cancel' }).click()
  expect(await outcome(page)).toBe('login_failed')
  await expect.poll(() => popup.isClosed()).toBe(true)
})

test('P-11: what is said in the name of the popup by somebody who does not know the login is not heard', async () => {
  const { page, site, context, provider } = setting()
  await page.goto(site.origin)
  const popup = await openPopup(page)
  await popup.getByLabel('Name').waitFor()
  const stranger = await context.newPage()
  await stranger.goto(`${site.origin}/blank`)
  await stranger.evaluate((id) => {
    const channel = new BroadcastChannel(`tokenward:oauth ${id}`)
    const href = `${location.origin}/callback?code=forged&state=forged`
    for (const said of [{ state: 'forged', box: {} }, { callbackUrl: href }, href, null]) channel.postMessage(said)
  }, `${provider.issuer} spa`)
  await popup.getByLabel('Name').fill('ann')
  await popup.getByRole('button', { name: 'Sign in' }).click()
  expect(await outcome(page)).toBe('active')
  expect(grants(setting(), 'authorization_code')).toEqual([200])
})
