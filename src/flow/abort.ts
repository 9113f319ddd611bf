import { TokenError } from '../errors.ts'
import { waitersOf } from '../lib/waiters.ts'

/**
 * Settles as `promise` does, or rejects in the very task in which one of `signals` aborts, with what
 * {@link abortError} makes of its reason. The first of them is a caller's, and is left without a listener; the others
 * are those of a session and a manager, which end by `endAll`.
 */
export function untilAborted<T>(
  promise: Promise<T>,
  [caller, ...ours]: readonly (AbortSignal | undefined)[],
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const check = (): void => {
      const aborted = [caller, ...ours].find((signal) => signal?.aborted)
      if (!aborted) return
      settle()
      reject(abortError(aborted))
    }
    const settle = (): void => {
      caller?.removeEventListener('abort', check)
      for (const signal of ours) if (signal) waitersOf(signal).delete(check)
    }
    caller?.addEventListener('abort', check)
    for (const signal of ours) if (signal) waitersOf(signal).add(check)
    promise.then(
      (value) => {
        settle()
        resolve(value)
      },
      (reason: unknown) => {
        settle()

        reject(reason)
      },
    )
    check()
  })
}

/** Throws what {@link abortError} makes of the first of `signals` that has aborted. */
export function throwIfAborted(...signals: readonly (AbortSignal | undefined)[]): void {
  for (const signal of signals) if (signal?.aborted) throw abortError(signal)
}

/** Our own signals abort with a {@link TokenError}, which is passed on; a caller's reason becomes the cause of one. */
export function abortError(signal: AbortSignal): TokenError {
  const reason: unknown = signal.reason
  return reason instanceof TokenError
    ? reason
    : new TokenError('aborted', 'the caller aborted the request', { cause: reason })
}
