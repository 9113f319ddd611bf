const waiters = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * What to call when a signal of ours ends by {@link endAll}. Every request waits for it: the platform's own listeners are
 * slow to come and go, and large.
 */
export function waitersOf(signal: AbortSignal): Set<() => void> {
  const here = waiters.get(signal)
  if (here) return here
  const all = new Set<() => void>()
  waiters.set(signal, all)
  return all
}

/** Aborts a signal of ours with `reason`, and calls all that wait for it, in this very task. */
export function endAll(controller: AbortController, reason: Error): void {
  controller.abort(reason)
  for (const wake of waitersOf(controller.signal)) wake()
}
