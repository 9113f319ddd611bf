import type { Parameters } from 'fast-check'

const times = Number(process.env['RACE_RUNS'] ?? 1)

/** How often a property is tried. `RACE_RUNS=20` tries all of them twenty times as often. A mutant's story need not be short. */
export function runs(numRuns: number): Parameters<unknown> {
  return { numRuns: Math.ceil(numRuns * times), endOnFailure: process.env['MUTANT'] !== undefined }
}
