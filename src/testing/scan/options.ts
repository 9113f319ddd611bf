import type { ManagerLike } from '../record/held.ts'
import type { FindingsOptions } from './findings.ts'

/** What a history may have before it counts as misuse. */
export interface ScanLimits {
  /** How long an access token may live. Default: a day. */
  readonly maxLifetimeMs: number
  /** How far clocks may differ. Default: a minute. */
  readonly leewayMs: number
  /** How long the token before may be used after a refresh: other tabs still have it. Default: 5 minutes. */
  readonly overlapMs: number
  /** Requests with one token in a minute. Default: 300. */
  readonly requestsPerMinute: number
  /** Refreshes of one client in a minute. Default: 30, as the manager's own alert. */
  readonly refreshesPerMinute: number
  /** Refusals (401) on end, half a second or more apart, within two minutes. Default: 5. */
  readonly refusals: number
  /** Within what time different networks count as the same time. Default: 10 minutes. */
  readonly placesWithinMs: number
}

/** How {@link scan} looks. */
export interface ScanOptions extends FindingsOptions {
  /** The name of the input: stands in the findings, and its ending tells what kind of file it is. */
  readonly file?: string
  /** What kind of file it is, when neither name nor content say so. */
  readonly as?: 'log' | 'file' | 'har'
  /** Origins that tokens may be sent to. Without it L4 finds nothing. */
  readonly allowOrigins?: readonly string[]
  /** Epoch milliseconds. With it a token that has expired is a finding of one degree less. */
  readonly now?: number
  readonly limits?: Partial<ScanLimits>
  /** Its tokens are known to be real: those that it holds when the scan begins. Or several managers. */
  readonly manager?: ManagerLike | readonly ManagerLike[]
  /** Tokens that are known to be real: found wherever they stand, even if they look like nothing. */
  readonly knownTokens?: Iterable<string>
  /** The same by their fingerprints, for who must not have the tokens. Slower: every long word is compared. */
  readonly knownFingerprints?: Iterable<string>
  /** Is told how many characters are read, about once for each megabyte. */
  readonly onProgress?: (characters: number) => void
}

/** The limits where nothing else is said. */
export const defaultLimits: ScanLimits = {
  maxLifetimeMs: 24 * 3_600_000,
  leewayMs: 60_000,
  overlapMs: 300_000,
  requestsPerMinute: 300,
  refreshesPerMinute: 30,
  refusals: 5,
  placesWithinMs: 600_000,
}
