import { readFileSync } from 'node:fs'

/** One group of the vectors, which are data from outside. */
// What they are is known where they are used.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function vectorsOf<T>(group: string): T {
  const all = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url), 'utf8')) as Record<string, unknown>
  return all[group] as T
}
