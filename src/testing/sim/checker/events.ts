import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'

/** 17: timers. 20: purity. 26: exactly-once events. 27: quiescence. */
export const judgeEvents: CreateJudge = (view, breach) => {
  const last = new Map<string, string>()
  /** What is still to be told in this task. */
  const expected = new Map<string, { readonly step: number | undefined; events: string[] }>()
  const used = new Set<string>()
  const succeeded = new Map<string, number>()
  /** Sessions that were told, and could not be read. */
  const unread = new Map<string, string>()
  const within = new Map<string, number | undefined>()

  function changed({ tab = '', state, step }: EntryOf<'state'>): void {
    const text = JSON.stringify(state)
    if (last.get(tab) === text) breach(26, `${tab} is told twice that it is ${state.status}`)
    last.set(tab, text)
    const before = view.tabs.get(tab)?.session
    const now = state.session
    if (before === now) return
    const events = expected.get(tab)?.events ?? []
    if (before !== undefined) events.push(`signed-out ${before}`)
    if (now !== undefined) events.push(`signed-in ${now}`)
    expected.set(tab, { step, events })
  }

  function raised({ tab = '', type, event, reads, at, step }: EntryOf<'event'>): void {
    if (type === 'refreshed') {
      const before = succeeded.get(tab)
      if (
        event['trigger'] === 'background' &&
        before !== undefined &&
        at - before < 1_000 &&
        !view.jumpedSince(before - 60_000)
      )
        breach(17, `${tab} refreshes ahead ${String(at - before)} ms after it did`)
      succeeded.set(tab, at - Number(event['durationMs']))
    }
    // To try again is not to be early.
    if (type === 'refresh-failed') succeeded.delete(tab)
    if (type !== 'signed-in' && type !== 'signed-out') return
    const name = `${type} ${String(event['session'])}`
    const events = expected.get(tab)?.events ?? []
    if (events[0] !== name) breach(26, `${tab} is told ${name}, and that is not what has changed`)
    events.shift()
    if (type === 'signed-out' && unread.get(tab) === event['session']) unread.delete(tab)
    // A listener that was told before may have gone on.
    if (within.get(tab) === step && step !== undefined) return
    if (type === 'signed-out') {
      if (reads.session === event['session']) breach(26, `${tab} is told ${name}, and cannot read it yet`)
      // It may be over already, which is told next.
    } else if (reads.session !== event['session']) unread.set(tab, String(event['session']))
  }

  return {
    see(entry) {
      const { tab = '', step } = entry
      for (const [name, { step: since, events }] of expected) {
        if (since === step && step !== undefined) continue
        if (events[0] !== undefined && step !== undefined && view.tabs.get(name)?.condition === 'live')
          breach(26, `${name} was not told ${events[0]}`)
        if (step !== undefined) expected.delete(name)
      }
      const late = unread.get(tab)
      if (late !== undefined && !/^(state|event|timer|posted|marked|called|settled|sent)$/.test(entry.what)) {
        breach(26, `${tab} was told signed-in ${late}, and could not read it`)
        unread.delete(tab)
      }
      if (/^(state|event)$/.test(entry.what) && view.tabs.get(tab)?.disposed)
        breach(26, `${tab} is told something after it was disposed of`)
      if (/^(timer|posted|marked|recorded|locked|asked)$/.test(entry.what) && !used.has(tab))
        breach(20, `${tab} begins by itself: ${entry.what}`)
      switch (entry.what) {
        case 'called':
          used.add(tab)
          if (entry.within) within.set(tab, step)
          return
        case 'state': {
          changed(entry)
          return
        }
        case 'event': {
          raised(entry)
          return
        }
        case 'timer':
          if (!(entry.delayMs >= 0 && entry.delayMs <= 2 ** 31 - 1))
            breach(17, `${tab} sets a timer of ${String(entry.delayMs)} ms`)
          return
        case 'unhandled': {
          breach(27, `a rejection that nobody handles: ${entry.text}`)
          return
        }
        case 'reported': {
          breach(27, `${tab} reports ${entry.text}`)
          return
        }
        case 'left': {
          const { timers, watchers, channels } = entry
          if (timers || watchers || channels)
            breach(27, `${tab} has left behind: ${JSON.stringify({ timers, watchers, channels })}`)
          return
        }
        default:
          return
      }
    },
  }
}
