import { describe, expect, test } from 'vitest'
import { check, createChecker } from '../../src/testing/sim/checker/index.ts'
import type { Entry, History } from '../../src/testing/sim/checker/history.ts'
import { explain, playSeed } from '../../src/testing/sim/explore.ts'
import { play } from '../../src/testing/sim/play.ts'
import { planOf } from '../../src/testing/sim/plan.ts'
import { createNaiveManager } from './naive.ts'

const seeds = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]

describe('a seed decides everything', () => {
  test('the same seed gives the same history, to the last entry', async () => {
    for (const seed of seeds) {
      const [one, other] = [await playSeed(seed), await playSeed(seed)]
      expect(other.history).toEqual(one.history)
      expect(other.steps).toBe(one.steps)
    }
  })

  test('runs beside each other do not touch each other', async () => {
    const alone = await playSeed(7)
    const [one, , other] = await Promise.all([playSeed(7), playSeed(8), playSeed(7)])
    expect(one.history).toEqual(alone.history)
    expect(other.history).toEqual(alone.history)
  })

  test('F66: a wall clock that is wrong all the time changes no decision', async () => {
    for (const seed of seeds) {
      // A proof tells the time: where a server looks at it, the first one is refused, and the second made by its clock.
      const plan = { ...planOf(seed), proofs: undefined }
      const [right, wrong] = [await play({ ...plan, skewMs: 0 }), await play({ ...plan, skewMs: 7_776_000_000 })]
      expect(decisions(wrong.history)).toEqual(decisions(right.history))
    }
  })

  test('a history that was written down is judged as it was when it happened', async () => {
    const plan = planOf(4)
    const open = (place: Parameters<typeof createNaiveManager>[0]) => createNaiveManager(place, plan.mode === 'cookie')
    const { history, breaches } = await play(plan, { open, toTheEnd: true })
    expect(breaches.length).toBeGreaterThan(3)
    expect(check(JSON.parse(JSON.stringify(history)) as History)).toEqual(breaches)
  })
})

test('a failing seed is told as a story, shorter than it was, with the place where the invariant broke', async () => {
  const plan = planOf(3)
  const open = (place: Parameters<typeof createNaiveManager>[0]) => createNaiveManager(place, plan.mode === 'cookie')
  const played = await play(plan, { open })
  const story = await explain(played, { open })
  const left = JSON.parse(/its plan: (.*)/.exec(story)![1]!) as typeof plan
  expect(left.steps.length).toBeLessThan(plan.steps.length)
  expect(story).toMatch(/seed 3 breaks/)
  expect(story.split('\n').at(-1)).toMatch(/>>> invariant \d+ is broken/)
  const again = await play(left, { open })
  expect(again.breaches[0]?.invariant).toBe(played.breaches[0]?.invariant)
})

test('every entry is seen once, in its order', () => {
  const { setup } = {
    setup: { credential: 'cookie', stored: false, requestTimeoutMs: 1, resources: [], slackMs: 0 },
  } as const
  const checker = createChecker(setup)
  checker.see({ at: 0, tab: 'tab 1', what: 'timer', delayMs: -1 })
  expect(checker.breaches).toMatchObject([
    { invariant: 20, seen: 1 },
    { invariant: 17, seen: 1 },
  ])
})

/** What tabs did and when, without what shows the device's own clock. */
function decisions({ entries }: History): unknown[] {
  return entries.map(({ at, step, tab, what, ...rest }: Entry) => {
    const { call, method, ok, code, status, operation, presented, outcome, authorization } = rest as Record<
      string,
      unknown
    >
    return { at, step, tab, what, call, method, ok, code, status, operation, presented, outcome, authorization }
  })
}
