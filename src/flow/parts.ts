import type { Emitter } from '../lib/emitter.ts'
import type { Instant } from '../lib/instant.ts'
import type { Settings } from '../options.ts'
import type { Ports, TokenSource } from '../ports.ts'
import type { TokenEvents } from '../session/events.ts'
import type { OwnedSession } from '../session/session.ts'
import type { SessionState } from '../session/snapshot.ts'
import type { SessionStore } from '../session/store.ts'
import type { Memory } from '../tabs/memory.ts'
import type { TokenSet } from '../token.ts'
import type { Attempts } from './attempts.ts'
import type { Calls } from './calls.ts'
import type { Probation } from './probation.ts'
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
  /** `undefined`: the credential does not outlive the page, so there is nothing to remember. */
  readonly memory: Memory | undefined
  readonly watch: Watch
  readonly probation: Probation
  /** Aborts when the manager is disposed of. */
  readonly life: AbortSignal
  newSession(started: Instant): OwnedSession
  canRefresh(tokens: TokenSet | undefined): boolean
}
