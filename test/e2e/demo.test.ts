import { expect, test } from 'vitest'
import { setUpDemo } from '../support/demo.ts'

const demo = setUpDemo(3_000)

test('a wrong password is told, and the next try signs in', async () => {
  const { page, signIn, status, logged } = demo()
  await status('You are not signed in.')
  await signIn('wrong')
  await page.getByRole('alert').getByText('Wrong email or password.').waitFor()
  await status('You are not signed in.')
  await signIn()
  await status('You are signed in.')
  await logged('Signed in')
})

test('the API answers, and the short-lived access token is refreshed without the page asking', async () => {
  const { page, signIn, logged } = demo()
  await signIn()
  await call()
  await logged('Access token refreshed')
  await call()
  await page.getByLabel('Call it every second').check()
  await expect.poll(() => page.getByText('Access token refreshed').count(), { timeout: 15_000 }).toBeGreaterThan(2)
  expect(await page.locator('#answer').innerText()).toContain('demo@example.com')
  await page.getByText(/\d s left/).waitFor()
})

test('whoever types less than the path comes to the page, which runs under a strict policy', async () => {
  const { page, url, status } = demo()
  const response = await page.goto(new URL('/', url).href)
  await status('You are not signed in.')
  expect(page.url()).toBe(url)
  expect(response?.headers()['content-security-policy']).toContain("default-src 'none'; script-src 'self';")
  await page.goto(new URL('/03-cookie-login', url).href)
  expect(page.url()).toBe(new URL('/03-cookie-login/', url).href)
})

test('a reload keeps the session', async () => {
  const { page, signIn, status } = demo()
  await signIn()
  await status('You are signed in.')
  await page.reload()
  await status('You are signed in.')
  await call()
})

test('each open tab has its lane, and a log-out in one is a log-out in each', async () => {
  const { page, signIn, status } = demo()
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
  const { page, url, signIn, status } = demo()
  await signIn()
  await call()
  await page.goto(`${url}?elsewhere`)
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
  const { page, context, url, signIn, status } = demo()
  await signIn()
  await status('You are signed in.')
  const other = await context.newPage()
  await other.goto(url)
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
  const { page, signIn, status, logged } = demo()
  await signIn()
  await call()
  await logged('Access token refreshed')
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
  const { page, status } = demo()
  await page.setViewportSize({ width: 320, height: 640 })
  await status('You are not signed in.')
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

async function call(): Promise<void> {
  const { page } = demo()
  const [response] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/api/orders')),
    page.getByRole('button', { name: 'Call the API' }).click(),
  ])
  expect(response.status()).toBe(200)
  await page.getByText('"item": "Tea"').waitFor()
}

async function expectNothingShown(): Promise<void> {
  const { page } = demo()
  const text = await page.locator('body').innerText()
  expect(text).not.toContain('Tea')
  expect(await page.locator('#session').isVisible()).toBe(false)
}

async function expectNoSecret(): Promise<void> {
  const { page, seen, output } = demo()
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
  const everything = JSON.stringify({ found, urls: seen.urls, console: seen.console, output: output() })
  for (const secret of seen.secrets) {
    expect(everything.includes(secret)).toBe(false)
    // The signature alone would be a leak too.
    expect(everything.includes(secret.slice(-24))).toBe(false)
  }
}
