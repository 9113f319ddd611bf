import type { Entry, EntryOf, Medium, Operation, Setup, Snapshot } from './history.ts'

/** What was handed out together. */
export interface Issued {
  readonly family: string
  readonly owner: string
  readonly access: string
  readonly refresh: string | undefined
  readonly expiresAt: number
  /** What the access token is for alone. */
  readonly resource: string | undefined
  /** It is bound to no key, and the application wants none like that. */
  readonly isDowngrade: boolean
  /** How many there were in this family before. */
  readonly index: number
}

export interface ExchangeView {
  readonly id: number
  readonly tab: string
  readonly operation: Operation
  readonly presented: string | undefined
  readonly at: number
  /** When the call began that it belongs to: it is made once more if only its proof was refused. */
  readonly began: number
  /** The device had a network. */
  readonly online: boolean
  over: boolean
  issued: Issued | undefined
  verdict: EntryOf<'decided'>['verdict'] | undefined
  learned: EntryOf<'learned'> | undefined
}

export interface CallView {
  readonly entry: EntryOf<'called'>
  readonly tab: string
  sends: EntryOf<'sent'>[]
  /** The last answer. */
  replied: EntryOf<'replied'> | undefined
  /** How often its proof was refused. */
  challenged: number
  aborted: boolean
  settled: EntryOf<'settled'> | undefined
  /** Time that it is not to blame for: at the API. */
  apiMs: number
  /** Its tab could not run meanwhile, or was disposed of. */
  excused: boolean
}

export interface TabView {
  readonly name: string
  condition: 'live' | 'frozen' | 'dead'
  disposed: boolean
  state: Snapshot | undefined
  session: string | undefined
  /** Nothing that tabs share is there for this one: what it has told as `degraded`. */
  readonly degraded: Set<string>
}

/** What can be known from what was seen so far. */
export interface View {
  readonly setup: Setup
  readonly tabs: ReadonlyMap<string, TabView>
  readonly access: ReadonlyMap<string, Issued>
  /** By refresh token or cookie: the family, and the newest that was handed out with it. */
  readonly refresh: ReadonlyMap<string, Issued>
  readonly exchanges: ReadonlyMap<number, ExchangeView>
  readonly calls: ReadonlyMap<number, CallView>
  readonly online: boolean
  readonly phase: string
  /** How long the machine has slept so far. */
  readonly sleptMs: number
  /** A wall clock was set since then. */
  jumpedSince(at: number): boolean
  /** This medium does not do what it should, or has not since then. */
  troubled(medium: Medium, since: number): boolean
  /** The tab has given the shared record up. */
  isAlone(tab: string): boolean
  apply(entry: Entry): void
}

