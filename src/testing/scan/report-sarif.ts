import type { Finding } from './findings.ts'
import { scanRules, type Rule, type Severity } from './rules.ts'
import type { ScanReport } from './scan.ts'

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
}

/** What GitHub's code scanning sorts by: 9 and more is critical, 7 high, 4 medium. */
const SCORES: Readonly<Record<Severity, string>> = { critical: '9.5', high: '8.0', medium: '5.0', low: '2.0' }

/**
 * A report as SARIF 2.1.0, which code hosts show beside the lines of a change.
 *
 * @param version Of this package, if the log should say it.
 * @see [SARIF 2.1.0](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html)
 */
export function toSarifReport({ findings }: ScanReport, version?: string): object {
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'tokenward',
            ...(version === undefined ? {} : { semanticVersion: version }),
            rules: scanRules.map(toDescriptor),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(toResult),
      },
    ],
  }
}

const toDescriptor = ({ id, name, severity, title, advice, see }: Rule): object => ({
  id,
  name,
  shortDescription: { text: title },
  help: { text: advice },
  helpUri: see,
  defaultConfiguration: { level: LEVELS[severity] },
  properties: { 'security-severity': SCORES[severity], tags: ['security'] },
})

const toResult = ({ rule, severity, where, message, advice, fingerprint, kind, at }: Finding): object => ({
  ruleId: rule,
  ruleIndex: scanRules.findIndex(({ id }) => id === rule),
  level: LEVELS[severity],
  message: { text: `${message} ${advice}` },
  locations: [
    {
      physicalLocation: {
        artifactLocation: { uri: uriOf(where.file) },
        region: { startLine: where.line, startColumn: where.column },
      },
      ...(where.part === undefined
        ? {}
        : { logicalLocations: [{ fullyQualifiedName: `entries.${String(where.entry ?? '')}.${where.part}` }] }),
    },
  ],
  // The same token in the same file is the same alert, whatever line it has moved to.
  partialFingerprints: { 'tokenAndFile/v1': `${rule}:${fingerprint}:${where.file}` },
  properties: { kind, fingerprint, ...(at === undefined ? {} : { at: new Date(at).toISOString() }) },
})

/** A relative reference, with forward slashes. */
const uriOf = (file: string): string =>
  file
    .replaceAll('\\', '/')
    .split('/')
    .map((part, index) => (index === 0 && /^[a-z]:$/i.test(part) ? part : encodeURIComponent(part)))
    .join('/')
