/** A line that says something. */
export interface YamlLine {
  readonly indent: number
  /** Without its indentation. */
  readonly text: string
}

/** The lines of one YAML document, and where the reading is. */
export interface YamlLines {
  /** The next line that says something, which is then the current one. `undefined`: none is left. */
  peek(): YamlLine | undefined
  /** The current line, as it is. */
  current(): string
  /** Goes on by so many lines. */
  next(count?: number): void
  /** Puts spaces in the place of what was read. */
  blank(from: number, length: number): void
  /** How many empty lines come now. */
  blanks(): number
  /** The line after so many. */
  ahead(count: number): YamlLine | undefined
  /** Goes on after the current column: nothing but a comment may follow. */
  end(): void
  /** The column for {@link end}. */
  seek(column: number): void
  /** Takes the lines of a block scalar, without their indentation. */
  block(how: { readonly parent: number; readonly indent: number | undefined }): string[]
  /** From 1, in the file. */
  number(): number
  error(what: string): SyntaxError
}

/** @param first The number of the first line, in the file. */
export function createYamlLines(given: readonly string[], first: number): YamlLines {
  const lines = [...given]
  let at = 0
  let column = 0

  function lineAt(index: number): YamlLine | undefined {
    const line = lines[index]
    if (line === undefined) return undefined
    const indent = indentOf(line)
    return { indent, text: trimEnd(line.slice(indent)) }
  }

  const self: YamlLines = {
    peek() {
      while (at < lines.length && /^[ \t\r]*(?:#|$)/.test(lines[at] ?? '')) at++
      const line = lineAt(at)
      if (line?.text.startsWith('\t')) throw self.error('tabs cannot indent: use spaces')
      return line
    },
    current: () => lines[at] ?? '',
    next: (count = 1) => void (at += count),
    blank(from, length) {
      const line = lines[at] ?? ''
      lines[at] = line.slice(0, from) + ' '.repeat(length) + line.slice(from + length)
    },
    blanks() {
      let count = 0
      while (at + count < lines.length && trim(lines[at + count] ?? '') === '') count++
      return count
    },
    ahead: (count) => lineAt(at + count),
    seek: (to) => void (column = to),
    end() {
      if (!/^[ \t\r]*$|^[ \t\r]+#/.test((lines[at] ?? '').slice(column)))
        throw self.error('something follows where nothing may')
      at++
    },
    block({ parent, indent }) {
      const begin = at
      while (at < lines.length && isInBlock(lines[at] ?? '', indent ?? parent + 1)) at++
      const taken = lines.slice(begin, at)
      const text = taken.find((line) => trim(line) !== '')
      const by = indent ?? (text === undefined ? Infinity : indentOf(text))
      if (taken.some((line) => trim(line) !== '' && indentOf(line) < by))
        throw self.error('a line of this text is indented less than its first')
      // The last one is what the split leaves behind the end of the file.
      if (at === lines.length && taken.at(-1) === '') taken.pop()
      return taken.map((line) => line.slice(by))
    },
    number: () => first + at,
    error: (what) => new SyntaxError(`line ${first + Math.min(at, lines.length - 1)}: ${what}`),
  }
  return self
}

const indentOf = (line: string): number => line.length - line.replace(/^ +/, '').length
const isInBlock = (line: string, indent: number): boolean => trim(line) === '' || indentOf(line) >= indent

const SPACES = ' \t\r'

/** What YAML takes for a space; other spaces of Unicode belong to the text. Looks at no more than goes. */
export function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && SPACES.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

export function trim(text: string): string {
  return trimEnd(text.slice(/^[ \t\r]*/.exec(text)?.[0].length))
}
