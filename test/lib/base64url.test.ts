import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBase64url } from '../../src/lib/base64url.ts'

test('writes any bytes as a URL takes them, without padding', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
    }),
  )
  expect(toBase64url(Uint8Array.of(0xfb, 0xff, 0xfe, 0xff))).toBe('-__-_w')
})
