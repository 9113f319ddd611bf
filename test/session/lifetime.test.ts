import { expect, test } from 'vitest'
import { endingOf, type Limits } from '../../src/session/lifetime.ts'
import { active, NOW, sessionOf, tokensOf } from './stage.ts'

const never: Limits = { idleMs: Infinity, absoluteMs: Infinity, warnMs: 60_000 }
const after = (ms: number) => ({ wall: NOW.wall + ms, monotonic: NOW.monotonic + ms })

test('without a limit a session never ends by itself', () => {
  expect(endingOf(active(), never, NOW, after(9e9))).toBeUndefined()
  expect(endingOf({ ...active(), tokens: undefined }, never, NOW, after(9e9))).toBeUndefined()
})

test('it ends a while after somebody did something, and warns at half of it at the latest', () => {
  const idle = endingOf(active(), { ...never, idleMs: 600_000 }, after(100_000), after(150_000))
  expect(idle).toEqual({ inMs: 550_000, why: 'idle', warnMs: 60_000 })
  const soon = endingOf(active(), { ...never, idleMs: 80_000 }, NOW, NOW)
  expect(soon).toEqual({ inMs: 80_000, why: 'idle', warnMs: 40_000 })
})

test('it ends a while after it began, whatever anybody does', () => {
  const ending = endingOf(active(), { ...never, absoluteMs: 900_000 }, after(800_000), after(800_000))
  expect(ending).toEqual({ inMs: 100_000, why: 'absolute', warnMs: 60_000 })
})

test('it ends when the server has said', () => {
  const held = active(sessionOf(), tokensOf({ sessionLifetimeMs: 500_000, obtained: after(100_000) }))
  expect(endingOf(held, never, NOW, after(200_000))).toMatchObject({ inMs: 400_000, why: 'absolute' })
  expect(endingOf(held, { ...never, absoluteMs: 250_000 }, NOW, after(200_000))).toMatchObject({ inMs: 50_000 })
})

test('the first of two ends counts, and of two at once the one that nobody can put off', () => {
  const limits = { ...never, idleMs: 100_000, absoluteMs: 300_000 }
  expect(endingOf(active(), limits, NOW, NOW)).toMatchObject({ why: 'idle' })
  expect(endingOf(active(), limits, after(250_000), after(250_000))).toMatchObject({ why: 'absolute', inMs: 50_000 })
  expect(endingOf(active(), limits, after(200_000), after(200_000))).toMatchObject({ why: 'absolute', inMs: 100_000 })
})
