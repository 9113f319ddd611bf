import type { Entry } from './history.ts'
import type { View } from './view.ts'

/** Something that must never happen has happened. */
export interface Breach {
  /** The number of the invariant. */
  readonly invariant: number
  readonly text: string
  /** When, and in which task. */
  readonly at: number
  /** How many entries had been seen. */
  readonly seen: number
}

/** One invariant, or a part of one: sees every entry before the view does. */
export interface Judge {
  see(entry: Entry): void
  /** Decides what only the end shows. */
  finish?(): void
}

export type CreateJudge = (view: View, breach: (invariant: number, text: string) => void) => Judge
