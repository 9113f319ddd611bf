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
    const waiter = waiters?.add(fail)
    const giveUp = caller && ((): void => fail(abortError(caller)))
    if (giveUp) caller.addEventListener('abort', giveUp)

    function settle(): void {
      if (waiter) waiters?.remove(waiter)
      if (giveUp) caller.removeEventListener('abort', giveUp)
    }
    function fail(reason: unknown): void {
      settle()
      reject(reason)
    }
    promise.then((value) => {
      settle()
      resolve(value)
    }, fail)
    const ended = caller?.aborted ? caller : ours
    if (ended?.aborted) fail(abortError(ended))
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
