/** One instant on both clocks. Which of them is right is decided where instants are compared: `elapsedMs`. */
export interface Instant {
  /** Epoch milliseconds of the device. May jump either way. */
  readonly wall: number
  /** Milliseconds from an arbitrary start. Never falls; may stop while the machine sleeps. */
  readonly monotonic: number
}

/**
 * How long ago `then` was, by the clock that says longer: the monotonic one may have slept, the wall clock may have been
 * set back.
 */
export function elapsedMs(then: Instant, now: Instant): number {
  return Math.max(now.wall - then.wall, now.monotonic - then.monotonic)
}
