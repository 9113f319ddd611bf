import type { Breach } from './checker/rule.ts'
import { play, type Played } from './play.ts'
import type { Plan } from './plan.ts'
import type { SimulationOptions } from './simulation.ts'

/** More plays than this are not worth a shorter story. */
const MOST_PLAYS = 400

/**
 * Leaves out of a plan what is not needed for it to break the same invariant: steps, aims, faults, tabs, bad weather.
 * What comes back is what is left, as it was played.
 */
export async function shrink(first: Played, options: Pick<SimulationOptions, 'open'> = {}): Promise<Played> {
  const invariant = first.breaches[0]?.invariant
  let best = first
  let plays = 0

  async function attempt(change: Partial<Plan>): Promise<boolean> {
    if (plays++ >= MOST_PLAYS) return false
    const played = await play({ ...best.plan, ...change }, options).catch(() => undefined)
    if (!played || !isSame(played.breaches, invariant)) return false
    best = played
    return true
  }

  async function leaveOut(key: 'steps' | 'aims'): Promise<void> {
    for (let size = Math.ceil(best.plan[key].length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < best.plan[key].length;) {
        const list = best.plan[key]
        const shorter = [...list.slice(0, at), ...list.slice(at + size)]
        if (!(await attempt({ [key]: shorter }))) at += size
      }
    }
  }

  await leaveOut('steps')
  await leaveOut('aims')
  for (const key of ['login', 'refresh', 'logout', 'request'] as const) {
    const { [key]: _, ...fates } = best.plan.fates
    if (best.plan.fates[key]?.length) await attempt({ fates })
  }
  const { weather } = best.plan
  for (const calm of [{ lost: 0 }, { doubled: 0 }, { messageMs: 1 }, { recordMs: 1 }, { lockMs: 1 }, { serverMs: 1 }])
    await attempt({ weather: { ...best.plan.weather, ...calm } })
  if (weather !== best.plan.weather) await leaveOut('steps')
  await attempt({ reentrant: 0 })
  await attempt({ skewMs: 0 })
  if (best.plan.proofs) await attempt({ proofs: undefined })
  if (best.plan.apis) await attempt({ apis: undefined })
  for (let tabs = 1; tabs < best.plan.tabs; tabs++) if (await attempt({ tabs })) break
  return best
}

function isSame(breaches: readonly Breach[], invariant: number | undefined): boolean {
  return breaches[0]?.invariant === invariant
}
