import { createTokenManager, type TokenManager } from '../../manager.ts'
import type { TimingOptions } from '../../options.ts'
import type { Ports } from '../../ports.ts'
import { indexedDbStorage } from '../../storage/plain.ts'
import { NARROW, type NarrowName, toResource } from './apis.ts'
import { createApp, type App, type Note } from './app.ts'
import type { AuthModel } from './auth-model.ts'
import { type Breach, createChecker } from './checker/index.ts'
import type { Entry, History, Operation, Setup } from './checker/history.ts'
import type { Fate } from './fates.ts'
import type { Network } from './network.ts'
import { createOrigin } from './origin.ts'
import type { ProofRules } from './proofs.ts'
import { createRandom } from './random.ts'
import { createServers } from './servers.ts'
import type { Login } from './proof-source.ts'
import type { SimOrigin, SimTab } from './tab.ts'

/** Where the refresh credential is: a cookie; JSON mode, in the memory of one tab; JSON mode, in the shared record. */
export type Mode = 'cookie' | 'memory' | 'stored'

/** What a tab is given to make its manager of. */
export interface TabPlace {
  readonly name: string
  readonly ports: Ports
  /** What goes with the simulated servers: a source of the chosen mode, an API, the time that calls may take. */
  readonly defaults: Parameters<typeof createTokenManager<Login>>[0]
}

export interface SimulationOptions {
  /** Decides everything that chance decides. The same seed, the same run. Default 1. */
  readonly seed?: number
  /** How many tabs are open at the beginning. Default 2. */
  readonly tabs?: number
  /** Default `'cookie'`. */
  readonly mode?: Mode
  /** How long an access token lives. Default 300 000. */
  readonly lifetimeMs?: number
  /** For this long the server takes a spent refresh credential again. Default 0: that ends the session. */
  readonly graceMs?: number
  /** False: a refresh keeps the refresh credential. Default true. */
  readonly rotate?: boolean
  /** Tokens are bound to keys (DPoP), and this is what servers ask of proofs. Not together with the mode `'cookie'`. */
  readonly proofs?: ProofRules | undefined
  /** Takes a token that is bound to no key where one that is was asked for, as `dpop({ allowBearer: true })` does. */
  readonly allowBearer?: boolean | undefined
  /** APIs that take tokens of their own alone, beside the one that takes the session's. */
  readonly apis?: readonly NarrowName[] | undefined
  readonly timing?: TimingOptions
  /** How wrong the device's wall clock is. Default 0. */
  readonly skewMs?: number
  /** Makes the manager of a tab: an application's own, with the ports that it is given. Default: one with `defaults`. */
  readonly open?: (place: TabPlace) => TokenManager<Login>
  /** Shuffles what falls on one millisecond. Default true. */
  readonly shuffled?: boolean
  /** Is called with everything that happens, as it happens. */
  readonly watch?: (entry: Entry) => void
  /** What the listener of an event does, beside listening. */
  readonly reaction?: (tab: SimulatedTab, type: string) => void
}

export interface SimulatedTab extends SimTab {
  readonly tokens: TokenManager<Login>
  readonly app: App
  /** It is gone: killed, or left. */
  readonly gone: boolean
}

/** A browser profile with tabs of the real manager in it, its servers, and time that passes when it is told to. */
export interface Simulation extends Omit<SimOrigin, 'open'> {
  readonly tabs: readonly SimulatedTab[]
  readonly server: AuthModel
  readonly network: Network
  /** The URL of the API that takes the session's own tokens. */
  readonly api: string
  /** The next calls of this kind fare like this. Those after them are answered. */
  readonly fates: Record<Operation | 'request', Fate[]>
  /** How long each leg to a server takes. It may be changed at any time. */
  legMs: number
  retryAfterS: number | undefined
  /** How often, of a hundred times, a server wants another nonce all of a sudden: see `ProofRules`. */
  challenges: number
  openTab(): SimulatedTab
  /** Those that are not gone. */
  live(): readonly SimulatedTab[]
  /** Lets time pass while `promise` waits for it. Rejects when it takes longer. */
  during<T>(promise: Promise<T>, ms?: number): Promise<T>
  /** Writes something down that only the driver knows. */
  note(entry: Parameters<Note>[0], tab?: string): void
  readonly history: History
  /** What was broken so far. Empty: every invariant holds. */
  readonly breaches: readonly Breach[]
  /** Decides what only the end shows. */
  finish(): readonly Breach[]
}

const START = Date.UTC(2026, 10, 22)
const TIMEOUT_MS = 10_000
const PAGE = 'https://app.example.com/'
const API = 'https://api.example.com/v1/'

/**
 * Opens tabs in a browser that is not there: the real manager on simulated clocks, timers, locks, messages, storage and
 * network. Nothing happens by itself; `pass` lets time pass, and everything else is said through the object that comes
 * back. Everything that happens is written down and held against the invariants.
 *
 * @example
 *   import { createSimulation } from 'tokenward/testing'
 *
 *   const sim = createSimulation({ seed: 7, tabs: 3 })
 *   await sim.during(sim.tabs[0].tokens.login({ user: 'ann' }))
 *   sim.tabs[1].freeze()
 *   await sim.during(sim.tabs[2].tokens.logout())
 *   sim.tabs[1].thaw()
 *   await sim.pass(1_000)
 *   console.log(sim.tabs[1].tokens.getState().signedIn, sim.finish()) // false, and no breach
 */
