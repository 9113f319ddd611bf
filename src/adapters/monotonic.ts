/** Milliseconds from an arbitrary start; never falls. */
export const monotonicMs = (): number => performance.now()
