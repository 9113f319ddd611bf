import type { Marker } from '../ports.ts'

/** What this origin knows of its session beyond the life of the page. */
export type Remembered =
  /** Nobody is signed in, and the server knows. */
  | 'nobody'
  | 'signed-in'
  /** Signed out here; whether the server has heard of it is not known. */
  | 'unconfirmed'

/**
 * Remembers in one number, the epoch: it grows with every sign-in and sign-out, and is written in the very task in which
 * they happen, before the page can be left. What it stands for, and when it began, is read off it. All tabs of the origin
 * share it, so that it also tells what another tab has done.
 */
export interface Memory {
  /** `undefined`: nothing is known. `at`: when that was written, device wall time. */
  recall(): { readonly what: Remembered; readonly at: number } | undefined
  remember(what: Remembered, now: number): void
  /** From now on, what is remembered is about the session of this tab too. */
  adopt(): void
  /** What another tab has made of it since. `undefined`: nothing. */
  moved(): Remembered | undefined
}

const MEANINGS: readonly Remembered[] = ['nobody', 'signed-in', 'unconfirmed']

export function createMemory(marker: Marker, name: string): Memory {
  const epochOf = (): number => Number(marker.read(name) || NaN)
  let mine = NaN

  return {
    recall() {
      const epoch = epochOf()
      const what = MEANINGS[epoch % 3]
      return what && { what, at: Math.floor(epoch / 3) }
    },
    remember(what, now) {
      const last = Math.floor(epochOf() / 3)
      const at = last >= now ? last + 1 : Math.floor(now)
      mine = at * 3 + MEANINGS.indexOf(what)
      marker.write(name, String(mine))
    },
    adopt() {
      mine = epochOf()
    },
    moved() {
      const epoch = epochOf()
      // A marker that is gone tells nothing: storage may be forbidden, or was cleared.
      return epoch === mine ? undefined : MEANINGS[epoch % 3]
    },
  }
}
