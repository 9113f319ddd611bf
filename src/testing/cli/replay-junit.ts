import type { MatrixReport } from '../matrix/report.ts'
import type { ReplayReport } from '../replay/report.ts'
import { xmlText as xml } from '../scan/printable.ts'

interface Case {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed, or was skipped. */
  readonly told: string
}

/** A replay as JUnit XML: an exchange is a test case. */
export const replayToJUnit = ({ results }: ReplayReport): string =>
  toXml(
    'tokenward replay',
    results.map(({ entry, method, url, outcome, expected, actual, differences, reason }) => ({
      name: `${String(entry)} ${method} ${url}`,
      outcome: outcome === 'same' ? 'passed' : outcome === 'different' ? 'failed' : 'skipped',
      told: [
        reason ?? `expected ${String(expected.status)}, got ${String(actual?.status ?? 'no answer')}`,
        ...differences.map((one) => `${one.path}: was ${one.expected}, is ${one.actual}`),
      ].join('\n'),
    })),
  )

/** A matrix as JUnit XML: a request with one wrong token is a test case. */
export const matrixToJUnit = ({ results }: MatrixReport): string =>
  toXml(
    'tokenward replay --matrix',
    results.map(({ entry, method, url, outcome, expected, actual, reason, ...rest }) => ({
      name: `${String(entry)} ${method} ${url}: ${rest.case}`,
      outcome,
      told: reason ?? `expected ${expected.join(' or ')}, got ${String(actual ?? 'no answer')}`,
    })),
  )

function toXml(suite: string, cases: readonly Case[]): string {
  const count = (outcome: Case['outcome']): string => String(cases.filter((one) => one.outcome === outcome).length)
  const counts = `tests="${String(cases.length)}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${suite}" ${counts}>`,
    `  <testsuite name="${suite}" ${counts}>`,
    ...cases.map(caseOf),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function caseOf({ name, outcome, told }: Case): string {
  const head = `    <testcase classname="recording" name="${xml(name)}"`
  if (outcome === 'passed') return `${head}/>`
  if (outcome === 'skipped') return `${head}><skipped message="${xml(told)}"/></testcase>`
  return `${head}><failure message="${xml(told.split('\n')[0] ?? '')}">${xml(told)}</failure></testcase>`
}
