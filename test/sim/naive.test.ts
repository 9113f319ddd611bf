import { expect, test } from 'vitest'
import { play } from '../../src/testing/sim/play.ts'
import { planOf } from '../../src/testing/sim/plan.ts'
import { createNaiveManager } from './naive.ts'

/** What an interceptor with a BroadcastChannel is known for, by the number of the invariant that it breaks. */
const faults: readonly (readonly [invariant: number, fault: RegExp])[] = [
  [1, /presents \S+ while tab \d presents/],
  [2, /presents \S+ again|knows its answer/],
  [3, /of a session that tab \d has ended|is again in the session/],
  [5, /a request of another session carries/],
  [7, /ends its session as rejected, and the server has not refused/],
  [8, /which has expired/],
  [10, /sends a token to https:\/\/elsewhere/],
  [11, /a refresh token is in a message/],
  [21, /has not settled|was aborted, and went on/],
  [24, /the tabs do not agree/],
]

test('the interceptor of the blogs breaks what it is known to break', async () => {
  const found = new Map<number, string[]>()
  for (let seed = 1; seed <= 60; seed++) {
    const plan = planOf(seed)
    const open = (place: Parameters<typeof createNaiveManager>[0]) => createNaiveManager(place, plan.mode === 'cookie')
    const { breaches } = await play(plan, { open, toTheEnd: true })
    for (const { invariant, text } of breaches) found.set(invariant, [...(found.get(invariant) ?? []), text])
  }
  for (const [invariant, fault] of faults)
    expect(
      found.get(invariant)?.some((text) => fault.test(text)),
      String(fault),
    ).toBe(true)
})
