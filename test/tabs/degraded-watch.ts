import { tokenErrorOf } from 'tokenward'
import { indexedDbStorage } from 'tokenward/storage'
import type { Condition } from '../../src/testing/sim/tab.ts'
import { API, type Asked, BOUND_MS, type Browser, openBrowser, sessionOf, type Tab } from './browser.ts'

/** Which media are there. */
export interface Combination {
  readonly locks: Condition
  readonly channel: Condition
  readonly records: Condition
  readonly marker: 'working' | 'missing'
}

export const modes = ['cookie', 'stored', 'memory'] as const
/** Where the refresh token is: a cookie; JSON mode with storage; JSON mode in the memory of one tab. */
export type Mode = (typeof modes)[number]

const conditions = ['working', 'missing', 'hanging'] as const
export const combinations: readonly Combination[] = conditions.flatMap((locks) =>
  conditions.flatMap((channel) =>
    conditions.flatMap((records) =>
      (['working', 'missing'] as const).map((marker) => ({ locks, channel, records, marker })),
    ),
  ),
)

/** What a promise came to, and when. */
export interface Settled<T> {
  readonly value: T | undefined
  /** Of the error. */
  readonly code: string | undefined
  readonly tookMs: number
}

/** A browser in which something is missing, whose tabs are watched for what no degradation excuses. */
export interface Watched {
  readonly browser: Browser
  readonly breaches: string[]
  open(): Tab
  /** Lets time pass until `promise` settles, which it has to in time. */
  settle<T>(what: string, promise: Promise<T>): Promise<Settled<T>>
  /** A request: 200, another status, or the code of the error. */
  send(tab: Tab): Promise<number | string>
  /** Logs out; from then on the tab may not come back by itself. */
  logout(tab: Tab): Promise<Settled<unknown>>
  /** What was told of, over all tabs. */
  told(): readonly string[]
  /** At the end of a story. */
  finish(): Promise<readonly string[]>
}

export function openWatched(mode: Mode, combination: Combination): Watched {
  const breaches: string[] = []
  const known = new Map<string, Set<string>>()
  const busyUntil = new Map<string, number>()
  const sessions = new Map<string, Map<string, string>>()
  const out = new Set<string>()
  const credential = mode === 'cookie' ? 'cookie' : 'token'
  const breach = (text: string): void => void breaches.push(text)

  const browser = openBrowser({ credential, onAsked, onOutcome })
  Object.assign(browser.faults, combination)

  function onAsked({ operation, presented, tab, at }: Asked): void {
    if (!/^re(fresh|store)$/.test(operation)) return
    if (presented !== undefined && known.get(tab)?.has(presented))
      breach(`${tab} presents ${presented} again, and knows its answer`)
    if (out.has(tab)) breach(`${tab} asks for tokens after its logout`)
    if (at < (busyUntil.get(tab) ?? 0)) breach(`${tab} asks before it is time`)
  }

  function onOutcome({ operation, presented, tab, outcome, fate }: Asked): void {
    if (!/^re(fresh|store)$/.test(operation)) return
    if (fate === 'busy' && browser.retryAfterMs !== undefined) busyUntil.set(tab, browser.now() + browser.retryAfterMs)
    if (presented === undefined || outcome === 'failure') return
    known.set(tab, (known.get(tab) ?? new Set()).add(presented))
  }

  function open(): Tab {
    const tab = browser.openTab(mode === 'stored' ? { storage: indexedDbStorage() } : {})
    const mine = new Map<string, string>()
    sessions.set(tab.name, mine)
    tab.tokens.subscribe((state) => {
      if (out.has(tab.name) && state.signedIn) breach(`${tab.name} is signed in again after its logout`)
      const issued = state.signedIn ? state.claims?.['issued'] : undefined
      if (state.signedIn && typeof issued === 'string') mine.set(issued, state.session)
    })
    return tab
  }

  async function settle<T>(what: string, promise: Promise<T>): Promise<Settled<T>> {
    const began = browser.now()
    let settled: Settled<T> | undefined
    const tookMs = (): number => browser.now() - began
    promise.then(
      (value) => (settled = { value, code: undefined, tookMs: tookMs() }),
      (error: unknown) => {
        const code = tokenErrorOf(error)?.code
        if (!code) breach(`${what} rejected with ${String(error)}`)
        settled = { value: undefined, code, tookMs: tookMs() }
      },
    )
    await browser.pass(0)
    while (!settled && tookMs() <= 2 * BOUND_MS) await browser.pass(tookMs() < 500 ? 10 : 250)
    if (!settled) breach(`${what} never settled`)
    else if (settled.tookMs > BOUND_MS) breach(`${what} took ${String(settled.tookMs)} ms`)
    return settled ?? { value: undefined, code: 'never', tookMs: tookMs() }
  }

  async function send(tab: Tab): Promise<number | string> {
    const { send: transmit, ...rest } = tab.exchange()
    const reply = tab.tokens.send(
      { url: `${API}/` },
      {
        ...rest,
        send(headers) {
          const token = headers['Authorization']?.replace('Bearer ', '')
          const session = token === undefined ? undefined : sessions.get(tab.name)?.get(token)
          if (token !== undefined && (session === undefined || session !== sessionOf(tab)))
            breach(`${tab.name} sends ${token} of ${String(session)} in ${String(sessionOf(tab))}`)
          return transmit(headers)
        },
      },
    )
    return reply.catch((error: unknown) => tokenErrorOf(error)?.code ?? String(error))
  }

  return {
    browser,
    breaches,
    open,
    settle,
    send,
    async logout(tab) {
      const report = tab.tokens.logout()
      if (tab.state().signedIn) breach(`${tab.name} is signed in after the call of logout`)
      out.add(tab.name)
      return settle('logout', report)
    },
    told: () => [...new Set(browser.tabs.flatMap((tab) => toldIn(tab)))],
    async finish() {
      await browser.pass(2 * BOUND_MS)
      for (const tab of browser.tabs) {
        const told = toldIn(tab)
        if (new Set(told).size < told.length) breach(`${tab.name} told more than once: ${told.join(', ')}`)
        for (const what of told)
          if (combination[what as keyof Combination] === 'working')
            breach(`${tab.name} tells of ${what}, which is there`)
        if (tab.reported.length > 0) breach(`${tab.name} reported ${String(tab.reported[0])}`)
        tab.tokens.dispose()
      }
      await browser.pass(2 * BOUND_MS)
      for (const tab of browser.live())
        if (tab.timers() + tab.watchers() > 0) breach(`${tab.name} leaves ${String(tab.timers())} timers behind`)
      return breaches
    },
  }
}

function toldIn({ told }: Tab): string[] {
  return told.filter(({ type }) => type === 'degraded').map(({ event }) => (event as { what: string }).what)
}
