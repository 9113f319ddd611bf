import type { Ports, Timer } from '../../ports.ts'
import { turn } from './turn.ts'

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
  /** For `createTokenManager({ ports })`. Time stands still while the `fetch` in it waits for an answer that is on its way. */
  readonly ports: Pick<Ports, 'clock' | 'timer' | 'fetch'>
  /** Lets `ms` pass, running each timer when it is due and waiting for all that follows from it. */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass, from timer to timer, for as long as `promise` needs, and gives what it gives. Rejects after `limitMs`
   * of that time, by default an hour.
   */
  during<T>(promise: Promise<T>, options?: { readonly limitMs?: number }): Promise<T>
  /** Sets the wall clock alone, as a user does, or a machine that wakes. Negative: back. */
  jump(ms: number): void
  /** Time passes in which no timer fires, as in a page that is frozen or throttled. They do in the next `advance`. */
  freeze(ms: number): void
  /** How long each timer has still to wait. */
  pending(): readonly number[]
}

export interface FakeClockOptions {
  /** Epoch milliseconds to begin at. Default: 2026-01-01T00:00:00Z. */
  readonly startAt?: number
  /**
   * Resolves when nothing more will happen before time passes. Default: when what can follow in this process has, and
   * what `ports.fetch` has sent is answered, or has not been for a while.
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
export function createClock({ startAt = Date.UTC(2026, 0, 1), settled }: FakeClockOptions = {}): FakeClock {
  const flights = createFlights()
  const rest = settled ?? flights.rest
  let wall = startAt
  let monotonic = 0
  let ids = 0
  const due = new Map<number, { readonly at: number; readonly task: () => void }>()

  const timer: Timer = (task, delayMs) => {
    if (!(delayMs >= 0 && delayMs < 2 ** 31)) throw new RangeError(`A timer of ${delayMs} ms would fire at once.`)
    const id = ++ids
    // As platforms do: a fraction of a millisecond would be no time at all.
    due.set(id, { at: monotonic + Math.ceil(delayMs), task })
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
    await rest()
    for (let next = first(end); next; next = first(end)) {
      const [id, at, task] = next
      due.delete(id)
      pass(Math.max(at, monotonic))
      task()
      await rest()
    }
    pass(end)
    await rest()
  }

  return {
    now: () => wall,
    timer,
    ports: { clock: { now: () => ({ wall, monotonic }) }, timer, fetch: flights.fetch },
    advance,
    async during(promise, { limitMs = 3_600_000 } = {}) {
      const state = { open: true }
      const over = (): void => void (state.open = false)
      promise.then(over, over)
      await rest()
      for (let passedMs = 0; state.open;) {
        if (passedMs >= limitMs) throw new Error(`${limitMs} ms have passed, and what was waited for has not happened`)
        const next = Array.from(due.values(), ({ at }) => at - monotonic)
        const stepMs = next.length > 0 ? Math.max(1, Math.min(...next)) : 10
        passedMs += stepMs
        await advance(stepMs)
      }
      return promise
    },
    jump: (ms) => void (wall += ms),
    freeze: (ms) => pass(monotonic + ms),
    pending: () => Array.from(due.values(), ({ at }) => at - monotonic),
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

/**
 * An answer of a server in the same machine that takes longer than these is one that waits for something. A process that
 * stood still meanwhile has used up no more than one of them.
 */
const SLICES = 20
const SLICE_MS = 10

/** Requests over a real network, of which time has to know. */
function createFlights(): { readonly fetch: typeof fetch; rest(): Promise<void> } {
  const open = new Set<object>()
  const given = new WeakSet<object>()
  let landed = (): void => undefined

  /** Whether a flight lands within a slice. */
  function landing(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, SLICE_MS, false)
      landed = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  return {
    async fetch(input, init) {
      const flight = {}
      open.add(flight)
      try {
        return await fetch(input, init)
      } finally {
        open.delete(flight)
        landed()
      }
    },
    async rest() {
      await turns()
      for (;;) {
        const waiting = [...open].filter((flight) => !given.has(flight))
        if (waiting.length === 0) return
        let isOver = false
        for (let slice = 0; !isOver && slice < SLICES; slice++) isOver = await landing()
        // Held up by a fault, perhaps until time passes: it is not waited for again.
        if (!isOver) for (const flight of waiting) given.add(flight)
        await turns()
      }
    },
  }
}
