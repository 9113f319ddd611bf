import type { TokenError } from '../errors.ts'
import type { Instant } from '../lib/instant.ts'
import { endAll } from '../lib/waiters.ts'

/**
 * One sign-in, from its beginning to its end. Its identity is what requests, refreshes and their answers are compared
 * by: what began in one session never touches another.
 */
export interface Session {
  /** Opaque, new at every sign-in. */
  readonly id: string
  /** The number of its sign-in, the same in every tab. */
  readonly epoch: number
  readonly started: Instant
  /** Aborts when the session ends, with the {@link TokenError} that requests of this session reject with. */
  readonly signal: AbortSignal
}

export interface OwnedSession extends Session {
  end(error: TokenError): void
}

/** @param controller Made by the platform; aborting it ends every request of the session. */
export function createSession(epoch: number, started: Instant, controller: AbortController): OwnedSession {
  return {
    id: epoch.toString(36),
    epoch,
    started,
    signal: controller.signal,
    end: (error) => endAll(controller, error),
  }
}
