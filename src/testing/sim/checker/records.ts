import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'

interface Kept {
  readonly version?: unknown
  readonly epoch?: unknown
  readonly sequence?: unknown
}

/** A turn of three calls, and the mark of another tab that it waits for when its time is over. */
const LONGEST_HOLD = 6

/** 4: epoch fencing. 14: persist before publish before release. 15: lock hygiene. 19: version skew. */
export const judgeRecords: CreateJudge = (view, breach) => {
  const { requestTimeoutMs, slackMs } = view.setup
  /** Tabs that have tokens which nobody else can know of yet, and since when. */
  const fresh = new Map<string, number>()
  /** Tabs that have put their mark into the record before they asked: only they have something to write after it. */
  const claimed = new Set<string>()
  /** The highest sequence that a tab has seen in the record. */
  const committed = new Map<string, number>()
  /** Calls of tabs that had no session yet. */
  const looking = new Set<number>()
  const held = new Map<string, { readonly at: number; excused: boolean }>()

  function recorded({ tab = '', before, after }: EntryOf<'recorded'>): void {
    const [old, now] = [Object(before) as Kept, Object(after) as Kept]
    fresh.delete(tab)
    if (Object.hasOwn(now, 'presented')) claimed.add(tab)
    committed.set(tab, Math.max(Number(now.sequence), now.epoch === old.epoch ? (committed.get(tab) ?? 0) : 0))
    if (before === undefined) return
    if (old.version !== 1) {
      if (JSON.stringify(before) !== JSON.stringify(after)) breach(19, `${tab} writes over what another version keeps`)
      return
    }
    const [oldEpoch, epoch, oldSequence, sequence] = [old.epoch, now.epoch, old.sequence, now.sequence].map(Number) as [
      number,
      number,
      number,
      number,
    ]
    if (epoch < oldEpoch) breach(4, `${tab} puts an older epoch into the record`)
    if (epoch !== oldEpoch) return
    if (sequence < oldSequence)
      breach(4, `${tab} takes the record from sequence ${String(oldSequence)} to ${String(sequence)}`)
    if (sequence > oldSequence + 1 && !view.troubled('records', 0) && view.phase === 'playing')
      breach(4, `${tab} takes the record from sequence ${String(oldSequence)} to ${String(sequence)}`)
  }

  function posted({ tab = '', message, at }: EntryOf<'posted'>): void {
    const { type, tokens } = Object(message) as { type?: unknown; tokens?: { sequence?: unknown } }
    if (type !== 'tokens' || !fresh.has(tab) || view.isAlone(tab) || isTroubled(tab, at - slackMs)) return
    if (Number(tokens?.sequence) > (committed.get(tab) ?? Infinity))
      breach(14, `${tab} announces tokens before it has stored them`)
  }

  /** Whoever is disposed of says nothing of a record that another version has taken. */
  const isTroubled = (tab: string, since: number): boolean =>
    view.troubled('records', view.tabs.get(tab)?.disposed ? 0 : since)
  const isLooking = (tab: string): boolean => view.tabs.get(tab)?.state?.status === 'restoring'

  return {
    see(entry) {
      const { tab = '', at } = entry
      switch (entry.what) {
        case 'asked':
          if (isLooking(tab)) looking.add(entry.exchange)
          return
        case 'learned': {
          const exchange = view.exchanges.get(entry.exchange)
          if (entry.outcome !== 'tokens' || exchange?.operation !== 'refresh' || !claimed.delete(tab)) return
          // Of tokens that nobody wants there is the refresh token to keep, where one is kept, if it is another one.
          if (exchange.issued?.isDowngrade && (!view.setup.stored || exchange.issued.refresh === exchange.presented))
            return
          // Whoever has given up looking for a session has nothing to store, whatever it is in by now.
          const isLate = at - exchange.at >= requestTimeoutMs
          if (!looking.has(exchange.id) || (isLooking(tab) && !isLate)) fresh.set(tab, at)
          return
        }
        case 'recorded': {
          recorded(entry)
          return
        }
        case 'posted': {
          posted(entry)
          return
        }
        case 'locked':
          held.set(tab, { at, excused: false })
          return
        case 'event': {
          const one = held.get(tab)
          if (!one) return
          const mine = [...view.exchanges.values()].filter(
            (exchange) => exchange.tab === tab && exchange.operation === 'refresh' && exchange.at >= one.at,
          )
          // What takes longer than anybody waits keeps the lock: a call, what is stored of it, a wait for others.
          const last = mine.at(-1)
          const isOver =
            last?.learned && last.learned.outcome !== 'tokens' && at - last.began < requestTimeoutMs - slackMs
          if (entry.type === 'refreshed' || (entry.type === 'refresh-failed' && isOver))
            breach(15, `${tab} is told ${entry.type} while it holds the lock`)
          return
        }
        case 'frozen': {
          const one = held.get(tab)
          if (one) one.excused = true
          return
        }
        case 'unlocked': {
          const one = held.get(tab)
          held.delete(tab)
          if (one && !one.excused && at - one.at > LONGEST_HOLD * requestTimeoutMs + slackMs)
            breach(15, `${tab} held the lock for ${String(at - one.at)} ms`)
          const since = fresh.get(tab)
          if (
            since !== undefined &&
            at - since < requestTimeoutMs &&
            // A lock that came after them is that of a turn which has done without it.
            (!one || one.at <= since) &&
            // Whoever has given up looking for a session has nothing to store.
            view.tabs.get(tab)?.state?.status !== 'signed-out' &&
            !view.isAlone(tab) &&
            !isTroubled(tab, since)
          )
            breach(14, `${tab} lets the lock go before it has stored what it got`)
          return
        }
        case 'clock':
          for (const one of held.values()) one.excused = true
          return
        case 'robbed':
        case 'killed':
          held.delete(tab)
          return
        case 'left':
          if (entry.locks > 0) breach(15, `${tab} still holds a lock`)
          return
        default:
          return
      }
    },
  }
}
