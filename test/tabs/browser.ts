import {
  createTokenManager,
  type Exchange,
  type SendTarget,
  type SessionState,
  TokenError,
  type TokenEvents,
  type TokenManager,
  type TokenManagerOptions,
  type TokenResponse,
  type TokenSource,
} from 'tokenward'
import { createOrigin } from '../../src/testing/sim/origin.ts'
import { createRandom } from '../../src/testing/sim/random.ts'
import type { SimOrigin, SimTab } from '../../src/testing/sim/tab.ts'
import { createModelServer, type Fate, type ModelServer, type Operation } from '../support/model-server.ts'

export type Credential = 'cookie' | 'token'
export const credentials: readonly Credential[] = ['cookie', 'token']
export const API = 'https://api.example.com'
export const TIMEOUT_MS = 10_000
export const LIFETIME_MS = 300_000
/** `3 x requestTimeoutMs` plus a second. */
export const BOUND_MS = 3 * TIMEOUT_MS + 1_000

/** A call to the server, as seen from the tab that made it. */
export interface Asked {
  readonly operation: Operation
  readonly presented: string | undefined
  readonly tab: string
  readonly at: number
  readonly fate: Fate
  /** At the network: nothing of it is under way any more. */
  doneAt: number | undefined
  /** What the tab has learned. `undefined`: nothing yet. */
  outcome: 'success' | 'refusal' | 'failure' | undefined
}

export interface BrowserOptions {
  readonly credential?: Credential
  readonly lifetimeMs?: number
  readonly timing?: TokenManagerOptions<string>['timing']
  readonly random?: () => number
  readonly heedsAbort?: boolean
  /** The server says whose its tokens are. Default: it does. */
  readonly names?: boolean
  onAsked?(asked: Asked): void
  onOutcome?(asked: Asked): void
}

export interface Tab extends SimTab {
  readonly tokens: TokenManager<string>
  readonly told: { readonly type: keyof TokenEvents; readonly event: object }[]
  /** The `Authorization` of every request that left. */
  readonly sent: (string | undefined)[]
  state(): SessionState
  send(target?: Partial<SendTarget>): Promise<number>
  exchange(): Exchange<number>
}

export type TabOptions = Partial<TokenManagerOptions<string>> & {
  /** What the source of this tab has or does otherwise. */
  readonly extend?: (source: TokenSource<string>) => TokenSource<string>
}

/** A browser profile with several tabs, one server behind them, and time that passes when a test says so. */
export interface Browser extends SimOrigin {
  readonly server: ModelServer
  readonly asked: readonly Asked[]
  readonly tabs: readonly Tab[]
  /** The next calls of this kind. Those after them are answered. */
  readonly fates: Record<Operation, Fate[]>
  /** How long each leg to the server takes, and what it says when it is busy. */
  latencyMs: number
  retryAfterMs: number | undefined
  openTab(options?: TabOptions): Tab
  /** Opens a tab, which finds the session. */
  join(options?: TabOptions): Promise<Tab>
  /** Lets time pass while `promise` waits for it. */
  during<T>(promise: Promise<T>, ms?: number): Promise<T>
  /** How often the refresh credential was presented. */
  presentations(): number
  live(): readonly Tab[]
}

const TYPES = [
  'signed-in',
  'signed-out',
  'refreshed',
  'refresh-failed',
  'session-ending',
  'degraded',
  'alert',
] as const satisfies readonly (keyof TokenEvents)[]

