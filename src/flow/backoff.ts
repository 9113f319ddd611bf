const FIRST_MS = 1_000
const LONGEST_MS = 300_000
/** A server that asks for more is asked again after this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/**
 * How long to wait after the `attempts`-th failure in a row: exponential, with jitter, so that clients which failed
 * together do not come back together.
 *
 * @param random In [0, 1).
 */
export function backoffMs(attempts: number, random: number): number {
  return Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS) * (0.5 + random / 2)
}

/** What a `Retry-After` asks for: never undercut, and stretched by up to a tenth for the same reason. */
export function retryAfterMs(askedMs: number, random: number): number {
  return Math.min(askedMs, LONGEST_RETRY_AFTER_MS) * (1 + random / 10)
}
