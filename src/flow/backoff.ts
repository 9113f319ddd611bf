// Chosen by simulation of a million clients whose server was down for ten minutes (`npm run fleet`): of the busiest second
// and the mean one in the minute after it came back, the quotient is 1.5. Twice as long each time came to 2, because who
// had failed only just came back all in the first seconds. Nobody waits longer than three minutes.
const FIRST_MS = 1_000
const GROWTH = 3
const LONGEST_MS = 180_000
/** A server that asks for more is asked again after this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/**
 * How long to wait after the `attempts`-th failure in a row: exponential, with jitter, so that clients which failed
 * together do not come back together.
 *
 * @param random In [0, 1).
 */
export function backoffMs(attempts: number, random: number): number {
  return Math.min(FIRST_MS * GROWTH ** (attempts - 1), LONGEST_MS) * (0.5 + random / 2)
}

/** What a `Retry-After` asks for: never undercut, and stretched by up to a tenth for the same reason. */
export function retryAfterMs(askedMs: number, random: number): number {
  return Math.min(askedMs, LONGEST_RETRY_AFTER_MS) * (1 + random / 10)
}
