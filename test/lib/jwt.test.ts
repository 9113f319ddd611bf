import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeJwt } from '../../src/lib/jwt.ts'
import { anyText } from '../support/any-text.ts'

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const jwt = (payload: string): string => `${base64url('{"alg":"none"}')}.${base64url(payload)}.`

describe('decodeJwt', () => {
  test('reads the claims, in any alphabet and of any length', () => {
    const claims = { sub: 'Zoë 🦊 ???>>>~~~', exp: 1, nested: { a: [1] } }
    expect(decodeJwt(jwt(JSON.stringify(claims)))).toEqual(claims)
    for (const pad of ['', 'a', 'aa', 'aaa']) expect(decodeJwt(jwt(JSON.stringify({ pad })))).toEqual({ pad })
  })

  test('reads claims that white space surrounds', () => {
    expect(decodeJwt(jwt('\n {"sub":"a"} '))).toEqual({ sub: 'a' })
  })

  test.each([
    ['an opaque token', '2YotnFZFEjr1zCsicMWpAA'],
    ['an empty text', ''],
    ['two parts', 'a.b'],
    ['five parts', 'a.b.c.d.e'],
    ['a payload that is not base64url', 'a.b+c.d'],
    ['a payload of impossible length', 'a.b.c'],
    ['a payload that is not JSON', jwt('no')],
    ['an array', jwt('[1]')],
    ['an array of claims', jwt('[{"sub":"a"}]')],
    ['a number', jwt('1')],
    ['null', jwt('null')],
  ])('takes %s for no JWT', (_, token) => {
    expect(decodeJwt(token)).toBeUndefined()
  })

  test('F115: a member named __proto__ pollutes nothing', () => {
    const claims = decodeJwt(jwt('{"__proto__":{"polluted":true},"sub":"a"}'))
    expect(claims?.['sub']).toBe('a')
    expect(claims?.['polluted']).toBeUndefined()
    expect({}).not.toHaveProperty('polluted')
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, anyText.map(jwt)), (token) => {
        decodeJwt(token)
      }),
    )
  })
})
