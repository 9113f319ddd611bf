import { expect, test } from 'vitest'
import { elapsedMs } from '../../src/lib/instant.ts'

const then = { wall: 1_000_000, monotonic: 5_000 }

test.each([
  ['both clocks went on', { wall: 1_000_060, monotonic: 5_060 }, 60],
  ['the monotonic clock slept', { wall: 1_000_060, monotonic: 5_010 }, 60],
  ['the wall clock was set back', { wall: 900_000, monotonic: 5_060 }, 60],
])('time is what the clock says that says more, when %s', (_, now, ms) => {
  expect(elapsedMs(then, now)).toBe(ms)
})
