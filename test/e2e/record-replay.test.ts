import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'

// The worked example: recorded in a real browser, replayed when every token in the recording is dead.

const run = promisify(execFile)
const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/10-record-replay/${name}`, import.meta.url))
const accessTokenMs = 1_000

let demo: ChildProcess
let url: string
let browser: Browser
let folder: string

beforeAll(async () => {
  const { executablePath, env } = inject('chromium')
  demo = spawn(process.execPath, [example('start.mjs')], {
    env: { ...process.env, ACCESS_TOKEN_MS: String(accessTokenMs), PORT: '0', CI: 'true', NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const chunk of demo.stdout ?? []) {
    const ready = /^Ready: (\S+)$/m.exec(String(chunk))
    if (!ready?.[1]) continue
    url = ready[1]
    break
  }
  browser = await chromium.launch({ executablePath, args: chromiumArgs, env: { ...process.env, ...env } })
  folder = await mkdtemp(join(tmpdir(), 'tokenward-'))
}, 60_000)

afterAll(async () => {
  await browser.close()
  demo.kill('SIGTERM')
  await once(demo, 'exit')
  await rm(folder, { recursive: true })
})

test('a session that was recorded in a browser is replayed green against the live demo and against the mock', async () => {
  const page = await browser.newPage()
  const secrets = new Set<string>(['"demo"'])
  page.on('response', (response) => {
    void response
      .json()
      .then((body: { access_token?: string }) => body.access_token && secrets.add(body.access_token))
      .catch(() => {})
  })
  await page.goto(url)
  const recorded = page.getByLabel('The recording')
  const calls = ['GET /api/me 200', 'GET /api/orders 200']
  await page.getByText('Sign in', { exact: true }).click()
  await recorded.getByText('POST /auth/login 200').waitFor()
  await page.getByText('Call the API').click()
  await recorded.getByText(calls[0] ?? '').waitFor()
  await delay(accessTokenMs + 1_200)
  await page.getByText('Call the API').click()
  await recorded.getByText('POST /auth/refresh 200').waitFor()
  await page.getByText('Log out').click()
  await recorded.getByText('POST /auth/logout 204').waitFor()
  // It may be refreshed ahead of time as well.
  const lines = ((await recorded.textContent()) ?? '').split('\n')
  expect(lines.filter((line) => !line.startsWith('POST /auth/refresh')).sort()).toEqual(
    ['POST /auth/login 200', 'POST /auth/logout 204', ...calls, ...calls].sort(),
  )
  const text = await page.evaluate(async () =>
    (await fetch(document.querySelector<HTMLAnchorElement>('#save')!.href)).text(),
  )
  for (const { value } of await page.context().cookies()) secrets.add(value)
  expect(secrets.size).toBeGreaterThan(2)
  for (const secret of secrets) expect(text).not.toContain(secret)
  const path = join(folder, 'recording.har')
  await writeFile(path, text)

  // The last access token was good for a second, and died with its session even before.
  await delay(accessTokenMs)
  const env = { ...process.env, TOKEN_PASSWORD_P1: 'demo' }
  for (const where of [[], ['mock']]) {
    const played = run(process.execPath, [example('replay.mjs'), path, ...where], { env })
    const { stdout } = await played.catch((reason: unknown) => reason as { stdout: string })
    expect(stdout).toContain(`${lines.length} exchanges: ${lines.length} as recorded, 0 different, 0 skipped\n`)
  }
  const without = run(process.execPath, [example('replay.mjs'), path], { env: { ...process.env } })
  await expect(without).rejects.toMatchObject({ stderr: expect.stringContaining('needs access_p1_1') as string })
})
