import assert from 'node:assert/strict'
import {
  all,
  assertAlive,
  assertUnharmed,
  callAtOnce,
  expiry,
  openTabs,
  signIn,
  until,
  type Driver,
  type Scenario,
  type Source,
  type Tab,
} from './tabs-driver.ts'
import { fault } from '../../src/testing/index.ts'

const sources = ['cookie', 'json'] as const
const served = (tabs: readonly Tab[]): number[] => Array<number>(tabs.length).fill(200)

/** The server takes its time, as one beyond a network does. */
const LATENCY_MS = 50

/** Signed in, and the token has expired. */
async function openExpired<Count extends number>(
  driver: Driver,
  count: Count,
  source: Source,
): ReturnType<typeof openTabs<Count>> {
  const tabs = await openTabs(driver, count, { source })
  await signIn(driver, tabs, 2)
  await expiry(tabs)
  return tabs
}

async function assertOneRefresh(driver: Driver, tabs: readonly Tab[], what: string): Promise<number> {
  const { auth } = driver.site
  const before = auth.count('refresh')
  auth.faults.next('refresh', fault.delay(LATENCY_MS))
  const { outcomes, ms } = await callAtOnce(tabs)
  assert.deepEqual(outcomes, served(tabs), what)
  assert.equal(auth.count('refresh') - before, 1, `refreshes of ${tabs.length} tabs, ${what}`)
  await assertAlive(driver, tabs)
  return ms
}

function few(source: Source): Scenario[] {
  return [
    {
      name: `F14: 8 tabs that find the token expired make one refresh, and all are served (${source})`,
      async run(driver) {
        const tabs = await openExpired(driver, 8, source)
        driver.measured('ms until 8 are served', await assertOneRefresh(driver, tabs, 'expired'))
      },
    },
    {
      name: `F14: 8 tabs whose token the API refuses make one refresh, and all are served (${source})`,
      async run(driver) {
        const tabs = await openTabs(driver, 8, { source })
        await signIn(driver, tabs)
        driver.site.auth.revokeAccessTokens()
        driver.measured('ms until 8 are served', await assertOneRefresh(driver, tabs, 'refused'))
      },
    },
    {
      name: `F04, F17: a new tab gets its token from another, without asking the server (${source})`,
      async run(driver) {
        const [tab] = await openTabs(driver, 1, { source })
        await signIn(driver, [tab])
        const before = driver.site.auth.log.length
        const others = await openTabs(driver, 3, { source })
        await assertAlive(driver, [tab, ...others])
        assert.equal(driver.site.auth.log.length, before, 'calls to the authorization server')
      },
    },
    {
      name: `F14: a tab that is opened when the token has expired, and one that has it, make one refresh (${source})`,
      async run(driver) {
        const [tab] = await openExpired(driver, 1, source)
        const before = driver.site.auth.count('refresh')
        const [outcomes, [other]] = await Promise.all([callAtOnce([tab]), openTabs(driver, 1, { source })])
        assert.deepEqual(outcomes.outcomes, [200])
        assert.equal(driver.site.auth.count('refresh') - before, 1)
        await assertAlive(driver, [tab, other])
      },
    },
  ]
}

function many(source: Source): Scenario {
  return {
    name: `F14, F16: 50 tabs whose token has expired, then is refused, make one refresh each time (${source})`,
    alone: true,
    async run(driver) {
      const { auth } = driver.site
      const [alone] = await openExpired(driver, 1, source)
      const aloneMs = await assertOneRefresh(driver, [alone], 'expired')
      driver.measured('ms until one tab alone is served', aloneMs)
      await alone.run(() => client.tokens.logout())
      const tabs = [alone, ...(await openTabs(driver, 49, { source }))]
      await alone.run((name) => client.listen(name), driver.site.sessionName(source))
      await signIn(driver, tabs, 5)
      driver.measured('messages until all have tokens', await alone.run(() => client.heard.length))
      await expiry(tabs)
      driver.measured('ms until 50 are served, expired', await assertOneRefresh(driver, tabs, 'expired'))
      driver.measured('ms until 50 that have a token are served', (await callAtOnce(tabs)).ms)
      driver.measured('messages', await alone.run(() => client.heard.length))
      auth.revokeAccessTokens()
      driver.measured('ms until 50 are served, refused', await assertOneRefresh(driver, tabs, 'refused'))
    },
  }
}

export const refreshScenarios: readonly Scenario[] = [
  ...sources.flatMap(few),
  ...sources.map(many),
  {
    name: 'F14: the tab that holds the refresh token refreshes for the others, also when it needs none itself (json)',
    async run(driver) {
      const [holder, ...others] = await openExpired(driver, 4, 'json')
      await assertOneRefresh(driver, others, 'expired')
      await assertAlive(driver, [holder])
    },
  },
  {
    name: 'F14: without the tab that holds the refresh token the others live until expiry, and end as expired (json)',
    async run(driver) {
      const [holder, ...others] = await openTabs(driver, 3, { source: 'json', timeoutMs: 1_000 })
      await signIn(driver, [holder, ...others], 3)
      await holder.close()
      assert.deepEqual((await callAtOnce(others)).outcomes, served(others))
      await expiry(others)
      const since = Date.now()
      await all(others, (tab) => tab.run(() => client.call()))
      for (const tab of others) {
        const state = await tab.run(() => client.until('signed-out'))
        assert.equal(state.status === 'signed-out' && state.reason, 'expired')
      }
      driver.measured('ms from expiry to expired', Date.now() - since)
      assert.equal(driver.site.auth.count('refresh'), 0)
    },
  },
  ...sources.map((source): Scenario => ({
    name: `F17: who never signed in causes ${source === 'json' ? 'no call' : 'one call, of the first page'} (${source})`,
    async run(driver) {
      const tabs = await openTabs(driver, 3, { source })
      await tabs[0].reload()
      const state = await tabs[0].run(() => client.tokens.restore())
      assert.equal(state.status === 'signed-out' && state.reason, 'never-started')
      await openTabs(driver, 2, { source })
      assert.equal(driver.site.auth.log.length, source === 'json' ? 0 : 1)
    },
  })),
  {
    name: 'F14: tabs take turns for ten refreshes, and no cookie is presented twice (cookie)',
    async run(driver) {
      const tabs = await openTabs(driver, 4)
      await signIn(driver, tabs)
      for (let round = 1; round <= 10; round++) {
        driver.site.auth.revokeAccessTokens()
        assert.deepEqual((await callAtOnce(tabs)).outcomes, served(tabs))
        assert.equal(driver.site.auth.count('refresh', 'rotated'), round)
      }
      assertUnharmed(driver.site)
      await until('the browser has the newest cookie', async () =>
        driver.site.auth.liveRefreshTokens().includes((await driver.cookie()) ?? ''),
      )
      assert.equal(new Set(await all(tabs, (tab) => tab.run(sessionOf))).size, 1)
      function sessionOf(): string | undefined {
        const state = client.tokens.getState()
        return state.signedIn ? state.session : undefined
      }
    },
  },
]
