import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { inject, onTestFinished, test } from 'vitest'
import { chromiumArgs } from '../support/chromium.mjs'
import { createChromiumDriver } from '../support/tabs-chromium.ts'
import { assertAlive, openTabs, signIn, type Driver, type PageOptions } from '../support/tabs-driver.ts'
import { startTabsSite } from '../support/tabs-site.ts'

/** Runs `tasks` one after the other, each in a browser that is started anew on the same profile. */
async function inOneProfile(...tasks: readonly ((driver: Driver) => Promise<void>)[]): Promise<void> {
  const { executablePath, env } = inject('chromium')
  const [site, folder] = await Promise.all([startTabsSite(), mkdtemp(join(tmpdir(), 'profile-'))])
  onTestFinished(async () => {
    await site.close()
    await rm(folder, { recursive: true, maxRetries: 5 })
  })
  for (const task of tasks) {
    const options = { executablePath, args: chromiumArgs, env: { ...process.env, ...env } }
    const context = await chromium.launchPersistentContext(folder, options)
    try {
      await task(createChromiumDriver(context, site, () => {}))
    } finally {
      await context.close()
    }
  }
}

const pages: readonly PageOptions[] = [
  { source: 'json', storage: 'plain' },
  { source: 'json', storage: 'encrypted' },
  { source: 'cookie' },
]

/** The first page of all asks whether the cookie has a session. */
const visits = ({ source }: PageOptions): number => (source === 'cookie' ? 1 : 0)

for (const page of pages) {
  test(`F126: a restart of the browser finds the session, with one refresh (${page.storage ?? page.source})`, () =>
    inOneProfile(
      async (driver) => signIn(driver, await openTabs(driver, 1, page)),
      async (driver) => {
        const [tab] = await openTabs(driver, 1, page)
        assert.equal(driver.site.auth.count('refresh') - visits(page), 1)
        await assertAlive(driver, [tab])
      },
    ))

  test(`F76, F126: a logout before a restart of the browser is a logout after it (${page.storage ?? page.source})`, () =>
    inOneProfile(
      async (driver) => {
        const [tab] = await openTabs(driver, 1, page)
        await signIn(driver, [tab])
        await tab.run(() => client.tokens.logout())
      },
      async (driver) => {
        const [tab] = await openTabs(driver, 1, page)
        assert.equal(await tab.run(() => client.tokens.getState().signedIn), false)
        assert.equal(driver.site.auth.count('refresh') - visits(page), 0)
      },
    ))
}
