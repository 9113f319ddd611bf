import { createYamlLines, trim, trimEnd, type YamlLines } from './yaml-lines.ts'
import { readFlow, typed } from './yaml-flow.ts'

/** Deeper, nobody writes; without a limit a file could fill the stack. */
const MAX_DEPTH = 64

/**
 * Reads the YAML that programs write for data: block and flow collections, and every kind of scalar. Not read, because
 * data needs none of it: anchors and aliases, tags, merge keys, `?` keys. JSON is YAML.
 *
 * @returns The documents, in order.
 * @throws SyntaxError What cannot be read. The message names the line, and does not quote it.
 */
export function parseYaml(text: string): unknown[] {
  return documentsOf(text).flatMap((lines) => {
    if (lines.peek() === undefined) return []
    const value = node(lines, -1, 0)
    if (lines.peek() !== undefined) throw lines.error('this line belongs to nothing before it: look at its indentation')
    return [value]
  })
}

function documentsOf(text: string): YamlLines[] {
  const documents: { lines: string[]; first: number }[] = [{ lines: [], first: 1 }]
  let isBegun = false
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const marker = /^(?:---|\.\.\.)(?=[ \t\r]|$)/.exec(line)
    if (marker) documents.push({ lines: [line.replace(marker[0], '   ')], first: index + 1 })
    else {
      // Directives come before everything else.
      const isDirective: boolean = !isBegun && line.startsWith('%')
      documents.at(-1)?.lines.push(isDirective ? '' : line)
      isBegun ||= !isDirective && trim(line) !== ''
    }
  }
  return documents.map(({ lines, first }) => createYamlLines(lines, first))
}

/** What is indented further than `parent`. */
function node(lines: YamlLines, parent: number, depth: number): unknown {
  if (depth > MAX_DEPTH) throw lines.error(`more than ${MAX_DEPTH} levels`)
  const line = lines.peek()
  if (line === undefined || line.indent <= parent) return null
  if (isItem(line.text)) return list(lines, line.indent, depth)
  if (keyEnd(lines, line.text) !== undefined) return mapping(lines, line.indent, depth)
  return scalar(lines, { from: line.indent, parent })
}

