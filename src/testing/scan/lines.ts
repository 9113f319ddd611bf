import { createSearch, detached, type Search } from './triggers.ts'

/** A piece of a text: a line, or a part of one that is too long. */
export interface Line {
  readonly text: string
  /** From 1. */
  readonly line: number
  /** How many characters of the line stand before this part. */
  readonly before: number
  /** What begins here or later is in the next part as well. */
  readonly until: number
}

/** What can be read piece by piece. Bytes are UTF-8, or UTF-16 with its mark. */
export type TextSource = string | Iterable<string> | AsyncIterable<string | Uint8Array>

/** A line that is longer is read in parts. */
const LONGEST = 1 << 20
/** How much of one part the next one repeats, so that no token is cut in two. */
const OVERLAP = 16 << 10

/** The chunks of `source`, decoded: UTF-8, or UTF-16 if it begins so, as what PowerShell redirects does. Holds one at a time. */
export async function* chunksOf(source: TextSource): AsyncGenerator<string> {
  if (typeof source === 'string') {
    // A large string is cut, so that a progress is reported for it as well.
    for (let at = 0; at < source.length; at += LONGEST) yield source.slice(at, at + LONGEST)
    return
  }
  let decoder: TextDecoder | undefined
  for await (const chunk of source) {
    if (typeof chunk === 'string') yield chunk
    else yield (decoder ??= new TextDecoder(encodingOf(chunk))).decode(chunk, { stream: true })
  }
  if (decoder) yield decoder.decode()
}

/** By the mark at the beginning. */
function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}

/** Takes chunks, and gives the lines that are complete. Holds what is left of one line. */
export interface LineSplitter {
  push(chunk: string): Iterable<Line>
  end(): Iterable<Line>
}

/**
 * Splits chunks into lines, and gives those in which something may be found; the others are only counted. That is how a
 * large log is passed quickly: words are looked for in a whole chunk, and a line is cut out only around one.
 *
 * @param wanted Which lines to give: all, or those with a trigger or one of these words.
 */
export function createLineSplitter(wanted: 'all' | readonly string[]): LineSplitter {
  const searchIn = (text: string): Search =>
    wanted === 'all' ? { next: (from) => (from < text.length ? from : -1) } : createSearch(text, wanted)
  let rest = ''
  let line = 1
  let before = 0

  function* cut(text: string, start: number, end: number): Generator<Line> {
    const last = text.charCodeAt(end - 1) === 13 ? end - 1 : end
    let from = start
    const offset = (): number => before + from - start
    while (last - from > LONGEST) {
      yield { text: detached(text.slice(from, from + LONGEST)), line, before: offset(), until: LONGEST - OVERLAP }
      from += LONGEST - OVERLAP
    }
    yield { text: detached(text.slice(from, last)), line, before: offset(), until: Infinity }
  }

  function* wantedLines(text: string, complete: number): Generator<Line> {
    const search = searchIn(text)
    let at = 0
    while (at < complete) {
      const found = search.next(at)
      const index = found === -1 ? complete : Math.min(found, complete)
      for (let end = text.indexOf('\n', at); end !== -1 && end < index; end = text.indexOf('\n', at)) {
        at = end + 1
        line++
        before = 0
      }
      if (index === complete) break
      const end = text.indexOf('\n', index)
      yield* cut(text, at, end)
      at = end + 1
      line++
      before = 0
    }
  }

  return {
    *push(chunk) {
      const text = rest + chunk
      // There is none in the rest: of a line that goes on and on only what is new is looked at.
      const last = chunk.lastIndexOf('\n') + 1
      const complete = last === 0 ? 0 : rest.length + last
      if (complete > 0) yield* wantedLines(text, complete)
      rest = text.slice(complete)
      while (rest.length > LONGEST) {
        if (searchIn(rest).next(0) !== -1) {
          yield { text: detached(rest.slice(0, LONGEST)), line, before, until: LONGEST - OVERLAP }
        }
        rest = rest.slice(LONGEST - OVERLAP)
        before += LONGEST - OVERLAP
      }
    },
    *end() {
      if (searchIn(rest).next(0) !== -1) yield* cut(rest, 0, rest.length)
      rest = ''
    },
  }
}