export function openBrowser(options: BrowserOptions = {}): Browser {
  const { credential = 'cookie', lifetimeMs = LIFETIME_MS, timing, heedsAbort = true, names = true } = options
  const { onAsked, onOutcome } = options
  const random = options.random ?? createRandom(7)
  const origin = createOrigin({ random })
  const asked: Asked[] = []
  const tabs: Tab[] = []
  const fates: Record<Operation, Fate[]> = { login: [], refresh: [], restore: [], revoke: [] }
  let caller = ''
  let latest: Asked | undefined

  const server = createModelServer({
    credential,
    lifetimeMs,
    connectionMs: 2 * TIMEOUT_MS,
    now: origin.now,
    heedsAbort,
    carry: () => origin.delay(browser.latencyMs),
    fateOf: (operation) => (origin.online ? (fates[operation].shift() ?? 'answered') : 'unreachable'),
    onCall({ operation, presented, startedAt }, fate) {
      latest = { operation, presented, tab: caller, at: startedAt, fate, doneAt: undefined, outcome: undefined }
      asked.push(latest)
      onAsked?.(latest)
    },
  })

  /** Through the tab `sim`: it makes the call, and its answer waits until it can run. */
  function through<T>(sim: SimTab, call: () => Promise<T>): Promise<T> {
    if (sim.condition === 'dead') return new Promise<never>(() => {})
    caller = sim.name
    latest = undefined
    const answer = call()
    const one = latest as Asked | undefined
    const done = (): void => {
      if (one) one.doneAt = origin.now()
    }
    answer.then(done, done)
    const learned = (outcome: Asked['outcome']): void => {
      if (!one) return
      one.outcome = outcome
      onOutcome?.(one)
    }
    return sim.arrive(answer).then(
      (value) => {
        learned('success')
        return named(value)
      },
      (error: unknown) => {
        learned(error instanceof TokenError && error.code === 'refresh_rejected' ? 'refusal' : 'failure')
        const isBusy = one?.fate === 'busy' && browser.retryAfterMs !== undefined
        if (!isBusy) throw error
        const retryAt = origin.now() + browser.retryAfterMs!
        throw new TokenError('refresh_unavailable', 'the server is busy', { transient: true, retryAt })
      },
    )
  }

  /** Says whose tokens these are. */
  function named<T>(value: T): T {
    const response = value as Partial<TokenResponse> | undefined
    const access = response?.access_token === undefined ? undefined : server.access(response.access_token)
    if (!access || !names) return value
    const claims = { issued: access.value, sub: access.family.owner }
    return { ...value, id_token: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.` }
  }

  function openTab({ extend, ...own }: TabOptions = {}): Tab {
    const sim = origin.open(`tab ${String(tabs.length + 1)}`)
    const { source } = server
    const { login, refresh, restore, revoke } = source
    const mine: TokenSource<string> = {
      ...source,
      login: (input, context) => through(sim, () => login!(input, context)),
      refresh: (input, context) => through(sim, () => refresh(input, context)),
      revoke: (input, context) => through(sim, () => revoke!(input, context)),
      ...(restore && { restore: (context) => through(sim, () => restore(context)) }),
    }
    const tokens = createTokenManager<string>({
      source: extend?.(mine) ?? mine,
      resources: [API],
      timing: { requestTimeoutMs: TIMEOUT_MS, ...timing },
      ...own,
      ports: { ...sim.ports, ...own.ports },
    })
    const told: Tab['told'] = []
    for (const type of TYPES) tokens.on(type, (event) => void told.push({ type, event }))
    const sent: (string | undefined)[] = []
    const exchange = (): Exchange<number> => ({
      repeatable: true,
      async send(headers) {
        const authorization = headers['Authorization']
        sent.push(authorization)
        await sim.arrive(Promise.resolve())
        return server.judge(authorization)
      },
      answer: (status) => ({ status, header: () => null }),
    })
    const tab: Tab = Object.assign(Object.defineProperties({}, Object.getOwnPropertyDescriptors(sim)) as SimTab, {
      tokens,
      told,
      sent,
      state: tokens.getState,
      exchange,
      send: (target: Partial<SendTarget> = {}) => tokens.send({ url: `${API}/`, ...target }, exchange()),
    })
    tabs.push(tab)
    return tab
  }

  async function during<T>(promise: Promise<T>, ms = 300): Promise<T> {
    const late = new Error(`it took more than ${String(ms)} ms`)
    promise.catch(() => {})
    await origin.pass(ms)
    return Promise.race([promise, Promise.reject(late)])
  }

  const browser: Browser = Object.assign(
    Object.defineProperties({}, Object.getOwnPropertyDescriptors(origin)) as SimOrigin,
    {
      server,
      asked,
      tabs,
      fates,
      latencyMs: 5,
      retryAfterMs: undefined,
      openTab,
      async join(own?: TabOptions) {
        const tab = openTab(own)
        await during(tab.tokens.restore())
        return tab
      },
      during,
      presentations: () => asked.filter(({ operation }) => operation === 'refresh' || operation === 'restore').length,
      live: () => tabs.filter(({ condition }) => condition !== 'dead'),
    },
  )
  return browser
}

/** `count` tabs, all signed in: the first has signed in, the others have found its session. */
export async function openTabs(count: number, options: BrowserOptions = {}): Promise<Browser> {
  const browser = openBrowser(options)
  await browser.during(browser.openTab().tokens.login('ann'))
  while (browser.tabs.length < count) await browser.join()
  return browser
}

export function only(tab: Tab, type: keyof TokenEvents): object[] {
  return tab.told.filter((one) => one.type === type).map(({ event }) => event)
}

export function sessionOf(tab: Tab): string | undefined {
  const state = tab.state()
  return state.signedIn ? state.session : undefined
}
