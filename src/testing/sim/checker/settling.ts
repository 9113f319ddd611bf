import type { Entry, EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'
import type { CallView } from './view.ts'

/** 21: everything settles, and 23: also what a listener calls. 22: abort isolation. */
export const judgeSettling: CreateJudge = (view, breach) => {
  const { requestTimeoutMs, slackMs } = view.setup
  const boundMs = 3 * requestTimeoutMs + 1_000
  const overtaking = new Map<string, number>()
  /** What must have settled when the next task begins. */
  let aborted: { readonly call: number; readonly step: number }[] = []
  const slept = new Map<number, number>()

  const invariantOf = ({ entry }: CallView): number => (entry.within ? 23 : 21)

  function took(call: CallView, at: number): number {
    const asleep = view.sleptMs - (slept.get(call.entry.call) ?? 0)
    const open = call.sends.length > 0 && call.replied === undefined ? at - (call.sends.at(-1)?.at ?? at) : 0
    return at - call.entry.at - asleep - call.apiMs - open
  }

  function settle(entry: EntryOf<'settled'>): void {
    const call = view.calls.get(entry.call)
    if (!call) return
    aborted = aborted.filter((one) => one.call !== entry.call)
    const ms = took(call, entry.at)
    if (!call.excused && ms > boundMs + slackMs)
      breach(invariantOf(call), `call ${String(entry.call)} (${call.entry.method}) took ${String(ms)} ms`)
    if (entry.code !== 'aborted' || call.aborted || view.tabs.get(call.tab)?.disposed) return
    const isSignIn = /^(login|restore|startSession)$/.test(call.entry.method)
    if (isSignIn && (overtaking.get(call.tab) ?? -1) > call.entry.call) return
    breach(22, `call ${String(entry.call)} (${call.entry.method}) was aborted, and nobody had wanted that`)
  }

  function unsettled(entry: Entry): void {
    for (const call of view.calls.values()) {
      if (call.settled || call.excused || view.tabs.get(call.tab)?.condition !== 'live') continue
      const ms = took(call, entry.at)
      if (ms > boundMs + slackMs)
        breach(
          invariantOf(call),
          `call ${String(call.entry.call)} (${call.entry.method}) has not settled after ${String(ms)} ms`,
        )
    }
  }

  return {
    see(entry) {
      if (aborted.length > 0) {
        for (const { call, step } of aborted)
          if (step !== entry.step) breach(21, `call ${String(call)} was aborted, and went on`)
        aborted = aborted.filter(({ step }) => step === entry.step)
      }
      switch (entry.what) {
        case 'called':
          slept.set(entry.call, view.sleptMs)
          if (entry.method === 'login' || entry.method === 'logout' || entry.method === 'startSession')
            overtaking.set(entry.tab ?? '', entry.call)
          return
        case 'aborted':
          if (entry.step !== undefined) aborted.push({ call: entry.call, step: entry.step })
          return
        case 'settled': {
          settle(entry)
          return
        }
        case 'killed':
        case 'frozen':
          aborted = aborted.filter(({ call }) => view.calls.get(call)?.tab !== entry.tab)
          return
        case 'phase': {
          unsettled(entry)
          return
        }
        default:
          return
      }
    },
  }
}
