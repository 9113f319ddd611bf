import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const readText = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

/** A fenced block of a document. */
export interface Block {
  /** Where it begins, for messages and for picking one: `README.md:12`. */
  readonly at: string
  readonly heading: string
  readonly code: string
}

/** The fenced blocks of `path` that are marked with `language`, in order. */
export function blocksOf(path: string, language: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let open: { readonly line: number; readonly language: string; readonly lines: string[] } | undefined
  for (const [index, line] of readText(path).split('\n').entries()) {
    const fence = /^ *```(\w*)$/.exec(line)
    if (open && fence) {
      if (open.language === language) blocks.push({ at: `${path}:${open.line}`, heading, code: open.lines.join('\n') })
      open = undefined
    } else if (fence) open = { line: index + 1, language: fence[1] ?? '', lines: [] }
    else if (open) open.lines.push(line)
    else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
  }
  return blocks
}

/** The rows of the table of `path` whose head begins with the cells `head`; each row is the text of its cells. */
export function tableOf(path: string, ...head: readonly string[]): string[][] {
  return tablesOf(path, ...head)[0] ?? []
}

/** The same of every such table; there is at least one. */
export function tablesOf(path: string, ...head: readonly string[]): string[][][] {
  const lines = readText(path).split('\n')
  const isHead = (line: string): boolean => head.every((cell, index) => cellsOf(line)[index] === cell)
  const tables = [...lines.keys()]
    .filter((index) => isHead(lines[index] ?? '') && /^\| -/.test(lines[index + 1] ?? ''))
    .map((start) => {
      const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
      return lines.slice(start + 2, end).map(cellsOf)
    })
  if (tables.length === 0) throw new Error(`${path} has no table with the head ${head.join(' | ')}`)
  return tables
}

/** The words of a cell that are marked as code. */
export function codeIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')
}

function cellsOf(line: string): string[] {
  return line.startsWith('|')
    ? line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
    : []
}
