import type { Needle } from './needles.ts'

export interface Found<Owner> {
  readonly start: number
  readonly end: number
  readonly needle: Needle<Owner>
  /** Not only in other letters: a host, or the name of a header, is in small ones. */
  readonly isExact: boolean
}

/** Needles of one beginning, by their length and their text. Plain ones and hex in small letters. */
type Bucket<Owner> = Map<number, Indexes<Owner>>
interface Indexes<Owner> {
  readonly exact: Index<Owner>
  readonly folded: Index<Owner>
  /** How they end: a quick look, before a long text is cut out. */
  readonly tails: Set<number>
}
type Index<Owner> = Map<string, Needle<Owner>[]>

/** Longer ones are looked for all at once. */
const WINDOW = 8
const NOT_JOINED = /[^\p{L}\p{N}_@.+%-]/u

/**
 * Looks for many needles at once: the time depends on the text, hardly on their number. Returns what finds them all in a
 * text, in no order, one within another included.
 */
export function createFinder<Owner>(needles: readonly Needle<Owner>[]): (text: string) => Found<Owner>[] {
  const buckets = new Map<number, Bucket<Owner>>()
  const short = needles.filter(({ text }) => text.length < WINDOW)
  const isStart = new Uint8Array(0x10000)
  for (const needle of needles) {
    const { text, form } = needle
    if (text.length < WINDOW) continue
    const hash = hashAt(text, 0)
    isStart[hash] = 1
    const bucket: Bucket<Owner> = buckets.get(hash) ?? (new Map() as Bucket<Owner>)
    buckets.set(hash, bucket)
    const indexes: Indexes<Owner> = bucket.get(text.length) ?? { exact: new Map(), folded: new Map(), tails: new Set() }
    bucket.set(text.length, indexes)
    indexes.tails.add(hashAt(text, text.length - WINDOW))
    const [index, key] = form === 'base64' ? [indexes.exact, text] : [indexes.folded, fold(text)]
    index.set(key, [...(index.get(key) ?? []), needle])
  }

  return function find(text) {
    const found: Found<Owner>[] = []
    /** Up to where a needle of each length is found that is replaced for certain: the next round sees what overlaps with it. */
    const done = new Map<number, number>()
    let small: string | undefined
    const add = (needle: Needle<Owner>, start: number): void => {
      const end = start + needle.text.length
      if (needle.standsAlone && !isAlone(text, start, end)) return
      if (needle.form !== 'base64' && !needle.standsAlone) done.set(needle.text.length, end)
      found.push({ start, end, needle, isExact: text.startsWith(needle.text, start) })
    }
    for (let start = 0; buckets.size > 0 && start <= text.length - WINDOW; start++) {
      const hash = hashAt(text, start)
      if (isStart[hash] === 0) continue
      for (const [length, { exact, folded, tails }] of buckets.get(hash) ?? []) {
        if (start + length > text.length || start < (done.get(length) ?? 0)) continue
        if (!tails.has(hashAt(text, start + length - WINDOW))) continue
        const at = [start, start + length] as const
        for (const needle of (exact.size > 0 && exact.get(text.slice(...at))) || []) add(needle, start)
        if (folded.size > 0)
          for (const needle of folded.get((small ??= fold(text)).slice(...at)) ?? []) add(needle, start)
      }
    }
    for (const needle of short) {
      for (let start = text.indexOf(needle.text); start !== -1; start = text.indexOf(needle.text, start + 1)) {
        add(needle, start)
      }
    }
    return found
  }
}

/** Whether what lies between `start` and `end` is a value of its own. */
function isAlone(text: string, start: number, end: number): boolean {
  const isBegun = start === 0 || NOT_JOINED.test(text.charAt(start - 1))
  // A full stop may end a sentence.
  const after = /^\.(?![\p{L}\p{N}_])/u.test(text.slice(end, end + 2)) ? end + 1 : end
  return isBegun && (after > end || end === text.length || NOT_JOINED.test(text.charAt(end)))
}

/** In small letters; the length stays. */
function fold(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function hashAt(text: string, at: number): number {
  // Bit 5 tells small letters from capital ones.
  const sampled =
    (text.charCodeAt(at) | 32) * 7 +
    (text.charCodeAt(at + 2) | 32) * 131 +
    (text.charCodeAt(at + 5) | 32) * 2_053 +
    (text.charCodeAt(at + 7) | 32) * 17_389
  return sampled & 0xffff
}
