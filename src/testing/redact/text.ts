import { fromBase64, toText } from './base64.ts'
import { layersOf, type Layer } from './layers.ts'
import { createFinder, type Found, needlesOf, SHORT } from './needles.ts'
import { placeholder, placeholderSpans } from './placeholder.ts'

/** A secret, and the id of the placeholder that takes its place. */
export interface Known {
  readonly value: string
  readonly id: string
}

export interface RedactorOptions {
  /** Gives the id for a piece of an encoded text that holds placeholders when it is decoded. */
  encoded(template: string, encoding: 'base64' | 'base64url' | 'hex'): string
}

export interface TextRedactor {
  /** `text` with a placeholder wherever a secret was. In a URL it is percent-encoded. */
  redact(text: string, options?: { readonly url?: boolean }): string
  /** The ids of the placeholders that were put in. */
  readonly used: ReadonlySet<string>
  /** Whether a secret stands in bytes that are no text. */
  occursIn(bytes: Uint8Array): boolean
}

interface Replacement {
  readonly start: number
  readonly end: number
  /** Asked for when it is used: an id that was given away is in the list of them. */
  id(): string
}

/** Each round takes away what the one before has hidden, or what overlapped with it. */
const MAX_ROUNDS = 8

export function createTextRedactor(known: readonly Known[], { encoded }: RedactorOptions): TextRedactor {
  const find = createFinder(known.flatMap((one) => needlesOf(one.value, one)))

  const used = new Set<string>()

  function redact(text: string, { url = false } = {}): string {
    let now = text
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const replacements = withoutOverlaps(replacementsIn(now), now)
      if (replacements.length === 0) break
      const parts: string[] = []
      let from = 0
      for (const { start, end, id } of replacements) {
        const name = id()
        used.add(name)
        parts.push(now.slice(from, start), url ? encodeURIComponent(placeholder(name)) : placeholder(name))
        from = end
      }
      now = parts.join('') + now.slice(from)
    }
    return now
  }

  function replacementsIn(text: string): Replacement[] {
    const all: Replacement[] = []
    for (const layer of layersOf(text)) {
      const found = find(layer.text)
      if (found.length === 0) continue
      const here = found
        .filter(({ needle }) => needle.form !== 'base64')
        .map(({ start, end, needle: { form, owner } }) => ({
          start,
          end,
          id: () => (form === 'hex' ? encoded(placeholder(owner.id), 'hex') : owner.id),
        }))
      const base64 = found.filter(({ needle }) => needle.form === 'base64')
      for (const one of [...here, ...groupsOf(base64, layer).flatMap((group) => toReplacement(group, layer))]) {
        all.push({ ...one, start: originOf(layer, one.start), end: originOf(layer, one.end) })
      }
    }
    return all
  }

  /** What stands for whole groups of base64: the text in them, if they hold one, can be encoded again in a replay. */
  function toReplacement(group: Group, { text }: Layer): Replacement[] {
    // The whole run if it is text: a secret of another length moves all that follows it. Else as little as may be.
    for (const [start, end] of [
      [group.runStart, group.runEnd],
      [group.start, group.runEnd],
      [group.start, group.end],
    ] as const) {
      const run = text.slice(start, end)
      const bytes = fromBase64(run)
      const plain = bytes && toText(bytes)
      const template = plain && redact(plain)
      if (template === undefined) continue
      if (template !== plain) {
        const isUrlSafe = /[-_]/.test(run) || run.length % 4 > 0
        return [{ start, end, id: () => encoded(template, isUrlSafe ? 'base64url' : 'base64') }]
      }
      // Next to what it is part of, a short one is none.
      if (group.found.every(({ needle }) => needle.owner.value.length < SHORT)) return []
    }
    // Nothing that can be read, so nothing that could be encoded again. What is short may be a coincidence.
    return group.found
      .filter(({ needle }) => needle.owner.value.length >= SHORT)
      .map(({ start, end, needle }) => ({ start, end, id: () => needle.owner.id }))
  }

  return {
    redact,
    used,
    occursIn(bytes) {
      const views = [new TextDecoder('latin1').decode(bytes), new TextDecoder('utf-16le').decode(bytes)]
      const odd = new TextDecoder('utf-16le').decode(bytes.subarray(1))
      const utf8 = new TextDecoder().decode(bytes)
      return [...views, odd, utf8].some((text) => find(text).some(({ needle }) => needle.text.length >= SHORT))
    },
  }
}

/** Groups of four characters of base64 that touch. */
interface Group {
  start: number
  end: number
  /** Where the base64 begins and ends that they are part of. */
  readonly runStart: number
  runEnd: number
  readonly found: Found<Known>[]
}

/** No run of interest is longer. */
const LONGEST_RUN = 100_000
const TAIL = /[\w+/-]{0,100000}={0,2}/y

/** The groups of four in which the found pieces lie, with those that the secret only touches. */
function groupsOf(found: readonly Found<Known>[], { text }: Layer): Group[] {
  const groups: Group[] = []
  for (const one of [...found].sort((a, b) => a.start - b.start)) {
    const lead = [0, 2, 3][one.needle.skip] ?? 0
    const begin = Math.max(0, one.start - lead)
    const start = /^[\w+/-]*$/.test(text.slice(begin, one.start)) ? begin : one.start
    const wanted = start + Math.ceil((one.end - start) / 4) * 4
    TAIL.lastIndex = one.end
    const runEnd = one.end + (TAIL.exec(text)?.[0].length ?? 0)
    const end = Math.min(runEnd, wanted)
    const last = groups.at(-1)
    if (last && start < last.runEnd) {
      last.end = Math.max(last.end, end)
      last.runEnd = Math.max(last.runEnd, runEnd)
      last.found.push(one)
    } else {
      let runStart = start
      while (start - runStart < LONGEST_RUN && /[\w+/-]/.test(text.charAt(runStart - 1))) runStart--
      // Only if it is in step.
      if ((start - runStart) % 4 > 0) runStart = start
      groups.push({ start, end, runStart, runEnd, found: [one] })
    }
  }
  return groups
}

function originOf({ starts }: Layer, index: number): number {
  return starts?.[index] ?? index
}

/** The longest of those that overlap; the next round sees what is left. What a placeholder is called is left alone. */
function withoutOverlaps(replacements: readonly Replacement[], text: string): Replacement[] {
  const spans = placeholderSpans(text)
  const kept: Replacement[] = []
  let at = 0
  for (const one of [...replacements].sort((a, b) => a.start - b.start || b.end - a.end)) {
    while ((spans[at]?.end ?? Infinity) <= one.start) at++
    if ((spans[at]?.start ?? Infinity) <= one.start && one.end <= (spans[at]?.end ?? 0)) continue
    const last = kept.at(-1)
    if (!last || one.start >= last.end) kept.push(one)
    else if (one.end - one.start > last.end - last.start) kept[kept.length - 1] = one
  }
  return kept
}
