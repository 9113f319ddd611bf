import { trim, trimEnd, type YamlLines } from './yaml-lines.ts'

const MAX_DEPTH = 64

/** Reads what is in quotes, brackets or braces, over as many lines as it takes. The reading is then behind it. */
export function readFlow(lines: YamlLines, { from, parent }: { from: number; parent: number }): unknown {
  let column = from
  const peek = (): string => lines.current().charAt(column)
  const rest = (): string => lines.current().slice(column)

  /** Goes on in the next line. */
  function nextLine(): void {
    lines.next()
    column = 0
    const line = lines.ahead(0)
    if (line === undefined) throw lines.error('the file ends within quotes or brackets')
    if (line.text !== '' && line.indent <= parent) throw lines.error('what is in quotes or brackets has to be indented')
  }

  function skip(): void {
    for (;;) {
      const space = /^[ \t\r]*/.exec(rest())?.[0].length ?? 0
      column += space
      const isComment = peek() === '#' && (space > 0 || column === 0)
      if (peek() !== '' && !isComment) return
      nextLine()
    }
  }

  function value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw lines.error(`more than ${MAX_DEPTH} levels`)
    skip()
    switch (peek()) {
      case '[':
        return list(depth)
      case '{':
        return mapping(depth)
      case '"':
      case "'":
        return quoted()
      default:
        return typed(plain())
    }
  }

  function list(depth: number): unknown[] {
    const items: unknown[] = []
    column++
    skip()
    while (peek() !== ']') {
      items.push(value(depth + 1))
      skip()
      if (peek() === ',') column++
      else if (peek() !== ']') throw lines.error('in brackets a comma or ] has to follow')
      skip()
    }
    column++
    return items
  }

  function mapping(depth: number): unknown {
    const members = new Map<string, unknown>()
    column++
    skip()
    while (peek() !== '}') {
      const isQuoted = /["']/.test(peek())
      const key = isQuoted ? quoted() : plain()
      if (members.has(key)) throw lines.error('a key is there twice')
      skip()
      if (peek() === ':') {
        column++
        skip()
        members.set(key, /[,}]/.test(peek()) ? null : value(depth + 1))
        skip()
      } else members.set(key, null)
      if (peek() === ',') column++
      else if (peek() !== '}') throw lines.error('in braces a comma or } has to follow')
      skip()
    }
    column++
    return Object.fromEntries(members)
  }

  function plain(): string {
    let text = piece()
    if (text === '') throw lines.error('a value is missing')
    if (/^[&*!@`%|>]/.test(text)) throw lines.error('anchors, aliases and tags (& * !) are not read')
    // It may go on in the next line, as long as nothing there ends it.
    while (trim(rest()) === '') {
      let blanks = 1
      while (lines.ahead(blanks)?.text === '') blanks++
      if (!/^(?:[^,[\]{}:#]|:(?=[^ \t\r,[\]{}]))/.test(lines.ahead(blanks)?.text ?? '')) break
      text = joined(text) + piece()
    }
    return text
  }

  function piece(): string {
    const text = PLAIN.exec(rest())?.[0] ?? ''
    column += text.length
    return trimEnd(text)
  }

  function quoted(): string {
    const isDouble = peek() === '"'
    column++
    let text = ''
    for (;;) {
      const letter = peek()
      if (letter === '') {
        text = joined(text)
        continue
      }
      column++
      if (!isDouble) {
        if (letter !== "'") text += letter
        else if (peek() === "'") {
          text += "'"
          column++
        } else return text
      } else if (letter === '"') return text
      else if (letter !== '\\') text += letter
      else if (rest() === '') {
        nextLine()
        column = lines.ahead(0)?.indent ?? 0
      } else text += escaped()
    }
  }

  /** The end of a line is a space, empty lines are ends of lines. */
  function joined(before: string): string {
    let blanks = 0
    nextLine()
    while (lines.ahead(0)?.text === '') {
      blanks++
      nextLine()
    }
    column = /^[ \t\r]*/.exec(lines.current())?.[0].length ?? 0
    return before.replace(/[ \t]+$/, '') + (blanks === 0 ? ' ' : '\n'.repeat(blanks))
  }

  function escaped(): string {
    const letter = peek()
    column++
    const plainly = ESCAPES[letter]
    if (plainly !== undefined) return plainly
    const length = { x: 2, u: 4, U: 8 }[letter]
    const code = length === undefined ? '' : rest().slice(0, length)
    if (length === undefined || !/^[\da-f]+$/i.test(code) || code.length < length || parseInt(code, 16) > 0x10ffff)
      throw lines.error('there is no such escape')
    column += length
    return String.fromCodePoint(parseInt(code, 16))
  }

  const read = value(0)
  lines.seek(column)
  return read
}

/** Without what ends a text that has no quotes: a mark, a colon before a space, a space before #. */
const PLAIN = /^(?:[^ \t\r,[\]{}:#]|:(?=[^ \t\r,[\]{}])|(?<=[^ \t\r])#|[ \t]+(?=[^ \t\r#,[\]{}:]|:(?=[^ \t\r,[\]{}])))*/

const ESCAPES: Readonly<Record<string, string | undefined>> = {
  __proto__: null as never,
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1B',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\x85',
  _: '\xA0',
  L: '\u2028',
  P: '\u2029',
}

/** What a text without quotes is, by the core schema of YAML 1.2. */
export function typed(text: string): string | number | boolean | null {
  if (/^(?:null|Null|NULL|~|)$/.test(text)) return null
  if (/^(?:true|True|TRUE)$/.test(text)) return true
  if (/^(?:false|False|FALSE)$/.test(text)) return false
  if (/^0o[0-7]+$|^0x[\da-fA-F]+$/.test(text)) return Number(text)
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text)
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return /^\.(?:nan|NaN|NAN)$/.test(text) ? NaN : text
}
