import { fromBase64, toText } from './base64.ts'
import { createFinder } from './finder.ts'
import { layersOf, type Layer } from './layers.ts'
import { isTelling, needlesOf } from './needles.ts'
import { placeholder, placeholderSpans } from './placeholder.ts'
import { type Group, groupsOf, runsOf } from './runs.ts'

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
  readonly isExact: boolean
  /** How many `=` may follow that belong to it. */
  readonly padding?: number
  /** Asked for when it is used: an id that was given away is in the list of them. */
  id(): string
}

/** Each round takes away what the one before has hidden, or what overlapped with it. */
const MAX_ROUNDS = 8
/** How often base64 may be in base64. */
const MAX_NESTING = 3
/** In bytes, where anything may come, something shorter is no find. */
const SHORTEST_IN_BYTES = 4

export function createTextRedactor(known: readonly Known[], { encoded }: RedactorOptions): TextRedactor {
  const find = createFinder(known.flatMap((one) => needlesOf(one.value, one)))
  const used = new Set<string>()
  let nesting = 0

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

  /** The text that base64 holds, redacted. `undefined`: it holds none. `same`: there was nothing to redact. */
  function redactInside(run: string): { readonly template: string; readonly same: boolean } | undefined {
    const bytes = fromBase64(run)
    const plain = bytes && toText(bytes)
    if (plain === undefined) return undefined
    nesting++
    const template = redact(plain)
    nesting--
    return { template, same: template === plain }
  }

  function replacementsIn(text: string): Replacement[] {
    const all: Replacement[] = []
    /** What was looked into in another layer. */
    const looked = new Map<string, string | undefined>()
    for (const layer of layersOf(text)) {
      const found = find(layer.text)
      const base64 = found.filter(({ needle }) => needle.form === 'base64')
      const here: Replacement[] = [
        ...found
          .filter(({ needle }) => needle.form !== 'base64')
          .map(({ start, end, isExact, needle: { form, owner } }) => ({
            start,
            end,
            isExact,
            id: () => (form === 'hex' ? encoded(placeholder(owner.id), 'hex') : owner.id),
          })),
        ...(base64.length === 0 ? [] : groupsOf(base64, layer).flatMap((group) => toReplacement(group, layer))),
        ...(nesting < MAX_NESTING ? nestedIn(layer, looked) : []),
      ]
      for (const one of here) all.push(atOrigin(one, layer, text))
    }
    return all
  }

  /** What stands for whole groups of base64: the text in them, if they hold one, can be encoded again in a replay. */
  function toReplacement(group: Group<Known>, { text }: Layer): Replacement[] {
    // The whole run if it is text: a secret of another length moves all that follows it. Else as little as may be.
    for (const [start, end] of [
      [group.runStart, group.runEnd],
      [group.start, group.runEnd],
      [group.start, group.end],
    ] as const) {
      const run = text.slice(start, end)
      const inside = redactInside(run)
      if (!inside) continue
      if (!inside.same) return [toEncoded({ start, end }, run, inside.template)]
      // Next to what it is part of, a short one is none.
      if (group.found.every(({ needle }) => !isTelling(needle.owner.value))) return []
    }
    // Nothing that can be read, so nothing that could be encoded again. What is short may be a coincidence.
    return group.found
      .filter(({ needle }) => isTelling(needle.owner.value))
      .map(({ start, end, needle }) => ({ start, end, isExact: true, id: () => needle.owner.id }))
  }

  /** Base64 that holds a text with a secret in it which is encoded there once more. */
  function* nestedIn({ text }: Layer, looked: Map<string, string | undefined>): Generator<Replacement> {
    for (const { start, end } of runsOf(text)) {
      const run = text.slice(start, end)
      if (!looked.has(run)) {
        const inside = redactInside(run)
        looked.set(run, inside && !inside.same ? inside.template : undefined)
      }
      const template = looked.get(run)
      if (template !== undefined) yield toEncoded({ start, end }, run, template)
    }
  }

  function toEncoded(at: { start: number; end: number }, run: string, template: string): Replacement {
    const isUrlSafe = /[-_]/.test(run) || run.length % 4 > 0
    return {
      ...at,
      isExact: true,
      padding: (4 - (run.length % 4)) % 4,
      id: () => encoded(template, isUrlSafe ? 'base64url' : 'base64'),
    }
  }

  return {
    redact,
    used,
    occursIn(bytes) {
      const views = [new TextDecoder('latin1').decode(bytes), new TextDecoder('utf-16le').decode(bytes)]
      const odd = new TextDecoder('utf-16le').decode(bytes.subarray(1))
      const utf8 = new TextDecoder().decode(bytes)
      return [...views, odd, utf8].some((text) =>
        find(text).some(({ needle: { form, text: spelled, owner } }) => {
          return form === 'plain' ? owner.value.length >= SHORTEST_IN_BYTES : spelled.length >= 2 * SHORTEST_IN_BYTES
        }),
      )
    },
  }
}

/** Where a replacement stands in the text that the layer was made of. */
function atOrigin(one: Replacement, { origin }: Layer, text: string): Replacement {
  const start = origin?.starts[one.start] ?? one.start
  let end = origin?.ends[one.end - 1] ?? one.end
  for (let left = one.padding ?? 0; left > 0 && text.charAt(end) === '='; left--) end++
  return { ...one, start, end }
}

/**
 * The longest of those that overlap, and those that are spelled alike; the next round sees what is left. What a placeholder
 * is called is left alone.
 */
function withoutOverlaps(replacements: readonly Replacement[], text: string): Replacement[] {
  if (replacements.length === 0) return []
  const spans = placeholderSpans(text)
  const kept: Replacement[] = []
  let at = 0
  const inOrder = [...replacements].sort(
    (a, b) => a.start - b.start || b.end - a.end || Number(b.isExact) - Number(a.isExact),
  )
  for (const one of inOrder) {
    while ((spans[at]?.end ?? Infinity) <= one.start) at++
    if ((spans[at]?.start ?? Infinity) <= one.start && one.end <= (spans[at]?.end ?? 0)) continue
    const last = kept.at(-1)
    if (!last || one.start >= last.end) kept.push(one)
    else if (one.end - one.start > last.end - last.start) kept[kept.length - 1] = one
  }
  return kept
}
