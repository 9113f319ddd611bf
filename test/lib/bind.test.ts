import { expect, test } from 'vitest'
import { checkBound } from '../../src/lib/bind.ts'

const manager = { send: () => undefined }

test('a binding takes a token manager, and a function that says what is refused, or none', () => {
  expect(() => checkBound('bindAxios', manager, undefined)).not.toThrow()
  expect(() => checkBound('bindAxios', manager, () => true)).not.toThrow()
})

test.each([undefined, null, {}, { send: 'later' }])('%j is no token manager', (tokens) => {
  expect(() => checkBound('bindAxios', tokens, undefined)).toThrow(
    new TypeError('bindAxios needs what createTokenManager returns.'),
  )
})

test.each([null, 419, 'always'])('%j does not say what is refused', (refused) => {
  expect(() => checkBound('createFetch', manager, refused)).toThrow(/^refused must be a function/)
})