export function createSimulation(options: SimulationOptions = {}): Simulation {
  const { seed = 1, tabs: count = 2, mode = 'cookie', lifetimeMs = 300_000, graceMs = 0, rotate = true } = options
  const {
    timing = {},
    skewMs = 0,
    shuffled = true,
    open = defaultOpen,
    watch,
    reaction,
    proofs: rules,
    allowBearer = false,
    apis = [],
  } = options
  const narrow = apis.map((name) => NARROW[name])
  const credential = mode === 'cookie' ? 'cookie' : 'token'
  const requestTimeoutMs = timing.requestTimeoutMs ?? TIMEOUT_MS
  const setup: Setup = {
    credential,
    stored: mode === 'stored',
    bound: rules !== undefined,
    allowBearer,
    requestTimeoutMs,
    resources: [API, ...narrow.map(({ url }) => url)],
    narrow,
    slackMs: 1_100,
    idleMs: timing.idleMs,
    absoluteMs: timing.absoluteMs,
  }
  const entries: Entry[] = []
  const checker = createChecker(setup)
  const tabs: SimulatedTab[] = []
  const fates: Simulation['fates'] = { login: [], refresh: [], logout: [], request: [] }
  let calls = 0

  const origin = createOrigin({
    random: createRandom(seed),
    seed: shuffled ? seed : undefined,
    wall: START + skewMs,
    url: PAGE,
    observe: (tab, entry) => note(entry, tab),
  })

  function note(entry: Parameters<Note>[0], tab?: string): void {
    const whole = { at: origin.elapsed(), step: origin.step(), ...(tab !== undefined && { tab }), ...entry } as Entry
    entries.push(whole)
    checker.see(whole)
    watch?.(whole)
  }

  const { server, network, sourceOf } = createServers({
    origin,
    mode,
    page: PAGE,
    seed,
    start: START,
    lifetimeMs,
    graceMs,
    rotate,
    rules,
    narrow,
    allowBearer,
    connectionMs: 2 * requestTimeoutMs,
    fateOf: (operation) => fates[operation].shift() ?? 'answered',
    now: () => sim,
    observe: (tab, entry) => note(entry, tab),
  })

  function defaultOpen({ defaults }: TabPlace): TokenManager<Login> {
    return createTokenManager<Login>(defaults)
  }

  function openTab(): SimulatedTab {
    const name = `tab ${String(tabs.length + 1)}`
    const sim = origin.open(name)
    note({ what: 'opened' }, name)
    const ports: Ports = { ...sim.ports, fetch: network.fetchFor(sim) }
    const tokens = open({
      name,
      ports,
      defaults: {
        source: sourceOf(sim),
        resources: [API, ...narrow.map(toResource)],
        timing: { requestTimeoutMs, ...timing },
        ...(mode === 'stored' && { storage: indexedDbStorage() }),
        ports,
      },
    })
    const told = (entry: Parameters<Note>[0]): void => {
      if (sim.condition !== 'dead') note(entry, name)
    }
    const app = createApp({
      tab: sim,
      tokens,
      network,
      resource: API,
      nextCall: () => ++calls,
      note: told,
      reaction: (type) => reaction?.(tab, type),
    })
    const tab: SimulatedTab = Object.defineProperties({} as SimulatedTab, {
      ...Object.getOwnPropertyDescriptors(sim),
      tokens: { value: tokens },
      app: { value: app },
      gone: { get: () => sim.condition === 'dead' },
      freeze: {
        value: (how?: { readonly deaf?: boolean }) => {
          if (sim.condition === 'live') note({ what: 'frozen' }, name)
          sim.freeze(how)
        },
      },
      thaw: {
        value: () => {
          if (sim.condition === 'frozen') note({ what: 'thawed' }, name)
          sim.thaw()
        },
      },
      kill: {
        value: () => {
          if (sim.condition !== 'dead') note({ what: 'killed' }, name)
          sim.kill()
        },
      },
    })
    tabs.push(tab)
    return tab
  }

  const sim: Simulation = Object.defineProperties({} as Simulation, {
    ...Object.getOwnPropertyDescriptors(origin),
    ...Object.getOwnPropertyDescriptors({
      tabs,
      server,
      network,
      api: API,
      fates,
      legMs: 5,
      retryAfterS: undefined,
      challenges: rules?.challenges ?? 0,
      openTab,
      live: () => tabs.filter(({ condition }) => condition !== 'dead'),
      async during<T>(promise: Promise<T>, ms = 300): Promise<T> {
        const waiting = new Set([promise])
        const done = (): void => void waiting.delete(promise)
        promise.then(done, done)
        for (let left = ms; left > 0 && waiting.size > 0; left -= 50) await origin.pass(Math.min(left, 50))
        return Promise.race([promise, Promise.reject(new Error(`it took more than ${String(ms)} ms`))])
      },
      note,
      history: { version: 1, setup, entries },
      breaches: checker.breaches,
      finish: () => checker.finish(),
    }),
    jump: {
      value: (ms: number) => {
        note({ what: 'clock', how: 'jump', ms })
        origin.jump(ms)
      },
    },
    sleep: {
      value: (ms: number) => {
        note({ what: 'clock', how: 'sleep', ms })
        origin.sleep(ms)
      },
    },
    setOnline: {
      value: (yes: boolean) => {
        note({ what: 'online', yes })
        origin.setOnline(yes)
      },
    },
  })
  while (tabs.length < count) openTab()
  return sim
}
