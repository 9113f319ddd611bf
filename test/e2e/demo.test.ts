import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'

let demo: { readonly child: ChildProcess; readonly url: string; output(): string }
let browser: Browser
let context: BrowserContext
let page: Page
let seen: {
  readonly secrets: Set<string>
  readonly urls: string[]
  readonly console: string[]
  readonly problems: string[]
}

beforeAll(async () => {
  demo = await startDemo()
  const { executablePath, env } = inject('chromium')
  browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
}, 60_000)

afterAll(async () => {
  await browser.close()
  demo.child.kill('SIGTERM')
  const [code] = (await once(demo.child, 'exit')) as [number | null]
  expect(code).toBe(0)
})

beforeEach(async () => {
  context = await browser.newContext()
  seen = { secrets: new Set(), urls: [], console: [], problems: [] }
  watch(context)
  page = await context.newPage()
  await page.goto(demo.url)
})

afterEach(async () => {
  expect(seen.problems).toEqual([])
  await context.close()
})

test('a wrong password is told, and the next try signs in', async () => {
  await status('You are not signed in.')
  await signIn('wrong')
  await page.getByRole('alert').getByText('Wrong email or password.').waitFor()
  await status('You are not signed in.')
  await signIn()
  await status('You are signed in.')
  await event('Signed in')
})

test('the API answers, and the short-lived access token is refreshed without the page asking', async () => {
  await signIn()
  await call()
  await event('Access token refreshed')
  await call()
  await page.getByLabel('Call it every second').check()
  await expect.poll(() => page.getByText('Access token refreshed').count(), { timeout: 15_000 }).toBeGreaterThan(2)
  expect(await page.locator('#answer').innerText()).toContain('demo@example.com')
  await page.getByText(/\d s left/).waitFor()
})

test('a reload keeps the session', async () => {
  await signIn()
  await status('You are signed in.')
  await page.reload()
  await status('You are signed in.')
  await call()
})

test('each open tab has its lane, and a log-out in one is a log-out in each', async () => {
  await signIn()
  await status('You are signed in.')
  const [second] = await Promise.all([
    page.waitForEvent('popup'),
    page.getByRole('link', { name: 'Open another tab' }).click(),
  ])
  await second.getByText('You are signed in.').waitFor()
  await page.locator('#tabs li[data-status=active]').nth(1).waitFor()
  await second.locator('#tabs li[data-status=active]').nth(1).waitFor()
  await second.getByRole('button', { name: 'Log out' }).click()
  await status('You have logged out in another tab.')
  await page.locator('#tabs li[data-status=signed-out]').nth(1).waitFor()
  await second.close()
  await expect.poll(() => page.locator('#tabs li').count()).toBe(1)
})

test('after the log-out neither the back button nor a reload shows anything', async () => {
  await signIn()
  await call()
  await page.goto(`${demo.url}?elsewhere`)
  await status('You are signed in.')
  await page.getByRole('button', { name: 'Log out' }).click()
  await status('You have logged out.')
  await expectNothingShown()
  await page.goBack()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  await expectNothingShown()
  await page.reload()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  await expectNothingShown()
})

test('after a log-out in one tab the other can do nothing more', async () => {
  await signIn()
  await status('You are signed in.')
  const other = await context.newPage()
  await other.goto(demo.url)
  await other.getByText('You are signed in.').waitFor()
  await other.getByRole('button', { name: 'Log out' }).click()
  await other.getByText('You have logged out.').waitFor()
  // It may have noticed already.
  await page
    .getByRole('button', { name: 'Call the API' })
    .click({ timeout: 1_000 })
    .catch(() => {})
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  await expectNothingShown()
})

test('no token is ever in storage, the document, a URL, the console or a cookie that scripts can read', async () => {
  await signIn()
  await call()
  await event('Access token refreshed')
  await call()
  await expectNoSecret()
  await page.reload()
  await status('You are signed in.')
  await call()
  await expectNoSecret()
  await page.getByRole('button', { name: 'Log out' }).click()
  await status('You have logged out.')
  await expectNoSecret()
})

