import { expect, test, vi } from 'vitest'
import { endAll, waitersOf } from '../../src/lib/waiters.ts'

const reason = new Error('over')

test('all that wait for a signal are called in the very task in which it ends, when it says why', () => {
  const controller = new AbortController()
  const heard: unknown[] = []
  const waiters = waitersOf(controller.signal)
  waiters.add((why) => void heard.push('first', why, controller.signal.reason))
  waiters.add((why) => void heard.push('second', why))
  waitersOf(new AbortController().signal).add(() => expect.fail('it waits for another'))
  expect(waiters.size()).toBe(2)
  endAll(controller, reason)
  expect(heard).toEqual(['first', reason, reason, 'second', reason])
  expect(waiters.size()).toBe(0)
})

test('who has gone is not called, and may go twice', () => {
  const controller = new AbortController()
  const waiters = waitersOf(controller.signal)
  const wakes = [vi.fn(), vi.fn(), vi.fn(), vi.fn()] as const
  const [first, second, third] = wakes.map((wake) => waiters.add(wake))
  waiters.remove(second!)
  waiters.remove(third!)
  waiters.remove(second!)
  expect(waiters.size()).toBe(2)
  endAll(controller, reason)
  waiters.remove(first!)
  expect(waiters.size()).toBe(0)
  expect(wakes.map((wake) => wake.mock.calls.length)).toEqual([1, 0, 0, 1])
})

test('one that is called may take others away, or come again', () => {
  const controller = new AbortController()
  const waiters = waitersOf(controller.signal)
  const late = vi.fn()
  const again = vi.fn()
  waiters.add(() => {
    waiters.remove(other)
    waiters.add(again)
  })
  const other = waiters.add(late)
  endAll(controller, reason)
  expect(late).not.toHaveBeenCalled()
  expect(again).toHaveBeenCalledOnce()
})
