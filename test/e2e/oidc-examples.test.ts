import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'

let browser: Browser
let example: ChildProcess
let url: string
let page: Page
const problems: string[] = []

beforeAll(async () => {
  const { executablePath, env } = inject('chromium')
  const launched = chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  const start = fileURLToPath(new URL('../../examples/07-oidc-login/start.mjs', import.meta.url))
  example = spawn(process.execPath, [start], { env: { ...process.env, PORT: '0' } })
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
  browser = await launched
}, 60_000)
beforeEach(async () => {
  const context = await browser.newContext()
  context.on('weberror', (error) => problems.push(String(error.error())))
  page = await context.newPage()
})
afterEach(async () => {
  await page.context().close()
  expect(problems.splice(0)).toEqual([])
})
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

test('07: the example signs in by leaving the page, calls the API, finds its session after a reload, and signs out', async () => {
  await page.goto(`${url}?tab=orders`)
  await shows('Nobody is signed in.')
  await press('Sign in')
  await signInAt(page)
  await shows('Signed in as Ann.')
  expect(page.url()).toBe(`${url}?tab=orders`)
  await press('Call the API')
  await shows('{"user":"Ann"')
  await page.reload()
  await shows('Signed in as Ann.')
  await press('Log out')
  await shows('Nobody is signed in.')
  await expect.poll(() => page.url()).toBe(url)
})

test('07: the example signs in in a window beside the page, and says what goes wrong', async () => {
  await page.goto(url)
  await shows('Nobody is signed in.')
  const [cancelled] = await Promise.all([page.waitForEvent('popup'), press('Sign in in a window')])
  await cancelled.getByRole('button', { name: 'Cancel' }).click()
  await shows('login_failed')
  const [popup] = await Promise.all([page.waitForEvent('popup'), press('Sign in in a window')])
  await signInAt(popup)
  await shows('Signed in as Ann.')
  await press('Call the API')
  await shows('{"user":"Ann"')
})

/** What the page says, once it has said something that was not there before. */
async function answer(): Promise<string> {
  const said = page.locator('#answer')
  await expect.poll(() => said.innerText()).not.toBe('')
  return said.innerText()
}

async function open(name: string): Promise<void> {
  await page.goto(new URL(`/${name}/`, url).href)
  await press('Sign in')
  await signInAt(page)
  await shows('Signed in as Ann.')
}

test('08: one session has a narrow token for each API, one more for what needs more, and one for each payment', async () => {
  await open('08-several-apis')
  const seen: string[] = []
  for (const name of [
    'Show the orders',
    'Read the mail',
    'Read the mail',
    'Send a mail',
    'Read the mail',
    'Pay',
    'Pay',
  ]) {
    await press(name)
    seen.push(await answer())
  }
  const told = seen.map((text) => /the (\w+) was .* token (\w+), .*“(.*)”/.exec(text)?.slice(1))
  expect(told.map((one) => `${String(one?.[0])} ${String(one?.[2])}`)).toEqual([
    'orders read',
    'mail read',
    'mail read',
    'mail write',
    'mail read',
    'payments write',
    'payments write',
  ])
  const [orders, mail, again, sent, mailAgain, paid, paidAgain] = told.map((one) => one?.[1])
  expect([again, mailAgain]).toEqual([mail, mail])
  expect(new Set([orders, mail, sent, paid, paidAgain]).size).toBe(5)
})

test('09, S-1: the API wants a stronger sign-in, the user gives it in a window, and the request goes through', async () => {
  await open('09-step-up')
  await press('Show the balance')
  await shows('Ann has enough.')
  await press('Transfer money')
  await shows('surer that it is you')
  expect(page.context().pages()).toHaveLength(1)
  const [popup] = await Promise.all([page.waitForEvent('popup'), press('Confirm it')])
  await popup.getByLabel('Code').fill('123456')
  await popup.getByRole('button', { name: 'Confirm' }).click()
  await shows('Ann has transferred the money, signed in with urn:example:strong.')
  await press('Transfer money')
  await shows('Ann has transferred the money')
})

test('13: a token that is bound to a key is of no use without it', async () => {
  await open('13-dpop')
  await press('Call the API')
  await shows('The API knows Ann by a token that is bound to the key')
  await press('Use the token without the key')
  await shows('Without the key the API answers 401.')
  await page.reload()
  await shows('Signed in as Ann.')
  await press('Call the API')
  await shows('The API knows Ann by a token that is bound to the key')
})
