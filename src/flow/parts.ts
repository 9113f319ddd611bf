import type { Emitter } from '../lib/emitter.ts'
import type { Instant } from '../lib/instant.ts'
import type { Settings } from '../options.ts'
import type { Ports, TokenSource } from '../ports.ts'
import type { TokenEvents } from '../session/events.ts'
import type { Narrow } from '../session/narrow.ts'
import type { OwnedSession } from '../session/session.ts'
import type { SessionState } from '../session/snapshot.ts'
import type { Held } from '../session/state.ts'
import type { SessionStore } from '../session/store.ts'
import type { Epochs } from '../tabs/epochs.ts'
import type { Sealing } from '../tabs/sealing.ts'
import type { Share } from '../tabs/share.ts'
import type { Attempts } from './attempts.ts'
import type { Calls } from './calls.ts'
import type { Probation } from './probation.ts'
import type { Siblings } from './siblings.ts'
import type { Watch } from './watch.ts'

/** What every flow of one manager shares. */
export interface Parts {
  readonly source: TokenSource<never>
  readonly ports: Ports
  readonly settings: Settings
  readonly store: SessionStore
  readonly events: Emitter<TokenEvents>
  readonly calls: Calls
  readonly attempts: Attempts<SessionState>
  readonly epochs: Epochs
  readonly share: Share
  readonly siblings: Siblings
  readonly narrow: Narrow
  /** `undefined`: a refresh token lives in memory only. */
  readonly sealing: Sealing | undefined
  readonly watch: Watch
  readonly probation: Probation
  /** Names this tab in the record. */
  readonly by: string
  /** Aborts when the manager is disposed of. */
  readonly life: AbortSignal
  newSession(epoch: number, started: Instant): OwnedSession
  /** Whether this tab has what a refresh needs, or may find it: the cookie, or the refresh token. */
  hasCredential(held: Held): boolean
  /** Whether a refresh can be had, here or from another tab. */
  canRefresh(held: Held): boolean
}
