import { speakable } from '../errors.ts'
import type { Findings } from './findings.ts'
import type { TokenExchange } from './history.ts'
import { defaultLimits, type ScanLimits } from './options.ts'
import { followIssue } from './misuse-issue.ts'
import { judgeRate } from './misuse-rate.ts'
import { judgeSession } from './misuse-session.ts'
import { judgeUse } from './misuse-use.ts'
import { detached } from './triggers.ts'
import { createTokenStates, type Raise, type Step } from './token-states.ts'
import type { SecretKind } from '../har/format.ts'

/** The life of a token, as far as it was seen. */
export interface TokenTrace {
  /** A fingerprint, or the id of a placeholder. */
  readonly id: string
  readonly kind: SecretKind
  /** Some of the moments, if there were many. */
  readonly steps: readonly Step[]
  readonly stepCount: number
  readonly expiresAt: number | undefined
}

/** Looks at exchanges in their order, and holds what it needs of the past. */
export interface Watch {
  push(exchange: TokenExchange): void
  /** The tokens that it saw, in no particular order. */
  traces(): TokenTrace[]
}

/** Judges a history by the rules M1 to M11. Remembers a bounded number of tokens, none by its value. */
export function createWatch(findings: Findings, limits: Partial<ScanLimits> = {}): Watch {
  const bounds = { ...defaultLimits, ...limits }
  const states = createTokenStates(bounds.requestsPerMinute)
  const rates = judgeRate(bounds)
  const sessions = judgeSession()

  return {
    push(exchange) {
      const { presented, how, at, where, status, url = '' } = exchange
      const state = presented && states.of(presented)
      const raise: Raise = (rule, about, message) => {
        if (about?.raised.has(rule)) return
        about?.raised.add(rule)
        const { id, kind } = about ?? { id: 'session', kind: 'access' }
        findings.add({ rule, where, kind, fingerprint: id, message, at })
      }
      const step = { at, status, to: shortOf(url) }
      if (presented && state && how) {
        judgeUse({ exchange, token: presented, how, state, limits: bounds, raise })
        states.addStep(state, { ...step, what: how })
      }
      for (const issued of followIssue({ exchange, states, state, limits: bounds, raise })) {
        states.addStep(issued, { ...step, what: 'issued' })
      }
      rates(exchange, state, raise)
      sessions(exchange, state, raise)
    },
    traces: () =>
      [...states.all()].map(({ id, kind, steps, stepCount, expiresAt }) => ({ id, kind, steps, stepCount, expiresAt })),
  }
}

/** Host and path, without what nobody should read in a report. */
function shortOf(url: string): string {
  const told = speakable(url).replace(/^[a-z]+:\/\//i, '')
  return detached(told.slice(0, 120))
}
