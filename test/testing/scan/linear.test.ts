import { scan } from 'tokenward/testing'
import { expect, test } from 'vitest'

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
  'a=b ',
  'a="',
  '2026-11-24T08:00:00Z Bearer a GET ',
]

test('whatever is repeated in a line, the time grows with its length and no faster', { timeout: 60_000 }, async () => {
  const time = async (text: string): Promise<number> => {
    const before = process.cpuUsage()
    await scan(text, { file: 'a.log' })
    return process.cpuUsage(before).user / 1_000
  }
  await time('warm '.repeat(10_000))
  const slow: string[] = []
  for (const piece of pieces) {
    for (const line of [piece, `token=${piece}`, `${piece}eyJ`]) {
      const size = 40_000
      const text = line.repeat(Math.ceil(size / line.length))
      const small = await time(text.slice(0, size / 4))
      const large = await time(text)
      // Four times as long may take four times as long, and some for a processor that is shared: sixteen times would be quadratic.
      if (large > 400 && large > small * 10)
        slow.push(`${JSON.stringify(line)} ${small.toFixed(0)} ms, ${large.toFixed(0)} ms`)
    }
  }
  expect(slow).toEqual([])
})