export function createView(setup: Setup): View {
  const tabs = new Map<string, TabView>()
  const access = new Map<string, Issued>()
  const refresh = new Map<string, Issued>()
  const counts = new Map<string, number>()
  const exchanges = new Map<number, ExchangeView>()
  const calls = new Map<number, CallView>()
  const conditions = new Map<Medium, string>()
  const lastTrouble = new Map<Medium, number>()
  let lastJump = -Infinity
  let online = true
  let phase = 'playing'
  let sleptMs = 0

  function tabOf(name: string): TabView {
    let tab = tabs.get(name)
    if (!tab) {
      tab = { name, condition: 'live', disposed: false, state: undefined, session: undefined, degraded: new Set() }
      tabs.set(name, tab)
    }
    return tab
  }

  function excuse(name: string): void {
    for (const call of calls.values()) if (call.tab === name && !call.settled) call.excused = true
  }

  function decide(entry: EntryOf<'decided'>): void {
    const { family, owner = '', access: value, refresh: credential, expiresAt = Infinity, resource, ath } = entry
    const exchange = exchanges.get(entry.exchange)
    if (exchange) exchange.verdict = entry.verdict
    if (family === undefined || value === undefined) return
    const index = counts.get(family) ?? 0
    counts.set(family, index + 1)
    // What did not come through the source was never to be bound.
    const isDowngrade = setup.bound === true && !setup.allowBearer && exchange !== undefined && ath === undefined
    const issued: Issued = {
      family,
      owner,
      access: value,
      refresh: credential,
      expiresAt,
      resource,
      isDowngrade,
      index,
    }
    access.set(value, issued)
    if (credential !== undefined) refresh.set(credential, issued)
    if (exchange) exchange.issued = issued
  }

  function applyTo(tab: TabView, entry: Entry): void {
    switch (entry.what) {
      case 'frozen':
        excuse(tab.name)
        tab.condition = 'frozen'
        return
      case 'thawed':
        tab.condition = 'live'
        return
      case 'killed':
        tab.condition = 'dead'
        return
      case 'dispose':
        tab.disposed = true
        return
      case 'state':
        tab.state = entry.state
        tab.session = entry.state.session
        return
      case 'event':
        if (entry.type === 'degraded') tab.degraded.add(String(entry.event['what']))
        return
      case 'called':
        calls.set(entry.call, {
          entry,
          tab: tab.name,
          sends: [],
          replied: undefined,
          challenged: 0,
          aborted: false,
          settled: undefined,
          apiMs: 0,
          excused: tab.disposed || tab.condition !== 'live',
        })
        return
      case 'aborted': {
        const call = calls.get(entry.call)
        if (call) call.aborted = true
        return
      }
      case 'settled': {
        const call = calls.get(entry.call)
        if (call) call.settled = entry
        return
      }
      case 'asked': {
        const { exchange: id, operation, presented, at } = entry
        const blank = { over: false, issued: undefined, verdict: undefined, learned: undefined }
        const before = [...exchanges.values()].findLast((one) => one.tab === tab.name && one.operation === operation)
        const isAgain = before?.presented === presented && before?.learned?.challenge !== undefined
        const began = isAgain ? before.began : at
        exchanges.set(id, { id, tab: tab.name, operation, presented, at, began, online, ...blank })
        return
      }
      case 'sent': {
        const call = entry.call === undefined ? undefined : calls.get(entry.call)
        if (!call) return
        call.sends.push(entry)
        call.replied = undefined
        return
      }
      case 'replied': {
        const call = entry.call === undefined ? undefined : calls.get(entry.call)
        if (!call) return
        call.replied = entry
        if (entry.challenge !== undefined) call.challenged++
        call.apiMs += entry.at - (call.sends.at(-1)?.at ?? entry.at)
        return
      }
      default:
        return
    }
  }

  return {
    setup,
    tabs,
    access,
    refresh,
    exchanges,
    calls,
    get online() {
      return online
    },
    get phase() {
      return phase
    },
    get sleptMs() {
      return sleptMs
    },
    jumpedSince: (at) => lastJump >= at,
    troubled: (medium, since) =>
      (conditions.get(medium) ?? 'working') !== 'working' || (lastTrouble.get(medium) ?? -Infinity) >= since,
    isAlone: (tab) => tabs.get(tab)?.degraded.has('records') ?? false,
    apply(entry) {
      if (entry.tab !== undefined) {
        applyTo(tabOf(entry.tab), entry)
        return
      }
      switch (entry.what) {
        case 'decided': {
          decide(entry)
          return
        }
        case 'over': {
          const exchange = exchanges.get(entry.exchange)
          if (exchange) exchange.over = true
          return
        }
        case 'weather':
          conditions.set(entry.medium, entry.condition)
          lastTrouble.set(entry.medium, entry.at)
          return
        case 'tampered':
          lastTrouble.set(entry.medium, entry.at)
          return
        case 'clock':
          if (entry.how === 'jump') lastJump = entry.at
          else sleptMs += entry.ms
          return
        case 'online':
          online = entry.yes
          return
        case 'phase':
          phase = entry.name
          return
        default:
          return
      }
    },
  }
}
