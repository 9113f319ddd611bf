import { test as base, expect, type Page } from 'playwright/test'
import { withSharedSession } from '../../src/testing/index.ts'

// Run by test/e2e/shared-session.test.ts, which counts what the server saw.

const origin = process.env['AUTH_ORIGIN'] ?? ''

async function call(page: Page, name: 'login' | 'refresh' | 'logout', body: object = {}): Promise<number> {
  if (!page.url().startsWith(origin)) await page.goto(`${origin}/jwks`)
  return page.evaluate(
    async ([url, text]) => {
      const headers = { 'Content-Type': 'application/json', 'X-Requested-With': 'test' }
      const { status } = await fetch(url, { method: 'POST', headers, body: text })
      return status
    },
    [`${origin}/auth/${name}`, JSON.stringify(body)] as const,
  )
}

const test = withSharedSession(base, {
  async signIn(page) {
    expect(await call(page, 'login', { email: 'demo@example.com', password: 'demo' })).toBe(200)
  },
})

for (let i = 1; i <= 6; i++) {
  test(`test ${i} refreshes twice`, async ({ page }) => {
    expect(await call(page, 'refresh')).toBe(200)
    expect(await call(page, 'refresh')).toBe(200)
  })
}

test('a test leaves a refresh on its way', async ({ page }) => {
  expect(await call(page, 'refresh')).toBe(200)
  void call(page, 'refresh').catch(() => {})
  await page.waitForRequest(/refresh/)
})

test('a test signs out', async ({ page }) => {
  expect(await call(page, 'logout')).toBe(204)
  expect(await call(page, 'refresh')).toBe(401)
})

for (let i = 7; i <= 8; i++) {
  test(`test ${i} is signed in all the same`, async ({ page }) => {
    expect(await call(page, 'refresh')).toBe(200)
  })
}
