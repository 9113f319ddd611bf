// Chosen by simulation of a million clients whose server was down for ten minutes (`npm run fleet`): of the policies
// tried, these waits spread best who comes back. The busiest second of the two minutes after the outage has less than one
// and a half times the requests of the mean one, and nobody waits longer than three minutes. Doubling from one second
// came to 2.4 times: who had failed only just came back all in the first seconds.
const FIRST_MS = 2_000
const GROWTH = 4
const LONGEST_MS = 180_000
/** The share of a wait that chance does not shorten. */
const STEADY = 0.65
/** A server that asks for more is asked again after this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/**
 * How long to wait after the `attempts`-th failure in a row: exponential, with jitter, so that clients which failed
 * together do not come back together.
 *
 * @param random In [0, 1).
 */
export function backoffMs(attempts: number, random: number): number {
  return Math.min(FIRST_MS * GROWTH ** (attempts - 1), LONGEST_MS) * (STEADY + random * (1 - STEADY))
}

/** What a `Retry-After` asks for: never undercut, and stretched by up to a tenth for the same reason. */
export function retryAfterMs(askedMs: number, random: number): number {
  return Math.min(askedMs, LONGEST_RETRY_AFTER_MS) * (1 + random / 10)
}
