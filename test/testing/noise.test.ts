import { findNoise, withNoise, type Har, type HarEntry } from 'tokenward/testing'
import { describe, expect, test } from 'vitest'
import { compare, type Assertions } from '../../src/testing/replay/compare.ts'
import { entryOf } from './entry.ts'

const harOf = (...entries: HarEntry[]): Har => ({
  log: { version: '1.2', creator: { name: 'test', version: '1' }, entries },
})
const orders = (at: string, etag: string, id: number): HarEntry =>
  entryOf({
    url: `https://api.example.com/orders?t=${id}`,
    answered: { etag, 'x-shard': etag, date: at },
    answer: { orders: [{ id, at, name: 'Tea' }], next: '{{access_p1_1}}' },
  })

describe('noise', () => {
  const first = harOf(entryOf(), orders('2026-01-01T10:00:00Z', 'a', 1))
  const second = harOf(orders('2026-01-02T10:00:00Z', 'b', 2), entryOf({ answer: '' }))

  test('is what differs between two recordings of the same', () => {
    expect(findNoise(first, second)).toEqual([
      { entry: 1, path: 'header.x-shard' },
      { entry: 1, path: 'body.orders.*.id' },
      { entry: 1, path: 'body.orders.*.at' },
    ])
    expect(findNoise(first, first)).toEqual([])
  })

  test('is kept in the recording, once', () => {
    const quiet = withNoise(withNoise(first, findNoise(first, second)), [{ path: 'body.x' }, { path: 'body.x' }])
    expect(quiet.log._noise).toEqual([...findNoise(first, second), { path: 'body.x' }])
  })
})

describe('what is compared', () => {
  const differences = (expected: unknown, actual: unknown, assert: Assertions = {}): string[] => {
    const entry = entryOf({ answer: expected as object, answered: { 'content-type': 'application/json' } })
    const headers = [{ name: 'Content-Type', value: 'application/json; charset=utf-8' }]
    const came = { status: 200, headers, text: JSON.stringify(actual), setCookies: [] }
    return compare({ index: 0, entry, came }, assert).map(
      ({ path, expected: was, actual: is }) => `${path}: ${was} -> ${is}`,
    )
  }

  test.each<[string, unknown, unknown, string[]]>([
    ['other values', { a: 1, b: 'x' }, { a: 2, b: 'y' }, []],
    ['another type', { a: 1 }, { a: '1' }, ['body.a: 1 -> 1']],
    [
      'something that is missing, and something new',
      { a: 1 },
      { b: 1 },
      ['body.a: 1 -> missing', 'body.b: missing -> 1'],
    ],
    ['more items', [{ a: 1 }], [{ a: 1 }, { a: 2 }], []],
    [
      'an item of another shape',
      [{ a: 1 }],
      [{ a: 1 }, { b: 2 }],
      ['body.1.a: 1 -> missing', 'body.1.b: missing -> 2'],
    ],
    ['items of two shapes', [{ a: 1 }, { b: 1 }], [{ b: 2 }], []],
    ['no items', [1], [], ['body: [1] -> []']],
    ['null', { a: null }, { a: 1 }, []],
  ])('by its shape: %s', (_, expected, actual, found) => {
    expect(differences(expected, actual)).toEqual(found)
  })

  test.each<[string, unknown, unknown, string[]]>([
    ['other values', { a: 1, b: ['x'] }, { a: 2, b: ['y'] }, ['body.a: 1 -> 2', 'body.b.0: x -> y']],
    ['another date, UUID, instant', { at: '2026-01-01', t: 1_700_000_000 }, { at: '2027-01-01', t: 1_800_000_000 }, []],
    ['another token in its place', { t: 'Bearer {{access_p1_1}}!' }, { t: 'Bearer abc!' }, []],
    [
      'something else in its place',
      { t: 'Bearer {{access_p1_1}}!' },
      { t: 'Basic abc!' },
      ['body.t: Bearer {{access_p1_1}}! -> Basic abc!'],
    ],
  ])('exactly: %s', (_, expected, actual, found) => {
    expect(differences(expected, actual, { body: 'exact' })).toEqual(found)
  })

  test('noise is none', () => {
    const [was, is] = [
      { a: { b: [{ c: 1 }, { c: 2 }] }, d: 1 },
      { a: { b: [{ c: 3 }, { c: 4 }] }, d: 2 },
    ]
    expect(differences(was, is, { body: 'exact', noise: ['body.a.b.*.c', { entry: 0, path: 'body.d' }] })).toEqual([])
    expect(differences(was, is, { body: 'exact', noise: ['body.a.**', { entry: 1, path: 'body.d' }] })).toEqual([
      'body.d: 1 -> 2',
    ])
    expect(differences(was, { nothing: true }, { body: 'ignore' })).toEqual([])
  })
})
