import { expect, test } from 'vitest'
import { skewOf } from '../../src/lib/skew.ts'

const sentMs = 1_000_000
const receivedMs = 1_001_000
const dated = (at: number, age: string | null = null) =>
  skewOf({ sentMs, receivedMs, date: new Date(at).toUTCString(), age })

test.each([
  ['ahead', 1_003_000, 3_000],
  ['behind', 998_000, -2_000],
  ['right, as far as the time that the answer took lets one see', 1_001_000, 0],
  ['right, though it may be behind by as much', 999_000, 0],
])('the clock of a server is %s', (_, at, skewMs) => {
  expect(dated(at)).toEqual({ skewMs, uncertaintyMs: 1_000 })
})

test('an answer without a date, or of a cache, says nothing of it', () => {
  expect(skewOf({ sentMs, receivedMs, date: null, age: null })).toBeUndefined()
  expect(dated(1_003_000, '0')).toBeUndefined()
})
