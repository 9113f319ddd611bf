import type { Lifecycle, Ports } from 'tokenward'

export type Watcher = Parameters<Lifecycle['watch']>[0]
export type Moment = Parameters<Watcher>[0]
/** `missing`: it throws. `hanging`: it never answers. */
export type Condition = 'working' | 'missing' | 'hanging'
export type Medium = 'locks' | 'channel' | 'records' | 'marker'

/** What goes wrong on the way between tabs. A test may change it at any time. */
export interface Faults {
  locks: Condition
  channel: Condition
  records: Condition
  /** It is synchronous: there is no way to hang. */
  marker: 'working' | 'missing'
  /** After how many milliseconds each copy of a message arrives. None: it is lost. */
  copies(from: string, to: string): readonly number[]
  /** How long until a record is changed, and then until who changed it knows. */
  recordMs(tab: string): readonly [number, number]
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
  tell(moment: Moment): void
  /** What the network brings: not before the tab can run. */
  arrive<T>(promise: Promise<T>): Promise<T>
  readonly reported: unknown[]
  timers(): number
  watchers(): number
}

/** One browser profile: time, and what its tabs share. Everything happens at its time, and one thing after another. */
export interface FaultyOrigin {
  readonly faults: Faults
  readonly marks: Map<string, string>
  readonly stored: Map<string, unknown>
  readonly posted: { readonly from: string; readonly message: { readonly type?: string } }[]
  now(): number
  pass(ms: number): Promise<void>
  /** Sets the wall clock alone. */
  jump(ms: number): void
  /** The network's part: not bound to any tab. */
  delay(ms: number): Promise<void>
  open(name: string): SimTab
  setOnline(online: boolean): void
  readonly online: boolean
  locksHeld(): number
  channels(): number
}
