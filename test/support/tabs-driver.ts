import assert from 'node:assert/strict'
import type { Client } from './tabs-page.ts'
import type { TabsSite } from './tabs-site.ts'

declare global {
  /** In a page. */
  var client: Client
}

/** One tab of a browser. */
export interface Tab {
  /** Runs `task` in the page; what it takes and gives is JSON. */
  run<Result>(task: () => Result | Promise<Result>): Promise<Result>
  run<Result, Given>(task: (given: Given) => Result | Promise<Result>, given: Given): Promise<Result>
  /** The same, for a task that leaves the page: resolves when it has been left. */
  leave<Given>(task: (given: Given) => void, given: Given): Promise<void>
  reload(): Promise<void>
  /** A tab that this one opens: only such a tab can close itself. */
  popup(options?: PageOptions): Promise<Tab>
  /** To another page of this origin, which has no manager. */
  navigate(): Promise<void>
  close(): Promise<void>
  /** Its process dies. */
  crash(): Promise<void>
}

export interface PageOptions {
  readonly source?: Source
  /** Where a refresh token survives a reload; only for `json`. Default: nowhere. */
  readonly storage?: Storage
  /** See `tabs-missing.ts`. */
  readonly without?: readonly string[]
  readonly timeoutMs?: number
  /** What happens in the page is written down, for the checker of the simulator. */
  readonly record?: boolean
}

export type Source = 'cookie' | 'json'
export type Storage = 'plain' | 'encrypted'

/** One profile of a browser, and servers of its own. */
export interface Driver {
  readonly site: TabsSite
  open(options?: PageOptions): Promise<Tab>
  /** The refresh cookie that the browser keeps. */
  cookie(): Promise<string | undefined>
  /** Keeps a figure for the report. */
  measured(what: string, value: number): void
}

/** What any browser can be asked to show. Throws what is wrong. */
export interface Scenario {
  /** Begins with the numbers of the failures that it shows the absence of. */
  readonly name: string
  readonly needs?: 'crash'
  /** Looks at the clock, or needs the whole machine: nothing else may run beside it. */
  readonly alone?: true
  run(driver: Driver): Promise<void>
}

/** Waits for what a server or a browser will come to; never for a time. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await condition())) {
    assert(Date.now() < end, `not within ${ms} ms: ${what}`)
    await pause(10)
  }
}

/** Only to give a mistake the time to happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

type Tabs<Count> = Count extends 1 ? [Tab] : Count extends 2 ? [Tab, Tab] : [Tab, Tab, ...Tab[]]

/** Opens tabs, and lets each find out who is signed in. */
export async function openTabs<Count extends number>(
  driver: Driver,
  count: Count,
  options?: PageOptions,
): Promise<Tabs<Count>> {
  const open = async (): Promise<Tab> => {
    const tab = await driver.open(options)
    await tab.run(() => client.restore())
    return tab
  }
  const tabs = [await open()]
  while (tabs.length < count) {
    tabs.push(...(await Promise.all(Array.from({ length: Math.min(4, count - tabs.length) }, open))))
  }
  return tabs as Tabs<Count>
}

/** Signs in in the first tab, and waits until all have tokens. `ttlS`: of this token; later ones live long. */
export async function signIn(driver: Driver, tabs: readonly Tab[], ttlS = 300): Promise<void> {
  const { settings } = driver.site.auth
  settings.accessTokenMs = ttlS * 1_000
  await tabs[0]?.run(() => client.signIn())
  settings.accessTokenMs = 300_000
  await all(tabs, (tab) => tab.run(() => client.until('with tokens')))
}

export function all<Result>(tabs: readonly Tab[], task: (tab: Tab) => Promise<Result>): Promise<Result[]> {
  return Promise.all(tabs.map(task))
}

export async function expiry(tabs: readonly Tab[]): Promise<void> {
  await all(tabs, (tab) => tab.run(() => client.expiry()))
}

/** All tabs call at one moment; resolves with what came of it, and when the last was served. */
export async function callAtOnce(tabs: readonly Tab[]): Promise<{ outcomes: (number | string)[]; ms: number }> {
  const at = Date.now() + 200 + 10 * tabs.length
  const called = await all(tabs, (tab) => tab.run((moment) => client.callAt(moment), at))
  return { outcomes: called.map(({ outcome }) => outcome), ms: Math.max(...called.map(({ ms }) => ms)) }
}

/** Everybody is served by now, and nobody needs another refresh for it. */
export async function assertAlive({ site }: Driver, tabs: readonly Tab[]): Promise<void> {
  const before = site.auth.count('refresh')
  assert.deepEqual(await all(tabs, (tab) => tab.run(() => client.call())), Array(tabs.length).fill(200))
  assert.deepEqual(
    await all(tabs, (tab) => tab.run(() => client.tokens.getState().status)),
    Array(tabs.length).fill('active'),
  )
  assert.equal(site.auth.count('refresh'), before, 'refreshes for tabs that had a good token')
  assertUnharmed(site)
}

/** The server has seen nothing that looks like theft. */
export function assertUnharmed({ auth }: TabsSite): void {
  const harm = auth.log.filter(({ outcome = '' }) => /reused|ended|expired/.test(outcome))
  assert.deepEqual(
    harm.map(({ outcome }) => outcome),
    [],
    'what the server thinks of refresh tokens that came',
  )
  assert.equal(auth.liveFamilies().length, 1, 'sessions at the server')
}

export async function assertSignedOut(tab: Tab, what: string): Promise<void> {
  assert.equal(await tab.run(() => client.tokens.getState().signedIn), false, `${what} is signed out`)
  assert.equal(await tab.run(() => client.call()), 401, `${what} sends no token that works`)
}
