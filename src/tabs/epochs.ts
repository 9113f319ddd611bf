import type { Ports } from '../ports.ts'
import type { EndReason } from '../session/state.ts'

/** What an epoch stands for. */
export type Meaning =
  /** Nobody is signed in, and the server knows. */
  | 'nobody'
  | 'signed-in'
  /** Signed out here; whether the server has heard of it is not known. */
  | 'unconfirmed'

export interface Epoch {
  readonly epoch: number
  readonly what: Meaning
  /** When it began, device wall time. */
  readonly at: number
  /** Why the session before it ended. */
  readonly reason: EndReason
}

/**
 * One number that grows with every sign-in and sign-out, and is written in the very task in which they happen, before the
 * page can be left. What it stands for, and when it began, is read off it, so that a tab which has slept through
 * everything else can decide by it alone.
 */
export interface Epochs {
  /** The newest that is known here. `undefined`: none. */
  newest(): Epoch | undefined
  /** Begins a new one. */
  begin(what: Meaning, reason: EndReason, now: number): number
  /** Another tab, or the record, knows this one: for where no marker can be kept. */
  hear(epoch: unknown): void
  /** Whether the marker says what is known here. Where it cannot, tabs have to tell each other more. */
  isKept(): boolean
}

const MEANINGS: readonly Meaning[] = ['nobody', 'signed-in', 'unconfirmed']
/** Their places are what other versions of this package read: new ones go to the end. */
const REASONS: readonly EndReason[] = [
  'logout',
  'replaced',
  'rejected',
  'idle',
  'expired',
  'password-reset',
  'revoked',
  'key-lost',
  'unknown-outcome',
]
/** Room for more of them. */
const MOST_REASONS = 16
/** Two tabs that begin an epoch in the same millisecond hardly ever begin the same. */
const TIES = 32
const UNIT = MEANINGS.length * MOST_REASONS * TIES

/** @param degraded Is told when the marker cannot be kept. */
export function createEpochs(
  name: string,
  { marker, random }: Pick<Ports, 'marker' | 'random'>,
  degraded: (what: string, why: unknown) => void,
): Epochs {
  let heard = 0
  /** Before each send it is asked for, and seldom is it another one. */
  let known: Epoch | undefined
  let read: string | undefined

  function newest(): number {
    const text = marker.read(name)
    if (text === read) return heard
    read = text
    const marked = Number(text)
    return marked > heard && Number.isSafeInteger(marked) ? (heard = marked) : heard
  }

  return {
    newest() {
      const epoch = newest()
      if (!epoch || epoch === known?.epoch) return known
      const what = MEANINGS[epoch % 3] as Meaning
      const reason = REASONS[Math.floor(epoch / 3) % MOST_REASONS] ?? 'logout'
      return (known = { epoch, what, at: Math.floor(epoch / UNIT), reason })
    },
    begin(what, reason, now) {
      const at = Math.max(Math.floor(now), Math.floor(newest() / UNIT) + 1)
      const tie = Math.floor(random() * TIES)
      heard = at * UNIT + (tie * MOST_REASONS + Math.max(REASONS.indexOf(reason), 0)) * 3 + MEANINGS.indexOf(what)
      try {
        marker.write(name, String(heard))
      } catch (error) {
        degraded('marker', error)
      }
      return heard
    },
    hear(epoch) {
      if (Number.isSafeInteger(epoch) && (epoch as number) > newest()) heard = epoch as number
    },
    isKept: () => Number(marker.read(name)) === newest(),
  }
}
