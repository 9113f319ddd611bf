import { describe, expect, test, vi } from 'vitest'
import { patiently, withDeadline } from '../../src/lib/deadline.ts'

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

describe('a page that was frozen finds its timer over before the answer', () => {
  /** Waits 1 000 ms and 200 more; its timers fire by hand, `passedMs` after it has begun to wait. */
  async function wait(passedMs: number, answer?: string): Promise<{ outcome: unknown; asked: number[] }> {
    const asked: number[] = []
    const due: (() => void)[] = []
    let now = 5_000
    let deliver = (_: string): void => undefined
    const promise = new Promise<string>((resolve) => (deliver = resolve))
    const outcome = patiently(
      promise,
      [1_000, 200],
      {
        clock: { now: () => ({ wall: now, monotonic: now }) },
        timer(task, delayMs) {
          asked.push(delayMs)
          due.push(task)
          return () => undefined
        },
      },
      late,
    ).catch((error: unknown) => error)
    now += passedMs
    due.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
    if (answer !== undefined) deliver(answer)
    await new Promise((resolve) => setImmediate(resolve))
    due.shift()?.()
    return { outcome: await outcome, asked }
  }

  test('of a timer that was on time nothing more is waited for', async () => {
    expect(await wait(1_000, 'answer')).toEqual({ outcome: late(), asked: [1_000] })
    expect(await wait(1_049, 'answer')).toEqual({ outcome: late(), asked: [1_000] })
  })

  test('after one that was late the answer is waited for a little more', async () => {
    expect(await wait(1_050, 'answer')).toEqual({ outcome: 'answer', asked: [1_000, 200] })
    expect(await wait(3_600_000)).toEqual({ outcome: late(), asked: [1_000, 200] })
  })
})
