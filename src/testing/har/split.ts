/** What a splitter finds. */
export interface Splits {
  /** The text of one element of `log.entries`. */
  entry(text: string): void
}

export interface Splitter {
  /** The next piece of the file. */
  push(text: string): void
  /** All of the file but its entries. `undefined`: it is not over, or no JSON object. */
  rest(): string
  /** How deep within objects and lists it is: 0 at the end of a whole file. */
  depth(): number
  /** How much of an entry is held. 0: it is in none. */
  held(): number
}

const QUOTE = 0x22
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d]
const COMMA = 0x2c
/** `{ log: { entries: [` */
const IN_ENTRIES = 3

/**
 * Takes the entries out of a HAR that is read piece by piece, so that it never has to be in memory as a whole. It looks
 * only for the marks that hold JSON together; what is between them is the business of `JSON.parse`.
 */
export function createSplitter({ entry }: Splits): Splitter {
  const rest: string[] = []
  let held: string[] = []
  let heldLength = 0
  let depth = 0
  let inText = false
  let isEscaped = false
  /** The texts since the last mark that is not a colon: a name, at the end. */
  let text = ''
  /** The name under which each level was opened. */
  const names: string[] = []
  const isEntries = (): boolean => depth >= IN_ENTRIES && names[1] === 'log' && names[2] === 'entries'

  return {
    push(piece) {
      let from = 0
      const flush = (until: number): void => {
        if (until <= from) return
        const part = piece.slice(from, until)
        from = until
        if (!isEntries()) rest.push(part)
        else if (depth > IN_ENTRIES) {
          held.push(part)
          heldLength += part.length
        }
      }
      let textFrom = 0
      let backslash = -1
      for (let at = 0; at < piece.length; at++) {
        const code = piece.charCodeAt(at)
        if (inText) {
          if (isEscaped) {
            isEscaped = false
            continue
          }
          // Bodies are long texts: what is in them is passed over.
          if (backslash < at) backslash = endIfNone(piece.indexOf('\\', at), piece)
          at = Math.min(endIfNone(piece.indexOf('"', at), piece), backslash)
          if (at === backslash) isEscaped = at < piece.length
          else {
            inText = false
            if (depth < IN_ENTRIES) text += piece.slice(textFrom, at)
          }
        } else if (code === QUOTE) {
          inText = true
          text = ''
          textFrom = at + 1
        } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
          // In the list of entries an element begins: what is held begins with it.
          if (isEntries() && depth === IN_ENTRIES) from = at
          else if (!isEntries()) flush(at + 1)
          names[depth] = text
          text = ''
          depth++
          if (isEntries() && depth === IN_ENTRIES) from = at + 1
        } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
          if (isEntries() && depth === IN_ENTRIES + 1) {
            flush(at + 1)
            entry(held.join(''))
            held = []
            heldLength = 0
          } else if (isEntries() && depth === IN_ENTRIES) from = at
          depth--
          text = ''
        } else if (code === COMMA) {
          text = ''
          if (isEntries() && depth === IN_ENTRIES) from = at + 1
        }
      }
      flush(piece.length)
      if (inText && depth < IN_ENTRIES) text += piece.slice(textFrom)
    },
    rest: () => rest.join(''),
    depth: () => depth,
    held: () => heldLength,
  }
}

function endIfNone(at: number, piece: string): number {
  return at === -1 ? piece.length : at
}
