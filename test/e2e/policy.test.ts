import { expect, test } from 'vitest'
import { setUpPages } from './setup.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src data: 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const setting = setUpPages(() => ({
  headers: {
    'Content-Security-Policy': policy,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Permissions-Policy': 'storage-access=(), unload=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  },
}))

test('under a strict policy with Trusted Types a whole life goes by without a violation, and leaks no token', async () => {
  const { site, page, context, console: written } = setting()
  await page.evaluate(() => app.tokens.restore())
  await page.evaluate(() => app.signIn())
  const calls = (): Promise<(number | string)[]> =>
    page.evaluate(() =>
      Promise.all([
        app.outcome(app.xhr.get('me')),
        app.outcome(app.viaFetch.get('me', { responseType: 'stream' })),
        app.outcome(app.xhr.post('upload', new FormData())),
        app.outcome(app.request('/api/me')),
      ]),
    )
  expect(await calls()).toEqual([200, 200, 201, 200])
  await page.evaluate(() => app.pass(400_000))
  expect(await calls()).toEqual([200, 200, 201, 200])
  site.auth.revokeAccessTokens()
  expect(await calls()).toEqual([200, 200, 201, 200])
  expect(await page.evaluate(() => app.outcome(app.xhr.get('admin')))).toBe('insufficient_scope')
  await page.reload()
  expect((await page.evaluate(() => app.tokens.restore())).status).toBe('active')
  expect(await calls()).toEqual([200, 200, 201, 200])
  expect(await page.evaluate(() => app.tokens.logout())).toEqual({ revoked: 'confirmed' })
  expect(await calls()).toEqual([401, 401, 401, 401])

  expect(await page.evaluate(() => app.violations)).toEqual([])
  expect(written.filter((line) => /content security policy|trusted/i.test(line))).toEqual([])
  const secrets = site.auth.issuedTokens()
  expect(secrets.length).toBeGreaterThanOrEqual(8)
  expect(await page.evaluate(([all, more]) => app.leaks(all, more), [secrets, written] as const)).toEqual([])
  expect(await context.cookies()).toEqual([])
})

test('the policy is in force, and what breaks it is seen', async () => {
  const { page } = setting()
  await page.evaluate(() => {
    try {
      document.body.innerHTML = '<p>x</p>'
    } catch {
      // Trusted Types.
    }
  })
  expect(await page.evaluate(() => app.violations)).toEqual(['require-trusted-types-for trusted-types-sink'])
})
