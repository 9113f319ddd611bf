import assert from 'node:assert/strict'
import {
  all,
  assertAlive,
  assertUnharmed,
  expiry,
  openTabs,
  pause,
  signIn,
  until,
  type Driver,
  type Scenario,
  type Tab,
} from './tabs-driver.ts'
import { fault } from '../../src/testing/index.ts'

const TIMEOUT_MS = 1_500
/** What the contract allows for any promise, the API's own time aside. */
const BOUND_MS = 3 * TIMEOUT_MS + 1_000

const deaths = {
  'is closed': (tab: Tab) => tab.close(),
  crashes: (tab: Tab) => tab.crash(),
  'is reloaded': (tab: Tab) => tab.reload(),
  'goes elsewhere': (tab: Tab) => tab.navigate(),
}

/** Calls, and says how long it took. */
async function timed(tab: Tab): Promise<{ outcome: number | string; ms: number }> {
  const since = Date.now()
  return { outcome: await tab.run(() => client.call()), ms: Date.now() - since }
}

/** How often a refresh token came. */
function presented({ site }: Driver): number {
  return site.auth.log.filter((entry) => entry.endpoint === 'refresh' && entry.presented !== undefined).length
}

/** The cookie that the browser keeps is the one that the server takes. */
async function assertCookie(driver: Driver): Promise<void> {
  assert.deepEqual(driver.site.auth.liveRefreshTokens(), [await driver.cookie()])
}

function refreshing(death: keyof typeof deaths, stage: 'before' | 'after'): Scenario {
  return {
    name: `F36, F38: a tab ${death} during its refresh, ${stage} the server commits: the session goes on (cookie)`,
    ...(death === 'crashes' && { needs: 'crash' as const }),
    async run(driver) {
      const { auth } = driver.site
      const options = { timeoutMs: TIMEOUT_MS }
      const [tab, other] = await openTabs(driver, 2, options)
      await signIn(driver, [tab, other], 2)
      await expiry([tab, other])
      const gate = auth.faults.hold('refresh', stage)
      void tab.run(() => client.call()).catch(() => {})
      await gate.arrived
      await deaths[death](tab)
      const next = death === 'is reloaded' ? tab : await driver.open(options)
      const found = next.run(() => client.tokens.restore())
      const call = timed(other)
      // For a second presentation of the cookie, if there is to be one.
      await pause(200)
      assert.equal(auth.count('refresh', 'rotated'), stage === 'after' ? 1 : 0)
      gate.release()
      const { outcome, ms } = await call
      driver.measured(`ms until the other tab is served, after ${outcome}`, ms)
      assert(ms < BOUND_MS, `${ms} ms`)
      await found
      await all([other, next], (each) => each.run(() => client.until('active')))
      driver.measured('refreshes', auth.count('refresh', 'rotated'))
      assertUnharmed(driver.site)
      await assertAlive(driver, [other, next])
      assert.equal(outcome, 200)
      await assertCookie(driver)
      await other.reload()
      assert.equal((await other.run(() => client.tokens.restore())).status, 'active')
      await assertAlive(driver, [other, next])
      await assertCookie(driver)
    },
  }
}

/** Nobody is left who could answer: what the browser has kept is all there is. */
function lastTab(death: 'is closed' | 'goes elsewhere' | 'is reloaded', stage: 'before' | 'after'): Scenario {
  return {
    name: `F38: the only tab ${death} during its refresh, ${stage} the server commits: the next page finds the session (cookie)`,
    async run(driver) {
      const { auth } = driver.site
      const options = { timeoutMs: TIMEOUT_MS }
      const [tab] = await openTabs(driver, 1, options)
      const keeper = await driver.open(options) // keeps the browser open, and takes no part
      await signIn(driver, [tab], 2)
      await expiry([tab])
      const gate = auth.faults.hold('refresh', stage)
      void tab.run(() => client.call()).catch(() => {})
      await gate.arrived
      await deaths[death](tab)
      gate.release()
      await until('the rotated cookie is kept', async () =>
        auth.liveRefreshTokens().includes((await driver.cookie()) ?? ''),
      )
      assert.equal(auth.count('refresh', 'rotated'), 1)
      const next = death === 'is reloaded' ? tab : keeper
      await next.run(() => client.tokens.restore())
      await next.run(() => client.until('active'))
      await assertAlive(driver, [next])
      await assertCookie(driver)
    },
  }
}

