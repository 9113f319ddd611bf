import type { SecretKind } from '../har/format.ts'
import type { Findings, Place } from './findings.ts'
import type { Memory } from './memory.ts'
import type { Watch } from './misuse.ts'
import type { ScanOptions } from './options.ts'
import { ruleOf, type RuleId } from './rules.ts'
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
  readonly memory: Memory
  /** Tells of a secret that stands where it should not. */
  report(secret: Secret, rules: readonly RuleId[], where: Place): void
}

/** What a finding calls it. */
const NAMES: Readonly<Partial<Record<SecretKind, string>>> = {
  access: 'An access token',
  refresh: 'A refresh token',
  id: 'An ID token',
  code: 'An authorization code',
  verifier: 'A code verifier',
  password: 'A password',
  assertion: 'An assertion',
  secret: 'A client secret',
}

export function createParts({
  options,
  findings,
  watch,
  memory,
}: {
  readonly options: ScanOptions
  readonly findings: Findings
  readonly watch: Watch
  readonly memory: Memory
}): Parts {
  const { file = 'input', allowOrigins, now } = options
  return {
    file,
    options,
    allowOrigins: allowOrigins && new Set(allowOrigins.map((url) => new URL(url).origin)),
    findings,
    watch,
    memory,
    report({ value, kind, jwt }, rules, where) {
      const exp = jwt?.claims?.['exp']
      const isExpired = now !== undefined && typeof exp === 'number' && exp * 1_000 < now
      for (const rule of rules) {
        findings.add({
          rule,
          where,
          kind,
          message: ruleOf(rule).title.replace(/^A token(?! response)/, NAMES[kind] ?? 'A secret'),
          fingerprint: memory.identify(value, kind).id,
          // A code is good once and for a minute, an ID token opens nothing: but both say who the user is.
          lesser: isExpired || kind === 'code' || kind === 'id',
        })
      }
    },
  }
}
