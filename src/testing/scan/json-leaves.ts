/** A string in a JSON text. */
export interface Leaf {
  /** The names and indices that lead to it: `['request', 'headers', '0', 'value']`. */
  readonly path: readonly string[]
  /** What stands between the quotes, escapes as they are written. */
  readonly raw: string
  /** Where that begins in the text. */
  readonly offset: number
}

/**
 * The strings of a JSON text that are values, with their paths and places. The text must be JSON; of what is not,
 * something is read. Linear: a string is passed by its quotes and escapes only.
 */
export function* leavesOf(text: string): Generator<Leaf> {
  const path: string[] = []
  const kinds: string[] = []
  const marks = /["{}[\],:]/g
  let name: string | undefined
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    switch (mark[0]) {
      case '{':
      case '[':
        kinds.push(mark[0])
        path.push(mark[0] === '[' ? '0' : '')
        name = undefined
        break
      case '}':
      case ']':
        kinds.pop()
        path.pop()
        break
      case ',':
        if (kinds.at(-1) === '[') path.push(String(Number(path.pop()) + 1))
        name = undefined
        break
      case ':':
        if (name !== undefined) path[path.length - 1] = name
        break
      default: {
        const offset = mark.index + 1
        const end = endOfString(text, offset)
        const raw = text.slice(offset, end)
        if (kinds.at(-1) === '{' && name === undefined) name = raw
        else yield { path: [...path], raw, offset }
        marks.lastIndex = end + 1
      }
    }
  }
}

/** Where the string whose first letter is at `start` ends: its quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  const marks = /["\\]/g
  marks.lastIndex = start
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === '"') return mark.index
    marks.lastIndex = mark.index + 2
  }
  return text.length
}

/** A part of a recording: an entry, or what stands around the entries. */
export interface HarPart {
  /** From 0. `undefined`: it is no entry. */
  readonly entry: number | undefined
  readonly text: string
  /** Where the text begins: line and column, from 1. */
  readonly line: number
  readonly column: number
}

/** Takes chunks of a HAR file, and gives its parts as they are complete. Holds one entry at a time. */
export interface HarSplitter {
  push(chunk: string): Iterable<HarPart>
  /** @throws SyntaxError The file ends in the midst of it. */
  end(): Iterable<HarPart>
}

/** How much may stand around the entries, or in one of them. */
const LONGEST = 256 << 20

export function createHarSplitter(): HarSplitter {
  let text = ''
  /** Where in `text` the next look begins, and where the part begins that is being read. */
  let at = 0
  let begin = 0
  let depth = 0
  let inString = false
  let lastString = ''
  let stringBegin = 0
  let entriesDepth = -1
  let entry = -1
  let line = 1
  let column = 1

  /** Gives what is read up to `end`, and forgets it. */
  function take(end: number, number: number | undefined): HarPart {
    const part = { entry: number, text: text.slice(begin, end), line, column }
    const breaks = part.text.split('\n')
    line += breaks.length - 1
    column = (breaks.length > 1 ? 1 : column) + (breaks.at(-1)?.length ?? 0)
    begin = end
    return part
  }

  function* read(): Generator<HarPart> {
    const marks = /["\\{}[\]]/g
    marks.lastIndex = at
    for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
      const mark = match[0]
      if (inString) {
        if (mark === '\\') {
          // The letter after it may not be here yet.
          if (match.index + 1 >= text.length) {
            at = match.index
            return
          }
          marks.lastIndex = match.index + 2
        } else if (mark === '"') {
          inString = false
          lastString = match.index - stringBegin < 32 ? text.slice(stringBegin, match.index) : ''
        }
      } else if (mark === '"') {
        inString = true
        stringBegin = match.index + 1
      } else if (mark === '{' || mark === '[') {
        if (entriesDepth === -1 && mark === '[' && depth === 2 && lastString === 'entries') entriesDepth = depth
        else if (depth === entriesDepth + 1 && entriesDepth !== -1 && mark === '{') {
          yield take(match.index, undefined)
          entry++
        }
        depth++
      } else if (mark !== '\\') {
        depth--
        if (entriesDepth !== -1 && depth === entriesDepth + 1) yield take(match.index + 1, entry)
        if (depth === entriesDepth) entriesDepth = -2
      }
      at = marks.lastIndex
    }
    at = text.length
  }

  return {
    *push(chunk) {
      text += chunk
      yield* read()
      text = text.slice(begin)
      at -= begin
      stringBegin -= begin
      begin = 0
      if (text.length > LONGEST) {
        throw new RangeError(`the ${entry < 0 ? 'head' : `part from entry ${String(entry)} on`} is larger than 256 MB`)
      }
    },
    *end() {
      if (depth !== 0 || inString) {
        throw new SyntaxError(
          entry < 0 ? 'the file ends before its entries do' : `the file ends within or after entry ${String(entry)}`,
        )
      }
      if (begin < text.length) yield take(text.length, undefined)
    },
  }
}
