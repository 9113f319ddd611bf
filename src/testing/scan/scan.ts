import type { Har } from '../har/format.ts'
import { createFindings, type Finding } from './findings.ts'
import { createHarReader } from './har-reader.ts'
import { looksLikeHar } from './input-kind.ts'
import { chunksOf, type TextSource } from './lines.ts'
import { createMemory } from './memory.ts'
import { createWatch, type TokenTrace } from './misuse.ts'
import type { ScanOptions } from './options.ts'
import { createParts, type Reader } from './parts.ts'
import type { RuleId } from './rules.ts'
import { createTextReader } from './text-reader.ts'

/** What {@link scan} found. */
export interface ScanReport {
  readonly findings: readonly Finding[]
  /** How often each rule found something, findings that were not kept included. */
  readonly counts: Readonly<Partial<Record<RuleId, number>>>
  /** Findings that were counted and not kept: repetitions, and what is over `maxFindings`. */
  readonly dropped: number
  /** The tokens whose use the input tells of: at most 10 000. */
  readonly tokens: readonly TokenTrace[]
  readonly characters: number
}

/** What can be scanned: a text, a HAR, or either of them piece by piece. */
export type ScanInput = TextSource | Har

/**
 * Looks for tokens where they should not be (L1 to L8), and for tokens used as they should not be (M1 to M11), in logs of
 * any kind, in HAR files, and in other files. Reads piece by piece, and holds one line, or one entry of a HAR, at a time.
 * Findings never hold a token.
 *
 * What cannot be found: an opaque token that nothing names, unless `manager`, `knownTokens` or `knownFingerprints` has it; and
 * misuse that the input does not tell of.
 *
 * @throws SyntaxError A HAR that ends too early. The message names the entry.
 * @throws {@link RecordingError} `unknown_manager`: `manager` was not made by `createTokenManager`.
 * @example
 * const log = await fetch('/logs/access.log').then((response) => response.text())
 * const { findings } = await scan(log, { file: 'access.log' })
 * for (const { rule, where, advice } of findings) console.log(rule, where.line, advice)
 */
export async function scan(input: ScanInput, options: ScanOptions = {}): Promise<ScanReport> {
  const findings = createFindings(options)
  const watch = createWatch(findings, options.limits)
  const parts = createParts({ options, findings, watch, memory: createMemory() })
  const source = isHar(input) ? JSON.stringify(input, null, 1) : input
  let characters = 0
  let reported = 0
  let reader: Reader | undefined
  let head = ''
  const begin = (): Reader => {
    reader = looksLikeHar(head, options.as) ? createHarReader(parts) : createTextReader(parts, head)
    reader.push(head)
    head = ''
    return reader
  }
  for await (const chunk of chunksOf(source)) {
    characters += chunk.length
    if (reader) reader.push(chunk)
    else {
      // What kind of text it is shows in its first lines.
      head += chunk
      if (head.length >= HEAD) begin()
    }
    if (characters - reported >= REPORT_EVERY) options.onProgress?.((reported = characters))
  }
  ;(reader ?? begin()).end()
  const { kept, counts, dropped } = findings
  return { findings: kept, counts: Object.fromEntries(counts), dropped, tokens: watch.traces(), characters }
}

const HEAD = 4_096
const REPORT_EVERY = 1 << 20

const isHar = (input: ScanInput): input is Har => typeof input === 'object' && 'log' in input
