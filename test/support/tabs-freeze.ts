import assert from 'node:assert/strict'
import {
  all,
  assertAlive,
  assertSignedOut,
  assertUnharmed,
  expiry,
  openTabs,
  pause,
  signIn,
  until,
  type Source,
  type Tab,
} from './tabs-driver.ts'
import { meanwhile, type Meanwhile } from './tabs-lifecycle.ts'
import { assertFoundOut, AWAY_MS, callsWhenBack, noteReturn } from './tabs-return.ts'
import type { PlaceDriver, PlaceScenario } from './tabs-place.ts'

const TIMEOUT_MS = 1_500
/** What the contract allows for any promise, the API's own time aside. */
const BOUND_MS = 3 * TIMEOUT_MS + 1_000

function frozen({ what, numbers, ttlS, act, judge }: Meanwhile, source: Source): PlaceScenario {
  return {
    name: `F29, ${numbers}: a tab is frozen while ${what} (${source})`.replace('F29, F29', 'F29'),
    needs: 'freeze',
    async run(driver) {
      const [other, tab] = await openTabs(driver, 2, { source })
      await signIn(driver, [other, tab], ttlS)
      await tab.run(noteReturn, { awayMs: AWAY_MS, timers: true })
      await driver.freeze(tab)
      await act(driver, other)
      await pause(2 * AWAY_MS)
      await driver.thaw(tab)
      await judge(driver, tab, other, await callsWhenBack(driver, tab))
    },
  }
}

/** The tab is frozen in its refresh, with the lock in its hands. */
async function freezeInRefresh(driver: PlaceDriver, stage: 'before' | 'after'): Promise<[tab: Tab, other: Tab]> {
  const { auth } = driver.site
  const [tab, other] = await openTabs(driver, 2, { timeoutMs: TIMEOUT_MS })
  await signIn(driver, [tab, other], 2)
  await expiry([tab, other])
  await tab.run(noteReturn, { awayMs: AWAY_MS, timers: true })
  const gate = auth.faults.hold('refresh', stage)
  void tab.run(() => client.call()).catch(() => {})
  await gate.arrived
  await driver.freeze(tab)
  gate.release()
  await until('the server has answered', () => auth.count('refresh', 'rotated') === 1)
  return [tab, other]
}

async function assertServed(driver: PlaceDriver, tab: Tab): Promise<void> {
  const since = Date.now()
  assert.equal(await tab.run(() => client.call()), 200)
  const ms = Date.now() - since
  driver.measured('ms until the other tab is served', ms)
  assert(ms < BOUND_MS, `${ms} ms`)
}

function inRefresh(stage: 'before' | 'after'): PlaceScenario {
  return {
    name: `F29: a tab is frozen in its refresh, ${stage} the server commits: others go on, and it goes on with them (cookie)`,
    needs: 'freeze',
    async run(driver) {
      const [tab, other] = await freezeInRefresh(driver, stage)
      await assertServed(driver, other)
      await pause(2 * AWAY_MS)
      await driver.thaw(tab)
      const { told, outcomes } = await callsWhenBack(driver, tab)
      // Its timers may be over before it is given what has long come: that is a failure which passes.
      for (const outcome of outcomes) assert.match(outcome, told ? /^200$/ : /^(200|refresh_unavailable|timeout)$/)
      await all([tab, other], (each) => each.run(() => client.until('active')))
      assertUnharmed(driver.site)
      await assertAlive(driver, [tab, other])
      driver.measured('refreshes', driver.site.auth.count('refresh', 'rotated'))
    },
  }
}

export const freezeScenarios: readonly PlaceScenario[] = [
  ...meanwhile.map((one) => frozen(one, 'cookie')),
  ...meanwhile.map((one) => frozen(one, 'json')),
  inRefresh('before'),
  inRefresh('after'),
  {
    name: 'F29, F73: a tab is frozen in its refresh while another logs out: its late answer revives nothing (cookie)',
    needs: 'freeze',
    async run(driver) {
      const { auth } = driver.site
      const [tab, other] = await freezeInRefresh(driver, 'after')
      await other.run(() => client.tokens.logout())
      await pause(2 * AWAY_MS)
      await driver.thaw(tab)
      assertFoundOut(await callsWhenBack(driver, tab))
      await until('the session is over at the server', () => auth.liveFamilies().length === 0)
      await assertSignedOut(tab, 'the tab')
      assert.deepEqual(auth.liveAccessTokens(), [])
      assert.equal((await tab.run(() => client.tokens.restore({ ask: true }))).signedIn, false)
    },
  },
  {
    name: 'F29: a tab is frozen while it waits for the lock, and is given it: the next refresh of another waits no longer than a deadline (cookie)',
    needs: 'freeze',
    async run(driver) {
      const { auth } = driver.site
      const [tab, other] = await openTabs(driver, 2, { timeoutMs: TIMEOUT_MS })
      await signIn(driver, [tab, other], 2)
      await expiry([tab, other])
      auth.settings.accessTokenMs = 2_000
      const gate = auth.faults.hold('refresh', 'after')
      const call = other.run(() => client.call())
      await gate.arrived
      const waiting = tab.run(() => client.call())
      await until('it waits', () => other.run(async () => (await navigator.locks.query()).pending?.length === 1))
      await driver.freeze(tab)
      gate.release()
      assert.equal(await call, 200)
      auth.settings.accessTokenMs = 300_000
      await expiry([other])
      await assertServed(driver, other)
      await driver.thaw(tab)
      assert.equal(await waiting, 200)
      await assertAlive(driver, [tab, other])
      driver.measured('refreshes', auth.count('refresh', 'rotated'))
    },
  },
]
