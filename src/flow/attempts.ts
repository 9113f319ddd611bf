import { TokenError } from '../errors.ts'
import { abortError, untilAborted } from './abort.ts'

/** A sign-in on its way. Its identity is what a late answer is compared with. */
export interface Attempt<T> {
  /** Rejects in the very task in which a later sign-in, a logout or the caller overtakes it. */
  readonly flight: Promise<T>
  /** Settles when its work is over, wanted or not. Never rejects. */
  readonly over: Promise<unknown>
  readonly signal: AbortSignal
}

/** Sign-ins overtake each other: only the answer to the newest is welcome. */
export interface Attempts<T> {
  /**
   * Runs `work` as the newest attempt. `isCurrent` tells whether its answer is still welcome; from the very task on in
   * which `signal` aborts it is not. `overtaken` aborts in that task.
   */
  start(work: (isCurrent: () => boolean, overtaken: AbortSignal) => Promise<T>, signal?: AbortSignal): Attempt<T>
  overtake(error?: TokenError): void
  current(): Attempt<T> | undefined
}

/** @param over Is called when none is flying any more. */
export function createAttempts<T>(over: () => void): Attempts<T> {
  let current: (Attempt<T> & { readonly controller: AbortController }) | undefined

  function overtake(error = new TokenError('aborted', 'a later login or logout has overtaken this one')): void {
    const overtaken = current
    current = undefined
    overtaken?.controller.abort(error)
  }

  return {
    start(work, signal) {
      overtake()
      const controller = new AbortController()
      const isCurrent = (): boolean => current === mine
      const giveUp = (): void => {
        if (signal && isCurrent()) overtake(abortError(signal))
      }
      signal?.addEventListener('abort', giveUp)
      const result = Promise.resolve()
        .then(() => work(isCurrent, controller.signal))
        .finally(() => {
          signal?.removeEventListener('abort', giveUp)
          if (isCurrent()) current = undefined
          if (!current) over()
        })
      const flight: Promise<T> = untilAborted(result, controller.signal)
      flight.catch(() => {}) // whoever waits for it has a branch of his own
      const mine = { flight, over: result.catch(() => {}), controller, signal: controller.signal }
      current = mine
      return mine
    },
    overtake,
    current: () => current,
  }
}
