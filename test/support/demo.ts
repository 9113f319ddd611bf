import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject } from 'vitest'
import { chromiumArgs } from './chromium.mjs'

export interface Demo {
  readonly url: string
  readonly context: BrowserContext
  readonly page: Page
  readonly seen: {
    /** The real tokens, from the wire. */
    readonly secrets: Set<string>
    readonly urls: string[]
    readonly console: string[]
    /** Errors that nobody caught, and what the page's policy has stopped. */
    readonly problems: string[]
  }
  /** What the command has printed. */
  output(): string
  signIn(password?: string): Promise<void>
  /** Waits for the line that says what the session is. */
  status(text: string): Promise<void>
  /** Waits for an entry of the log. */
  logged(text: string | RegExp): Promise<void>
}

/** What `npm start` runs, for each file; for each test a fresh browser context with the page in it. */
export function setUpDemo(accessTokenMs: number): () => Demo {
  let command: Awaited<ReturnType<typeof start>>
  let browser: Browser
  let demo: Demo

  beforeAll(async () => {
    command = await start(accessTokenMs)
    const { executablePath, env } = inject('chromium')
    browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  }, 60_000)

  afterAll(async () => {
    await browser.close()
    command.child.kill('SIGTERM')
    const [code] = (await once(command.child, 'exit')) as [number | null]
    expect(code).toBe(0)
  })

  beforeEach(async () => {
    const context = await browser.newContext()
    const seen = watch(context)
    const page = await context.newPage()
    const { url, output } = command
    demo = {
      url,
      output,
      context,
      page,
      seen,
      async signIn(password = 'demo') {
        await page.getByLabel('Email').fill('demo@example.com')
        await page.getByLabel('Password').fill(password)
        await page.getByRole('button', { name: 'Sign in' }).click()
      },
      status: (text) => page.locator('#status').getByText(text, { exact: true }).waitFor(),
      logged: (text) => page.getByRole('log').getByText(text).first().waitFor(),
    }
    await page.goto(url)
  })

  afterEach(async () => {
    expect(demo.seen.problems).toEqual([])
    await demo.context.close()
  })
  return () => demo
}

async function start(accessTokenMs: number): Promise<{ child: ChildProcess; url: string; output: () => string }> {
  const script = fileURLToPath(new URL('../../examples/01-axios/start.mjs', import.meta.url))
  const child = spawn(process.execPath, [script], {
    env: {
      ...process.env,
      ACCESS_TOKEN_MS: String(accessTokenMs),
      PORT: '0',
      CI: 'true',
      NODE_ENV: 'development',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const add = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
      const ready = /^Ready: (http:\/\/localhost:\d+\/01-axios\/)$/m.exec(output)
      if (ready?.[1] !== undefined) resolve(ready[1])
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.once('exit', (code) => reject(new Error(`the demo ended with ${String(code)}: ${output}`)))
  })
  return { child, url, output: () => output }
}

/** Takes the real tokens from the wire: what the browser was given is what must not be found anywhere. */
function watch(context: BrowserContext): Demo['seen'] {
  const seen: Demo['seen'] = { secrets: new Set(), urls: [], console: [], problems: [] }
  context.on('request', (request) => seen.urls.push(request.url()))
  context.on('console', (message) => {
    seen.console.push(message.text())
    if (/content security policy/i.test(message.text())) seen.problems.push(message.text())
  })
  context.on('weberror', (error) => seen.problems.push(String(error.error())))
  context.on('response', (response) => {
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
  return seen
}
