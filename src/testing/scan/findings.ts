import type { SecretKind } from '../har/format.ts'
import { ruleOf, type RuleId, type Severity } from './rules.ts'

/** Where something was found. */
export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
  /** In a recording: the entry, from 0, and what of it: `request.headers.authorization`. */
  readonly entry?: number
  readonly part?: string
}

/** What was found. It never holds a secret: what it says of one is its fingerprint. */
export interface Finding {
  readonly rule: RuleId
  readonly name: string
  readonly severity: Severity
  readonly where: Place
  readonly kind: SecretKind
  /** The first 72 bits of SHA-256, or the placeholder's id. See `fingerprintOf` for why that gives nothing away. */
  readonly fingerprint: string
  /** What happened here, in a sentence. */
  readonly message: string
  readonly advice: string
  /** Epoch milliseconds, if the input says when. */
  readonly at?: number
}

/** What is needed to make one. */
export interface Found {
  readonly rule: RuleId
  readonly where: Place
  readonly kind: SecretKind
  readonly fingerprint: string
  readonly message?: string
  readonly at?: number | undefined
  /** The finding is of less weight than the rule says: the token has expired, or opens little. */
  readonly lesser?: boolean
}

/** Which findings are wanted. */
export interface FindingsOptions {
  /** Which rules look. Default: all. */
  readonly rules?: readonly RuleId[]
  /** Findings to keep. What comes after is counted. Default: 10 000. */
  readonly maxFindings?: number
  /** Is told of each finding that is kept, at once. */
  readonly onFinding?: (finding: Finding) => void
}

/** Keeps findings: not more than asked for, and not the same thing at the same place over and over. */
export interface Findings {
  add(found: Found): void
  readonly kept: readonly Finding[]
  /** How often each rule found something, kept or not. */
  readonly counts: ReadonlyMap<RuleId, number>
  /** How many were counted and not kept. */
  readonly dropped: number
}

/** One token in one file by one rule is kept this often; a log that shows it in every line is one fault, not a million. */
const REPEATS = 20
const MAX_FINDINGS = 10_000
const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical']

export function createFindings({ rules, maxFindings = MAX_FINDINGS, onFinding }: FindingsOptions): Findings {
  const wanted = rules && new Set(rules)
  const kept: Finding[] = []
  const counts = new Map<RuleId, number>()
  const repeats = new Map<string, number>()
  let dropped = 0

  return {
    kept,
    counts,
    get dropped() {
      return dropped
    },
    add(found) {
      const { rule: id, fingerprint, where } = found
      if (wanted && !wanted.has(id)) return
      counts.set(id, (counts.get(id) ?? 0) + 1)
      const key = `${id} ${fingerprint} ${where.file}`
      const before = repeats.get(key) ?? 0
      if (before >= REPEATS || kept.length >= maxFindings) {
        dropped++
        return
      }
      repeats.set(key, before + 1)
      const finding = toFinding(found)
      kept.push(finding)
      onFinding?.(finding)
    },
  }
}

function toFinding({ rule: id, where, kind, fingerprint, message, at, lesser = false }: Found): Finding {
  const { name, severity, title, advice } = ruleOf(id)
  return {
    rule: id,
    name,
    severity: lesser ? less(severity) : severity,
    where,
    kind,
    fingerprint,
    message: message ?? title,
    advice,
    ...(at === undefined ? {} : { at }),
  }
}

const less = (severity: Severity): Severity => SEVERITIES[Math.max(0, SEVERITIES.indexOf(severity) - 1)] ?? 'low'

/** Whether `severity` is `least` or more. */
export const isAtLeast = (severity: Severity, least: Severity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)
