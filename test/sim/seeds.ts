import { describe, expect, test } from 'vitest'
import { explain, playSeed } from '../../src/testing/sim/explore.ts'

/** How many more seeds are played, beside those of every run: `SIM_SEEDS=20` plays twenty times as many. */
const times = Number(process.env['SIM_SEEDS'] ?? 1)
/** A story that takes longer to read than to write is of no use in a report. */
const longest = 60_000

/** Plays `count` seeds from `first` on. Says which invariant broke, and tells the shortest story of it. */
export function playSeeds(first: number, count: number): void {
  describe('whatever one seed decides', () => {
    const size = 100
    const blocks = Array.from({ length: (count * times) / size }, (_, block) => first + block * size)
    test.each(blocks)('every invariant holds over all tabs, from seed %i on', { timeout: 300_000 }, async (start) => {
      for (let seed = start; seed < start + size; seed++) {
        const played = await playSeed(seed)
        if (played.breaches.length > 0) expect.fail((await explain(played)).slice(-longest))
      }
    })
  })
}
