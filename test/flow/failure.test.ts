import { describe, expect, test } from 'vitest'
import { TokenError, type TokenErrorCode } from '../../src/errors.ts'
import {
  describe as textOf,
  type FailureFacts,
  isAnswer,
  retryInMs,
  toFailure,
  toTokenError,
} from '../../src/flow/failure.ts'

describe('what a source threw', () => {
  test('is passed on if it is its own judgement', () => {
    const error = new TokenError('refresh_rejected', 'no')
    expect(toTokenError(error, [])).toBe(error)
  })

  test('is no answer if it is anything else, and only its text is kept', () => {
    const thrown = Object.assign(new TypeError('refused'), { config: { token: 'r1' } })
    const error = toTokenError(thrown, [])
    expect(error).toMatchObject({
      code: 'refresh_unavailable',
      transient: true,
      cause: { message: 'TypeError: refused' },
    })
    expect(error.cause).not.toHaveProperty('config')
    expect(toTokenError('refused', [])).toMatchObject({
      code: 'refresh_unavailable',
      transient: true,
      cause: undefined,
    })
  })

  test('F108: says no secret, wherever it was, and nothing that is long enough for one', () => {
    const nested = { user: { password: 'hunter2' }, list: ['pin 1234', 7, null], empty: '' }
    const error = toTokenError(new Error('hunter2 and pin 1234 at abcdefghijklmnop'), nested)
    expect(error.cause).toMatchObject({ message: 'Error: [...] and [...] at [...]' })
    expect(textOf(new Error('abcdefghijklmno'), [])).toBe('Error: abcdefghijklmno')
  })

  test('F108: secrets are looked for five floors deep, and no deeper: a circle ends', () => {
    const circle: Record<string, unknown> = { a: { b: { c: { d: { e: 'deep' } } } } }
    circle['self'] = circle
    expect(toTokenError(new Error('deep'), circle).cause).toMatchObject({ message: 'Error: [...]' })
    const deeper = { a: { b: { c: { d: { e: { f: 'deeper' } } } } } }
    expect(toTokenError(new Error('deeper'), deeper).cause).toMatchObject({ message: 'Error: deeper' })
  })

  test('F108: a parser quotes what it failed on, so of its errors only the name is kept', () => {
    expect(textOf(new SyntaxError('"r1" is not JSON'), [])).toBe('SyntaxError')
  })
})

test.each<[TokenErrorCode, boolean]>([
  ['refresh_rejected', true],
  ['refresh_unavailable', true],
  ['configuration', true],
  ['timeout', false],
  ['malformed_response', false],
  ['aborted', false],
])('%s: the server has said what became of the request: %s', (code, expected) => {
  expect(isAnswer(new TokenError(code, 'no'))).toBe(expected)
  expect(isAnswer(new Error(code))).toBe(false)
})

describe('a failure', () => {
  const at = { wall: 1_000_000, monotonic: 5_000 }
  const started = { wall: at.wall - 4_000, monotonic: at.monotonic - 4_000 }
  const facts: FailureFacts = { sent: true, answered: true, started, timeoutMs: 10_000, random: 0 }
  const passing = new TokenError('refresh_unavailable', 'later', { transient: true })

  test('that passes is tried again after a while, longer each time, and says when', () => {
    const first = toFailure(passing, at, facts)
    expect(first).toMatchObject({ at, attempts: 1, retryMs: 500, holdMs: 500, unanswered: false })
    expect(first.error).toMatchObject({
      code: 'refresh_unavailable',
      transient: true,
      cause: passing,
      retryAt: at.wall + 500,
    })
    expect(toFailure(passing, at, { ...facts, before: first })).toMatchObject({ attempts: 2, retryMs: 1_500 })
  })

  test('that does not pass is not tried again', () => {
    const error = new TokenError('configuration', 'wrong')
    expect(toFailure(error, at, facts)).toMatchObject({ error, retryMs: undefined, holdMs: 0, attempts: 1 })
  })

  test('F50: is not tried again before the server said so', () => {
    const error = new TokenError('refresh_unavailable', 'later', { transient: true, retryAt: at.wall + 30_000 })
    expect(toFailure(error, at, facts)).toMatchObject({ retryMs: 30_000, holdMs: 30_000 })
  })

  test('without an answer holds until the time for it is over', () => {
    const failure = toFailure(passing, at, { ...facts, answered: false })
    expect(failure).toMatchObject({ retryMs: 6_000, holdMs: 6_000, unanswered: true })
    const later = toFailure(passing, at, { ...facts, answered: false, before: { ...failure, attempts: 9 } })
    expect(later).toMatchObject({ retryMs: 90_000, holdMs: 6_000 })
  })

  test('of a call that never left is no doubt, and holds nobody', () => {
    const failure = toFailure(passing, at, { ...facts, sent: false, answered: false })
    expect(failure).toMatchObject({ retryMs: 500, holdMs: 0, unanswered: false })
  })

  test('leaves a doubt that was there before', () => {
    expect(toFailure(passing, at, { ...facts, doubtful: true })).toMatchObject({ unanswered: true })
    const before = toFailure(passing, at, { ...facts, answered: false })
    expect(toFailure(passing, at, { ...facts, before })).toMatchObject({ unanswered: true })
  })

  test('says how long until it is time', () => {
    const failure = toFailure(passing, at, facts)
    expect(retryInMs(failure, { wall: at.wall + 200, monotonic: at.monotonic + 200 })).toBe(300)
    expect(retryInMs({ ...failure, retryMs: undefined }, at)).toBe(Infinity)
  })
})
