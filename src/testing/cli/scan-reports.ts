import { readFile } from 'node:fs/promises'
import type { Finding } from '../scan/findings.ts'
import type { ScanReport } from '../scan/scan.ts'
import { UsageError } from './command.ts'
import { reasonOf } from './files.ts'

/** Says whether a finding was accepted before. */
export type Baseline = (finding: Finding) => boolean

/** One report of several, without what the baseline has. */
export function mergeReports(reports: readonly ScanReport[], isAccepted: Baseline): ScanReport {
  const findings = reports.flatMap((report) => report.findings).filter((finding) => !isAccepted(finding))
  const counts: Record<string, number> = {}
  for (const report of reports) {
    for (const [rule, count] of Object.entries(report.counts)) counts[rule] = (counts[rule] ?? 0) + count
  }
  const sum = (read: (report: ScanReport) => number): number => reports.reduce((total, one) => total + read(one), 0)
  return {
    findings,
    counts,
    dropped: sum(({ dropped }) => dropped),
    tokens: reports.flatMap(({ tokens }) => tokens),
    characters: sum(({ characters }) => characters),
  }
}

/**
 * The findings of a report that somebody has accepted: the same token, in the same file, by the same rule. Lines may
 * move.
 *
 * @throws UsageError The file is not a JSON report.
 */
export async function readBaseline(path: string | undefined): Promise<Baseline> {
  if (path === undefined) return () => false
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`cannot read the baseline ${path}: ${reasonOf(error)}`)
  })
  const accepted = new Set(findingsOf(text, path).map(keyOf))
  return (finding) => accepted.has(keyOf(finding))
}

function findingsOf(text: string, path: string): Finding[] {
  try {
    const { findings } = JSON.parse(text) as { findings?: unknown }
    if (Array.isArray(findings)) return findings as Finding[]
  } catch {
    // It is the same mistake.
  }
  throw new UsageError(`the baseline ${path} is no report: make one with tokenward scan --format json`)
}

const keyOf = ({ rule, fingerprint, where }: Finding): string => `${rule} ${fingerprint} ${where.file}`
