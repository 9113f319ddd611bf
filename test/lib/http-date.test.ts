import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHttpDate, parseRetryAfter } from '../../src/lib/http-date.ts'
import { anyText } from '../support/any-text.ts'

interface Dated {
  readonly value: string
  readonly epochMs: number
}
interface Vectors {
  readonly retryAfter: {
    readonly nowMs: number
    readonly cases: readonly { readonly value: string; readonly expectedMs: number | null }[]
    readonly rfc850Year: { readonly nowMs: number; readonly cases: readonly Dated[] }
  }
  readonly httpDate: { readonly cases: readonly Dated[] }
}

const { retryAfter, httpDate } = JSON.parse(
  readFileSync(new URL('../vectors.json', import.meta.url), 'utf8'),
) as Vectors

describe('parseHttpDate', () => {
  test.each(httpDate.cases)('reads $value', ({ value, epochMs }) => {
    expect(parseHttpDate(value)).toBe(epochMs)
  })

  test.each(retryAfter.rfc850Year.cases)('finds the century of $value', ({ value, epochMs }) => {
    expect(parseHttpDate(value)).toBe(epochMs)
  })

  test.each([
    ...['yesterday', '', '0', '-1', 'Sun, 31 Feb 2027 00:00:00 GMT', 'Sun, 06 Nov 1994 24:00:00 GMT'],
    ...['Sun, 06 Nov 1994 08:49:37', 'Sun, 06 Nov 1994 08:49:37 UTC', 'Sun, 06 nov 1994 08:49:37 GMT', 'Invalid Date'],
    ...['(a) Sun, 06 Nov 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 GMT (a)'],
  ])('refuses %j', (value) => {
    expect(parseHttpDate(value)).toBeNaN()
  })

  test('reads every second as the form that browsers and servers write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        expect(parseHttpDate(new Date(seconds * 1_000).toUTCString())).toBe(seconds * 1_000)
      }),
    )
  })
})

describe('parseRetryAfter', () => {
  test.each(retryAfter.cases)('F50: reads $value as $expectedMs', ({ value, expectedMs }) => {
    expect(parseRetryAfter(value, retryAfter.nowMs)).toBe(expectedMs ?? NaN)
  })

  test('F50: reads an absent header as nothing', () => {
    expect(parseRetryAfter(null, 0)).toBeNaN()
  })

  test('F50: never throws, and what it reads is finite and not negative', () => {
    const value = fc.oneof(anyText, fc.stringMatching(/^\d{1,400}$/))
    fc.assert(
      fc.property(value, (text) => {
        const waitMs = parseRetryAfter(text, 0) || 0
        expect(waitMs >= 0 && Number.isFinite(waitMs)).toBe(true)
      }),
    )
  })
})
