import { expect, test, vi } from 'vitest'
import { withDeadline } from '../../src/lib/deadline.ts'

const late = (): Error => new Error('late')

test('a deadline that no timer of the platform can hold is the longest that it can', () => {
  const timer = vi.fn(() => () => undefined)
  void withDeadline(new Promise(() => undefined), Infinity, timer, late)
  expect(timer).toHaveBeenCalledWith(expect.anything(), 2_147_483_647)
})

test('a deadline that is over rejects, and one that is met leaves no timer behind', async () => {
  vi.useFakeTimers()
  try {
    const timer = (task: () => void, ms: number): (() => void) => {
      const id = setTimeout(task, ms)
      return () => clearTimeout(id)
    }
    await expect(withDeadline(Promise.resolve(1), 1_000, timer, late)).resolves.toBe(1)
    expect(vi.getTimerCount()).toBe(0)
    const hanging = withDeadline(new Promise(() => undefined), 1_000, timer, late)
    const outcome = expect(hanging).rejects.toThrow('late')
    const unnamed = expect(withDeadline(new Promise(() => undefined), 1_000, timer)).rejects.toBeInstanceOf(Error)
    await vi.advanceTimersByTimeAsync(1_000)
    await outcome
    await unnamed
  } finally {
    vi.useRealTimers()
  }
})
