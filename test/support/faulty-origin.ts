import type { Ports } from 'tokenward'
import { newAbort } from '../../src/adapters/abort.ts'
import { createRandom } from './random.ts'
import type { FaultyOrigin, Faults, Moment, SimTab, Watcher } from './sim-tab.ts'

interface Due {
  readonly at: number
  readonly order: number
  readonly tab: Inner | undefined
  readonly heard: boolean
  task(): void
}
interface Inner {
  condition: SimTab['condition']
  deaf: boolean
  held: Due[]
  readonly watchers: Set<Watcher>
}
interface Waiting {
  readonly tab: Inner
  grant(): void
}

/** More than this within a millisecond is a loop. */
const MOST_AT_ONCE = 5_000

export function createFaultyOrigin(random: () => number = createRandom(1)): FaultyOrigin {
  let wall = Date.UTC(2026, 10, 22)
  let monotonic = 0
  let order = 0
  let online = true
  let due: Due[] = []
  const tabs: Inner[] = []
  const marks = new Map<string, string>()
  const stored = new Map<string, unknown>()
  const posted: { from: string; message: { type?: string } }[] = []
  const queues = new Map<string, Waiting[]>()
  const channels = new Set<{ name: string; tab: Inner; of: string; listener(message: unknown): void }>()
  const faults: Faults = {
    locks: 'working',
    channel: 'working',
    records: 'working',
    marker: 'working',
    copies: () => [1],
    recordMs: () => [1, 1],
  }

  function at(ms: number, tab: Inner | undefined, task: () => void, heard = false): () => void {
    const one: Due = { at: monotonic + Math.ceil(ms), order: ++order, tab, task, heard }
    due.push(one)
    return () => {
      due = due.filter((other) => other !== one)
      if (tab) tab.held = tab.held.filter((other) => other !== one)
    }
  }

  async function pass(ms: number): Promise<void> {
    const end = monotonic + ms
    let still = 0
    await settle()
    for (;;) {
      let next: Due | undefined
      for (const one of due) if (!next || one.at < next.at || (one.at === next.at && one.order < next.order)) next = one
      if (!next || next.at > end) break
      due.splice(due.indexOf(next), 1)
      const passed = Math.max(0, next.at - monotonic)
      still = passed > 0 ? 0 : still + 1
      if (still > MOST_AT_ONCE) throw new Error('time stands still: something is done over and over again')
      wall += passed
      monotonic += passed
      if (next.tab?.condition === 'dead') continue
      if (next.tab?.condition === 'frozen') {
        if (!(next.heard && next.tab.deaf)) next.tab.held.push(next)
        continue
      }
      next.task()
      await settle()
    }
    wall += end - monotonic
    monotonic = end
    await settle()
  }

  /** Lets the first in the queue have the lock. A frozen tab gets it, and does not know. */
  function serve(name: string): void {
    queues.get(name)?.[0]?.grant()
  }

  function leave(name: string, one: Waiting): void {
    const queue = queues.get(name) ?? []
    const first = queue[0] === one
    queues.set(
      name,
      queue.filter((other) => other !== one),
    )
    if (first) serve(name)
  }

  function lockFor(tab: Inner): Ports['locks'] {
    return (name, task, signal) => {
      if (faults.locks === 'missing') return Promise.reject(new TypeError('there are no locks here'))
      if (faults.locks === 'hanging' || tab.condition === 'dead') return never()
      return new Promise((resolve, reject) => {
        let granted = false
        const one: Waiting = {
          tab,
          grant() {
            if (granted) return
            granted = true
            at(0, tab, () => {
              signal.removeEventListener('abort', abort)
              task()
                .then(resolve, reject)
                .finally(() => leave(name, one))
            })
          },
        }
        const abort = (): void => {
          if (granted) return
          leave(name, one)
          reject(new DOMException('The request was aborted', 'AbortError'))
        }
        signal.addEventListener('abort', abort)
        queues.set(name, [...(queues.get(name) ?? []), one])
        serve(name)
      })
    }
  }

  function open(name: string): SimTab {
    const tab: Inner = { condition: 'live', deaf: false, held: [], watchers: new Set() }
    tabs.push(tab)
    const reported: unknown[] = []
    const alive = (): boolean => tab.condition !== 'dead'
    const tell = (moment: Moment): void => {
      for (const watcher of [...tab.watchers]) watcher(moment)
    }
    // No two tabs count from the same instant.
    const origin = Math.floor(random() * 1_000_000)

    const ports: Omit<Ports, 'fetch'> = {
      clock: { now: () => ({ wall, monotonic: monotonic + origin }) },
      timer(task, delayMs) {
        if (!(delayMs >= 0 && delayMs <= 2 ** 31 - 1)) throw new Error(`a timer of ${String(delayMs)} ms`)
        return at(delayMs, tab, task)
      },
      random,
      lifecycle: {
        baseUrl: () => 'https://app.example.com/',
        origin: () => 'https://app.example.com',
        online: () => online,
        watch(listener) {
          tab.watchers.add(listener)
          return () => void tab.watchers.delete(listener)
        },
      },
      marker: {
        read: (key) => (faults.marker === 'working' ? marks.get(key) : undefined),
        write(key, text) {
          if (!alive()) return
          if (faults.marker === 'missing') throw new DOMException('storage is forbidden', 'SecurityError')
          marks.set(key, text)
          for (const other of tabs) if (other !== tab) at(1, other, () => tellTo(other, 'wake'), true)
        },
      },
      locks: lockFor(tab),
      openChannel(channelName, listener) {
        if (faults.channel === 'missing') throw new TypeError('there are no channels here')
        const channel = { name: channelName, tab, of: name, listener }
        channels.add(channel)
        return {
          post(message) {
            const copy: object = structuredClone(message)
            if (!alive() || faults.channel !== 'working') return
            posted.push({ from: name, message: copy })
            for (const other of channels) {
              if (other === channel || other.name !== channelName) continue
              for (const ms of faults.copies(name, other.of))
                at(ms, other.tab, () => channels.has(other) && other.listener(structuredClone(copy)), true)
            }
          },
          close: () => void channels.delete(channel),
        }
      },
      records(key, change) {
        if (faults.records === 'missing') return Promise.reject(new TypeError('there are no records here'))
        if (faults.records === 'hanging') return never()
        const [before, after] = faults.recordMs(name)
        return new Promise((resolve, reject) => {
          at(before, tab, () => {
            try {
              stored.set(key, change(structuredClone(stored.get(key))))
            } catch (error) {
              reject(error)
              return
            }
            at(after, tab, () => resolve(undefined))
          })
        })
      },
      newAbort,
      report: (error) => void reported.push(error),
    }
    return {
      name,
      ports,
      reported,
      get condition() {
        return tab.condition
      },
      freeze({ deaf = false } = {}) {
        if (tab.condition === 'live') Object.assign(tab, { condition: 'frozen', deaf })
      },
      thaw() {
        if (tab.condition !== 'frozen') return
        tab.condition = 'live'
        // The page is told first: `resume` and `pageshow` come before what has waited.
        at(0, tab, () => tell('wake'))
        for (const { task, heard } of tab.held.splice(0)) at(0, tab, task, heard)
      },
      kill() {
        tab.condition = 'dead'
        for (const channel of channels) if (channel.tab === tab) channels.delete(channel)
        for (const [key, queue] of queues) for (const one of queue) if (one.tab === tab) leave(key, one)
      },
      tell,
      arrive: (promise) =>
        new Promise((resolve, reject) => {
          if (!alive()) return
          promise.then(
            (value) => at(0, tab, () => resolve(value)),
            (error: unknown) => at(0, tab, () => reject(error)),
          )
        }),
      timers: () => due.filter((one) => one.tab === tab).length,
      watchers: () => tab.watchers.size,
    }
  }

  function tellTo(tab: Inner, moment: Moment): void {
    for (const watcher of [...tab.watchers]) watcher(moment)
  }

  return {
    faults,
    marks,
    stored,
    posted,
    now: () => wall,
    pass,
    jump: (ms) => void (wall += ms),
    delay: (ms) => new Promise((resolve) => void at(ms, undefined, resolve)),
    open,
    setOnline(now) {
      online = now
      if (now) for (const tab of tabs) at(0, tab, () => tellTo(tab, 'online'))
    },
    get online() {
      return online
    },
    locksHeld: () => [...queues.values()].filter((queue) => queue.length > 0).length,
    channels: () => channels.size,
  }
}

async function settle(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve))
}

function never(): Promise<never> {
  return new Promise<never>(() => {})
}
