import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { setUpPages, type Setting } from './setup.ts'

const setting = setUpPages()
const LIFETIME_MS = 400_000

/** Makes the page call with an expired token, so that it refreshes. */
const callExpired = (page: Page): Promise<void> =>
  page.evaluate((ms) => {
    app.pass(ms)
    void app.outcome(app.xhr.get('me'))
  }, LIFETIME_MS)

async function refreshCookie({ context }: Setting): Promise<string | undefined> {
  return (await context.cookies()).find(({ name }) => name === 'refresh_token')?.value
}

describe.each([
  ['at the page’s origin', false],
  ['at another origin', true],
] as const)('with the authorization server %s', (_where, elsewhere) => {
  const home = ({ site }: Setting): string => `${site.url}${elsewhere ? `?auth=${site.auth.origin}` : ''}`

  test('F38: a refresh survives that the page is left: the rotated cookie is kept, and the session with it', async () => {
    const { site, page } = setting()
    await page.goto(home(setting()))
    await page.evaluate(() => app.signIn())
    const before = await refreshCookie(setting())
    const gate = site.auth.faults.hold('refresh', 'after')
    await callExpired(page)
    await gate.arrived
    await page.goto(`${site.url}blank`)
    expect(await refreshCookie(setting())).toBe(before)
    gate.release()
    await expect.poll(() => refreshCookie(setting())).not.toBe(before)
    expect(site.auth.liveRefreshTokens()).toEqual([await refreshCookie(setting())])

    await page.goto(home(setting()))
    const state = await page.evaluate(() => app.tokens.restore())
    expect(state.status).toBe('active')
    expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toBe(200)
    expect(site.auth.count('refresh', 'rotated')).toBe(2)
    expect(site.auth.count('refresh', 'reused')).toBe(0)
  })

  test('a logout whose page is left at once revokes the session, and the next page is signed out', async () => {
    const { site, page } = setting()
    await page.goto(home(setting()))
    await page.evaluate(() => app.signIn())
    await page.evaluate((to) => {
      void app.tokens.logout()
      location.assign(to)
    }, `${site.url}blank`)
    await page.waitForURL('**/blank')
    await expect.poll(() => site.auth.liveFamilies()).toEqual([])
    expect(site.auth.count('logout', 'signed-out')).toBe(1)
    await page.goto(home(setting()))
    expect(await page.evaluate(() => app.tokens.restore())).toMatchObject({ status: 'signed-out' })
    expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toBe(401)
    expect(site.auth.count('refresh')).toBe(0)
  })

  test('F73: a logout that waits for a refresh is sent when the page is left', async () => {
    const { site, page } = setting()
    await page.goto(home(setting()))
    await page.evaluate(() => app.signIn())
    const gate = site.auth.faults.hold('refresh', 'after')
    await callExpired(page)
    await gate.arrived
    await page.evaluate((to) => {
      void app.tokens.logout()
      location.assign(to)
    }, `${site.url}blank`)
    await page.waitForURL('**/blank')
    await expect.poll(() => site.auth.liveFamilies()).toEqual([])
    gate.release()
    await page.goto(home(setting()))
    expect((await page.evaluate(() => app.tokens.restore())).signedIn).toBe(false)
    expect(site.auth.liveFamilies()).toEqual([])
    expect(site.auth.count('refresh')).toBe(1)
  })
})

test('a reload finds the session; what is typed into the address bar finds it too', async () => {
  const { site, page } = setting()
  await page.evaluate(() => app.signIn())
  for (const go of [() => page.reload(), () => page.goto(`${site.url}?again`), () => page.goto(`${site.url}#there`)]) {
    await go()
    expect((await page.evaluate(() => app.tokens.restore())).status).toBe('active')
    expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toBe(200)
  }
  expect(site.auth.liveFamilies()).toHaveLength(1)
})

test('F78: after a logout the back button leads to a page that is signed out', async () => {
  const { site, page } = setting()
  await page.evaluate(() => app.signIn())
  await page.goto(`${site.url}?second`)
  await page.evaluate(() => app.tokens.restore())
  await page.evaluate(() => app.tokens.logout())
  const asked = site.auth.count('refresh')
  await page.goBack()
  expect((await page.evaluate(() => app.tokens.restore())).signedIn).toBe(false)
  expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toBe(401)
  expect(site.auth.count('refresh')).toBe(asked)
})

test('two tabs take turns with one cookie, and a logout in one leaves the other nothing that works', async () => {
  const { site, page, context } = setting()
  await page.evaluate(() => app.signIn())
  const other = await context.newPage()
  await other.goto(site.url)
  expect((await other.evaluate(() => app.tokens.restore())).status).toBe('active')
  for (const tab of [page, other, page]) {
    expect(
      await tab.evaluate((ms) => {
        app.pass(ms)
        return app.outcome(app.xhr.get('me'))
      }, LIFETIME_MS),
    ).toBe(200)
  }
  // The second time the other tab had what was needed.
  expect(site.auth.count('refresh', 'rotated')).toBe(2)
  await other.evaluate(() => app.tokens.logout())
  const answered = site.api.log.filter(({ status }) => status === 200).length
  await page.evaluate(() => app.outcome(app.xhr.get('me')))
  expect(site.api.log.filter(({ status }) => status === 200)).toHaveLength(answered)
  expect(await page.evaluate(() => app.tokens.getState().signedIn)).toBe(false)
})

test('F47: offline, the session is kept; back online, it recovers by itself', async () => {
  const { site, page, context } = setting()
  await page.evaluate(() => app.signIn())
  await context.setOffline(true)
  // The token is still good: what fails is the network.
  expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toContain('Network Error')
  expect(await page.evaluate(() => app.tokens.getState().status)).toBe('active')
  const outcome = await page.evaluate((ms) => {
    app.pass(ms)
    return app.outcome(app.viaFetch.get('me'))
  }, LIFETIME_MS)
  expect(outcome).toBe('refresh_unavailable')
  expect(await page.evaluate(() => app.tokens.getState())).toMatchObject({ status: 'stale', signedIn: true })
  expect(site.auth.count('refresh')).toBe(0)

  await context.setOffline(false)
  await page.evaluate(() => app.until('active'))
  expect(await page.evaluate(() => app.outcome(app.viaFetch.get('me')))).toBe(200)
  expect(site.auth.count('refresh', 'rotated')).toBe(1)
})

test('F79: a logout while offline is a logout, and the server hears of it when the page is opened again', async () => {
  const { site, page, context } = setting()
  await page.evaluate(() => app.signIn())
  await context.setOffline(true)
  expect(await page.evaluate(() => app.tokens.logout())).toEqual({ revoked: 'unconfirmed' })
  expect(await page.evaluate(() => app.tokens.getState().signedIn)).toBe(false)
  expect(site.auth.liveFamilies()).toHaveLength(1)
  await context.setOffline(false)
  await page.reload()
  expect((await page.evaluate(() => app.tokens.restore())).signedIn).toBe(false)
  await expect.poll(() => site.auth.liveFamilies()).toEqual([])
  expect(site.auth.count('refresh')).toBe(0)
})

test('F48: a server that is away while the page loads leaves it stale, and signed in when it is back', async () => {
  const { site, page } = setting()
  await page.evaluate(() => app.signIn())
  site.auth.faults.next('refresh', fault.status(503), 2)
  await page.reload()
  expect(await page.evaluate(() => app.tokens.restore())).toMatchObject({ status: 'stale', signedIn: true })
  await page.evaluate(() => app.until('active'))
  expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toBe(200)
  expect(site.auth.count('refresh')).toBe(3)
})
