/** A text that stands somewhere else than it is read: where each part of it comes from. */
export interface Unfolded {
  readonly text: string
  /** The line and the column (both from 1) of the letter at `offset`. */
  at(offset: number): { readonly line: number; readonly column: number }
}

/** Takes the lines of a mail, gives them with the line breaks and escapes of quoted-printable taken back. */
export interface Unfolder {
  push(line: string, number: number): Unfolded | undefined
  end(): Unfolded | undefined
}

/**
 * Takes quoted-printable back: `=` at the end of a line says that it goes on, `=3D` is an equals sign. A line that is
 * not encoded comes out as it is, unless it ends in an equals sign.
 *
 * @see [RFC 2045 section 6.7](https://www.rfc-editor.org/rfc/rfc2045.html#section-6.7)
 */
export function createUnfolder(): Unfolder {
  let text = ''
  let pieces: { readonly from: number; readonly line: number; readonly column: number }[] = []

  function add(part: string, line: number): void {
    let column = 1
    for (const [index, plain] of part.split(/=3D/i).entries()) {
      if (index > 0) {
        pieces.push({ from: text.length, line, column })
        text += '='
        column += 3
      }
      pieces.push({ from: text.length, line, column })
      text += plain
      column += plain.length
    }
  }

  function take(): Unfolded | undefined {
    if (text === '') return undefined
    const unfolded = { text, at: locator(pieces) }
    text = ''
    pieces = []
    return unfolded
  }

  return {
    push(line, number) {
      const goesOn = line.endsWith('=') && !line.endsWith('==') && line.length > 40 && text.length < LONGEST
      add(goesOn ? line.slice(0, -1) : line, number)
      return goesOn ? undefined : take()
    },
    end: take,
  }
}

const LONGEST = 1 << 20

function locator(
  pieces: readonly { readonly from: number; readonly line: number; readonly column: number }[],
): Unfolded['at'] {
  return (offset) => {
    let index = pieces.length - 1
    while (index > 0 && (pieces[index]?.from ?? 0) > offset) index--
    const piece = pieces[index] ?? { from: 0, line: 1, column: 1 }
    return { line: piece.line, column: piece.column + offset - piece.from }
  }
}
