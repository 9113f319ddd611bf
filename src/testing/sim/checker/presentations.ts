import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'
import type { ExchangeView } from './view.ts'

/** A refresh ahead of expiry begins no earlier. */
const LEEWAY_MS = 66_000
/** A token that is refused later than this may have been taken back meanwhile: another refresh may help. */
const RIGHT_AFTER_MS = 60_000
/** More than this in a minute for one session is a storm, whatever happens. */
const MOST_IN_A_MINUTE = 12

/** 1: single flight. 2: no second presentation. 9: bounded amplification. */
export const judgePresentations: CreateJudge = (view, breach) => {
  const { setup } = view
  const { requestTimeoutMs, slackMs } = setup
  /** Refresh credentials whose answer is known, and in which tab. */
  const known = new Map<
    string,
    { readonly tab: string; readonly outcome: string; readonly at: number; shared: boolean }
  >()
  const refused = new Map<string, number>()
  const accepted = new Set<string>()
  /** When the access tokens were asked for that a refresh has brought to a tab. */
  const delivered = new Map<string, number>()
  /** By tab, the tokens that were refused there right after that, or of which the tab has heard that they were. */
  const hopeless = new Set<string>()
  /** By tab, the access tokens that another has handed to it. */
  const handed = new Set<string>()
  /** What a tab has asked the one with the refresh token for, and what it knew to be hopeless then. */
  const wanted: { readonly by: string; readonly at: number; readonly knew: ReadonlySet<string> }[] = []
  /** What the server has asked for, and whether whoever heard it had the time to tell. */
  let waits: {
    readonly family: string
    readonly from: number
    readonly until: number
    readonly tab: string
    shared: boolean
    lost: boolean
  }[] = []
  /** Since when a tab has had tokens of its session. */
  const since = new Map<string, number>()

  const familyOf = (presented: string | undefined): string | undefined =>
    presented === undefined ? undefined : view.refresh.get(presented)?.family

  /** What keeps tabs apart does not work, or has lost what it knew. */
  function isApart(one: string, other: string, since: number): boolean {
    if (one === other) return false
    return (
      view.isAlone(one) ||
      view.isAlone(other) ||
      view.troubled('records', since - slackMs) ||
      // Two calls that began because a mark seemed to be over may still be under way.
      view.jumpedSince(since - requestTimeoutMs)
    )
  }

  function presentations(): ExchangeView[] {
    return [...view.exchanges.values()].filter(({ operation }) => operation === 'refresh')
  }

  function singleFlight({ tab = '', presented, at }: EntryOf<'asked'>): void {
    const family = familyOf(presented)
    for (const other of presentations()) {
      if (other.over || at - other.began >= requestTimeoutMs - slackMs) continue
      if (family === undefined || familyOf(other.presented) !== family) continue
      if (isApart(tab, other.tab, other.at)) continue
      breach(1, `${tab} presents ${String(presented)} while ${other.tab} presents ${String(other.presented)}`)
    }
  }

  function isFinding(tab: string): boolean {
    // Whoever has asked may have given up: the search is everybody's.
    if (view.tabs.get(tab)?.state?.status === 'restoring') return true
    return [...view.calls.values()].some(
      ({ entry, tab: here, settled }) => here === tab && !settled && entry.method === 'restore',
    )
  }

  function secondPresentation({ tab = '', presented, at }: EntryOf<'asked'>): void {
    if (presented === undefined) return
    const before = known.get(presented)
    // Whoever looks for a session asks with the cookie that is there, whatever became of it.
    const asks = setup.credential === 'cookie' && before?.outcome === 'refusal' && isFinding(tab)
    // Told by the marker alone, by a tab that was killed in that task, and the marker was taken away.
    const isForgotten = before && view.tabs.get(before.tab)?.condition === 'dead' && view.troubled('marker', before.at)
    if (
      before &&
      !asks &&
      !isForgotten &&
      (before.tab === tab || (before.shared && !isApart(tab, before.tab, before.at)))
    )
      breach(2, `${tab} presents ${presented}, and ${before.tab} knows its answer (${before.outcome})`)
    for (const other of presentations()) {
      if (other.presented !== presented || !other.online) continue
      const { learned } = other
      if (learned?.answered) continue
      if (at - other.began >= requestTimeoutMs - slackMs || isApart(tab, other.tab, other.at)) continue
      // As far as a device can tell, that long has passed.
      if (view.jumpedSince(other.began)) continue
      breach(
        2,
        `${tab} presents ${presented} again ${String(at - other.at)} ms after ${other.tab}, which got no answer`,
      )
    }
  }

  function amplification({ tab = '', presented, at }: EntryOf<'asked'>): void {
    const family = familyOf(presented)
    if (family === undefined) return
    const recent = presentations().filter((other) => at - other.at < 60_000 && familyOf(other.presented) === family)
    const reasons = [...refused.values()].filter((since) => at - since < 60_000).length
    // What is used once is fetched for each request, and some ahead.
    const demands = [...view.calls.values()].filter(({ entry }) => entry.narrow && at - entry.at < 60_000).length
    const made = recent.filter(({ learned }) => learned?.challenge === undefined)
    if (made.length > MOST_IN_A_MINUTE + reasons + 3 * demands)
      breach(9, `${String(made.length)} refreshes of ${family} within a minute`)
    waits = waits.filter(({ until }) => until > at)
    for (const wait of waits) {
      if (wait.family !== family || at < wait.from + (wait.tab === tab ? 0 : slackMs)) continue
      if (wait.lost && wait.tab !== tab) continue
      if (isApart(tab, wait.tab, wait.from) || view.jumpedSince(wait.from) || isFinding(tab)) continue
      // What holds for tokens of every kind is in the record alone.
      const kinds = [...view.calls.values()].some(({ entry }) => entry.narrow)
      if (kinds && view.troubled('records', wait.from) && !view.isAlone(tab)) continue
      breach(
        9,
        `${tab} presents ${String(presented)} ${String(wait.until - at)} ms before the server wants to be asked again`,
      )
    }
  }

  /** A token that came from a refresh, and was refused before it was ever accepted, is no reason for another one. */
  function pointless({ tab = '', presented, resource, at }: EntryOf<'asked'>): void {
    const family = familyOf(presented)
    const newest = [...view.access.values()].findLast((one) => one.family === family && one.resource === resource)
    if (family === undefined || !newest || view.jumpedSince(at - 600_000)) return
    if (!hopeless.has(`${tab} ${newest.access}`) || accepted.has(newest.access)) return
    if (setup.narrow?.some(({ url, once }) => once && url === resource)) return
    if (newest.expiresAt - at < LEEWAY_MS || isDemanding() || isFinding(tab)) return
    // For a tab that the news has not reached.
    const isAsked = wanted.some(
      ({ by, at: since, knew }) =>
        by !== tab && at - since < 2 * requestTimeoutMs && !knew.has(`${by} ${newest.access}`),
    )
    if (setup.credential === 'token' && isAsked) return
    breach(9, `${tab} refreshes again, and ${newest.access} was refused right after its refresh`)
  }

  function replied({ tab = '', authorization, status, at }: EntryOf<'replied'>): void {
    if (authorization === undefined) return
    const token = authorization.replace(/^\S+ /, '')
    if (status === 200) accepted.add(token)
    if (status !== 401) return
    refused.set(token, at)
    const asked = delivered.get(token) ?? -Infinity
    // What a tab has found may be over elsewhere: the first refusal is a reason to ask again.
    if (asked < (since.get(tab) ?? Infinity)) accepted.add(token)
    else if (at - asked < RIGHT_AFTER_MS) hopeless.add(`${tab} ${token}`)
  }

  function heard({ tab = '', message, from }: EntryOf<'delivered'>): void {
    const { type, tokens } = Object(message) as { type?: unknown; tokens?: { accessToken?: unknown } }
    if (type === 'tokens') handed.add(`${tab} ${String(tokens?.accessToken)}`)
    if (type !== 'refused') return
    for (const access of view.access.keys())
      if (hopeless.has(`${from} ${access}`) && handed.has(`${tab} ${access}`)) hopeless.add(`${tab} ${access}`)
  }

  function begun({ tab = '', state, at }: EntryOf<'state'>): void {
    const before = view.tabs.get(tab)?.state
    const isNew = before?.session !== state.session || before?.expiresAt === undefined
    if (state.expiresAt !== undefined && isNew) since.set(tab, at)
  }

  /** Somebody wants a token that lives longer. */
  function isDemanding(): boolean {
    return [...view.calls.values()].some(({ entry, settled }) => entry.demanding && !settled)
  }

  function learn({ tab = '', exchange: id, outcome, retryAfterMs, at }: EntryOf<'learned'>): void {
    const exchange = view.exchanges.get(id)
    if (!exchange || exchange.operation !== 'refresh') return
    const { presented, issued } = exchange
    const family = familyOf(presented)
    if (retryAfterMs !== undefined && family !== undefined)
      waits.push({
        family,
        from: at,
        until: at + Math.min(retryAfterMs, 3_600_000),
        tab,
        shared: false,
        lost: false,
      })
    // Somebody who could not know has asked all the same, and was answered.
    if (outcome === 'tokens') waits = waits.filter((wait) => wait.family !== family || wait.from >= exchange.at)
    if (outcome === 'tokens' && issued) delivered.set(issued.access, exchange.at)
    if (presented === undefined) return
    const spent = outcome === 'tokens' && issued?.refresh !== presented
    if (spent || outcome === 'refusal') known.set(presented, { tab, outcome, at, shared: false })
  }

  return {
    see(entry) {
      switch (entry.what) {
        case 'asked':
          if (entry.operation !== 'refresh') return
          singleFlight(entry)
          secondPresentation(entry)
          pointless(entry)
          amplification(entry)
          return
        case 'learned': {
          learn(entry)
          const exchange = view.exchanges.get(entry.exchange)
          if (exchange) exchange.learned = entry
          return
        }
        case 'recorded':
        case 'marked':
          if (entry.what === 'recorded' && JSON.stringify(entry.before) === JSON.stringify(entry.after)) return
          // What it has learned is what others can know now.
          for (const one of known.values()) if (one.tab === entry.tab) one.shared = true
          for (const one of waits) if (one.tab === entry.tab) one.shared = true
          return
        case 'killed':
        case 'frozen':
          for (const one of waits)
            if (one.tab === entry.tab && !one.shared && entry.at - one.from < slackMs) one.lost = true
          return
        case 'posted':
          if ((Object(entry.message) as { type?: unknown }).type === 'wanted')
            wanted.push({ by: entry.tab ?? '', at: entry.at, knew: new Set(hopeless) })
          return
        case 'delivered': {
          heard(entry)
          return
        }
        case 'state':
          begun(entry)
          return
        case 'replied': {
          replied(entry)
          return
        }
        default:
          return
      }
    },
  }
}
