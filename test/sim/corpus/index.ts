import { play } from '../../../src/testing/sim/play.ts'
import { inside } from './inside.ts'
import { modes, type Story, toPlan } from './plan.ts'
import { proofs } from './proofs.ts'
import { rotation } from './rotation.ts'
import { tabs } from './tabs.ts'

export const stories: readonly Story[] = [...inside, ...tabs, ...rotation, ...proofs]

/** The first plan that does not come out as it should, and what is wrong with it. */
export async function playCorpus(): Promise<{ readonly story: string; readonly text: string } | undefined> {
  for (const story of stories) {
    for (const mode of story.modes ?? modes) {
      for (let seed = 1; seed <= (story.seeds ?? 3); seed++) {
        const { history, breaches } = await play(toPlan(story, mode, seed))
        const calm = history.entries.findIndex((entry) => entry.what === 'phase')
        const [breach] = breaches
        if (breach) return { story: story.name, text: `${String(breach.invariant)}: ${breach.text}` }
        if (!story.happened(history.entries.slice(0, calm)))
          return { story: story.name, text: 'it comes to something else' }
      }
    }
  }
  return undefined
}
