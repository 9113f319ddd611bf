import assert from 'node:assert/strict'
import { check } from '../../src/testing/sim/checker/index.ts'
import type { Entry, History } from '../../src/testing/sim/checker/history.ts'
import { tellStory } from '../../src/testing/sim/story.ts'
import type { CookieCall } from './site.ts'
import { type PageRecord, type Seen, toDecided } from './tabs-record.ts'

/** Pages tell by the clock of one machine, and a busy one is slow. */
const SLACK_MS = 1_000

type CookieCalls = ReadonlyMap<string, CookieCall>
type Numbered = Seen & { readonly tab: string }

/** What several pages have seen, as one history: who has sent a message, and what belongs to one sign-in, follows from it. */
function mergePages(pages: ReadonlyMap<string, readonly Seen[]>, calls: CookieCalls, setup: History['setup']): History {
  const merged = [...pages]
    .flatMap(([tab, seen], page) =>
      withServer(
        seen.map((entry) => ({ ...numbered(entry, page), tab })),
        calls,
      ),
    )
    .sort((one, other) => one.at - other.at)
  const posts = new Map<string, string>()
  const families = new Map<string, { readonly name: string; readonly owner: string }>()
  const asked = new Map<number, Extract<Numbered, { what: 'asked' }>>()
  let signIns = 0
  const entries = merged.map((entry): Entry => {
    if (entry.what === 'posted') posts.set(JSON.stringify(entry.message), entry.tab)
    if (entry.what === 'asked') asked.set(entry.exchange, entry)
    if (entry.what === 'delivered') return { ...entry, from: posts.get(JSON.stringify(entry.message)) ?? '' }
    if (entry.what !== 'over' && entry.what !== 'decided') return entry
    const { tab: _, ...world } = entry
    if (world.what === 'over' || world.verdict !== 'issued') return world
    const { presented = '', operation, owner = world.owner ?? '' } = asked.get(world.exchange) ?? {}
    const before = operation === 'login' ? undefined : families.get(presented)
    const family = before ?? { name: `sign-in ${String(++signIns)}`, owner }
    families.set(world.refresh ?? '', family)
    return { ...world, family: family.name, owner: family.owner }
  })
  return { version: 1, setup, entries }
}

/** The cookies of its calls, and what was decided about them, tells the server: also where the page was gone by then. */
function withServer(seen: readonly Numbered[], calls: CookieCalls): Numbered[] {
  return seen.flatMap((entry): Numbered[] => {
    if (entry.what !== 'asked' || entry.wire === undefined) return [entry]
    const { exchange, operation, at } = entry
    const call = calls.get(entry.wire)
    if (!call) return [entry]
    const { presented, status, cookie, decidedAt } = call
    const body = (call.body.startsWith('{') ? JSON.parse(call.body) : {}) as Record<string, string>
    const learned = seen.find((one) => one.what === 'learned' && one.exchange === exchange)
    // Nobody learns of what has not been decided, however far the clocks of two processes are apart.
    const world = { tab: entry.tab, at: Math.max(at, Math.min(decidedAt, learned?.at ?? Infinity)) }
    return [
      { ...entry, presented },
      { ...toDecided({ exchange, operation, status }, body), refresh: cookie || undefined, ...world },
      { what: 'over', exchange, ...world },
    ]
  })
}

/** Each page counts its own calls. */
function numbered(entry: Seen, page: number): Seen {
  const shift = 10_000 * page
  if ('exchange' in entry) return { ...entry, exchange: entry.exchange + shift }
  return 'call' in entry && entry.call !== undefined ? { ...entry, call: entry.call + shift } : entry
}

/**
 * Holds what the pages of several tabs have seen against the invariants.
 *
 * @param calls What the server has seen of calls with cookies.
 */
export function judgePages(
  seen: readonly PageRecord['pages'][],
  setup: Omit<History['setup'], 'slackMs'>,
  calls: CookieCalls = new Map(),
): History {
  // After a reload it is another page.
  const named = new Map(
    seen.flatMap((pages, tab) =>
      pages.map((page, index) => [`tab ${String(tab + 1)}${"'".repeat(index)}`, page] as const),
    ),
  )
  const history = mergePages(named, calls, { ...setup, slackMs: SLACK_MS })
  const breaches = check(history)
  assert.deepEqual(breaches, [], tellStory(history, breaches))
  return history
}

/** The checker is not blind: of the same history with an older token in a later request it says so. */
export function assertBites(history: History): void {
  const tokens = history.entries.flatMap((entry) => (entry.what === 'sent' ? [entry.authorization] : []))
  const early = tokens.find((token) => token !== undefined)
  const late = history.entries.findLastIndex((entry) => entry.what === 'sent' && entry.authorization !== undefined)
  const forged = history.entries.map((entry, index) => (index === late ? { ...entry, authorization: early } : entry))
  assert.notDeepEqual(check({ ...history, entries: forged }), [])
}