test('it works by keyboard alone, and on a phone', async () => {
  await page.setViewportSize({ width: 320, height: 640 })
  await page.getByLabel('Email').focus()
  await page.keyboard.type('demo@example.com')
  await page.keyboard.press('Tab')
  await page.keyboard.type('demo')
  await page.keyboard.press('Enter')
  await status('You are signed in.')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('status')
  await page.getByRole('button', { name: 'Call the API' }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('"item": "Tea"').waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
})

/** What `npm start` runs, with access tokens that live for four seconds. */
async function startDemo(): Promise<typeof demo> {
  const script = fileURLToPath(new URL('../../examples/01-axios/start.mjs', import.meta.url))
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ACCESS_TOKEN_MS: '4000', PORT: '0', CI: 'true', NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const add = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
      const ready = /^Ready: (http:\/\/localhost:\d+)$/m.exec(output)
      if (ready?.[1] !== undefined) resolve(`${ready[1]}/`)
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.once('exit', (code) => reject(new Error(`the demo ended with ${String(code)}: ${output}`)))
  })
  return { child, url, output: () => output }
}

/** Takes the real tokens from the wire: what the browser was given is what must not be found anywhere. */
function watch(of: BrowserContext): void {
  of.on('request', (request) => seen.urls.push(request.url()))
  of.on('console', (message) => seen.console.push(message.text()))
  of.on('weberror', (error) => seen.problems.push(String(error.error())))
  of.on('response', (response) => {
    if (new URL(response.url()).pathname.startsWith('/auth/')) void keepSecrets(response)
  })
  async function keepSecrets(response: {
    text(): Promise<string>
    headersArray(): Promise<{ name: string; value: string }[]>
  }): Promise<void> {
    // A body is gone when the page that asked for it is: then the page never held its token either.
    const [body, headers] = await Promise.all([
      response.text().catch(() => ''),
      response.headersArray().catch(() => []),
    ])
    const accessToken = /"access_token":"([^"]+)"/.exec(body)?.[1]
    if (accessToken !== undefined) seen.secrets.add(accessToken)
    for (const { name, value } of headers) {
      const refreshToken = name.toLowerCase() === 'set-cookie' ? /^refresh_token=([^;]+)/.exec(value)?.[1] : undefined
      if (refreshToken !== undefined) seen.secrets.add(refreshToken)
    }
  }
}

async function signIn(password = 'demo'): Promise<void> {
  await page.getByLabel('Email').fill('demo@example.com')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function call(): Promise<void> {
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/api/orders')),
    page.getByRole('button', { name: 'Call the API' }).click(),
  ])
  expect(response.status()).toBe(200)
  await page.getByText('"item": "Tea"').waitFor()
}

async function status(text: string): Promise<void> {
  await page.locator('#status').getByText(text, { exact: true }).waitFor()
}

async function event(text: string): Promise<void> {
  await page.getByRole('log').getByText(text).first().waitFor()
}

async function expectNothingShown(): Promise<void> {
  const text = await page.locator('body').innerText()
  expect(text).not.toContain('Tea')
  expect(await page.locator('#session').isVisible()).toBe(false)
}

async function expectNoSecret(): Promise<void> {
  const found: unknown = await page.evaluate(async () => {
    const databases = await Promise.all(
      (await indexedDB.databases()).map(async ({ name }) => {
        const request = indexedDB.open(name ?? '')
        const db = await new Promise<IDBDatabase>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error ?? new Error('not opened'))
        })
        const rows: unknown[] = []
        for (const store of db.objectStoreNames) {
          const all = db.transaction(store).objectStore(store)
          for (const asked of [all.getAllKeys(), all.getAll()]) {
            rows.push(await new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result))))
          }
        }
        db.close()
        return { name, rows }
      }),
    )
    return {
      databases,
      local: Object.entries(localStorage),
      session: Object.entries(sessionStorage),
      cookie: document.cookie,
      url: location.href,
      history: JSON.stringify(history.state),
      html: document.documentElement.outerHTML,
      inputs: [...document.querySelectorAll('input')].map(({ value }) => value),
      resources: performance.getEntries().map(({ name }) => name),
    }
  })
  // At least the sign-in and one refresh, each with an access and a refresh token.
  expect(seen.secrets.size).toBeGreaterThanOrEqual(4)
  const everything = JSON.stringify({ found, urls: seen.urls, console: seen.console, output: demo.output() })
  for (const secret of seen.secrets) {
    expect(everything.includes(secret)).toBe(false)
    // The signature alone would be a leak too.
    expect(everything.includes(secret.slice(-24))).toBe(false)
  }
}
