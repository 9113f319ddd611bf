import type { Ports, Timer } from '../../ports.ts'

/** The time that a server goes by. */
export interface ServerClock {
  /** Epoch milliseconds. */
  now(): number
  /** What a delayed answer waits by. Default: real time. */
  readonly timer?: Timer
}

/** Time that passes only when a test says so: for servers, and for the managers that talk to them. */
export interface FakeClock extends ServerClock {
  readonly timer: Timer
  /** For `createTokenManager({ ports })`. */
  readonly ports: Pick<Ports, 'clock' | 'timer'>
  /** Lets `ms` pass, running each timer when it is due and waiting for all that follows from it. */
  advance(ms: number): Promise<void>
  /** Lets time pass, 10 ms at a time, for as long as `promise` needs, and gives what it gives. Rejects after `limitMs` of that time. */
  during<T>(promise: Promise<T>, options?: { readonly limitMs?: number }): Promise<T>
  /** Sets the wall clock alone, as a user does, or a machine that wakes. Negative: back. */
  jump(ms: number): void
  /** How many timers wait. */
  pending(): number
}

export interface FakeClockOptions {
  /** Epoch milliseconds to begin at. Default: 2026-01-01T00:00:00Z. */
  readonly startAt?: number
  /**
   * Resolves when nothing more will happen before time passes. Default: a few turns of the event loop, enough for all
   * that happens in this process. Requests that are on their way over a real network need one that knows of them.
   */
  readonly settled?: () => Promise<void>
}

/**
 * One clock for a manager and its servers: a token expires on both sides in the same instant, and no test waits for it.
 *
 * @example
 *   const clock = createClock()
 *   const auth = await createAuthServer({ clock, accessTokenMs: 60_000 })
 *   const tokens = createTokenManager({ source: jsonSource(auth.endpoints('json')), ports: clock.ports })
 *   await tokens.login({ email: 'demo@example.com', password: 'demo' })
 *   await clock.advance(61_000) // the access token has expired, here and at the server
 */
export function createClock({ startAt = Date.UTC(2026, 0, 1), settled = turns }: FakeClockOptions = {}): FakeClock {
  let wall = startAt
  let monotonic = 0
  let ids = 0
  const due = new Map<number, { readonly at: number; readonly task: () => void }>()

  const timer: Timer = (task, delayMs) => {
    const id = ++ids
    // As platforms do: a fraction of a millisecond would be no time at all.
    due.set(id, { at: monotonic + Math.max(0, Math.ceil(delayMs)), task })
    return () => void due.delete(id)
  }

  function pass(until: number): void {
    wall += until - monotonic
    monotonic = until
  }

  function first(until: number): readonly [id: number, at: number, task: () => void] | undefined {
    let found: readonly [id: number, at: number, task: () => void] | undefined
    for (const [id, { at, task }] of due) if (at <= until && (!found || at < found[1])) found = [id, at, task]
    return found
  }

  async function advance(ms: number): Promise<void> {
    if (!(ms >= 0))
      throw new TypeError('Time passes in one direction: advance(ms) needs ms >= 0; jump(ms) sets a clock back.')
    const end = monotonic + ms
    await settled()
    for (let next = first(end); next; next = first(end)) {
      const [id, at, task] = next
      due.delete(id)
      pass(Math.max(at, monotonic))
      task()
      await settled()
    }
    pass(end)
    await settled()
  }

  return {
    now: () => wall,
    timer,
    ports: { clock: { now: () => ({ wall, monotonic }) }, timer },
    advance,
    async during(promise, { limitMs = 3_600_000 } = {}) {
      const state = { open: true }
      const over = (): void => void (state.open = false)
      promise.then(over, over)
      await settled()
      for (let passedMs = 0; state.open; passedMs += 10) {
        if (passedMs >= limitMs) throw new Error(`${limitMs} ms have passed, and what was waited for has not happened`)
        await advance(10)
      }
      return promise
    },
    jump: (ms) => void (wall += ms),
    pending: () => due.size,
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => void setTimeout(resolve, 0))
}
