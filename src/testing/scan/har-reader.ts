import { exchangeOfEntry } from './history-of-har.ts'
import { createKnown } from './known.ts'
import { createHarSplitter, type HarPart } from './json-leaves.ts'
import { secretsOfPart } from './har-scan.ts'
import type { Parts, Reader } from './parts.ts'

/** Reads a HAR entry by entry. */
export function createHarReader({ file, allowOrigins, options, report, watch, memory }: Parts): Reader {
  const splitter = createHarSplitter()
  const context = { allowOrigins, memory, known: createKnown(options) }

  function read(parts: Iterable<HarPart>): void {
    for (const part of parts) {
      const of = part.entry === undefined ? {} : { entry: part.entry }
      for (const { secret, rules, line, column, part: name } of secretsOfPart(part, context)) {
        report(secret, rules, { file, line, column, ...of, part: name })
      }
      if (part.entry === undefined) continue
      const where = { file, line: part.line, column: part.column, ...of }
      const exchange = exchangeOfEntry(parse(part), where, memory.identify)
      if (exchange && !Number.isNaN(exchange.at)) watch.push(exchange)
    }
  }

  return {
    push: (chunk) => read(splitter.push(chunk)),
    end: () => read(splitter.end()),
  }
}

function parse({ entry, text }: HarPart): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyntaxError(`entry ${String(entry)} is not JSON`)
  }
}
