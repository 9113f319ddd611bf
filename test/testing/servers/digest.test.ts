import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64url, digest, fingerprint, fromBase64url, randomText } from '../../../src/testing/servers/digest.ts'

test('the digest is SHA-256, whatever the length', () => {
  const hash = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('base64url')
  for (let length = 0; length < 200; length++) {
    const bytes = new Uint8Array(length).fill(length)
    expect(digest(bytes)).toBe(hash(bytes))
  }
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => digest(text) === hash(text)))
})

test('base64url is read as it is written, and nothing else is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(base64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      expect([...fromBase64url(base64url(bytes))]).toEqual([...bytes])
    }),
  )
  for (const text of ['a+b', 'a/b', 'YQ==', 'a b', 'ä']) expect(() => fromBase64url(text)).toThrow()
})

test('a fingerprint names a secret without being it', () => {
  const secret = randomText(32)
  expect(fingerprint(secret)).toMatch(/^[\w-]{12}$/)
  expect(fingerprint(secret)).toBe(fingerprint(secret))
  expect(secret).not.toContain(fingerprint(secret))
  expect(new Set(Array.from({ length: 100 }, () => fingerprint(randomText(32)))).size).toBe(100)
})
