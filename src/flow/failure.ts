import { TokenError } from '../errors.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Failure } from '../session/state.ts'
import { backoffMs, retryAfterMs } from './backoff.ts'

/**
 * What a source threw, fit to be shown: a `TokenError` is the source's own judgement; anything else means that no answer
 * came. Foreign errors may hold a request with its tokens (an `AxiosError` does), so that only their text is taken, with
 * the `secrets` that we know cut out of it.
 */
export function toTokenError(thrown: unknown, secrets: readonly unknown[]): TokenError {
  if (thrown instanceof TokenError) return thrown
  const cause = thrown instanceof Error ? new Error(describe(thrown, secrets)) : undefined
  return new TokenError('refresh_unavailable', 'the token source gave no answer', { transient: true, cause })
}

function describe({ name, message }: Error, secrets: readonly unknown[]): string {
  // A parser quotes the text that it failed on, and that text is a token response.
  let text = name === 'SyntaxError' ? name : `${name}: ${message}`
  for (const secret of secrets) {
    if (typeof secret !== 'string' || !secret) continue
    for (const form of [secret, encodeURIComponent(secret)]) text = text.replaceAll(form, '[secret]')
  }
  return text
}

/** Whether the refresh token may have been spent although nobody knows the answer. */
export function isUnanswered(thrown: unknown): boolean {
  return !(thrown instanceof TokenError) || /^(timeout|malformed_response)$/.test(thrown.code)
}

export interface FailureFacts {
  readonly before?: Failure | undefined
  /** This attempt got no answer. */
  readonly unanswered: boolean
  /** How long nobody may ask again, whatever happens. */
  readonly holdMs: number
  /** In [0, 1). */
  readonly random: number
}

/** What a failed call to the source means for a session that goes on. */
export function toFailure(
  error: TokenError,
  at: Instant,
  { before, unanswered, holdMs, random }: FailureFacts,
): Failure {
  const attempts = (before?.attempts ?? 0) + 1
  const facts = { at, attempts, unanswered: unanswered || (before?.unanswered ?? false) }
  // Trying again mends only what is transient; for the rest somebody has to act first.
  if (!error.transient) return { ...facts, error, retryMs: undefined, holdMs: 0 }
  const hold = Math.max(holdMs, retryAfterMs((error.retryAt ?? at.wall) - at.wall, random))
  const retryMs = Math.max(backoffMs(attempts, random), hold)
  const unavailable = new TokenError('refresh_unavailable', 'no fresh token can be had now', {
    cause: error,
    transient: true,
    retryAt: at.wall + retryMs,
  })
  return { ...facts, error: unavailable, retryMs, holdMs: hold }
}

/** How long until it is time to try again. */
export function retryInMs({ at, retryMs = Infinity }: Failure, now: Instant): number {
  return retryMs - elapsedMs(at, now)
}
