import { judgeAgreement } from './agreement.ts'
import { judgeEndings } from './endings.ts'
import { judgeEvents } from './events.ts'
import type { Entry, History, Setup } from './history.ts'
import { judgePresentations } from './presentations.ts'
import { judgeProofs } from './proofs.ts'
import { judgeRecords } from './records.ts'
import { judgeRequests } from './requests.ts'
import type { Breach } from './rule.ts'
import { judgeSecrets } from './secrets.ts'
import { judgeSessions } from './sessions.ts'
import { judgeSettling } from './settling.ts'
import { createView } from './view.ts'

export type { Breach } from './rule.ts'

/** Reads a history as it is written. It knows nothing of the manager: only what was seen from around it. */
export interface Checker {
  see(entry: Entry): void
  /** Decides what only the end shows. */
  finish(): readonly Breach[]
  /** What was broken so far. */
  readonly breaches: readonly Breach[]
}

const judges = [
  judgePresentations,
  judgeSessions,
  judgeRecords,
  judgeEndings,
  judgeRequests,
  judgeProofs,
  judgeSecrets,
  judgeSettling,
  judgeEvents,
  judgeAgreement,
]

/** More than these of one invariant say nothing new. */
const MOST_BREACHES = 5

export function createChecker(setup: Setup): Checker {
  const view = createView(setup)
  const breaches: Breach[] = []
  let seen = 0
  let now = 0
  const breach = (invariant: number, text: string): void => {
    if (breaches.filter((one) => one.invariant === invariant).length < MOST_BREACHES)
      breaches.push({ invariant, text, at: now, seen })
  }
  const all = judges.map((create) => create(view, breach))
  return {
    breaches,
    see(entry) {
      seen++
      now = entry.at
      for (const judge of all) judge.see(entry)
      view.apply(entry)
    },
    finish() {
      for (const judge of all) judge.finish?.()
      return breaches
    },
  }
}

/** Holds a whole history against the invariants. Empty: all of them hold. */
export function check({ setup, entries }: History): readonly Breach[] {
  const checker = createChecker(setup)
  for (const entry of entries) checker.see(entry)
  return checker.finish()
}
