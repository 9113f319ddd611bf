import type { Found } from './finder.ts'
import type { Layer } from './layers.ts'

/** Groups of four characters of base64 that touch. */
export interface Group<Owner> {
  start: number
  end: number
  /** Where the base64 begins and ends that they are part of. */
  readonly runStart: number
  runEnd: number
  readonly found: Found<Owner>[]
}

/** A run of base64 that holds bytes which could be a text. */
export interface Run {
  readonly start: number
  readonly end: number
}

/** No run of interest is longer. */
const LONGEST_RUN = 100_000
const TAIL = /[\w+/-]{0,100000}={0,2}/y
/** What is shorter holds nothing that is encoded again. */
const SHORTEST_RUN = 16
const RUN = /[\w+/-]{16,}/g

/** The groups of four in which the found pieces lie, with those that the secret only touches. */
export function groupsOf<Owner>(found: readonly Found<Owner>[], { text }: Layer): Group<Owner>[] {
  const groups: Group<Owner>[] = []
  for (const one of [...found].sort((a, b) => a.start - b.start)) {
    const lead = [0, 2, 3][one.needle.skip] ?? 0
    const begin = Math.max(0, one.start - lead)
    const start = /^[\w+/-]*$/.test(text.slice(begin, one.start)) ? begin : one.start
    const wanted = start + Math.ceil((one.end - start) / 4) * 4
    const last = groups.at(-1)
    if (last && start < last.runEnd) {
      last.end = Math.max(last.end, Math.min(last.runEnd, wanted))
      last.found.push(one)
      continue
    }
    TAIL.lastIndex = one.end
    const runEnd = one.end + (TAIL.exec(text)?.[0].length ?? 0)
    let runStart = start
    while (start - runStart < LONGEST_RUN && /[\w+/-]/.test(text.charAt(runStart - 1))) runStart--
    // Only if it is in step.
    if ((start - runStart) % 4 > 0) runStart = start
    groups.push({ start, end: Math.min(runEnd, wanted), runStart, runEnd, found: [one] })
  }
  return groups
}

/** The base64 that holds what could be a text, wherever its groups begin. */
export function* runsOf(text: string): Generator<Run> {
  for (const { index, 0: run } of text.matchAll(RUN)) {
    for (let phase = 0; phase < 4; phase++) {
      let start = phase
      for (let at = phase; at < run.length; at += 4) {
        const isWhole = at + 4 <= run.length
        if (isWhole && isReadable(run, at)) continue
        // What is left of a group at the end holds a byte or two, or is no base64 any more: the next segment of a path.
        const end = !isWhole && isReadable(run, at, run.length - at - 1) ? run.length : at
        if (end - start >= SHORTEST_RUN) yield { start: index + start, end: index + end }
        start = at + 4
      }
      if ((run.length - phase) % 4 === 0 && run.length - start >= SHORTEST_RUN) {
        yield { start: index + start, end: index + run.length }
      }
    }
  }
}

/** The value of each character of base64, by its code. */
const SIXTHS = Uint8Array.from({ length: 128 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(String.fromCharCode(code))
  return code === 0x2d ? 62 : code === 0x5f ? 63 : Math.max(0, at)
})

/** Whether a group of four is three characters that a text may have, or what is left of one is as many as there are. */
function isReadable(run: string, at: number, count = 3): boolean {
  const bits =
    ((SIXTHS[run.charCodeAt(at)] ?? 0) << 18) |
    ((SIXTHS[run.charCodeAt(at + 1)] ?? 0) << 12) |
    ((SIXTHS[run.charCodeAt(at + 2)] ?? 0) << 6) |
    (SIXTHS[run.charCodeAt(at + 3)] ?? 0)
  if (count === 0 || !isPrintable(bits >> 16)) return false
  return (count < 2 || isPrintable((bits >> 8) & 0xff)) && (count < 3 || isPrintable(bits & 0xff))
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13
}
