import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Held } from './state.ts'

/** When the session will end by itself, and why. */
export interface Ending {
  readonly inMs: number
  readonly why: 'idle' | 'absolute'
  /** How long before the end to warn. */
  readonly warnMs: number
}

/** `Infinity`: never. */
export interface Limits {
  readonly idleMs: number
  readonly absoluteMs: number
  readonly warnMs: number
}

/** The first of the ends that are set: idle, absolute, or the one that the server has announced. */
export function endingOf(
  { session, tokens }: Held,
  { idleMs, absoluteMs, warnMs }: Limits,
  active: Instant,
  now: Instant,
): Ending | undefined {
  const idle = idleMs - elapsedMs(active, now)
  const announced = (tokens?.sessionLifetimeMs ?? Infinity) - elapsedMs(tokens?.obtained ?? now, now)
  const absolute = Math.min(absoluteMs - elapsedMs(session.started, now), announced)
  // A warning that is due as soon as the user has done something would be no warning.
  if (idle < absolute) return { inMs: idle, why: 'idle', warnMs: Math.min(warnMs, idleMs / 2) }
  return absolute < Infinity ? { inMs: absolute, why: 'absolute', warnMs } : undefined
}
