import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { encoded, valueOf } from './values.ts'

// The templates in leaks/*.set: `@@ file options` begins a document, `«L1+L3 access jwt name|encoding»` stands where
// a token stands and says which rules must find it, `«- shape name»` and `‹text›` are what no rule may find.

/** A place in a document that somebody has looked at. Lines and columns begin at 1. */
export interface Label {
  readonly line: number
  readonly column: number
  /** How many characters it covers on this line. */
  readonly length: number
  /** None: a decoy. */
  readonly rules: readonly string[]
  readonly kind: string
  readonly shape: string
}

/** A document with all that may be found in it. */
export interface LabelledDocument {
  readonly set: string
  readonly file: string
  readonly text: string
  readonly allowOrigins: readonly string[] | undefined
  readonly labels: readonly Label[]
}

const MARK = /«([^ »]+) (?:([a-z]+) )?([a-z0-9]+) ([^»|]+)(?:\|([a-z0-9]+))?»|‹([^›]*)›/g

/** Every labelled document, in the order of the files. */
export function readLeaks(): LabelledDocument[] {
  const folder = new URL('leaks/', import.meta.url)
  return readdirSync(fileURLToPath(folder))
    .filter((name) => name.endsWith('.set'))
    .sort()
    .flatMap((name) => documentsOf(name, readFileSync(new URL(name, folder), 'utf8')))
}

function documentsOf(set: string, template: string): LabelledDocument[] {
  return template
    .split(/^@@ /m)
    .slice(1)
    .map((part) => {
      const [head = '', ...lines] = part.trimEnd().split('\n')
      const [file = '', ...options] = head.split(' ')
      const allow = options.find((option) => option.startsWith('allow='))?.slice('allow='.length)
      return { set, file, allowOrigins: allow?.split(','), ...fill(lines, options.includes('qp')) }
    })
}

interface Piece {
  readonly text: string
  readonly label?: Omit<Label, 'line' | 'column' | 'length'>
}

function fill(lines: readonly string[], quotedPrintable: boolean): Pick<LabelledDocument, 'text' | 'labels'> {
  const written: string[] = []
  const labels: Label[] = []
  let inBody = false
  for (const line of lines) {
    const pieces = piecesOf(line)
    if (quotedPrintable && inBody) writeQuotedPrintable(pieces, written, labels)
    else writePlain(pieces, written, labels)
    inBody ||= line === ''
  }
  return { text: `${written.join('\n')}\n`, labels }
}

function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  for (const match of line.matchAll(MARK)) {
    const [whole, rules = '-', kind = '', shape = '', name = '', encoding, decoy] = match
    pieces.push({ text: line.slice(at, match.index) })
    pieces.push(
      decoy === undefined
        ? {
            text: encoded(valueOf(shape, name), encoding),
            label: {
              rules: rules === '-' ? [] : rules.split('+'),
              kind,
              shape: encoding ? `${shape}|${encoding}` : shape,
            },
          }
        : { text: decoy, label: { rules: [], kind: '', shape: 'text' } },
    )
    at = match.index + whole.length
  }
  return [...pieces, { text: line.slice(at) }]
}

function writePlain(pieces: readonly Piece[], written: string[], labels: Label[]): void {
  let text = ''
  for (const piece of pieces) {
    if (piece.label) {
      labels.push({ ...piece.label, line: written.length + 1, column: text.length + 1, length: piece.text.length })
    }
    text += piece.text
  }
  written.push(text)
}

/** RFC 2045 section 6.7: no line is longer than 76 characters, `=` at its end says that it goes on. */
function writeQuotedPrintable(pieces: readonly Piece[], written: string[], labels: Label[]): void {
  let text = ''
  for (const piece of pieces) {
    const from = { line: written.length + 1, column: text.length + 1 }
    let first = 0
    for (const letter of piece.text) {
      const code = letter === '=' ? '=3D' : letter
      if (text.length + code.length > 75) {
        if (written.length + 1 === from.line) first = text.length + 1 - from.column
        written.push(`${text}=`)
        text = ''
      }
      text += code
    }
    if (written.length + 1 === from.line) first = text.length + 1 - from.column
    if (piece.label) labels.push({ ...piece.label, ...from, length: first })
  }
  written.push(text)
}
