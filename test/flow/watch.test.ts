import { expect, test } from 'vitest'
import { createWatch } from '../../src/flow/watch.ts'
import { createEmitter } from '../../src/lib/emitter.ts'
import type { TokenEvents } from '../../src/session/events.ts'
import type { TokenSet } from '../../src/token.ts'
import { tokensOf } from '../session/stage.ts'

const API = 'https://api.example.com'

function open() {
  const told: unknown[] = []
  const emitter = createEmitter<TokenEvents>((error) => {
    throw error
  })
  for (const type of ['withheld', 'challenged', 'alert'] as const) {
    emitter.on(type, (event: object) => void told.push({ type, ...event }))
  }
  return { watch: createWatch(emitter), told }
}

const at = (ms: number) => ({ wall: 1_000_000 + ms, monotonic: 5_000 + ms })

test('what is withheld is told once for each origin and reason', () => {
  const { watch, told } = open()
  for (const why of ['insecure', 'insecure', 'not-a-resource'] as const) watch.withheld(API, why)
  expect(told).toEqual([
    { type: 'withheld', origin: API, why: 'insecure' },
    { type: 'withheld', origin: API, why: 'not-a-resource' },
  ])
})

test('an alert is told once for each origin, a challenge each time', () => {
  const { watch, told } = open()
  const challenge = { origin: API, status: 403, error: undefined, scope: 'pay' }
  for (let time = 0; time < 2; time++) {
    watch.alert('token-in-url', API)
    watch.challenged(challenge)
  }
  expect(told).toEqual([
    { type: 'alert', rule: 'token-in-url', origin: API },
    { type: 'challenged', ...challenge },
    { type: 'challenged', ...challenge },
  ])
})

test('a token outside the grammar is told once, also of a sign-in; one within it is not', () => {
  const { watch, told } = open()
  watch.issued(tokensOf(), undefined)
  expect(told).toEqual([])
  watch.issued(tokensOf({ accessToken: 'a"b' }), undefined)
  watch.issued(tokensOf({ accessToken: 'a"c' }), tokensOf())
  expect(told).toEqual([{ type: 'alert', rule: 'odd-token' }])
})

test('a scope that grew is told; one that is the same, narrower, new or of a sign-in is not', () => {
  const { watch, told } = open()
  const before = tokensOf({ scope: ['read', 'write'] })
  for (const scope of [['write', 'read'], ['read'], []]) watch.issued(tokensOf({ scope }), before)
  watch.issued(tokensOf({ scope: ['pay'] }), tokensOf({ scope: [] }))
  watch.issued(tokensOf({ scope: ['pay'] }), undefined)
  expect(told).toEqual([])
  watch.issued(tokensOf({ scope: ['read', 'pay'] }), before)
  expect(told).toEqual([{ type: 'alert', rule: 'scope-grew', scope: ['read', 'pay'] }])
})

/** What is told of `count` refreshes, `gapMs` apart. */
function refreshes(count: number, gapMs: number): unknown[] {
  const { watch, told } = open()
  for (let turn = 0; turn < count; turn++) watch.issued(tokensOf({ obtained: at(turn * gapMs) }), tokensOf())
  return told
}

test('more than 30 refreshes within a minute are a storm, which is told anew after as many', () => {
  const storm = { type: 'alert', rule: 'refresh-storm' }
  expect(refreshes(30, 1)).toEqual([])
  expect(refreshes(31, 1_999)).toEqual([storm])
  expect(refreshes(61, 1)).toEqual([storm])
  expect(refreshes(62, 1)).toEqual([storm, storm])
  expect(refreshes(100, 2_000)).toEqual([])
})

test('sign-ins are no storm', () => {
  const { watch, told } = open()
  for (let turn = 0; turn < 40; turn++) watch.issued(tokensOf({ obtained: at(turn) }), undefined)
  expect(told).toEqual([])
})

const MINUTE = 60_000

test.each([
  [5 * MINUTE, []],
  [-5 * MINUTE, []],
  [5 * MINUTE + 1, [5 * MINUTE]],
  [-3_600_000, [-60 * MINUTE]],
  [NaN, []],
  // A claim in milliseconds, or one that is no time at all.
  [-1.7e15, []],
  [-Infinity, []],
])('a clock that is %i ms ahead of the server’s: %j is told', (aheadMs, expected) => {
  const { watch, told } = open()
  watch.clock(aheadMs)
  expect(told).toEqual(expected.map((ms) => ({ type: 'alert', rule: 'clock-off', aheadMs: ms })))
})

test('a clock that is off is told once for each minute', () => {
  const { watch, told } = open()
  for (const aheadMs of [600_000, 600_900, 599_999, 660_000]) watch.clock(aheadMs)
  expect(told).toEqual([
    { type: 'alert', rule: 'clock-off', aheadMs: 600_000 },
    { type: 'alert', rule: 'clock-off', aheadMs: 660_000 },
  ])
})

/** What is told of a JWT with these claims that is issued now. */
function issuing(claims: object, before?: TokenSet): unknown[] {
  const { watch, told } = open()
  const wall = 1_700_000_000_000
  const accessToken = `e30.${btoa(JSON.stringify(claims)).replace(/=+$/, '')}.c2ln`
  watch.issued(tokensOf({ accessToken, obtained: { wall, monotonic: 0 } }), before)
  return told
}

test('a new JWT that is not valid yet, or not any more, tells of a clock that is off', () => {
  const now = 1_700_000_000
  expect(issuing({ iat: now, exp: now + 300 })).toEqual([])
  // Issued before, and handed out again.
  expect(issuing({ iat: now - 3_000, exp: now + 600 })).toEqual([])
  for (const odd of [{}, { iat: null, exp: null }, { iat: 'now', exp: '' }, { exp: 0 }])
    expect(issuing(odd)).toEqual([])
  expect(issuing({ iat: now + 3_600, exp: now + 3_900 })).toEqual([
    { type: 'alert', rule: 'clock-off', aheadMs: -3_600_000 },
  ])
  const over = { iat: now - 7_500, exp: now - 7_200 }
  expect(issuing(over, tokensOf())).toEqual([{ type: 'alert', rule: 'clock-off', aheadMs: 7_200_000 }])
  // What a session is started with may have been kept somewhere for longer than it lives.
  expect(issuing(over)).toEqual([])
})
