import { mix } from './random.ts'

/** Where tasks of one kind queue up: a tab. `undefined`: the world's own, which nothing stops. */
export interface Lane {
  readonly name: string
  condition: 'live' | 'frozen' | 'dead'
  /** It misses what it would have heard while frozen (back/forward cache). */
  deaf: boolean
  held: Due[]
}

export interface Due {
  readonly at: number
  readonly tie: number
  readonly order: number
  readonly lane: Lane | undefined
  readonly kind: string
  /** Was told to the tab, and can be missed. */
  readonly heard: boolean
  gone: boolean
  task(): void
}

export interface TaskOptions {
  readonly lane?: Lane | undefined
  /** Two tasks of one kind in one lane run in the order in which they were asked for. */
  readonly kind?: string
  readonly heard?: boolean
  /** Before anything else at that time. */
  readonly first?: boolean
}

/** Time, and what happens in it: one task after another, each with all that its promises do. */
export interface Loop {
  /** Milliseconds of true time, since the beginning. */
  now(): number
  wall(): number
  /** Stands still while the machine sleeps. */
  monotonic(): number
  /** The number of the task that runs. */
  step(): number
  at(ms: number, task: () => void, options?: TaskOptions): () => void
  pass(ms: number): Promise<void>
  /** Sets the wall clock alone. */
  jump(ms: number): void
  /** The machine sleeps: the wall clock goes on, the monotonic one and all timers stand still. */
  sleep(ms: number): void
  thaw(lane: Lane): void
  /** How many tasks of this lane are to come. */
  waiting(lane: Lane): number
}

export interface LoopOptions {
  /** Decides the order of what falls on one millisecond. Default: first asked, first done. */
  readonly seed?: number | undefined
  /** The wall clock at the beginning. */
  readonly wall?: number
  /** Takes what a task has thrown. Default: it ends the run. */
  uncaught?(error: unknown, tab: string | undefined): void
}

/** More than this within a millisecond is a loop. */
const MOST_AT_ONCE = 5_000
const START = Date.UTC(2026, 10, 22)

export function createLoop({ seed, wall: start = START, uncaught }: LoopOptions = {}): Loop {
  const heap: Due[] = []
  let monotonic = 0
  let slept = 0
  let offset = 0
  let order = 0
  let step = 0

  function at(ms: number, task: () => void, options: TaskOptions = {}): () => void {
    const { lane, kind = '', heard = false, first = false } = options
    const when = monotonic + Math.ceil(ms)
    const tie = first ? -1 : seed === undefined ? 0 : mix(seed, lane?.name ?? '', kind, when)
    const one: Due = { at: when, tie, order: ++order, lane, kind, heard, gone: false, task }
    push(heap, one)
    return () => void (one.gone = true)
  }

  return {
    now: () => monotonic + slept,
    wall: () => start + monotonic + slept + offset,
    monotonic: () => monotonic,
    step: () => step,
    at,
    async pass(ms) {
      const end = monotonic + ms
      let still = 0
      // What was done before belongs together with what its promises do.
      await turn()
      step++
      for (;;) {
        const next = heap[0]
        if (!next || next.at > end) break
        pop(heap)
        if (next.gone) continue
        still = next.at > monotonic ? 0 : still + 1
        if (still > MOST_AT_ONCE) throw new Error('time stands still: something is done over and over again')
        monotonic = Math.max(monotonic, next.at)
        const { lane } = next
        if (lane?.condition === 'dead') continue
        if (lane?.condition === 'frozen') {
          if (!(next.heard && lane.deaf)) lane.held.push(next)
          continue
        }
        step++
        try {
          next.task()
        } catch (error) {
          if (!uncaught) throw error
          uncaught(error, lane?.name)
        }
        await turn()
      }
      monotonic = end
      step++
      await turn()
    },
    jump: (ms) => void (offset += ms),
    sleep: (ms) => void (slept += ms),
    thaw(lane) {
      if (lane.condition !== 'frozen') return
      lane.condition = 'live'
      for (const one of lane.held.splice(0)) {
        if (!one.gone) push(heap, Object.assign(one, { at: monotonic, tie: 0, order: ++order }))
      }
    },
    waiting: (lane) =>
      heap.filter((one) => one.lane === lane && !one.gone).length + lane.held.filter(({ gone }) => !gone).length,
  }
}

function isBefore(one: Due, other: Due): boolean {
  if (one.at !== other.at) return one.at < other.at
  return one.tie === other.tie ? one.order < other.order : one.tie < other.tie
}

function push(heap: Due[], one: Due): void {
  let at = heap.length
  heap.push(one)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]
    if (!parent || !isBefore(one, parent)) break
    heap[at] = parent
    at = up
  }
  heap[at] = one
}

function pop(heap: Due[]): void {
  const last = heap.pop()
  if (!last || heap.length === 0) return
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    let child = heap[down]
    const right = heap[down + 1]
    if (child && right && isBefore(right, child)) {
      down++
      child = right
    }
    if (!child || !isBefore(child, last)) break
    heap[at] = child
    at = down
  }
  heap[at] = last
}

interface Platform {
  readonly setImmediate?: (task: () => void) => unknown
  readonly MessageChannel?: new () => {
    port1: { onmessage: unknown; close(): void }
    port2: { postMessage(message: unknown): void }
  }
}

/** Lets every promise that can settle do so. */
function turn(): Promise<void> {
  const { setImmediate, MessageChannel } = globalThis as Platform
  return new Promise((resolve) => {
    if (setImmediate) return void setImmediate(resolve)
    if (!MessageChannel) throw new Error('a simulation needs setImmediate or MessageChannel')
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
