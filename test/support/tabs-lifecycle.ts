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
  type Driver,
  type Source,
  type Tab,
} from './tabs-driver.ts'
import {
  assertFoundOut,
  AWAY_MS,
  callsWhenBack,
  callWhenNew,
  leavePage,
  noteReturn,
  returnToPage,
  type Returned,
} from './tabs-return.ts'
import type { PlaceScenario } from './tabs-place.ts'

const sources = ['cookie', 'json'] as const

/** What another tab does while a page is away, and what the page has to find when it is back. */
export interface Meanwhile {
  readonly what: string
  readonly numbers: string
  readonly ttlS: number
  act(driver: Driver, other: Tab): Promise<unknown>
  judge(driver: Driver, tab: Tab, other: Tab, returned: Returned): Promise<void>
}

export const meanwhile: readonly Meanwhile[] = [
  {
    what: 'another tab logs out: it is signed out before its first task, and sends no token',
    numbers: 'F78',
    ttlS: 300,
    act: (_driver, other) => other.run(() => client.tokens.logout()),
    async judge({ site }, tab, _other, returned) {
      assertFoundOut(returned)
      await assertSignedOut(tab, 'the page')
      await until('the session is over at the server', () => site.auth.liveFamilies().length === 0)
    },
  },
  {
    what: 'another tab switches the user: no request leaves with the token of the user before',
    numbers: 'F75, F78',
    ttlS: 300,
    act: (_driver, other) => other.run(() => client.signIn('admin')),
    async judge({ site }, tab, other, { users }) {
      const others = users.filter((user) => user !== undefined && user !== 'admin@example.com')
      assert.deepEqual(others, [], 'whose tokens its first calls carry')
      await tab.run(() => client.until('active'))
      const calls = all([tab, other], (each) => each.run(() => client.call('me?id=switched')))
      assert.deepEqual(await calls, [200, 200])
      const sent = site.sent().filter(({ id }) => id === 'switched')
      assert.deepEqual([...new Set(sent.map(({ user }) => user))], ['admin@example.com'])
    },
  },
  {
    what: 'another tab refreshes: it sends the new token, and refreshes nothing',
    numbers: 'F29, F68',
    ttlS: 3,
    async act({ site }, other) {
      await expiry([other])
      assert.equal(await other.run(() => client.call()), 200)
      assert.equal(site.auth.count('refresh', 'rotated'), 1)
    },
    async judge(driver, tab, other, { outcomes }) {
      assert.deepEqual([...new Set(outcomes)], ['200'], 'what becomes of its first calls')
      assert.equal(driver.site.auth.count('refresh', 'rotated'), 1)
      await assertAlive(driver, [tab, other])
    },
  },
]

/** With a channel a browser may drop the page when a message comes, and load it anew. */
function cached(
  { what, numbers, ttlS, act, judge }: Meanwhile,
  source: Source,
  without: readonly string[],
): PlaceScenario {
  const how = without.length ? `, without ${without.join()}` : ''
  return {
    name: `${numbers}: a page is in the back/forward cache while ${what} (${source}${how})`,
    needs: 'bfcache',
    async run(driver) {
      const [tab] = await openTabs(driver, 1, { source, without })
      const [other] = await openTabs(driver, 1, { source })
      await signIn(driver, without.length ? [tab] : [other, tab], ttlS)
      await tab.run(noteReturn, { awayMs: AWAY_MS, timers: true })
      await leavePage(tab)
      await act(driver, other)
      await pause(2 * AWAY_MS)
      const restored = await returnToPage(tab)
      driver.measured('restored from the cache', Number(restored))
      if (without.length) assert(restored, 'the page was kept')
      await judge(driver, tab, other, await (restored ? callsWhenBack : callWhenNew)(driver, tab))
    },
  }
}

