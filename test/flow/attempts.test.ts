import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createAttempts } from '../../src/flow/attempts.ts'

const forever = () => new Promise<never>(() => undefined)

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

test('an attempt runs its work, settles as that does, and is over', async () => {
  const over = vi.fn()
  const attempts = createAttempts<string>(over)
  const { signal: caller } = new AbortController()
  const attempt = attempts.start(async (isCurrent) => (isCurrent() ? 'in' : 'out'), caller)
  expect(attempts.current()).toBe(attempt)
  expect(getEventListeners(caller, 'abort')).toHaveLength(1)
  await expect(attempt.flight).resolves.toBe('in')
  expect(attempts.current()).toBeUndefined()
  expect(over).toHaveBeenCalledOnce()
  expect(attempt.signal.aborted).toBe(false)
  expect(getEventListeners(caller, 'abort')).toEqual([])
})

test('one that fails rejects with that, and is over without rejecting', async () => {
  const attempts = createAttempts<string>(() => undefined)
  const wrong = new Error('wrong password')
  const attempt = attempts.start(() => Promise.reject(wrong))
  await expect(attempt.flight).rejects.toBe(wrong)
  await expect(attempt.over).resolves.toBeUndefined()
})

test('a later one overtakes it in that very task: it rejects, and its answer is not welcome', async () => {
  const over = vi.fn()
  const attempts = createAttempts<string>(over)
  let answer = (_: string): void => undefined
  let welcome = (): boolean => true
  const first = attempts.start((isCurrent) => {
    welcome = isCurrent
    return new Promise((resolve) => (answer = resolve))
  })
  await settle()
  expect(welcome()).toBe(true)
  const second = attempts.start(forever)
  expect(welcome()).toBe(false)
  expect(first.signal.reason).toMatchObject({ code: 'aborted' })
  await expect(first.flight).rejects.toMatchObject({ code: 'aborted' })
  answer('late')
  await first.over
  expect(attempts.current()).toBe(second)
  expect(over).not.toHaveBeenCalled()
})

test('a logout overtakes it with its own error, and nothing takes its place', async () => {
  const over = vi.fn()
  const attempts = createAttempts<string>(over)
  let answer = (_: string): void => undefined
  const attempt = attempts.start(() => new Promise((resolve) => (answer = resolve)))
  const error = new TokenError('signed_out', 'logged out')
  await settle()
  attempts.overtake(error)
  expect(attempts.current()).toBeUndefined()
  await expect(attempt.flight).rejects.toBe(error)
  answer('late')
  await attempt.over
  expect(over).toHaveBeenCalledOnce()
})

test('a caller who gives up overtakes his own attempt, and no later one', async () => {
  const attempts = createAttempts<string>(() => undefined)
  const [one, two] = [new AbortController(), new AbortController()]
  const reason = new Error('closed')
  const first = attempts.start(forever, one.signal)
  const second = attempts.start(forever, two.signal)
  one.abort(reason)
  expect(attempts.current()).toBe(second)
  expect(second.signal.aborted).toBe(false)
  two.abort(reason)
  expect(attempts.current()).toBeUndefined()
  expect(second.signal.reason).toMatchObject({ code: 'aborted', cause: reason })
  await expect(first.flight).rejects.toMatchObject({ code: 'aborted' })
  await expect(second.flight).rejects.toMatchObject({ code: 'aborted', cause: reason })
})

test('nothing is overtaken where nothing is under way', () => {
  const attempts = createAttempts<string>(() => undefined)
  expect(() => attempts.overtake()).not.toThrow()
  expect(attempts.current()).toBeUndefined()
})