function list(lines: YamlLines, indent: number, depth: number): unknown[] {
  const items: unknown[] = []
  for (let line = lines.peek(); line?.indent === indent && isItem(line.text); line = lines.peek()) {
    // What follows the dash is a node of its own, which begins where it stands.
    lines.blank(indent, 1)
    if (/^[ \t\r]*(?:#|$)/.test(lines.current())) lines.next()
    items.push(node(lines, indent, depth + 1))
  }
  return items
}

function mapping(lines: YamlLines, indent: number, depth: number): unknown {
  const members = new Map<string, unknown>()
  for (let line = lines.peek(); line?.indent === indent && !isItem(line.text); line = lines.peek()) {
    const end = keyEnd(lines, line.text)
    if (end === undefined) throw lines.error('this is no key with a colon')
    const { key, length } = end
    if (members.has(key)) throw lines.error('a key is there twice')
    const from = indent + length
    const rest = lines.current().slice(from)
    if (!/^[ \t\r]*(?:#|$)/.test(rest)) {
      const start = from + rest.search(/[^ \t\r]/)
      members.set(key, scalar(lines, { from: start, parent: indent }))
      continue
    }
    lines.next()
    const after = lines.peek()
    // A list may stand as far left as the key that it belongs to.
    const isList = after?.indent === indent && isItem(after.text)
    members.set(key, isList ? list(lines, indent, depth + 1) : node(lines, indent, depth + 1))
  }
  return Object.fromEntries(members)
}

const isItem = (text: string): boolean => /^-(?:[ \t\r]|$)/.test(text)

/** The key that a line begins with, and how much of the line it takes, colon included. */
function keyEnd(lines: YamlLines, text: string): { readonly key: string; readonly length: number } | undefined {
  if (/^\?(?:[ \t\r]|$)/.test(text)) throw lines.error('keys that begin with ? are not read')
  const quoted = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=[ \t\r]*:(?:[ \t\r]|$))/.exec(text)?.[0]
  if (quoted !== undefined) {
    const key = readFlow(createYamlLines([quoted], lines.number()), { from: 0, parent: -1 })
    return { key: String(key), length: text.indexOf(':', quoted.length) + 1 }
  }
  if (/^["'[{]/.test(text)) return undefined
  const colon = text.search(/:(?:[ \t\r]|$)/)
  if (colon === -1 || / #/.test(text.slice(0, colon))) return undefined
  const key = trimEnd(text.slice(0, colon))
  refuse(lines, key)
  if (key === '<<') throw lines.error('merge keys (<<) are not read')
  return { key, length: colon + 1 }
}

/** Anchors, aliases and tags. */
function refuse(lines: YamlLines, text: string): void {
  if (/^[&*!]/.test(text)) throw lines.error('anchors, aliases and tags (& * !) are not read')
  if (/^[@`%]/.test(text)) throw lines.error('a text that begins so has to be in quotes')
}

interface Start {
  /** The column. */
  readonly from: number
  /** The indentation of what it is in: further lines of it are indented more. */
  readonly parent: number
}

function scalar(lines: YamlLines, { from, parent }: Start): unknown {
  const text = lines.current().slice(from)
  if (/^[|>]/.test(text)) return block(lines, text, parent)
  if (/^["'[{]/.test(text)) {
    const value = readFlow(lines, { from, parent })
    lines.end()
    return value
  }
  refuse(lines, text)
  return typed(plain(lines, text, parent))
}

/** A text without quotes, which may go on in lines that are indented further. */
function plain(lines: YamlLines, first: string, parent: number): string {
  const bare = (text: string): string => trim(text.replace(/[ \t\r]#.*$/, ''))
  let value = bare(first)
  let isOver = value !== trim(first)
  if (/:(?:[ \t\r]|$)/.test(value)) throw lines.error('a text with a colon and a space in it has to be in quotes')
  lines.next()
  for (;;) {
    const blanks = lines.blanks()
    const line = lines.ahead(blanks)
    if (isOver || line === undefined || line.indent <= parent || line.text.startsWith('#')) return value
    const more = bare(line.text)
    if (/:(?:[ \t\r]|$)/.test(more)) throw lines.error('a text with a colon and a space in it has to be in quotes')
    isOver = more !== trim(line.text)
    value += blanks === 0 ? ` ${more}` : '\n'.repeat(blanks) + more
    lines.next(blanks + 1)
  }
}

/** `|` keeps the ends of lines, `>` makes spaces of them. */
function block(lines: YamlLines, header: string, parent: number): string {
  const [, style, before = '', digit = '', after = ''] =
    /^([|>])([+-]?)([1-9]?)([+-]?)[ \t\r]*(?:[ \t\r]#.*)?$/.exec(header) ?? []
  if (style === undefined) throw lines.error('after | or > there may be a sign and a digit')
  lines.next()
  const taken = lines.block({ parent, indent: digit === '' ? undefined : Math.max(parent, 0) + Number(digit) })
  const last = taken.findLastIndex((line) => line !== '')
  const content = taken.slice(0, last + 1)
  const body = style === '|' ? content.join('\n') : fold(content)
  const chomp = before || after
  if (content.length === 0) return chomp === '+' ? '\n'.repeat(taken.length) : ''
  return body + (chomp === '-' ? '' : chomp === '+' ? '\n'.repeat(taken.length - last) : '\n')
}

/** Lines that are indented further, and those around them, stay as they are. */
function fold(lines: readonly string[]): string {
  let text = ''
  let blanks = 0
  let wasMore = false
  let isFirst = true
  for (const line of lines) {
    if (line === '') {
      blanks++
      continue
    }
    const isMore = /^[ \t]/.test(line)
    if (isFirst) text = '\n'.repeat(blanks) + line
    else if (isMore || wasMore) text += '\n'.repeat(blanks + 1) + line
    else text += (blanks === 0 ? ' ' : '\n'.repeat(blanks)) + line
    blanks = 0
    wasMore = isMore
    isFirst = false
  }
  return text
}
