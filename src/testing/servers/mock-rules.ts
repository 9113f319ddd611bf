import type { AccessProblem } from './bearer.ts'
import type { Call } from './http.ts'
import type { Plan } from './mock-plan.ts'
import type { PlannedExchange } from './mock-planned.ts'
import type { MockSession, MockState } from './mock-state.ts'
import type { ProofVerdict } from './proofs.ts'

/** What the mock may be told about how strict it is. */
export interface MockRules {
  /** `'ignore'`: everybody is answered, as other mocks do. */
  readonly auth: 'enforce' | 'ignore'
  readonly scopes: boolean
  /** For this long after a rotation the refresh token before it is still accepted. */
  readonly graceMs: number
  /** What stands for a placeholder that clients bring, such as a password. Without it, anything does. */
  readonly secrets: Readonly<Record<string, string>>
}

/** A request, with all that has to be known about it. */
export interface Ask {
  readonly call: Call
  /** The recorded origin that it is meant for. */
  readonly origin: string
  /** What came of its DPoP proof; `undefined`: it has none. */
  readonly proof: ProofVerdict | undefined
}

/** What became of a request. */
export type MockOutcome =
  | 'answered'
  | 'signed-in'
  | 'refreshed'
  | 'signed-out'
  | 'reused'
  | 'invalid_grant'
  | 'invalid_credentials'
  | 'invalid_client'
  | 'not_recorded'
  | 'forbidden'
  | AccessProblem['error']

export interface Decision {
  readonly outcome: MockOutcome
  /** The recorded exchange whose answer it is. */
  readonly exchange?: PlannedExchange
  /** Whose placeholders the answer has. */
  readonly session?: MockSession
  /** The secrets in the answer are new ones. */
  readonly issues?: boolean
  /** Why not, for an answer that was not recorded. */
  readonly problem?: AccessProblem
  /** What it asks for, if that is no token. */
  readonly scheme?: string
  readonly state: MockState
}

export interface Deciding {
  readonly plan: Plan
  readonly rules: MockRules
  readonly state: MockState
  /** Epoch milliseconds. */
  readonly now: number
}
