import { expect, test } from 'vitest'
import type { Parts } from '../../src/flow/parts.ts'
import { createPool } from '../../src/flow/pool.ts'
import type { Refresh } from '../../src/flow/refresh.ts'
import type { RefreshTrigger } from '../../src/session/events.ts'
import { createNarrow, fromWish, toWish } from '../../src/session/narrow.ts'
import type { Held } from '../../src/session/state.ts'
import { failure, NOW, sessionOf, tokensOf } from '../session/stage.ts'

const pay = toWish({ scope: 'pay' })
const any = () => true
const wait = (arrival: Promise<void>) => arrival

/** Each refresh waits until it is answered. */
function open({ background = true } = {}) {
  const narrow = createNarrow(() => NOW)
  const asked: Held[] = []
  const answers: { ok(): void; fail(error: Error): void }[] = []
  let names = 0
  const refresh = (from: Held, trigger: RefreshTrigger): Promise<Held> => {
    expect(trigger).toBe('requested')
    asked.push(from)
    return new Promise((resolve, reject) => {
      answers.push({
        ok() {
          const tokens = tokensOf({ accessToken: `once ${answers.length}`, sequence: answers.length })
          narrow.put(from.session, from.wish!, tokens)
          resolve({ ...from, tokens })
        },
        fail: reject,
      })
    })
  }
  const parts = { narrow, ports: { random: () => ++names / 1_000 }, settings: { background } } as unknown as Parts
  const held: Held = { session: sessionOf(), tokens: undefined, wish: pay }
  /** Answers the newest refresh, and lets all come of it that does. */
  async function answer(error?: Error): Promise<void> {
    const newest = answers.at(-1)
    if (error) newest?.fail(error)
    else newest?.ok()
    for (let turn = 0; turn < 30; turn++) await Promise.resolve()
  }
  return { pool: createPool(parts, refresh as Refresh), narrow, asked, held, answer }
}

test('who asks gets one that nobody else has, and two more are fetched ahead, one after another', async () => {
  const { pool, narrow, asked, held, answer } = open()
  const next = pool.next(held, wait)
  expect(asked).toHaveLength(1)
  await answer()
  const mine = await next
  expect(mine).toMatchObject({ session: held.session, tokens: { accessToken: 'once 1' } })
  expect(narrow.of(held.session, mine.wish!).tokens).toBeUndefined()
  for (let ahead = 2; ahead <= 4; ahead++) await answer()
  expect(asked).toHaveLength(3)
  expect(new Set(asked.map(({ wish }) => wish)).size).toBe(3)
  for (const { wish, tokens } of asked) {
    expect(tokens).toBeUndefined()
    expect(fromWish(wish!)).toMatchObject({ scope: 'pay', once: expect.stringMatching(/^[a-z\d]+$/) as string })
  }
})

test('without background refreshes none is fetched ahead', async () => {
  const { pool, asked, held, answer } = open({ background: false })
  const next = pool.next(held, wait)
  await answer()
  await next
  await answer()
  expect(asked).toHaveLength(1)
  expect(pool.take(held, any)).toBeUndefined()
})

test('what is here is taken at once, the oldest first, and another is fetched in its place', async () => {
  const { pool, asked, held, answer } = open()
  expect(pool.take(held, any)).toBeUndefined()
  const next = pool.next(held, wait)
  for (let time = 0; time < 4; time++) await answer()
  await next
  expect(pool.take(held, any)).toMatchObject({ tokens: { accessToken: 'once 2' } })
  expect(asked).toHaveLength(4)
  expect(pool.take(held, any)).toMatchObject({ tokens: { accessToken: 'once 3' } })
  expect(pool.take(held, any)).toBeUndefined()
})

test('one that does not live long enough is passed over, and stays where it is revoked at the end', async () => {
  const { pool, narrow, held, answer } = open()
  const next = pool.next(held, wait)
  for (let time = 0; time < 4; time++) await answer()
  await next
  expect(pool.take(held, ({ accessToken }) => accessToken !== 'once 2')).toMatchObject({
    tokens: { accessToken: 'once 3' },
  })
  expect(narrow.drain(held.session, false)).toEqual(['once 2'])
})

test('one that is not here any more is passed over', async () => {
  const { pool, narrow, held, answer } = open()
  const next = pool.next(held, wait)
  for (let time = 0; time < 4; time++) await answer()
  await next
  narrow.drain(held.session, true)
  expect(pool.take(held, any)).toBeUndefined()
})

test('each session and each wish has its own', async () => {
  const { pool, held, answer } = open()
  const next = pool.next(held, wait)
  for (let time = 0; time < 4; time++) await answer()
  await next
  expect(pool.take({ ...held, wish: toWish({ scope: 'read' }) }, any)).toBeUndefined()
  expect(pool.take({ ...held, session: sessionOf() }, any)).toBeUndefined()
  expect(pool.take(held, any)).toBeDefined()
})

test('all who wait are served one after another, however many', async () => {
  const { pool, asked, held, answer } = open({ background: false })
  const all = [pool.next(held, wait), pool.next(held, wait), pool.next(held, wait)]
  expect(asked).toHaveLength(1)
  for (let time = 0; time < 5; time++) await answer()
  const got = await Promise.all(all)
  expect(new Set(got.map(({ tokens }) => tokens?.accessToken)).size).toBe(3)
  expect(asked).toHaveLength(3)
})

test('who has given up is fetched for no more', async () => {
  const { pool, asked, held, answer } = open({ background: false })
  const closed = new Error('closed')
  const next = pool.next(held, () => Promise.reject(closed))
  await expect(next).rejects.toBe(closed)
  await answer()
  await answer()
  expect(asked).toHaveLength(1)
})

test('what is known of a failure outlives the tokens that come for something else meanwhile', async () => {
  const { pool, narrow, asked, held, answer } = open()
  const broken = new Error('broken')
  const next = expect(pool.next(held, wait)).rejects.toBe(broken)
  narrow.of(held.session, asked[0]!.wish!).flight = Promise.resolve(held)
  narrow.put(held.session, toWish({ scope: 'read' }), tokensOf({ sequence: 1 }))
  narrow.of(held.session, asked[0]!.wish!).failure = failure
  await answer(broken)
  await next
  expect(narrow.of(held.session, pay).failure).toBe(failure)
})

test('a refresh that fails fails all who wait, once; whoever asks next tries anew', async () => {
  const { pool, narrow, asked, held, answer } = open()
  const broken = new Error('broken')
  const all = [pool.next(held, wait), pool.next(held, wait)].map((next) => expect(next).rejects.toBe(broken))
  narrow.of(held.session, asked[0]!.wish!).failure = failure
  await answer(broken)
  await Promise.all(all)
  expect(asked).toHaveLength(1)
  const next = pool.next(held, wait)
  expect(asked).toHaveLength(2)
  // What is known of the failure goes from one to the next, until one succeeds.
  expect(narrow.of(held.session, pay).failure).toBe(failure)
  expect(narrow.of(held.session, asked[1]!.wish!).failure).toBe(failure)
  expect(narrow.of(held.session, asked[0]!.wish!)).toEqual({})
  await answer()
  await next
  expect(narrow.of(held.session, pay).failure).toBeUndefined()
})
