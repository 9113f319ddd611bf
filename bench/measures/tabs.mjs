// Many tabs of one profile find the token expired at once, in Chromium: told by the clock, and the server refuses the
// old token too. The authorization server rotates refresh tokens and takes 50 ms; with reuse detection, the second use
// of a refresh token ends the session (RFC 9700 section 4.14).
import { build } from 'esbuild'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { chromiumArgs, resolveChromium } from '../../test/support/chromium.mjs'
import { measure, progress, within } from '../lib/child.mjs'
import { FILES } from '../lib/contestants.mjs'
import { LIFETIME_S } from '../lib/model.mjs'
import { createTabsSite } from '../lib/tabs-site.mjs'

const bench = join(import.meta.dirname, '..')
const REFRESH_MS = 50
const PATIENCE_MS = 15_000
/** Read from their files' text: what they import runs in pages only. */
const EXCEPT = { bare: 'knows no refresh' }
const NEED_HTTPS = ['msal']

measure(async ({ quick, only }) => {
  const sizes = quick ? [2] : [1, 8, 50]
  const browser = await chromium.launch({ ...(await resolveChromium()), args: chromiumArgs })
  const results = {}
  for (const file of only ?? [...FILES, 'blog-broadcast']) {
    progress(file)
    if (EXCEPT[file]) {
      results[file] = { doesNotApply: EXCEPT[file] }
      continue
    }
    results[file] = []
    try {
      const script = await bundle(file)
      const https = NEED_HTTPS.includes(file)
      for (const tabs of sizes) {
        for (const reuse of [false, true]) {
          const found = await within(120_000, () => race(browser, { script, tabs, reuse, https }), { hung: true })
          results[file].push({ tabs, reuse, ...found })
        }
      }
    } catch (error) {
      results[file].push({ doesNotApply: `failed: ${String(error?.message ?? error).slice(0, 200)}` })
    }
  }
  const version = browser.version()
  await browser.close()
  return { browser: version, refreshMs: REFRESH_MS, sizes, results }
})

async function race(browser, { script, tabs, reuse, https }) {
  const site = await createTabsSite({ script, refreshMs: REFRESH_MS, reuse, https })
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  try {
    const pages = []
    for (let index = 0; index < tabs; index++) {
      const page = await context.newPage()
      await page.goto(site.url)
      const joined = index > 0
      const request = { joined, issued: joined ? undefined : site.model.issue() }
      const isServed = await page.evaluate((given) => globalThis.tab.start(given), request)
      if (!isServed) throw new Error(`tab ${index + 1} was not served while the token was fresh`)
      pages.push(page)
    }
    const laterMs = (LIFETIME_S + 60) * 1000
    const before = { ...site.model.counts }
    site.model.moveClock(laterMs)
    const wake = { at: Date.now() + 500 + 20 * tabs, laterMs, patienceMs: PATIENCE_MS }
    const all = await Promise.all(pages.map((page) => page.evaluate((given) => globalThis.tab.wakeAt(given), wake)))
    const refreshes = site.model.counts.refreshes - before.refreshes
    const alive = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.tab.isAlive())))
    const served = all.filter(({ isServed }) => isServed)
    return {
      refreshes,
      served: served.length,
      alive: alive.filter(Boolean).length,
      ms: served.length === tabs ? Math.round(Math.max(...all.map(({ ms }) => ms))) : undefined,
    }
  } finally {
    await context.close()
    site.close()
  }
}

async function bundle(file) {
  const { outputFiles } = await build({
    entryPoints: [join(bench, 'lib', 'tab.mjs')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    alias: { contestant: join(bench, 'contestants', `${file}.mjs`) },
    external: ['@react-native-async-storage/async-storage'],
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  })
  return outputFiles[0].text
}
