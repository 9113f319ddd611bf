import { expect, test } from 'vitest'
import { backoffMs, retryAfterMs } from '../../src/flow/backoff.ts'

test.each([
  [1, 1_000],
  [2, 3_000],
  [3, 9_000],
  [5, 81_000],
  [6, 180_000],
  [99, 180_000],
])('F55: after failure number %i everybody waits between half of %i ms and all of it', (attempts, ms) => {
  expect(backoffMs(attempts, 0)).toBe(ms / 2)
  expect(backoffMs(attempts, 0.5)).toBe(ms * 0.75)
  expect(backoffMs(attempts, 1)).toBe(ms)
})

test('F50: a Retry-After is never undercut, is stretched by a tenth at most, and is no longer than an hour', () => {
  expect(retryAfterMs(5_000, 0)).toBe(5_000)
  expect(retryAfterMs(5_000, 0.5)).toBe(5_250)
  expect(retryAfterMs(7_200_000, 0)).toBe(3_600_000)
})
