import type { Difference } from './compare.ts'

/** What became of one entry. */
export interface ReplayResult {
  /** From 0. */
  readonly entry: number
  readonly method: string
  /** Without query. */
  readonly url: string
  readonly outcome: 'same' | 'different' | 'skipped'
  readonly expected: { readonly status: number }
  /** `undefined`: nothing was sent, or no answer came. */
  readonly actual: { readonly status: number } | undefined
  readonly differences: readonly Difference[]
  /** Why it was skipped. */
  readonly reason?: string
  /** Its token was refused, and it was sent again with a new one. */
  readonly renewed: boolean
  readonly durationMs: number
}

export interface ReplayReport {
  readonly results: readonly ReplayResult[]
  /** Nothing differs, and something was compared. */
  readonly ok: boolean
  readonly same: number
  readonly different: number
  readonly skipped: number
  /** For a person to read. No token is in it. */
  readonly text: string
}

export function toReport(results: readonly ReplayResult[]): ReplayReport {
  const count = (outcome: ReplayResult['outcome']): number => results.filter((one) => one.outcome === outcome).length
  const [same, different, skipped] = [count('same'), count('different'), count('skipped')]
  const total = `${results.length} exchanges: ${same} as recorded, ${different} different, ${skipped} skipped`
  return {
    results,
    ok: different === 0 && same > 0,
    same,
    different,
    skipped,
    text: `${[...results.flatMap(toLines), total].join('\n')}\n`,
  }
}

const MARKS = { same: 'ok  ', different: 'DIFF', skipped: 'skip' } as const

function toLines({
  entry,
  method,
  url,
  outcome,
  expected,
  actual,
  differences,
  reason,
  renewed,
}: ReplayResult): string[] {
  const isOther = actual !== undefined && actual.status !== expected.status
  const status = isOther ? `${expected.status} -> ${actual.status}` : String(expected.status)
  const notes = [reason, renewed ? 'with a new token' : undefined].filter((note) => note !== undefined)
  const told = notes.length > 0 ? `  (${notes.join('; ')})` : ''
  return [
    `${MARKS[outcome]} ${String(entry).padStart(3)}  ${method} ${url}  ${status}${told}`,
    ...differences.map((one) => `         ${one.path}: was ${one.expected}, is ${one.actual}`),
  ]
}
