import { TokenError } from '../errors.ts'

/**
 * Settles as `promise` does, or rejects in the very task in which one of `signals` aborts, with what
 * {@link abortError} makes of its reason. Leaves no listener behind.
 */
export function untilAborted<T>(promise: Promise<T>, signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const settle = (): void => {
      for (const signal of signals) signal?.removeEventListener('abort', check)
    }
    const check = (): void => {
      const aborted = signals.find((signal) => signal?.aborted)
      if (!aborted) return
      settle()
      reject(abortError(aborted))
    }
    for (const signal of signals) signal?.addEventListener('abort', check)
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
