import { expect, test } from 'vitest'
import { createProbation } from '../../src/flow/probation.ts'
import { tokensOf } from '../session/stage.ts'

const later = (ms: number) => ({ wall: 1_000_000 + ms, monotonic: 5_000 + ms })
const next = () => tokensOf({ obtained: { ...later(0) } })

test('a token out of a refresh that was refused at once is not refreshed again', () => {
  const probation = createProbation()
  const tokens = next()
  probation.begin(tokens)
  expect(probation.mayRefresh(tokens)).toBe(true)
  probation.refused(tokens, later(59_999))
  expect(probation.mayRefresh(tokens)).toBe(false)
  expect(probation.mayRefresh({ ...tokens, refreshToken: 'r2' })).toBe(false)
  expect(probation.mayRefresh(next())).toBe(true)
})

test('one that was accepted before is', () => {
  const probation = createProbation()
  const tokens = next()
  probation.begin(tokens)
  probation.accepted(tokens)
  probation.refused(tokens, later(1))
  expect(probation.mayRefresh(tokens)).toBe(true)
})

test('one that begins it once more, with another refresh token beside it, can be accepted once more', () => {
  const probation = createProbation()
  const tokens = next()
  for (const accepted of [true, false, true]) {
    probation.begin(tokens)
    if (accepted) probation.accepted(tokens)
  }
  probation.refused(tokens, later(1))
  expect(probation.mayRefresh(tokens)).toBe(true)
  probation.begin(tokens)
  probation.refused(tokens, later(1))
  expect(probation.mayRefresh(tokens)).toBe(false)
})

test('one that is first used long after may have been revoked meanwhile', () => {
  const probation = createProbation()
  const tokens = next()
  probation.begin(tokens)
  probation.refused(tokens, later(60_000))
  expect(probation.mayRefresh(tokens)).toBe(true)
})

test('one that came out of a sign-in is not on probation', () => {
  const probation = createProbation()
  const tokens = next()
  probation.refused(tokens, later(1))
  expect(probation.mayRefresh(tokens)).toBe(true)
})
