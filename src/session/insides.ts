import type { Ports, TokenSource } from '../ports.ts'
import type { SessionStore } from './store.ts'

/** What a test may look at, and an application cannot reach. */
export interface Inside {
  readonly store: SessionStore
  /** Its methods are looked up for each call, so that they may be replaced. */
  readonly source: TokenSource<never>
  /** Its `fetch` may be replaced: it is read for each call to the source. */
  readonly ports: Ports
}

/** By manager. */
export const insides: WeakMap<object, Inside> = new WeakMap()
