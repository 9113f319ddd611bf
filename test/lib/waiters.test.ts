import { expect, test, vi } from 'vitest'
import { endAll, waitersOf } from '../../src/lib/waiters.ts'

test('all that wait for a signal are called in the very task in which it ends, when it says why', () => {
  const controller = new AbortController()
  const reason = new Error('over')
  const reasons: unknown[] = []
  const wake = vi.fn(() => void reasons.push(controller.signal.reason))
  waitersOf(controller.signal).add(wake)
  waitersOf(controller.signal).add(() => wake())
  waitersOf(new AbortController().signal).add(() => expect.fail('it waits for another'))
  endAll(controller, reason)
  expect(reasons).toEqual([reason, reason])
})
