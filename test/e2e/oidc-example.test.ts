import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'

let browser: Browser
let example: ChildProcess
let url: string
let page: Page
const problems: string[] = []

beforeAll(async () => {
  const { executablePath, env } = inject('chromium')
  browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  const start = fileURLToPath(new URL('../../examples/07-oidc-login/start.mjs', import.meta.url))
  example = spawn(process.execPath, [start], { env: { ...process.env, CI: 'true', PORT: '0' } })
  url = await new Promise((resolve, reject) => {
    let output = ''
    const read = (chunk: Buffer): void => {
      output += String(chunk)
      const ready = /Ready: (\S+)/.exec(output)?.[1]
      if (ready !== undefined) resolve(ready)
    }
    example.stdout?.on('data', read)
    example.stderr?.on('data', read)
    example.once('exit', () => reject(new Error(output)))
  })
  page = await browser.newPage()
  page.on('pageerror', (error) => problems.push(String(error)))
}, 60_000)
afterAll(async () => {
  await browser.close()
  example.kill('SIGTERM')
})

const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
const shows = (text: string): Promise<void> => page.getByText(text).waitFor()

async function signInAt(provider: Page): Promise<void> {
  await provider.getByLabel('Name').fill('Ann')
  await provider.getByRole('button', { name: 'Sign in' }).click()
}

test('the example signs in by leaving the page, calls the API, finds its session after a reload, and signs out', async () => {
  await page.goto(`${url}?tab=orders`)
  await shows('Nobody is signed in.')
  await press('Sign in')
  await signInAt(page)
  await shows('Signed in as Ann.')
  expect(page.url()).toBe(`${url}?tab=orders`)
  await press('Call the API')
  await shows('{"user":"Ann"}')
  await page.reload()
  await shows('Signed in as Ann.')
  await press('Log out')
  await shows('Nobody is signed in.')
  await expect.poll(() => page.url()).toBe(url)
  expect(problems).toEqual([])
})

test('the example signs in in a window beside the page, and says what goes wrong', async () => {
  await page.goto(url)
  await shows('Nobody is signed in.')
  const [cancelled] = await Promise.all([page.waitForEvent('popup'), press('Sign in in a window')])
  await cancelled.getByRole('button', { name: 'Cancel' }).click()
  await shows('login_failed')
  const [popup] = await Promise.all([page.waitForEvent('popup'), press('Sign in in a window')])
  await signInAt(popup)
  await shows('Signed in as Ann.')
  await press('Call the API')
  await shows('{"user":"Ann"}')
  expect(problems).toEqual([])
})
