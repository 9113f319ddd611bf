import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Held } from './state.ts'

/** When the session will end by itself, and why. */
export interface Ending {
  readonly inMs: number
  readonly why: 'idle' | 'absolute'
  /** How long before the end to warn. */
  readonly warnMs: number
}

export interface Limits {
  readonly idleMs: number | undefined
  readonly absoluteMs: number | undefined
  readonly warnMs: number
}

/** The first of the ends that are set: idle, absolute, or the one that the server has announced. */
export function endingOf(
  { session, tokens }: Held,
  { idleMs = Infinity, absoluteMs = Infinity, warnMs }: Limits,
  active: Instant,
  now: Instant,
): Ending | undefined {
  const announcedMs =
    tokens?.sessionLifetimeMs === undefined ? Infinity : tokens.sessionLifetimeMs - elapsedMs(tokens.obtained, now)
  const idle = idleMs - elapsedMs(active, now)
  const absolute = Math.min(absoluteMs - elapsedMs(session.started, now), announcedMs)
  if (Math.min(idle, absolute) === Infinity) return undefined
  // A warning that is due as soon as the user has done something would be no warning.
  return idle < absolute
    ? { inMs: idle, why: 'idle', warnMs: Math.min(warnMs, idleMs / 2) }
    : { inMs: absolute, why: 'absolute', warnMs }
}
