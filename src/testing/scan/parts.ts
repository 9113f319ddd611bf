import type { Findings, Place } from './findings.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { Identify } from './history.ts'
import type { Watch } from './misuse.ts'
import type { ScanOptions } from './options.ts'
import type { RuleId } from './rules.ts'
import type { Secret } from './secrets.ts'

/** Something that takes a text chunk by chunk. */
export interface Reader {
  push(chunk: string): void
  /** @throws SyntaxError The text ends too early. */
  end(): void
}

/** What every reader of a scan is made with. */
export interface Parts {
  readonly file: string
  readonly options: ScanOptions
  readonly allowOrigins: ReadonlySet<string> | undefined
  readonly findings: Findings
  readonly watch: Watch
  readonly identify: Identify
  /** Tells of a secret that stands where it should not. */
  report(secret: Secret, rules: readonly RuleId[], where: Place): void
}

export function createParts({
  options,
  findings,
  watch,
  identify,
}: {
  readonly options: ScanOptions
  readonly findings: Findings
  readonly watch: Watch
  readonly identify: Identify
}): Parts {
  const { file = 'input', allowOrigins, now } = options
  return {
    file,
    options,
    allowOrigins: allowOrigins && new Set(allowOrigins.map((url) => new URL(url).origin)),
    findings,
    watch,
    identify,
    report({ value, kind, jwt }, rules, where) {
      const exp = jwt?.claims?.['exp']
      const isExpired = now !== undefined && typeof exp === 'number' && exp * 1_000 < now
      for (const rule of rules) {
        findings.add({
          rule,
          where,
          kind,
          fingerprint: fingerprintOf(value, kind),
          // A code is good once and for a minute, an ID token opens nothing: but both say who the user is.
          lesser: isExpired || kind === 'code' || kind === 'id',
        })
      }
    },
  }
}
