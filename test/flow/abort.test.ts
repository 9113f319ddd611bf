import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { abortError, throwIfAborted, untilAborted } from '../../src/flow/abort.ts'
import { endAll, waitersOf } from '../../src/lib/waiters.ts'

const over = new TokenError('signed_out', 'over')

/** What `promise` has come to in this very task. */
async function now(promise: Promise<unknown>): Promise<unknown> {
  const outcome = Promise.race([promise, Promise.resolve('waiting')])
  return outcome.catch((error: unknown) => error)
}

function open() {
  const caller = new AbortController()
  const ours = new AbortController()
  /** How many still wait for one of the two signals. */
  const left = () => getEventListeners(caller.signal, 'abort').length + waitersOf(ours.signal).size()
  return { caller, ours, signals: [caller.signal, ours.signal] as const, left }
}

describe('what is waited for until somebody gives up', () => {
  test('settles as it does, and leaves nobody waiting', async () => {
    const { signals, left } = open()
    const done = untilAborted(Promise.resolve('done'), ...signals)
    expect(left()).toBe(2)
    await expect(done).resolves.toBe('done')
    expect(left()).toBe(0)
    const failed = new Error('failed')
    await expect(untilAborted(Promise.reject(failed), ...signals)).rejects.toBe(failed)
    expect(left()).toBe(0)
  })

  test('rejects in the task in which the caller gives up, with what the caller says as the cause', async () => {
    const { caller, signals, left } = open()
    const waiting = untilAborted(new Promise(() => undefined), ...signals)
    expect(await now(waiting)).toBe('waiting')
    const reason = new Error('closed')
    caller.abort(reason)
    expect(await now(waiting)).toMatchObject({ code: 'aborted', cause: reason })
    expect(left()).toBe(0)
  })

  test('rejects in the task in which a session ends, with what it ends with', async () => {
    const { ours, signals, left } = open()
    const waiting = untilAborted(new Promise(() => undefined), ...signals)
    endAll(ours, over)
    expect(await now(waiting)).toBe(over)
    expect(left()).toBe(0)
  })

  test('rejects at once when it was over before, also without a caller', async () => {
    const { ours } = open()
    ours.abort(over)
    expect(await now(untilAborted(new Promise(() => undefined), undefined, ours.signal))).toBe(over)
    expect(waitersOf(ours.signal).size()).toBe(0)
  })
})

test('our own errors are passed on, and the reason of anybody else becomes a cause', () => {
  expect(abortError(AbortSignal.abort(over))).toBe(over)
  const reason = new Error('closed')
  expect(abortError(AbortSignal.abort(reason))).toMatchObject({ code: 'aborted', transient: false, cause: reason })
})

test('what is over before it begins throws what it ended with, of several ends the first that is named', () => {
  const [one, two] = [AbortSignal.abort(over), AbortSignal.abort(new TokenError('key_lost', 'lost'))]
  expect(() => throwIfAborted(undefined, new AbortController().signal)).not.toThrow()
  expect(() => throwIfAborted(undefined, new AbortController().signal, one, two)).toThrow(over)
})
