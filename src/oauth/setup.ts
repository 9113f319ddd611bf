import type { Page } from '../adapters/page.ts'
import type { Binding, Clock, OpenChannel, Records, Timer } from '../ports.ts'
import type { Metadata } from './metadata.ts'
import type { OAuthSourceOptions } from './options.ts'

/** Everything that a login touches outside of the manager's ports. */
export interface LoginPage extends Page {
  readonly clock: Clock
  readonly timer: Timer
  readonly records: Records
  readonly openChannel: OpenChannel
}

/** What all parts of one source share. */
export interface Setup {
  readonly options: OAuthSourceOptions
  /** Short for the id of the source: says whose a `state` is. */
  readonly tag: string
  readonly metadata: Metadata
  readonly binding: Binding | undefined
}
