import type { AuthCase } from './cases.ts'

/** What became of one request with one token. */
export interface MatrixResult {
  /** From 0. */
  readonly entry: number
  readonly method: string
  /** Without query. */
  readonly url: string
  /** `'valid'`: the right token, which must do. */
  readonly case: AuthCase | 'valid'
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** The statuses that are right. */
  readonly expected: readonly number[]
  /** `undefined`: nothing was sent. */
  readonly actual: number | undefined
  /** Why it was skipped, or what is odd about the answer. */
  readonly reason?: string
}

export interface MatrixReport {
  readonly results: readonly MatrixResult[]
  /** Nothing failed, and something that should be refused was. */
  readonly ok: boolean
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** For a person to read. */
  readonly text: string
}

const MARKS = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const

export function toMatrixReport(results: readonly MatrixResult[]): MatrixReport {
  const count = (outcome: MatrixResult['outcome']): number => results.filter((one) => one.outcome === outcome).length
  const [passed, failed, skipped] = [count('passed'), count('failed'), count('skipped')]
  const lines = results.map(({ entry, method, url, case: name, outcome, expected, actual, reason }) => {
    const told = [
      outcome === 'skipped'
        ? undefined
        : `${String(actual)}${outcome === 'failed' ? `, not ${expected.join(' or ')}` : ''}`,
      reason,
    ].filter((part) => part !== undefined)
    return `${MARKS[outcome]} ${String(entry).padStart(3)}  ${method} ${url}  ${name}: ${told.join('; ')}`
  })
  const isTested = results.some(({ case: name, outcome }) => name !== 'valid' && outcome === 'passed')
  return {
    results,
    ok: failed === 0 && isTested,
    passed,
    failed,
    skipped,
    text: `${[...lines, `${results.length} cases: ${passed} passed, ${failed} failed, ${skipped} skipped`].join('\n')}\n`,
  }
}
