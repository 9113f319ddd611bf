/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A number that is as good as random, and the same for the same parts. */
export function mix(...parts: readonly (number | string)[]): number {
  let hash = 0x811c9dc5
  for (const part of parts) {
    if (typeof part === 'number') {
      hash = Math.imul(hash ^ (part | 0), 0x01000193)
      hash = Math.imul(hash ^ (part / 2 ** 32), 0x01000193)
    } else for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** What one seed decides. Each question has a stream of its own: to leave one out changes no answer to another. */
export interface Chance {
  number(about: string): number
  /** True this often, of a hundred times. */
  percent(about: string, often: number): boolean
  /** A whole number from 1 to `most`. */
  upTo(about: string, most: number): number
  one<const T>(about: string, of: readonly [T, ...T[]]): T
}

export function createChance(seed: number): Chance {
  const streams = new Map<string, () => number>()
  function number(about: string): number {
    let stream = streams.get(about)
    if (!stream) streams.set(about, (stream = createRandom(mix(seed, about))))
    return stream()
  }
  return {
    number,
    percent: (about, often) => often > 0 && number(about) * 100 < often,
    upTo: (about, most) => 1 + Math.floor(number(about) * most),
    one: (about, of) => of[Math.floor(number(about) * of.length)] ?? of[0],
  }
}
