import { elapsedMs, type Instant } from './instant.ts'

/** Settles as `promise` does, or rejects with what `late` makes, `ms` from now. Leaves no timer behind. */
export function withDeadline<T>(
  promise: Promise<T>,
  ms: number,
  timer: (task: () => void, delayMs: number) => () => void,
  late = (): Error => new Error('no answer'),
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = timer(() => reject(late()), Math.min(ms, MAX_DELAY_MS))
    promise.finally(cancel).then(resolve, reject)
  })
}

/**
 * The same for an answer that may have come: a page that was frozen, or busy, finds its timer over before the answer is
 * delivered. It waits for `graceMs` more.
 */
export function patiently<T>(
  promise: Promise<T>,
  [ms, graceMs]: readonly [number, number],
  { clock, timer }: { readonly clock: { now(): Instant }; readonly timer: Parameters<typeof withDeadline>[2] },
  late?: () => Error,
): Promise<T> {
  const asked = clock.now()
  return withDeadline(promise, ms, timer, late).catch((error: unknown) => {
    if (elapsedMs(asked, clock.now()) < 1.05 * ms) throw error
    return withDeadline(promise, graceMs, timer, late)
  })
}

/** A longer delay overflows the platform's 32-bit timer, which then fires at once. */
export const MAX_DELAY_MS: number = 2 ** 31 - 1
