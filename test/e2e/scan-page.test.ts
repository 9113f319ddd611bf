import { chromium, type Browser, type Page } from 'playwright-core'
import { scan, toHtmlReport } from 'tokenward/testing'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'
import { readHistories } from '../testing/scan/sets/misuse.ts'

// The page of a scan in a real browser, that shows what its policy lets through.

let browser: Browser
let html: string

beforeAll(async () => {
  const { executablePath, env } = inject('chromium')
  browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  const wanted = readHistories().filter(({ id }) => ['m2-04', 'm3-01', 'm4-01', 'm10-01'].includes(id))
  const reports = await Promise.all(wanted.map(({ text, file, id }) => scan(text, { file: `${id}/${file}` })))
  html = toHtmlReport({
    findings: reports.flatMap(({ findings }) => findings),
    tokens: reports.flatMap(({ tokens }) => tokens),
    counts: {},
    dropped: 0,
    characters: 5_000,
  })
})
afterAll(() => browser.close())

async function open(colorScheme: 'light' | 'dark', content = html): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1100, height: 1400 } })
  const problems: string[] = []
  page.on('console', (message) => problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('request', (request) => problems.push(`asked for ${request.url()}`))
  await page.setContent(content)
  return { page, problems }
}

test('the page shows every finding and the life of each token, without script, network or complaint', async () => {
  const { page, problems } = await open('light')
  expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual(['What to do', 'Tokens', 'Findings'])
  expect(await page.locator('tbody tr').count()).toBeGreaterThan(4)
  expect(await page.locator('details svg circle').count()).toBeGreaterThan(6)
  expect(await page.getByText('A refresh token was presented again').count()).toBeGreaterThan(0)
  expect(problems).toEqual([])
})

test('its style passes its own policy, in light and in dark', async () => {
  const colors = await Promise.all(
    (['light', 'dark'] as const).map(async (scheme) => {
      const { page } = await open(scheme)
      const body = await page.evaluate(() => {
        const { backgroundColor, color } = getComputedStyle(document.body)
        return { backgroundColor, color }
      })
      if (process.env['SCREENSHOTS'])
        await page.screenshot({ path: `${process.env['SCREENSHOTS']}/scan-${scheme}.png` })
      return body
    }),
  )
  expect(colors).toEqual([
    { backgroundColor: 'rgb(253, 253, 252)', color: 'rgb(29, 33, 38)' },
    { backgroundColor: 'rgb(20, 23, 26)', color: 'rgb(228, 231, 234)' },
  ])
})

test('on a telephone the page is as wide as the screen, and what is drawn can be read', async () => {
  const { page } = await open('light')
  await page.setViewportSize({ width: 375, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375)
  const heights = await page
    .locator('text.flag')
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height))
  expect(Math.min(...heights)).toBeGreaterThan(8)
})

test('what a log brings along does not run', async () => {
  const evil = html.replace(
    '</main>',
    '<script>document.title = "run"</script><img src="https://evil.example/x"></main>',
  )
  const { page, problems } = await open('light', evil)
  const failures: string[] = []
  page.on('requestfailed', (request) => failures.push(`${request.url()} ${request.failure()?.errorText}`))
  await page.setContent(evil)
  expect(await page.title()).toBe('Tokens in logs and recordings')
  expect(problems.filter((problem) => problem.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(2)
  // Playwright tells of a request that the policy stopped before it was sent.
  expect(failures).toEqual(['https://evil.example/x csp'])
})
