import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { launch } from 'puppeteer-core'
import { expect, inject, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { toFunctionBody } from '../docs/compiler.ts'
import { blocksOf } from '../docs/markdown.ts'
import { chromiumArgs } from '../support/chromium.mjs'
import { setUpPages } from './setup.ts'

const setting = setUpPages()
const LIFETIME_MS = 400_000

/** Runs the snippet of the documents that `mark` is in, as a module of the application. */
async function runSnippet(page: Page, mark: string): Promise<void> {
  const { code } = blocksOf('docs/reference.md', 'ts').find((block) => block.code.includes(mark))!
  await page.evaluate(async (body) => {
    const { tokenErrorOf } = app
    const exports: Record<string, unknown> = {}
    const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...all: unknown[]) => unknown
    const names = { tokens: app.tokens, api: app.xhr, exports, require: () => ({ tokenErrorOf }) }
    await new AsyncFunction(...Object.keys(names), body)(...Object.values(names))
    Object.assign(globalThis, exports)
  }, toFunctionBody(code))
}

const me = (page: Page): Promise<unknown> =>
  page.evaluate(() => app.xhr.get<{ email: string }>('me').then(({ data }) => data.email))

test('F101: a connection takes a new token each time it is made, beyond the life of each, and ends with the session', async () => {
  const { site, page } = setting()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  const shown: unknown[] = []
  const urls: (string | undefined)[] = []
  server.on('connection', (socket, { url }) => {
    urls.push(url)
    socket.once('message', (data) => {
      const { token } = JSON.parse((data as Buffer).toString()) as { token: string }
      shown.push(site.auth.liveAccessTokens().includes(token) ? token : 'refused')
      socket.send(`welcome ${String(shown.length)}`)
    })
  })
  const { port } = server.address() as AddressInfo

  await page.evaluate(() => app.signIn())
  await runSnippet(page, 'new WebSocket')
  await page.evaluate(
    (url) => {
      const heard: unknown[] = []
      const work = (globalThis as unknown as { connect: (...all: unknown[]) => Promise<void> }).connect(
        url,
        (data: unknown) => heard.push(data),
      )
      Object.assign(globalThis, { heard, over: work.then(() => 'over') })
    },
    `ws://127.0.0.1:${String(port)}/live`,
  )
  await expect.poll(() => page.evaluate('heard')).toEqual(['welcome 1'])
  // The token is over, and so is the connection.
  await page.evaluate((ms) => app.pass(ms), LIFETIME_MS)
  for (const client of server.clients) client.close()
  await expect.poll(() => page.evaluate('heard'), { timeout: 5_000 }).toEqual(['welcome 1', 'welcome 2'])
  expect(new Set(shown).size).toBe(2)
  expect(shown).not.toContain('refused')
  expect(urls).toEqual(['/live', '/live'])

  await page.evaluate(() => app.tokens.logout())
  expect(await page.evaluate('over')).toBe('over')
  await expect.poll(() => server.clients.size).toBe(0)
})

test('F102: a file that needs the token is saved, and no URL has the token in it', async () => {
  const { site, page } = setting()
  await page.evaluate(() => app.signIn())
  await runSnippet(page, 'createObjectURL')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.evaluate('download("orders", "orders.json")'),
  ])
  expect(download.suggestedFilename()).toBe('orders.json')
  expect(download.url()).toMatch(/^blob:/)
  const urls = [download.url(), page.url(), ...site.api.log.map(({ path }) => path)]
  for (const secret of site.auth.issuedTokens()) expect(urls.filter((url) => url.includes(secret))).toEqual([])
})

test('F83, F130: under a service worker that keeps answers nothing is otherwise, and the next user gets nothing of the last', async () => {
  const { site, page, context } = setting()
  await page.evaluate(() => navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready))
  await page.reload()
  const other = await context.newPage()
  await other.goto(site.url)
  for (const tab of [page, other]) {
    expect(await tab.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
    await runSnippet(tab, 'caches.delete')
    await tab.evaluate(() => app.tokens.restore())
  }
  await page.evaluate(() => app.signIn())
  expect([await me(page), await me(other)]).toEqual(['demo@example.com', 'demo@example.com'])
  expect(await page.evaluate(() => caches.keys())).toEqual(['answers'])
  // It answers from what it keeps; what it does not keep goes through it, with the token, also after a refresh.
  await page.evaluate((ms) => app.pass(ms), LIFETIME_MS)
  expect(await page.evaluate(() => app.outcome(app.xhr.post('upload', new FormData())))).toBe(201)
  expect(await page.evaluate(() => app.outcome(app.viaFetch.get('orders')))).toBe(200)
  expect(site.auth.count('refresh', 'rotated')).toBe(1)

  await other.evaluate(() => app.tokens.logout())
  await expect.poll(() => page.evaluate(() => caches.keys())).toEqual([])
  expect(await page.evaluate(() => app.outcome(app.xhr.get('me')))).toBe(401)
  await page.evaluate(() => app.tokens.login({ email: 'admin@example.com', password: 'admin' }))
  expect([await me(page), await me(other)]).toEqual(['admin@example.com', 'admin@example.com'])

  // A worker lives no longer than the browser likes: without it all goes on.
  await page.evaluate(() => navigator.serviceWorker.getRegistration().then((worker) => worker?.unregister()))
  await page.reload()
  expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull()
  expect((await page.evaluate(() => app.tokens.restore())).status).toBe('active')
  expect(await me(page)).toBe('admin@example.com')
})

test('F162: in a frame of another site the page is by itself: nothing of it touches the session of the site', async () => {
  const { site } = setting()
  // Playwright switches off what keeps the storage of frames apart.
  const { executablePath, env } = inject('chromium')
  const browser = await launch({
    executablePath,
    env: { ...process.env, ...env },
    headless: 'shell',
    args: chromiumArgs,
  })
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><title>Elsewhere</title><iframe src="${site.url}"></iframe>`)
  }).listen(0, '127.0.0.1')
  onTestFinished(async () => {
    server.close()
    await browser.close()
  })
  await once(server, 'listening')
  const expire = (ms: number): void => app.pass(ms)
  const call = (): Promise<number | string> => app.outcome(app.xhr.get('me'))

  const page = await browser.newPage()
  await page.goto(site.url)
  await page.evaluate(() => app.signIn())
  const outside = await browser.newPage()
  await outside.goto(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`)
  const frame = outside.frames()[1]!
  await frame.waitForFunction('globalThis.app')
  // Its cookie is not sent there, and its storage is another.
  expect(await frame.evaluate(() => app.tokens.restore())).toMatchObject({ status: 'signed-out' })
  await frame.evaluate(() => app.signIn())
  expect(await frame.evaluate(call)).toBe(200)
  await frame.evaluate(expire, LIFETIME_MS)
  expect(await frame.evaluate(call)).toBe('refresh_rejected')
  await frame.evaluate(() => app.tokens.logout())

  expect(await page.evaluate(() => app.tokens.getState().signedIn)).toBe(true)
  await page.evaluate(expire, LIFETIME_MS)
  expect(await page.evaluate(call)).toBe(200)
  expect(site.auth.count('refresh', 'reused')).toBe(0)
})
