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

/** A longer delay overflows the platform's 32-bit timer, which then fires at once. */
export const MAX_DELAY_MS: number = 2 ** 31 - 1
