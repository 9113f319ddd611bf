import type { Driver, Tab } from './tabs-driver.ts'
import type { TabsSite } from './tabs-site.ts'

/** What not every browser can be made to do. */
export type Need = 'crash' | 'bfcache' | 'freeze' | 'hide'

/** A browser in which the scenarios run. */
export interface Place {
  readonly name: string
  readonly version: string
  /** Why what is needed is not possible here. */
  readonly unable: Readonly<Partial<Record<Need, string>>>
  /** A profile that shares nothing with any other. */
  open(site: TabsSite, measured: Driver['measured'], needs?: Need): Promise<Profile>
  /** How the browser came to its end, if it has: then another has to be started. */
  gone(): Promise<string | undefined>
  close(): Promise<void>
}

export interface Profile {
  readonly driver: PlaceDriver
  /** Errors in pages that nobody caught, as far as the browser tells. */
  readonly problems: readonly string[]
  close(): Promise<void>
}

/** What only some browsers do; see `Place.unable`. */
export interface PlaceDriver extends Driver {
  /** No task of the page runs, until it is thawed. */
  freeze(tab: Tab): Promise<void>
  thaw(tab: Tab): Promise<void>
  /** It is hidden, and others may be in front of it. */
  hide(tab: Tab): Promise<void>
  show(tab: Tab): Promise<void>
}

/** A scenario that needs more of a browser than tabs. */
export interface PlaceScenario {
  readonly name: string
  readonly needs?: Need
  run(driver: PlaceDriver): Promise<void>
}

export function never(): Promise<never> {
  return Promise.reject(new Error('not possible here'))
}