export const deathScenarios: readonly Scenario[] = [
  {
    name: 'F26, F36: the server answers after the deadline of the call: nobody presents the cookie again meanwhile (cookie)',
    async run(driver) {
      const { auth } = driver.site
      const tabs = await openTabs(driver, 4, { timeoutMs: TIMEOUT_MS })
      await signIn(driver, tabs, 2)
      await expiry(tabs)
      const gate = auth.faults.hold('refresh', 'before')
      const calls = all(tabs, timed)
      await gate.arrived
      await pause(1.8 * TIMEOUT_MS)
      assert.equal(presented(driver), 1, 'refreshes while the first is at the server')
      gate.release()
      for (const { ms } of await calls) assert(ms < BOUND_MS, `${ms} ms`)
      await all(tabs, (each) => each.run(() => client.until('active')))
      assertUnharmed(driver.site)
      await assertAlive(driver, tabs)
      await assertCookie(driver)
      driver.measured('refreshes', presented(driver))
    },
  },
  {
    name: 'F26: a tab that waited for one that died has the time for a refresh of its own, from a slow server (cookie)',
    needs: 'crash',
    async run(driver) {
      const { auth } = driver.site
      const [tab, other] = await openTabs(driver, 2, { timeoutMs: TIMEOUT_MS })
      await signIn(driver, [tab, other], 2)
      await expiry([tab, other])
      const gate = auth.faults.hold('refresh', 'after')
      void tab.run(() => client.call()).catch(() => {})
      const call = timed(other)
      await gate.arrived
      await tab.crash()
      gate.release()
      auth.faults.next('refresh', fault.delay(TIMEOUT_MS / 2))
      const { outcome, ms } = await call
      driver.measured(`ms until the other tab is served, after ${outcome}`, ms)
      assert(ms < BOUND_MS, `${ms} ms`)
      await other.run(() => client.until('active'))
      await assertAlive(driver, [other])
      await assertCookie(driver)
      assert.equal(outcome, 200)
    },
  },
  ...(Object.keys(deaths) as (keyof typeof deaths)[]).flatMap((death) => [
    refreshing(death, 'before'),
    refreshing(death, 'after'),
  ]),
  {
    name: 'F18, F26: a tab that has waited for one that died is served by one that was opened later (cookie)',
    async run(driver) {
      const { auth } = driver.site
      const options = { timeoutMs: TIMEOUT_MS }
      const [tab, other] = await openTabs(driver, 2, options)
      await signIn(driver, [tab, other], 2)
      await expiry([tab, other])
      const gate = auth.faults.hold('refresh', 'after')
      void tab.run(() => client.call()).catch(() => {})
      await gate.arrived
      const since = Date.now()
      await tab.close()
      gate.release()
      // It asks for tokens when nobody is there to hear it, and has something else to do when the wait is over.
      const call = timed(other)
      await other.run(() => client.tokens.getState())
      const next = await driver.open(options)
      const found = next.run(() => client.tokens.restore())
      auth.faults.next('refresh', fault.delay(TIMEOUT_MS / 2))
      await other.run(
        ([from, to]) =>
          new Promise<void>((resolve) =>
            setTimeout(() => {
              while (Date.now() < to);
              resolve()
            }, from - Date.now()),
          ),
        [since + 0.9 * TIMEOUT_MS, since + 1.5 * TIMEOUT_MS + 150] as const,
      )
      const { outcome, ms } = await call
      driver.measured(`ms until the other tab is served, after ${outcome}`, ms)
      await found
      await all([other, next], (each) => each.run(() => client.until('active')))
      assert.equal(outcome, 200)
      assert.equal(auth.count('refresh', 'rotated'), 2)
      await assertAlive(driver, [other, next])
      await assertCookie(driver)
    },
  },
  lastTab('is closed', 'after'),
  lastTab('goes elsewhere', 'after'),
  lastTab('is reloaded', 'before'),
  {
    name: 'F22, F161: a tab crashes while it holds the lock and refreshes: the others that wait go on in time (cookie)',
    needs: 'crash',
    async run(driver) {
      const { auth } = driver.site
      const tabs = await openTabs(driver, 6, { timeoutMs: TIMEOUT_MS })
      const [tab, ...others] = tabs
      await signIn(driver, tabs, 2)
      await expiry(tabs)
      const gate = auth.faults.hold('refresh', 'after')
      void tab.run(() => client.call()).catch(() => {})
      await gate.arrived
      const calls = Promise.all(others.map(timed))
      await tab.crash()
      gate.release()
      const served = await calls
      driver.measured('ms until the last is served', Math.max(...served.map(({ ms }) => ms)))
      for (const { ms } of served) assert(ms < BOUND_MS, `${ms} ms`)
      await all(others, (each) => each.run(() => client.until('active')))
      assert(auth.count('refresh', 'rotated') <= 2, `${auth.count('refresh', 'rotated')} refreshes`)
      await assertAlive(driver, others)
      assert.deepEqual(
        served.map(({ outcome }) => outcome),
        Array(5).fill(200),
      )
      await assertCookie(driver)
    },
  },
  {
    name: 'F22: the tab that holds the refresh token crashes while it refreshes for others: they end as expired (json)',
    needs: 'crash',
    async run(driver) {
      const { auth } = driver.site
      const tabs = await openTabs(driver, 3, { source: 'json', timeoutMs: TIMEOUT_MS })
      const [holder, ...others] = tabs
      await signIn(driver, tabs, 2)
      await expiry(tabs)
      const gate = auth.faults.hold('refresh', 'after')
      const calls = Promise.all(others.map(timed))
      await gate.arrived
      await holder.crash()
      gate.release()
      for (const { outcome, ms } of await calls) {
        assert.match(String(outcome), /refresh_unavailable|signed_out|timeout/)
        assert(ms < BOUND_MS, `${ms} ms`)
      }
      for (const other of others) {
        const state = await other.run(() => client.until('signed-out'))
        assert.equal(state.status === 'signed-out' && state.reason, 'expired')
      }
      assert.equal(auth.count('refresh'), 1)
    },
  },
]
