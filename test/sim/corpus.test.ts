import { describe, expect, test } from 'vitest'
import { explain } from '../../src/testing/sim/explore.ts'
import { play } from '../../src/testing/sim/play.ts'
import { stories } from './corpus/index.ts'
import { modes, toPlan } from './corpus/plan.ts'

describe('what others failed at, as plans', () => {
  test.each(stories.map((story) => [story.name, story] as const))('%s', async (_, story) => {
    for (const mode of story.modes ?? modes) {
      for (let seed = 1; seed <= (story.seeds ?? 3); seed++) {
        const played = await play(toPlan(story, mode, seed))
        if (played.breaches.length > 0) throw new Error(await explain(played))
        const { entries } = played.history
        const calm = entries.findIndex((entry) => entry.what === 'phase')
        expect(story.happened(entries.slice(0, calm)), `with ${mode} and seed ${String(seed)} it comes to it`).toBe(
          true,
        )
      }
    }
  })
})
