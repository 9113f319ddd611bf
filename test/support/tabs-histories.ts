import assert from 'node:assert/strict'
import { check } from '../../src/testing/sim/checker/index.ts'
import type { Entry, History } from '../../src/testing/sim/checker/history.ts'
import { tellStory } from '../../src/testing/sim/story.ts'
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
import type { Seen } from './tabs-record.ts'

/** Pages tell by the clock of one machine, and a busy one is slow. */
const SLACK_MS = 2_000

/** What several pages have seen, as one history: who has sent a message, and what belongs to one sign-in, follows from it. */
function mergePages(pages: ReadonlyMap<string, readonly Seen[]>, setup: History['setup']): History {
  const merged = [...pages]
    .flatMap(([tab, seen], page) => seen.map((entry) => ({ ...numbered(entry, page), tab })))
    .sort((one, other) => one.at - other.at)
  const posts = new Map<string, string>()
  const families = new Map<string, { readonly name: string; readonly owner: string }>()
  const asked = new Map<number, Extract<Entry, { what: 'asked' }>>()
  const entries = merged.map((entry): Entry => {
    if (entry.what === 'posted') posts.set(JSON.stringify(entry.message), entry.tab ?? '')
    if (entry.what === 'asked') asked.set(entry.exchange, entry)
    if (entry.what === 'delivered') return { ...entry, from: posts.get(JSON.stringify(entry.message)) ?? '' }
    if (entry.what !== 'over' && entry.what !== 'decided') return entry
    const { tab: _, ...world } = entry
    if (world.what === 'over' || world.verdict !== 'issued') return world
    const presented = asked.get(world.exchange)?.presented ?? ''
    const family = families.get(presented) ?? { name: `sign-in ${String(families.size + 1)}`, owner: world.owner ?? '' }
    families.set(world.refresh ?? '', family)
    return { ...world, family: family.name, owner: family.owner }
  })
  return { version: 1, setup, entries }
}

/** Each page counts its own calls. */
function numbered(entry: Seen, page: number): Seen {
  const shift = 10_000 * page
  if ('exchange' in entry) return { ...entry, exchange: entry.exchange + shift }
  return 'call' in entry && entry.call !== undefined ? { ...entry, call: entry.call + shift } : entry
}

async function judge({ site }: Driver, tabs: readonly Tab[], stored: boolean): Promise<History> {
  const pages = await all(tabs, (tab) => tab.run(() => client.seen))
  const named = new Map(pages.map((seen, index) => [`tab ${String(index + 1)}`, seen]))
  const setup = {
    credential: 'token',
    stored,
    requestTimeoutMs: 2_000,
    resources: [`${site.url}api/`],
    slackMs: SLACK_MS,
  } as const
  const history = mergePages(named, setup)
  const breaches = check(history)
  assert.deepEqual(breaches, [], tellStory(history, breaches))
  return history
}

const seenOf = (history: History, what: Entry['what']): number =>
  history.entries.filter((entry) => entry.what === what).length

/** Histories of a real browser, held against the invariants by the checker of the simulator. */
export const historyScenarios: readonly Scenario[] = (['plain', undefined] as const).map((storage) => ({
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
    await until('all are signed out', async () =>
      (await all(tabs, (tab) => tab.run(() => client.tokens.getState().signedIn))).every((signedIn) => !signedIn),
    )
    await callAtOnce(tabs)
    const history = await judge(driver, tabs, storage !== undefined)
    // It has come to what it is about.
    assert(seenOf(history, 'sent') >= 16 && seenOf(history, 'asked') >= 5 && seenOf(history, 'delivered') >= 8)
    // And the checker is not blind: of the same history with an older token in a later request it says so.
    const tokens = history.entries.flatMap((entry) => (entry.what === 'sent' ? [entry.authorization] : []))
    const early = tokens.find((token) => token !== undefined)
    const late = history.entries.findLastIndex((entry) => entry.what === 'sent' && entry.authorization !== undefined)
    const forged = history.entries.map((entry, index) => (index === late ? { ...entry, authorization: early } : entry))
    assert.notDeepEqual(check({ ...history, entries: forged }), [])
  },
}))
