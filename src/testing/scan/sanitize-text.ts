import { chunksOf, type TextSource } from './lines.ts'
import { createUnfolder, type Unfolded } from './mail.ts'
import type { Memory } from './memory.ts'
import type { Placeholders } from './placeholders.ts'
import { findSecrets } from './secrets.ts'
import { createSearch, detached } from './triggers.ts'

export interface TextSanitizing extends Redacting {
  readonly onProgress: ((characters: number) => void) | undefined
}

/** A line that is longer is written in parts. */
const LONGEST = 1 << 20
const OVERLAP = 16 << 10

/** Replaces what is found in a text, line by line. */
export async function* sanitizeText(
  source: TextSource,
  { placeholders, memory, onProgress }: TextSanitizing,
): AsyncGenerator<string> {
  const redacting = { placeholders, memory }
  let rest = ''
  let characters = 0

  /** Lines in which nothing is, are copied as they are, many at once. */
  function redactLines(text: string): string {
    const search = createSearch(text)
    let out = ''
    let copied = 0
    for (let found = search.next(0); found !== -1; found = search.next(copied)) {
      const start = text.lastIndexOf('\n', found) + 1
      const newline = text.indexOf('\n', found)
      const end = newline === -1 ? text.length : newline
      out += text.slice(copied, start) + redact(detached(text.slice(start, end)), redacting)
      copied = end
    }
    return copied === 0 ? text : out + text.slice(copied)
  }

  for await (const chunk of chunksOf(source)) {
    characters += chunk.length
    // There is none in the rest: of a line that goes on and on only what is new is looked at.
    const last = chunk.lastIndexOf('\n') + 1
    const complete = last === 0 ? 0 : rest.length + last
    rest += chunk
    if (complete > 0) yield redactLines(rest.slice(0, complete))
    rest = rest.slice(complete)
    while (rest.length > LONGEST) {
      const cut = safeCut(rest, LONGEST - OVERLAP, memory)
      yield redact(rest.slice(0, cut), redacting)
      rest = rest.slice(cut)
    }
    onProgress?.(characters)
  }
  if (rest !== '') yield redactLines(rest)
}

/** Where a long line can be cut near `wanted`: not within a secret. */
function safeCut(line: string, wanted: number, memory: Memory): number {
  const crossing = findSecrets(line.slice(0, LONGEST), memory).find(
    ({ nameStart, start, end }) => Math.min(nameStart, start) < wanted && end > wanted,
  )
  return crossing && crossing.start > 0 ? Math.max(1, Math.min(crossing.nameStart, crossing.start)) : wanted
}

/** Replaces what is found in a mail. A line that was folded within a secret is written unfolded. */
export async function* sanitizeMail(
  source: TextSource,
  { placeholders, memory, onProgress }: TextSanitizing,
): AsyncGenerator<string> {
  const unfolder = createUnfolder()
  let rest = ''
  let raw: string[] = []
  let characters = 0

  function write(unfolded: Unfolded | undefined): string {
    if (unfolded === undefined) return ''
    const redacted = redact(unfolded.text, { placeholders, memory })
    const isEncoded = raw.length > 1 || /=3D/i.test(raw[0] ?? '')
    const text = redacted === unfolded.text ? raw.join('\n') : isEncoded ? redacted.replaceAll('=', '=3D') : redacted
    raw = []
    return text
  }

  for await (const chunk of chunksOf(source)) {
    characters += chunk.length
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    let out = ''
    for (const line of lines) {
      raw.push(line)
      const unfolded = unfolder.push(line, 1)
      // An empty line unfolds to nothing, and stays one.
      if (unfolded) out += `${write(unfolded)}\n`
      else if (line === '') {
        out += `${raw.join('\n')}\n`
        raw = []
      }
    }
    if (out !== '') yield out
    onProgress?.(characters)
  }
  if (rest !== '') raw.push(rest)
  if (raw.length > 0) yield write(unfolder.push(rest, 1) ?? unfolder.end())
}

/** What a line is redacted with. */
interface Redacting {
  readonly placeholders: Placeholders
  readonly memory: Memory
}

/** `line` with placeholders where secrets were found. */
function redact(line: string, { placeholders, memory }: Redacting): string {
  let out = ''
  let copied = 0
  for (const secret of findSecrets(line, memory)) {
    const id = placeholders.idOf(secret.value, secret)
    if (id === undefined) continue
    out += `${line.slice(copied, secret.start)}{{${id}}}`
    copied = secret.end
  }
  return copied === 0 ? line : out + line.slice(copied)
}
