import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { TokenSet } from '../token.ts'

/**
 * Keeps an API that refuses every token from causing a refresh for every request: a token that came out of a refresh and
 * was refused before anyone accepted it is not refreshed again before its expiry.
 */
export interface Probation {
  /** `tokens` came out of a refresh: nobody has accepted them yet. */
  begin(tokens: TokenSet): void
  accepted(tokens: TokenSet): void
  /** `true`: that was right after their refresh, and nobody knew yet. */
  refused(tokens: TokenSet, now: Instant): boolean
  /** Whether a refusal of `tokens` is a reason to refresh. */
  mayRefresh(tokens: TokenSet): boolean
}

/** A token that was first used later than this may have been revoked meanwhile; another refresh may help. */
const RIGHT_AFTER_MS = 60_000

export function createProbation(): Probation {
  /** By when they were obtained: the refresh token beside them may change. Absent: accepted, or not out of a refresh. */
  const failed = new WeakMap<Instant, boolean>()
  /** The last that was: every answer says so, and to look it up costs as much as to send. */
  let accepted: Instant | undefined
  return {
    begin({ obtained }) {
      accepted = undefined
      failed.set(obtained, false)
    },
    accepted({ obtained }) {
      if (obtained === accepted) return
      accepted = obtained
      failed.delete(obtained)
    },
    refused({ obtained }, now) {
      const isNew = failed.get(obtained) === false && elapsedMs(obtained, now) < RIGHT_AFTER_MS
      if (isNew) failed.set(obtained, true)
      return isNew
    },
    mayRefresh: ({ obtained }) => !failed.get(obtained),
  }
}
