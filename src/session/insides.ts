import type { Ports } from '../ports.ts'
import type { SessionStore } from './store.ts'

/** What a test may look at, and an application cannot reach. */
export interface Inside {
  readonly store: SessionStore
  /** Its `fetch` may be replaced: it is read for each call to the source. */
  readonly ports: Ports
}

/** By manager. */
export const insides: WeakMap<object, Inside> = new WeakMap()
