import type { Finding } from './findings.ts'
import { printable } from './printable.ts'
import type { Severity } from './rules.ts'
import type { ScanReport } from './scan.ts'

/** How findings are written for a person at a terminal. */
export interface TextOptions {
  /** ANSI colours. Default: none. */
  readonly color?: boolean
}

const COLORS: Readonly<Record<Severity, string>> = { critical: '1;31', high: '31', medium: '33', low: '36' }
const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low']

/** A report as text: each finding with its place, then what to do, once for each rule. */
export function toTextReport(report: ScanReport, { color = false }: TextOptions = {}): string {
  const paint = (text: string, code: string): string => (color ? `\u001B[${code}m${text}\u001B[0m` : text)
  const { findings, dropped } = report
  if (findings.length === 0) return `${paint('No findings', '32')} in ${sizeOf(report.characters)}.\n`
  const lines = findings.map((finding) => {
    const { rule, name, severity, where, kind, fingerprint, message } = finding
    const place = `${printable(where.file)}:${String(where.line)}:${String(where.column)}`
    const entry =
      where.entry === undefined
        ? ''
        : ` (entry ${String(where.entry)}${where.part ? `, ${printable(where.part)}` : ''})`
    const head = `${place}${entry} ${paint(severity, COLORS[severity])} ${rule} ${name}`
    return `${head}\n  ${printable(message)} [${kind} ${printable(fingerprint)}]`
  })
  const rules = [...new Map(findings.map((finding) => [finding.rule, finding])).values()]
  const advice = rules.map(({ rule, name, advice: text }) => `${paint(`${rule} ${name}`, '1')}: ${text}`)
  const more = dropped === 0 ? '' : `, and ${String(dropped)} repetitions`
  const summary = `${String(findings.length)} finding${findings.length === 1 ? '' : 's'}${more}: ${tally(findings)}.`
  return [...lines, '', 'What to do', ...advice, '', paint(summary, '1'), ''].join('\n')
}

/** How many findings of each severity, the worst first. */
export function tally(findings: readonly Finding[]): string {
  return ORDER.map((severity) => [severity, findings.filter((one) => one.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${String(count)} ${severity}`)
    .join(', ')
}

/** A size in words. */
export function sizeOf(characters: number): string {
  if (characters < 1_000) return `${String(characters)} characters`
  return characters < 1_000_000 ? `${(characters / 1_000).toFixed(0)} kB` : `${(characters / 1_000_000).toFixed(1)} MB`
}
