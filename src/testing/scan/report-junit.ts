import type { Finding } from './findings.ts'
import { xmlText as xml } from './printable.ts'
import type { ScanReport } from './scan.ts'

/**
 * A report as JUnit XML, which every CI shows: a test case for each file and rule that found something in it, and one
 * that passes for each file that is clean.
 *
 * @param files All that were scanned. Default: those with findings.
 */
export function toJUnitReport({ findings }: ScanReport, files: readonly string[] = []): string {
  const byCase = grouped(findings)
  const clean = files.filter((file) => !findings.some(({ where }) => where.file === file))
  const cases = [
    ...[...byCase].map(([name, all]) => failed(name, all)),
    ...clean.map((file) => `    <testcase classname="${xml(file)}" name="no token leaks or is misused"/>`),
  ]
  const counts = `tests="${String(cases.length)}" failures="${String(byCase.size)}" errors="0" skipped="0"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="tokenward scan" ${counts}>`,
    `  <testsuite name="tokenward scan" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

const caseOf = ({ rule, where }: Finding): string => `${rule}\n${where.file}`

function grouped(findings: readonly Finding[]): Map<string, Finding[]> {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const group = groups.get(caseOf(finding))
    if (group) group.push(finding)
    else groups.set(caseOf(finding), [finding])
  }
  return groups
}

function failed(name: string, findings: readonly Finding[]): string {
  const [rule = '', file = ''] = name.split('\n')
  const [first] = findings
  const places = findings.map(
    ({ where, message, kind, fingerprint }) =>
      `${where.file}:${String(where.line)}:${String(where.column)} ${message} [${kind} ${fingerprint}]`,
  )
  return [
    `    <testcase classname="${xml(file)}" name="${xml(`${rule} ${first?.name ?? ''}`)}">`,
    `      <failure type="${xml(first?.severity ?? '')}" message="${xml(first?.message ?? '')}">${xml([...places, first?.advice ?? ''].join('\n'))}</failure>`,
    '    </testcase>',
  ].join('\n')
}
