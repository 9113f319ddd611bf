import type { Lifecycle, Ports } from '../../ports.ts'

export type Watcher = Parameters<Lifecycle['watch']>[0]
export type Moment = Parameters<Watcher>[0]
/** `missing`: it throws. `hanging`: it never answers. */
export type Condition = 'working' | 'missing' | 'hanging'

/** What goes wrong on the way between tabs. It may be changed at any time. */
export interface Faults {
  locks: Condition
  channel: Condition
  /** `full`: it can be read, and nothing can be written. `losing`: it says that it has written, and has not. */
  records: Condition | 'full' | 'losing'
  /** It is synchronous: there is no way to hang. */
  marker: 'working' | 'missing'
  /** Where keys of proofs are kept. */
  keys: Condition | 'losing'
  /** After how many milliseconds each copy of a message arrives. None: it is lost. */
  copies(from: string, to: string): readonly number[]
  /** How long until a record is changed, and then until who changed it knows. */
  recordMs(tab: string): readonly [number, number]
  /** How long until a tab has the lock that is free. */
  lockMs(tab: string): number
}

/** One tab, as its browser sees it. */
export interface SimTab {
  readonly name: string
  readonly ports: Omit<Ports, 'fetch'>
  readonly condition: 'live' | 'frozen' | 'dead'
  /** Its timers, messages, locks and answers are held back. `deaf`: it misses the messages (back/forward cache). */
  freeze(options?: { readonly deaf?: boolean }): void
  thaw(): void
  /** It crashes: nothing leaves it any more, its locks are free. */
  kill(): void
  /** Tells the page what its browser would. */
  tell(moment: Moment): void
  /** Runs `task` in the tab, when it can run. */
  soon(task: () => void, ms?: number): void
  /** What the network brings: not before the tab can run. */
  arrive<T>(promise: Promise<T>): Promise<T>
  readonly reported: unknown[]
  timers(): number
  watchers(): number
  channels(): number
  /** How many locks it holds, or waits for. */
  locks(): number
}

/** One browser profile: time, and what its tabs share. Everything happens at its time, and one thing after another. */
export interface SimOrigin {
  readonly faults: Faults
  readonly marks: Map<string, string>
  readonly stored: Map<string, unknown>
  readonly posted: { readonly from: string; readonly message: { readonly type?: string } }[]
  /** Device wall time. */
  now(): number
  /** True time since the beginning, which no fault touches. */
  elapsed(): number
  step(): number
  pass(ms: number): Promise<void>
  /** Sets the wall clock alone. */
  jump(ms: number): void
  /** The machine sleeps: the wall clock goes on, the monotonic one and all timers stand still. */
  sleep(ms: number): void
  /** The network's part: not bound to any tab. */
  delay(ms: number, kind?: string): Promise<void>
  open(name: string): SimTab
  setOnline(online: boolean): void
  /** Delivers `message` to the channels of a tab, as any script of the origin can. */
  broadcast(to: string, message: unknown): void
  readonly online: boolean
  /** Takes the lock away from whoever holds it, as `steal` does. */
  stealLocks(): void
  locksHeld(): number
  channels(): number
}
