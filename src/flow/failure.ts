import { isOne, TokenError } from '../errors.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Failure } from '../session/state.ts'
import { backoffMs, retryAfterMs } from './backoff.ts'

/**
 * What a source threw, fit to be shown: a `TokenError` is the source's own judgement; anything else means that no answer
 * came. Foreign errors may hold a request with its tokens (an `AxiosError` does), so that only their text is taken.
 *
 * @param secrets Where the texts are that must not be in it.
 */
export function toTokenError(thrown: unknown, secrets: unknown): TokenError {
  if (isOne(thrown)) return thrown
  const cause = thrown instanceof Error ? new Error(describe(thrown, textsIn(secrets))) : undefined
  return new TokenError('refresh_unavailable', 'the token source gave no answer', { transient: true, cause })
}

/** What an error says, without what may be a secret. */
export function describe({ name, message }: Error, secrets: readonly string[]): string {
  // A parser quotes the text that it failed on, and that text is a token response.
  let text = name === 'SyntaxError' ? name : `${name}: ${message}`
  for (const secret of secrets) if (secret) text = text.replaceAll(secret, '[...]')
  // Whatever else is long enough for a token, and encodings of it.
  return text.replace(/\S{16,}/g, '[...]')
}

function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value]
  if (!value || depth > 4) return []
  return Object.values(value).flatMap((member) => textsIn(member, depth + 1))
}

/** Whether the server has said what became of the request. If not, it may have spent the refresh token. */
export function isAnswer(thrown: unknown): boolean {
  return isOne(thrown) && !/timeout|malformed_response|aborted/.test(thrown.code)
}

export interface FailureFacts {
  readonly before?: Failure | undefined
  /** The call left this page. Offline, none does. */
  readonly sent: boolean
  readonly answered: boolean
  /** Some presentation of the credential before this one got no answer. */
  readonly doubtful?: boolean
  readonly started: Instant
  readonly timeoutMs: number
  /** In [0, 1). */
  readonly random: number
}

/** What a failed call to the source means for a session that goes on. */
export function toFailure(error: TokenError, at: Instant, facts: FailureFacts): Failure {
  const { before, sent, answered, doubtful = false, started, timeoutMs, random } = facts
  const attempts = (before?.attempts ?? 0) + 1
  const unanswered = sent && !answered
  const common = { at, attempts, unanswered: unanswered || doubtful || (before?.unanswered ?? false) }
  // Trying again mends only what is transient; for the rest somebody has to act first.
  if (!error.transient) return { ...common, error, retryMs: undefined, holdMs: 0 }
  // Without an answer the server may still be at it: nobody asks again before the time for its answer is over.
  const patienceMs = unanswered ? timeoutMs - elapsedMs(started, at) : 0
  const askedMs = retryAfterMs((error.retryAt ?? at.wall) - at.wall, random)
  const retryMs = Math.max(backoffMs(attempts, random), patienceMs, askedMs)
  const unavailable = new TokenError('refresh_unavailable', 'no fresh token can be had now', {
    cause: error,
    transient: true,
    retryAt: at.wall + retryMs,
  })
  return { ...common, error: unavailable, retryMs, holdMs: answered ? retryMs : patienceMs }
}

/** How long until it is time to try again. */
export function retryInMs({ at, retryMs = Infinity }: Failure, now: Instant): number {
  return retryMs - elapsedMs(at, now)
}
