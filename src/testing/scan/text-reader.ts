import { exchangeOfLine } from './history-of-logs.ts'
import { looksLikeMail } from './input-kind.ts'
import { createKnown } from './known.ts'
import { createLineSplitter, type Line } from './lines.ts'
import { createUnfolder, type Unfolded } from './mail.ts'
import type { Parts, Reader } from './parts.ts'
import { destinationOf, refererOfCombined, rulesOfPlace, type LineContext, type TextKind } from './places.ts'
import { findSecrets } from './secrets.ts'
import { mayHoldSecret } from './triggers.ts'
import { createW3cColumns } from './w3c.ts'

/** Reads a text line by line. `head` is how it begins. */
export function createTextReader(parts: Parts, head: string): Reader {
  const { file, options, allowOrigins, report, watch, memory } = parts
  const isMail = looksLikeMail(file, head)
  const kind = kindOf(head, parts)
  const known = createKnown(options)
  const columns = createW3cColumns()
  // In a mail a token may go on in the next line, and a known token may stand in any.
  const splitter = createLineSplitter(isMail || known ? 'all' : ['#Fields:'])
  const unfolder = isMail ? createUnfolder() : undefined

  function readLine(line: Line): void {
    if (unfolder) readUnfolded(unfolder.push(line.text, line.line))
    else readText(line.text, (offset) => ({ line: line.line, column: line.before + offset + 1 }), line.until)
  }

  function readUnfolded(unfolded: Unfolded | undefined): void {
    if (unfolded && (known || mayHoldSecret(unfolded.text))) readText(unfolded.text, unfolded.at)
  }

  function readText(text: string, at: Unfolded['at'], until = Infinity): void {
    if (columns.isHeader(text)) return
    const context: LineContext = {
      kind,
      query: columns.query(text),
      referer: columns.referer(text) ?? refererOfCombined(text),
      destination: destinationOf(text),
      allowOrigins,
    }
    const secrets = findSecrets(text, memory)
    for (const secret of known?.add(text, secrets) ?? secrets) {
      if (secret.start < until) report(secret, rulesOfPlace(text, secret, context), { file, ...at(secret.start) })
    }
    const exchange = exchangeOfLine(text, { file, ...at(0) }, memory.identify)
    if (exchange) watch.push(exchange)
  }

  return {
    push(chunk) {
      for (const line of splitter.push(chunk)) readLine(line)
    },
    end() {
      for (const line of splitter.end()) readLine(line)
      readUnfolded(unfolder?.end())
    },
  }
}

/** What logs are called, and what is written line by line as JSON. Everything with another ending is a file. */
const LOGS = /(?:^|[/\\])[^./\\]*$|\.(?:log|txt|out|err|tsv|csv|jsonl|ndjson|trace)(?:\.\d+)?$/i

function kindOf(head: string, { file, options }: Parts): TextKind {
  if (/^\s*[{[]/.test(head) && /"(?:local|session)Storage"\s*:/.test(head)) return 'storage'
  if (options.as !== undefined) return options.as === 'log' ? 'log' : 'file'
  return LOGS.test(file) || /^\{.*\}\r?\n\{/.test(head) ? 'log' : 'file'
}
