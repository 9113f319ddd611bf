import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'
import type { DpopApp } from '../support/dpop-page.ts'
import type { NonceRule } from '../support/dpop-server.ts'
import { startDpopSite, type DpopSite } from '../support/dpop-site.ts'

declare global {
  /** In a page. */
  var dpopApp: DpopApp
}

let browser: Browser
let context: BrowserContext
let site: DpopSite
let page: Page
let written: string[]

beforeAll(async () => {
  const { executablePath, env } = inject('chromium')
  browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
})
afterAll(() => browser.close())

beforeEach(async () => {
  ;[site, context] = await Promise.all([startDpopSite(), browser.newContext()])
  written = []
  context.on('console', (message) => written.push(message.text()))
  page = await open()
})
afterEach(async () => {
  await context.close()
  await site.close()
})

async function open(): Promise<Page> {
  const opened = await context.newPage()
  await opened.goto(site.url)
  await opened.waitForFunction(() => 'dpopApp' in globalThis)
  return opened
}

const signIn = (): Promise<string> => page.evaluate(async () => (await dpopApp.tokens.login(undefined)).status)
const send = (from: Page, count: number): Promise<(number | string)[]> =>
  from.evaluate((howMany) => dpopApp.send(howMany), count)
const all = (count: number): number[] => Array.from({ length: count }, () => 200)
const keysOf = (): Set<string | undefined> => new Set(site.server.log.map(({ jkt }) => jkt))

test('D-5: XMLHttpRequest, the fetch adapter and createFetch send proofs that hold', async () => {
  await signIn()
  expect(await send(page, 3)).toEqual(all(3))
  expect(site.server.api().map(({ method, error }) => [method, error])).toEqual(
    expect.arrayContaining([
      ['GET', undefined],
      ['POST', undefined],
      ['PUT', undefined],
    ]),
  )
})

test.each<NonceRule>(['constant', 'once', 'latest'])(
  'D-10: twenty requests at once all succeed, each sent at most twice, where nonces are taken so: %s',
  async (nonce) => {
    site.server.settings.nonce = nonce
    await signIn()
    expect(await send(page, 20)).toEqual(all(20))
    for (let index = 0; index < 20; index++) expect(site.server.count(`/orders/${index}`)).toBeLessThanOrEqual(2)
    expect(site.server.count('/refresh')).toBe(0)
  },
)

test('D-13: no script of the origin can read the key', async () => {
  await signIn()
  expect(await page.evaluate(() => dpopApp.readKeys())).toEqual({ count: 1, extracted: 0 })
})

describe('the key of a session', () => {
  test('F141, D-6: is the same in another tab and after a reload, for requests and for refreshes', async () => {
    await signIn()
    const other = await open()
    await other.evaluate(() => dpopApp.tokens.restore())
    expect(await send(other, 1)).toEqual([200])
    site.server.forget()
    expect(await send(other, 3)).toEqual(all(3))
    await page.close()
    await other.reload()
    await other.waitForFunction(() => 'dpopApp' in globalThis)
    await other.evaluate(() => dpopApp.tokens.restore())
    expect(await send(other, 3)).toEqual(all(3))
    expect(site.server.count('/refresh')).toBe(2)
    expect(keysOf().size).toBe(1)
  })

  test('F140: that is gone after a reload ends the session, and it says why', async () => {
    await signIn()
    await page.evaluate(() => dpopApp.removeKeys())
    await page.reload()
    await page.waitForFunction(() => 'dpopApp' in globalThis)
    const state = await page.evaluate(() => dpopApp.tokens.restore())
    expect(state).toMatchObject({ status: 'signed-out', reason: 'key-lost' })
    expect(site.server.count('/refresh')).toBe(0)
    expect(await signIn()).toBe('active')
    expect(await send(page, 3)).toEqual(all(3))
  })

  test('D-19: is used for the revocation, and is gone after it', async () => {
    await signIn()
    const { revoked } = await page.evaluate(() => dpopApp.tokens.logout())
    expect(revoked).toBe('confirmed')
    expect(site.server.log.at(-1)).toMatchObject({ path: '/revoke', status: 200, error: undefined })
    await vi.waitFor(async () => expect(await page.evaluate(() => dpopApp.readKeys())).toMatchObject({ count: 0 }))
  })
})

test('F138: a device whose clock is wrong by an hour proves by that of the server', async () => {
  site.server.settings.exposed += ', Date'
  await signIn()
  site.server.settings.aheadMs = 3_600_000
  expect(await send(page, 1)).toEqual([200])
  expect(site.server.api().map(({ error }) => error)).toEqual(['iat', undefined])
})

test('F137: a nonce that the page cannot read is reported with the cure, and the answer goes to the caller', async () => {
  site.server.settings.exposed = 'WWW-Authenticate'
  await signIn()
  site.server.settings.nonce = 'once'
  expect(await send(page, 1)).toEqual([401])
  await vi.waitFor(() => expect(written.join()).toContain('Access-Control-Expose-Headers must list DPoP-Nonce'))
})
