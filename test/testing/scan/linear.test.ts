import { scan } from 'tokenward/testing'
import { expect, test } from 'vitest'
import { sha256 } from '../../../src/testing/scan/sha256.ts'
import { createHash } from 'node:crypto'
import fc from 'fast-check'

// Logs are written by strangers. None of them may make the scanner slow.

const pieces = [
  'eyJ',
  'eyJhbGciOiJub25lIn0.',
  'ZXlK',
  'token',
  'token=',
  'token:"',
  'access_token%3D',
  '%25',
  '%2525',
  '=',
  '"',
  "'",
  '\\',
  '\\"',
  '.',
  '-',
  '_',
  '{',
  '[',
  '(',
  '<',
  ' ',
  '\t',
  'set-cookie:',
  'bearer ',
  'Bearer',
  'code=',
  '?',
  '&',
  '#',
  '/',
  'http://',
  'curl ',
  'value',
  'password',
  'a',
  'A1b2',
  'referer: "',
  ': ',
  ',',
  'x=',
  '[24/Nov',
  '- - [',
  '] "GET ',
  '=\n',
  '=3D',
]

test('whatever is repeated in a line, the time grows with its length and no faster', { timeout: 60_000 }, async () => {
  const time = async (text: string): Promise<number> => {
    const startedAt = performance.now()
    await scan(text, { file: 'a.log' })
    return performance.now() - startedAt
  }
  await time('warm '.repeat(10_000))
  const slow: string[] = []
  for (const piece of pieces) {
    for (const line of [piece, `token=${piece}`, `${piece}eyJ`]) {
      const size = 60_000
      const text = line.repeat(Math.ceil(size / line.length))
      const small = await time(text.slice(0, size / 4))
      const large = await time(text)
      // Four times as long may take four times as long, and some for a busy machine: sixteen times would be quadratic.
      if (large > 400 && large > small * 10)
        slow.push(`${JSON.stringify(line)} ${small.toFixed(0)} ms, ${large.toFixed(0)} ms`)
    }
  }
  expect(slow).toEqual([])
})

test('the fingerprints are SHA-256 as Node computes it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'))
    }),
  )
  for (const length of [0, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const text = 'a'.repeat(length)
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'))
  }
})
