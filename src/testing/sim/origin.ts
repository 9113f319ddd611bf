import { newAbort } from '../../adapters/abort.ts'
import type { MediumEntry } from './checker/history.ts'
import { clone } from './clone.ts'
import { createLockManager } from './locks.ts'
import { createLoop, type Lane } from './loop.ts'
import { createRandom } from './random.ts'
import type { Faults, Moment, SimOrigin, SimTab, Watcher } from './tab.ts'

export interface OriginOptions {
  /** What the tabs' own random port gives. */
  readonly random?: () => number
  /** Decides the order of what falls on one millisecond. Default: first asked, first done. */
  readonly seed?: number | undefined
  /** The wall clock at the beginning. */
  readonly wall?: number
  /** The page's URL. */
  readonly url?: string
  observe?(tab: string, entry: MediumEntry | { readonly what: 'reported' | 'unhandled'; readonly text: string }): void
}

interface Inner extends Lane {
  readonly watchers: Set<Watcher>
}

/** The shared part of a browser profile, and as many tabs in it as are opened. */
export function createOrigin(options: OriginOptions = {}): SimOrigin {
  const { random = createRandom(1), seed, url = 'https://app.example.com/', observe } = options
  const loop = createLoop({
    seed,
    ...(options.wall !== undefined && { wall: options.wall }),
    ...(observe && {
      uncaught: (error: unknown, tab = '') => observe(tab, { what: 'unhandled', text: String(error) }),
    }),
  })
  let online = true
  const tabs: Inner[] = []
  const marks = new Map<string, string>()
  const stored = new Map<string, unknown>()
  const posted: { from: string; message: { type?: string } }[] = []
  const channels = new Set<{ name: string; tab: Inner; listener(message: unknown): void }>()
  const faults: Faults = {
    locks: 'working',
    channel: 'working',
    records: 'working',
    marker: 'working',
    keys: 'working',
    copies: () => [1],
    recordMs: () => [1, 1],
    lockMs: () => 0,
  }
  const locks = createLockManager(loop, faults)

  function tellTo(tab: Inner, moment: Moment): void {
    for (const watcher of [...tab.watchers]) watcher(moment)
  }

  function open(name: string): SimTab {
    const tab: Inner = { name, condition: 'live', deaf: false, held: [], watchers: new Set() }
    tabs.push(tab)
    const reported: unknown[] = []
    const alive = (): boolean => tab.condition !== 'dead'
    // No two tabs count from the same instant.
    const beginning = Math.floor(random() * 1_000_000)
    /** When the last change of the records that this tab has asked for is due: a database makes them in their order. */
    let changing = 0

    const ports: SimTab['ports'] = {
      clock: { now: () => ({ wall: loop.wall(), monotonic: loop.monotonic() + beginning }) },
      timer(task, delayMs) {
        observe?.(name, { what: 'timer', delayMs })
        if (!(delayMs >= 0 && delayMs <= 2 ** 31 - 1)) throw new Error(`a timer of ${String(delayMs)} ms`)
        return loop.at(delayMs, task, { lane: tab, kind: 'timer' })
      },
      random,
      lifecycle: {
        baseUrl: () => url,
        origin: () => new URL(url).origin,
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
          observe?.(name, { what: 'marked', text })
          for (const other of tabs) {
            if (other !== tab) loop.at(1, () => tellTo(other, 'wake'), { lane: other, kind: 'storage', heard: true })
          }
        },
      },
      locks: locks.for(tab, (what) => observe?.(name, { what })),
      openChannel(channelName, listener) {
        if (faults.channel === 'missing') throw new TypeError('there are no channels here')
        const channel = { name: channelName, tab, listener }
        channels.add(channel)
        return {
          post(message) {
            const copy = clone(message)
            if (!alive()) return
            observe?.(name, { what: 'posted', message: copy })
            if (faults.channel !== 'working') return
            posted.push({ from: name, message: copy })
            for (const other of channels) {
              if (other === channel || other.name !== channelName) continue
              for (const ms of faults.copies(name, other.tab.name)) {
                const arrive = (): void => {
                  if (!channels.has(other)) return
                  observe?.(other.tab.name, { what: 'delivered', message: copy, from: name })
                  other.listener(clone(copy))
                }
                loop.at(ms, arrive, { lane: other.tab, kind: `message of ${name}`, heard: true })
              }
            }
          },
          close: () => void channels.delete(channel),
        }
      },
      records(key, change) {
        const { records } = faults
        if (records === 'missing') return Promise.reject(new TypeError('there are no records here'))
        if (records === 'hanging') return new Promise<never>(() => {})
        const [before, after] = faults.recordMs(name)
        return new Promise((resolve, reject) => {
          const write = (): void => {
            try {
              const old = stored.get(key)
              const next = change(clone(old))
              if (faults.records === 'full') throw new DOMException('there is no room', 'QuotaExceededError')
              if (faults.records === 'working') {
                stored.set(key, clone(next))
                observe?.(name, { what: 'recorded', before: old, after: stored.get(key) })
              }
            } catch (error) {
              reject(error)
              return
            }
            loop.at(after, () => resolve(undefined), { lane: tab, kind: 'record' })
          }
          changing = Math.max(loop.monotonic() + before, changing)
          loop.at(changing - loop.monotonic(), write, { lane: tab, kind: 'record' })
        })
      },
      newAbort,
      report(error) {
        reported.push(error)
        observe?.(name, { what: 'reported', text: String(error) })
      },
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
        // The page is told first: `resume` and `pageshow` come before what has waited.
        loop.at(0, () => tellTo(tab, 'wake'), { lane: tab, first: true })
        loop.thaw(tab)
      },
      kill() {
        tab.condition = 'dead'
        for (const channel of channels) if (channel.tab === tab) channels.delete(channel)
        locks.free(tab)
      },
      tell: (moment) => tellTo(tab, moment),
      soon: (task, ms = 0) => void loop.at(ms, task, { lane: tab, kind: 'application' }),
      arrive: (promise) =>
        new Promise((resolve, reject) => {
          if (!alive()) return void promise.catch(() => {})
          promise.then(
            (value) => loop.at(0, () => resolve(value), { lane: tab, kind: 'network' }),
            (error: unknown) => loop.at(0, () => reject(error), { lane: tab, kind: 'network' }),
          )
        }),
      timers: () => loop.waiting(tab),
      watchers: () => tab.watchers.size,
      channels: () => [...channels].filter((channel) => channel.tab === tab).length,
      locks: () => locks.of(tab),
    }
  }

  return {
    faults,
    marks,
    stored,
    posted,
    now: loop.wall,
    elapsed: loop.now,
    step: loop.step,
    pass: loop.pass,
    jump: loop.jump,
    sleep: loop.sleep,
    delay: (ms, kind = 'network') => new Promise((resolve) => void loop.at(ms, resolve, { kind })),
    open,
    setOnline(now) {
      online = now
      if (now) for (const tab of tabs) loop.at(0, () => tellTo(tab, 'online'), { lane: tab, kind: 'online' })
    },
    get online() {
      return online
    },
    broadcast(to, message) {
      for (const { tab, listener } of channels) {
        if (tab.name === to) loop.at(1, () => listener(clone(message)), { lane: tab, kind: 'message', heard: true })
      }
    },
    stealLocks: locks.steal,
    locksHeld: locks.held,
    channels: () => channels.size,
  }
}
