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
  refused(tokens: TokenSet, now: Instant): void
  /** Whether a refusal of `tokens` is a reason to refresh. */
  mayRefresh(tokens: TokenSet): boolean
}

/** A token that was first used later than this may have been revoked meanwhile; another refresh may help. */
const RIGHT_AFTER_MS = 60_000

export function createProbation(): Probation {
  /** Absent: accepted, or not out of a refresh. */
  const failed = new WeakMap<TokenSet, boolean>()
  return {
    begin: (tokens) => void failed.set(tokens, false),
    accepted: (tokens) => void failed.delete(tokens),
    refused(tokens, now) {
      if (failed.has(tokens) && elapsedMs(tokens.obtained, now) < RIGHT_AFTER_MS) failed.set(tokens, true)
    },
    mayRefresh: (tokens) => !failed.get(tokens),
  }
}
