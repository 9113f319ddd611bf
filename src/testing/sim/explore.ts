import { play, type Played } from './play.ts'
import { planOf } from './plan.ts'
import { shrink } from './shrink.ts'
import type { SimulationOptions } from './simulation.ts'
import { tellStory } from './story.ts'

/** Plays what a seed decides. */
export function playSeed(seed: number, options?: Pick<SimulationOptions, 'open'>): Promise<Played> {
  return play(planOf(seed), options)
}

/**
 * What went wrong, as a person reads it: the invariants that are broken, the shortest plan that was found to break the
 * first of them, and its story.
 */
export async function explain(played: Played, options?: Pick<SimulationOptions, 'open'>): Promise<string> {
  const shortest = await shrink(played, options)
  const { plan, history, breaches } = shortest
  return [
    `seed ${String(played.plan.seed)} breaks ${played.breaches.map(({ invariant, text }) => `${String(invariant)} (${text})`).join(', ')}`,
    `play it again: SEED=${String(plan.seed)} npm run sim`,
    `what is left of its plan: ${JSON.stringify(plan)}`,
    tellStory(history, breaches),
  ].join('\n')
}
