import type { Mode } from '../../../src/testing/sim/simulation.ts'
import { play } from '../../../src/testing/sim/play.ts'
import { guards } from './guards.ts'
import { inside } from './inside.ts'
import { modes, type Story, toPlan } from './plan.ts'
import { proofs } from './proofs.ts'
import { rotation } from './rotation.ts'
import { tabs } from './tabs.ts'

export const stories: readonly Story[] = [...inside, ...tabs, ...rotation, ...proofs, ...guards]

/**
 * The first plan that does not come out as it should, and what is wrong with it.
 *
 * @param most Of no story more orders of what falls on one millisecond are tried. Most is found by the first.
 */
export async function playCorpus(most: number): Promise<{ readonly story: string; readonly text: string } | undefined> {
  for (let seed = 1; seed <= most; seed++) {
    for (const story of stories) {
      if (seed > (story.seeds ?? 3)) continue
      for (const mode of story.modes ?? modes) {
        const text = await faultOf(story, mode, seed)
        if (text !== undefined) return { story: story.name, text }
      }
    }
  }
  return undefined
}

async function faultOf(story: Story, mode: Mode, seed: number): Promise<string | undefined> {
  const { history, breaches } = await play(toPlan(story, mode, seed))
  const calm = history.entries.findIndex((entry) => entry.what === 'phase')
  const [breach] = breaches
  if (breach) return `${String(breach.invariant)}: ${breach.text}`
  return story.happened(history.entries.slice(0, calm)) ? undefined : 'it comes to something else'
}
