import { TokenError } from '../errors.ts'
import { waitersOf } from '../lib/waiters.ts'

/**
 * Settles as `promise` does, or rejects in the very task in which one of `signals` aborts, with what
 * {@link abortError} makes of its reason. The first of them is a caller's, and is left without a listener; the others
 * are those of a session and a manager, which end by `endAll`.
 */
export function untilAborted<T>(promise: Promise<T>, signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const [caller] = signals
    const ours = signals.slice(1).map((signal) => signal && waitersOf(signal))
    const settle = (): void => {
      caller?.removeEventListener('abort', check)
      for (const waiters of ours) waiters?.delete(check)
    }
    const check = (): void => {
      const aborted = signals.find((signal) => signal?.aborted)
      if (!aborted) return
      settle()
      reject(abortError(aborted))
    }
    caller?.addEventListener('abort', check)
    for (const waiters of ours) waiters?.add(check)
    promise.then(resolve, reject).finally(settle)
    check()
  })
}

/** Our own signals abort with a {@link TokenError}, which is passed on; a caller's reason becomes the cause of one. */
export function abortError(signal: AbortSignal): TokenError {
  const reason: unknown = signal.reason
  return reason instanceof TokenError
    ? reason
    : new TokenError('aborted', 'the caller aborted the request', { cause: reason })
}
