import { TokenError } from '../errors.ts'
import { waitersOf } from '../lib/waiters.ts'

/**
 * Settles as `promise` does, or rejects in the very task in which one of the signals aborts, with what
 * {@link abortError} makes of its reason.
 *
 * @param caller Is left without a listener.
 * @param ours Of a session or a manager, which end by `endAll`.
 */
export function untilAborted<T>(promise: Promise<T>, caller: AbortSignal | undefined, ours?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const waiters = ours && waitersOf(ours)
    const check = (): void => {
      const ended = caller?.aborted ? caller : ours
      if (!ended?.aborted) return
      settle()
      reject(abortError(ended))
    }
    const settle = (): void => {
      caller?.removeEventListener('abort', check)
      waiters?.delete(check)
    }
    caller?.addEventListener('abort', check)
    waiters?.add(check)
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
