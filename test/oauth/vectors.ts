import { readFileSync } from 'node:fs'

/** One group of the vectors, which are data from outside. */
export function vectorsOf<T>(group: string): T {
  const all = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url), 'utf8')) as Record<string, unknown>
  return all[group] as T
}