function idle(source: Source): PlaceScenario {
  return {
    name: `F28: a page that does nothing holds no lock, is kept in the back/forward cache, and works when it is back (${source})`,
    needs: 'bfcache',
    async run(driver) {
      const [tab] = await openTabs(driver, 1, { source })
      await signIn(driver, [tab])
      driver.site.auth.revokeAccessTokens()
      assert.equal(await tab.run(() => client.call()), 200)
      const { held = [], pending = [] } = await tab.run(() => navigator.locks.query())
      assert.deepEqual([...held, ...pending], [])
      await tab.run(noteReturn, { awayMs: AWAY_MS, timers: true })
      await leavePage(tab)
      await pause(2 * AWAY_MS)
      assert(await returnToPage(tab), 'the page was kept')
      const { states, outcomes } = await callsWhenBack(driver, tab)
      assert.deepEqual([...new Set(states)], ['signed in'])
      assert.deepEqual([...new Set(outcomes)], ['200'])
      assert.equal(driver.site.auth.count('refresh', 'rotated'), 1)
      await assertAlive(driver, [tab])
    },
  }
}

function busy(stage: 'before' | 'after'): PlaceScenario {
  return {
    name: `F28: a page is left in its refresh, ${stage} the server commits, and returned to: nobody waits for its lock (cookie)`,
    needs: 'bfcache',
    async run(driver) {
      const { auth } = driver.site
      const [tab, other] = await openTabs(driver, 2, { timeoutMs: 1_500 })
      await signIn(driver, [tab, other], 2)
      await expiry([tab, other])
      const gate = auth.faults.hold('refresh', stage)
      void tab.run(() => client.call()).catch(() => {})
      await gate.arrived
      await leavePage(tab)
      const since = Date.now()
      const call = other.run(() => client.call())
      await pause(100)
      gate.release()
      assert.equal(await call, 200)
      driver.measured('ms until the other tab is served', Date.now() - since)
      driver.measured('restored from the cache', Number(await returnToPage(tab)))
      await tab.run(() => client.tokens.restore())
      await all([tab, other], (each) => each.run(() => client.until('active')))
      assertUnharmed(driver.site)
      await assertAlive(driver, [tab, other])
    },
  }
}

function hidden(source: Source): PlaceScenario {
  return {
    name: `F68, F70: a hidden tab whose token expires asks for nothing; shown again, its first call makes one refresh (${source})`,
    needs: 'hide',
    async run(driver) {
      const { auth, api } = driver.site
      const [tab] = await openTabs(driver, 1, { source })
      await signIn(driver, [tab], 2)
      await driver.show(tab)
      await until('it is seen', () => tab.run(() => document.visibilityState === 'visible'))
      await tab.run(noteReturn, { awayMs: AWAY_MS, timers: false })
      await driver.hide(tab)
      await until('it is hidden', () => tab.run(() => document.visibilityState === 'hidden'))
      await expiry([tab])
      await pause(1_000)
      assert.equal(auth.count('refresh', 'rotated'), 0, 'refreshes of a hidden tab')
      const before = api.log.length
      await driver.show(tab)
      const { outcomes } = await callsWhenBack(driver, tab)
      assert.deepEqual([...new Set(outcomes)], ['200'])
      assert.deepEqual(
        [...new Set(api.log.slice(before).map(({ status }) => status))],
        [200],
        'no expired token was sent',
      )
      assert.equal(auth.count('refresh', 'rotated'), 1)
      await assertAlive(driver, [tab])
    },
  }
}

export const lifecycleScenarios: readonly PlaceScenario[] = [
  ...sources.map(idle),
  ...sources.flatMap((source) => meanwhile.map((one) => cached(one, source, []))),
  ...meanwhile.slice(0, 2).map((one) => cached(one, 'cookie', ['channel'])),
  ...meanwhile.slice(0, 1).map((one) => cached(one, 'json', ['channel'])),
  busy('before'),
  busy('after'),
  ...sources.map(hidden),
]
