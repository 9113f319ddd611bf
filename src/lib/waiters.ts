/** Somebody who waits, between who came before and who came after. */
export interface Waiter {
  readonly wake: (reason: Error) => void
  before: Waiter
  after: Waiter
}

/** Who waits, in the order in which they came. */
export interface Waiters {
  size(): number
  add(wake: Waiter['wake']): Waiter
  /** Harmless if it has gone before. */
  remove(waiter: Waiter): void
  /** Calls all, who are gone by then. */
  wake(reason: Error): void
}

const waiters = new WeakMap<AbortSignal, Waiters>()

/**
 * What to call when a signal of ours ends by {@link endAll}. Every request waits for it: the platform's own listeners are
 * slow to come and go, and large.
 */
export function waitersOf(signal: AbortSignal): Waiters {
  const here = waiters.get(signal)
  if (here) return here
  const all = createWaiters()
  waiters.set(signal, all)
  return all
}

/** Aborts a signal of ours with `reason`, and calls all that wait for it, in this very task. */
export function endAll(controller: AbortController, reason: Error): void {
  controller.abort(reason)
  waitersOf(controller.signal).wake(reason)
}

/** A ring: a `Set` makes a hash of whoever comes, and makes itself anew whenever a few have gone. */
function createWaiters(): Waiters {
  const ring = {} as Waiter
  ring.before = ring.after = ring
  let size = 0

  function remove(waiter: Waiter): void {
    const { before, after } = waiter
    if (after === waiter) return
    before.after = after
    after.before = before
    waiter.before = waiter.after = waiter
    size--
  }

  return {
    size: () => size,
    add(wake) {
      const { before } = ring
      const waiter = { wake, before, after: ring }
      ring.before = before.after = waiter
      size++
      return waiter
    },
    remove,
    wake(reason) {
      for (let next; (next = ring.after) !== ring;) {
        remove(next)
        next.wake(reason)
      }
    },
  }
}
