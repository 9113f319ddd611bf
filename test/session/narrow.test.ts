import { describe, expect, test } from 'vitest'
import { createNarrow, fromWish, toWish } from '../../src/session/narrow.ts'
import { failure, flightOf, NOW, sessionOf, tokensOf } from './stage.ts'

describe('a wish', () => {
  test.each([
    {},
    { resource: 'https://api.example.com' },
    { scope: 'pay' },
    { once: 'a' },
    { resource: 'https://api.example.com', scope: 'pay', once: 'a' },
  ])('is the same after it went to another tab as a text: %j', (wish) => {
    expect({ ...fromWish(toWish(wish)) }).toEqual(wish)
  })

  test('is the same text in whatever order it is said, and another for another', () => {
    expect(toWish({ scope: 'b', resource: 'a' })).toBe(toWish({ resource: 'a', scope: 'b' }))
    expect(toWish({ scope: 'a' })).not.toBe(toWish({ resource: 'a' }))
  })

  test('F115: takes nothing from a polluted prototype', () => {
    expect('toString' in fromWish(toWish({ scope: 'a' }))).toBe(false)
  })

  test.each(['', '{', 'null', '1'])('that none of ours has said is one for nothing: %j', (text) => {
    expect(fromWish(text)).toEqual({})
  })
})

describe('tokens that are not for everything', () => {
  const pay = toWish({ scope: 'pay' })
  const once = toWish({ scope: 'pay', once: '1' })

  function open() {
    const clock = { now: NOW }
    const pass = (ms: number) => {
      clock.now = { wall: clock.now.wall + ms, monotonic: clock.now.monotonic + ms }
    }
    return { narrow: createNarrow(() => clock.now), pass, session: sessionOf() }
  }

  test('belong to one session and one wish', () => {
    const { narrow, session } = open()
    const tokens = tokensOf()
    narrow.put(session, pay, tokens)
    expect(narrow.of(session, pay).tokens).toBe(tokens)
    expect(narrow.of(session, once).tokens).toBeUndefined()
    expect(narrow.of(sessionOf(), pay).tokens).toBeUndefined()
  })

  test('what is noted of a wish is there for who asks next', () => {
    const { narrow, session } = open()
    narrow.of(session, pay).failure = failure
    expect(narrow.of(session, pay).failure).toBe(failure)
  })

  test('all that are being fetched are waited for, whether they come or not, and those of no other session', async () => {
    const { narrow, session } = open()
    const told: string[] = []
    let come = (): void => undefined
    let fail = (): void => undefined
    narrow.of(session, pay).flight = new Promise((resolve) => (come = () => resolve({ session, tokens: undefined })))
    narrow.of(session, once).flight = new Promise((_, reject) => (fail = () => reject(new Error('no answer'))))
    narrow.of(sessionOf(), pay).flight = new Promise(() => undefined)
    void narrow.settled(session).then(() => told.push('settled'))
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    await turn()
    come()
    await turn()
    expect(told).toEqual([])
    fail()
    await turn()
    expect(told).toEqual(['settled'])
  })

  test('newer ones take the place of older ones, and mend a failure', () => {
    const { narrow, session } = open()
    const newer = tokensOf({ sequence: 2 })
    narrow.put(session, pay, tokensOf({ sequence: 1 }))
    narrow.of(session, pay).failure = failure
    narrow.put(session, pay, newer)
    expect(narrow.of(session, pay)).toEqual({ tokens: newer, failure: undefined })
    narrow.put(session, pay, tokensOf({ sequence: 1 }))
    narrow.put(session, pay, tokensOf({ sequence: 2 }))
    expect(narrow.of(session, pay).tokens).toBe(newer)
  })

  test('one that is used once is gone when it is taken', () => {
    const { narrow, session } = open()
    const tokens = tokensOf()
    narrow.put(session, once, tokens)
    expect(narrow.take(session, once)).toBe(tokens)
    expect(narrow.take(session, once)).toBeUndefined()
  })

  test('all that are used once are taken away together, or all, and none is told twice', () => {
    const { narrow, session } = open()
    narrow.put(session, pay, tokensOf({ accessToken: 'for pay' }))
    narrow.put(session, once, tokensOf({ accessToken: 'once' }))
    narrow.of(session, toWish({ scope: 'read' }))
    expect(open().narrow.drain(session, true)).toEqual([])
    expect(narrow.drain(session, false)).toEqual(['once'])
    expect(narrow.drain(session, true)).toEqual([])
  })

  test('all are taken away at the end of the session', () => {
    const { narrow, session } = open()
    narrow.put(session, pay, tokensOf({ accessToken: 'for pay' }))
    narrow.put(session, once, tokensOf({ accessToken: 'once' }))
    expect(narrow.drain(session, true)).toEqual(['for pay', 'once'])
    expect(narrow.drain(session, true)).toEqual([])
  })

  describe('what is over is forgotten when others come', () => {
    /** What is noted of `wish` before others come is still noted afterwards. */
    function isKept(
      note: (granted: ReturnType<ReturnType<typeof createNarrow>['of']>) => unknown,
      ms: number,
    ): boolean {
      const { narrow, pass, session } = open()
      const granted = narrow.of(session, pay)
      note(granted)
      pass(ms)
      narrow.put(session, once, tokensOf({ sequence: 9 }))
      return narrow.of(session, pay) === granted
    }

    test('a token when it has expired, and not before', () => {
      const note = (granted: { tokens?: unknown }) => (granted.tokens = tokensOf({ lifetimeMs: 60_000 }))
      expect(isKept(note, 59_999)).toBe(true)
      expect(isKept(note, 60_000)).toBe(false)
    })

    test('not what is under way, or has failed', () => {
      expect(isKept((granted) => (granted.flight = flightOf()), 0)).toBe(true)
      expect(isKept((granted) => (granted.failure = failure), 0)).toBe(true)
      expect(isKept(() => undefined, 0)).toBe(false)
    })
  })
})
