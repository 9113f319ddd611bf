import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'
import type { ExchangeView } from './view.ts'

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
  let waits: { readonly family: string; readonly from: number; readonly until: number; readonly tab: string }[] = []

  const familyOf = (presented: string | undefined): string | undefined =>
    presented === undefined ? undefined : view.refresh.get(presented)?.family

  /** What keeps tabs apart does not work, or has lost what it knew. */
  function isApart(one: string, other: string, since: number): boolean {
    if (one === other) return false
    return (
      view.isAlone(one) ||
      view.isAlone(other) ||
      view.troubled('records', since - slackMs) ||
      view.jumpedSince(since - slackMs)
    )
  }

  function presentations(): ExchangeView[] {
    return [...view.exchanges.values()].filter(({ operation }) => operation === 'refresh')
  }

  function singleFlight({ tab = '', presented, at }: EntryOf<'asked'>): void {
    const family = familyOf(presented)
    for (const other of presentations()) {
      if (other.over || at - other.at >= requestTimeoutMs - slackMs) continue
      if (family === undefined || familyOf(other.presented) !== family) continue
      if (isApart(tab, other.tab, other.at)) continue
      breach(1, `${tab} presents ${String(presented)} while ${other.tab} presents ${String(other.presented)}`)
    }
  }

  function isFinding(tab: string): boolean {
    return [...view.calls.values()].some(
      ({ entry, tab: here, settled }) => here === tab && !settled && entry.method === 'restore',
    )
  }

  function secondPresentation({ tab = '', presented, at }: EntryOf<'asked'>): void {
    if (presented === undefined) return
    const before = known.get(presented)
    // Whoever looks for a session asks with the cookie that is there, whatever became of it.
    const asks = setup.credential === 'cookie' && before?.outcome === 'refusal' && isFinding(tab)
    if (before && !asks && (before.tab === tab || (before.shared && !isApart(tab, before.tab, before.at))))
      breach(2, `${tab} presents ${presented}, and ${before.tab} knows its answer (${before.outcome})`)
    for (const other of presentations()) {
      if (other.presented !== presented || !other.online) continue
      const { learned } = other
      if (learned?.answered) continue
      if (at - other.at >= requestTimeoutMs - slackMs || isApart(tab, other.tab, other.at)) continue
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
    if (recent.length > MOST_IN_A_MINUTE + reasons)
      breach(9, `${String(recent.length)} refreshes of ${family} within a minute`)
    waits = waits.filter(({ until }) => until > at)
    for (const wait of waits) {
      if (wait.family !== family || at < wait.from + (wait.tab === tab ? 0 : slackMs)) continue
      if (isApart(tab, wait.tab, wait.from) || view.jumpedSince(wait.from) || isFinding(tab)) continue
      breach(
        9,
        `${tab} presents ${String(presented)} ${String(wait.until - at)} ms before the server wants to be asked again`,
      )
    }
  }

  function learn({ tab = '', exchange: id, outcome, retryAfterMs, at }: EntryOf<'learned'>): void {
    const exchange = view.exchanges.get(id)
    if (!exchange || exchange.operation !== 'refresh') return
    const { presented, issued } = exchange
    const family = familyOf(presented)
    if (retryAfterMs !== undefined && family !== undefined)
      waits.push({ family, from: at, until: at + Math.min(retryAfterMs, 3_600_000), tab })
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
          {
            amplification(entry)
            return
          }
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
          return
        case 'replied':
          if (entry.authorization === undefined) return
          if (entry.status === 401) refused.set(entry.authorization, entry.at)
          return
        default:
          return
      }
    },
  }
}
