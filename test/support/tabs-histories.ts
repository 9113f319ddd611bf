import assert from 'node:assert/strict'
import { check } from '../../src/testing/sim/checker/index.ts'
import type { Entry, History } from '../../src/testing/sim/checker/history.ts'
import { assertBites, judgePages } from './histories.ts'
import {
  all,
  callAtOnce,
  expiry,
  openTabs,
  signIn,
  until,
  type Driver,
  type Scenario,
  type Tab,
} from './tabs-driver.ts'

const TIMEOUT_MS = 2_000

async function judge(
  { site }: Driver,
  tabs: readonly Tab[],
  mode: Pick<History['setup'], 'credential' | 'stored'>,
): Promise<History> {
  const seen = await all(tabs, (tab) => tab.run(() => client.seen))
  const setup = { ...mode, requestTimeoutMs: TIMEOUT_MS, resources: [`${site.url}api/`] }
  return judgePages(seen, setup, site.cookieCalls)
}

const seenOf = (history: History, what: Entry['what']): number =>
  history.entries.filter((entry) => entry.what === what).length

/** Nor is the checker blind where a cookie that was spent comes once more from the page that knows. */
function assertSeesCookies(history: History): void {
  const { entries } = history
  const refreshes = entries.flatMap((entry) => (entry.what === 'asked' && entry.operation === 'refresh' ? [entry] : []))
  const spent = refreshes.findLast(({ exchange }) =>
    entries.some((entry) => entry.what === 'learned' && entry.exchange === exchange && entry.outcome === 'tokens'),
  )
  assert(spent?.presented)
  const again = { ...spent, exchange: -1, at: (entries.at(-1)?.at ?? 0) + 60_000 }
  assert.deepEqual(
    check({ ...history, entries: [...entries, again] }).map(({ invariant }) => invariant),
    [2],
  )
}

const isSignedOut = (tab: Tab): Promise<boolean> => tab.run(() => !client.tokens.getState().signedIn)
const untilSignedOut = (tabs: readonly Tab[]): Promise<void> =>
  until('all are signed out', async () => (await all(tabs, isSignedOut)).every(Boolean))

const inJson = (['plain', undefined] as const).map((storage): Scenario => ({
  name: `F14, F75, F76, F100: no invariant is broken by what tabs do that expire, are refused, change user and sign out (${storage ?? 'memory'})`,
  async run(driver) {
    const tabs = await openTabs(driver, 4, { source: 'json', record: true, ...(storage && { storage }) })
    const [first, second] = tabs
    await signIn(driver, tabs, 2)
    await expiry(tabs)
    await callAtOnce(tabs)
    driver.site.auth.revokeAccessTokens()
    await callAtOnce(tabs)
    await second.run(() => client.signIn('admin'))
    await callAtOnce(tabs)
    await first.run(() => client.logout())
    await untilSignedOut(tabs)
    await callAtOnce(tabs)
    const history = await judge(driver, tabs, { credential: 'token', stored: storage !== undefined })
    // It has come to what it is about.
    assert(seenOf(history, 'sent') >= 16 && seenOf(history, 'asked') >= 5 && seenOf(history, 'delivered') >= 8)
    assertBites(history)
  },
}))

/** What the server sees of a refresh that is asked for by a call of `tab`, and is held back by it after it has committed. */
async function refreshing({ site }: Driver, tab: Tab): Promise<() => void> {
  site.auth.revokeAccessTokens()
  const gate = site.auth.faults.hold('refresh', 'after')
  void tab.run(() => client.call()).catch(() => {})
  await gate.arrived
  return gate.release
}

const byCookie: Scenario = {
  name: 'F14, F38, F73, F75: no invariant is broken by eight tabs that expire, and are reloaded, change user and sign out over a refresh (cookie)',
  async run(driver) {
    const tabs = await openTabs(driver, 8, { source: 'cookie', record: true, timeoutMs: TIMEOUT_MS })
    const [first, second, third = first] = tabs
    const { auth } = driver.site
    await signIn(driver, tabs, 2)
    await expiry(tabs)
    assert.deepEqual((await callAtOnce(tabs)).outcomes, Array(8).fill(200))
    assert.equal(auth.count('refresh', 'rotated'), 1)

    const reloaded = await refreshing(driver, first)
    await first.reload()
    reloaded()
    await first.run(() => client.restore())
    await callAtOnce(tabs)

    const switched = await refreshing(driver, second)
    const signedIn = third.run(() => client.signIn('admin'))
    switched()
    await signedIn
    await all(tabs, (tab) => tab.run(() => client.until('with tokens')))
    assert.deepEqual((await callAtOnce(tabs)).outcomes, Array(8).fill(200))

    const over = await refreshing(driver, second)
    const report = third.run(() => client.logout())
    over()
    await report
    await untilSignedOut(tabs)
    assert.deepEqual((await callAtOnce(tabs)).outcomes, Array(8).fill(401))
    // The server that is asked for another user's session keeps the one before: nobody has its cookie any more.
    assert.deepEqual(
      auth.liveFamilies().map(({ user }) => user),
      ['demo@example.com'],
    )
    assert.equal(await driver.cookie(), undefined)

    const history = await judge(driver, tabs, { credential: 'cookie', stored: false })
    assert(seenOf(history, 'sent') >= 40 && seenOf(history, 'killed') === 1 && seenOf(history, 'decided') >= 7)
    assertBites(history)
    assertSeesCookies(history)
  },
}

/** Histories of a real browser, held against the invariants by the checker of the simulator. */
export const historyScenarios: readonly Scenario[] = [...inJson, byCookie]
