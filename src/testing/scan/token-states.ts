import type { SecretKind } from '../har/format.ts'
import type { Presentation, SeenToken } from './history.ts'
import type { RuleId } from './rules.ts'
import { detached } from './triggers.ts'

/** The tokens that descend from one authorization: what belongs to one user on one device. */
export interface Family {
  subject: string | undefined
  principal: string | undefined
  /** All that was granted so far. `undefined`: no answer said. */
  scope: Set<string> | undefined
  /** The access token that the last refresh brought. */
  current: TokenState | undefined
}

/** What is remembered of a token. No token in it. */
export interface TokenState {
  readonly id: string
  readonly kind: SecretKind
  family: Family | undefined
  expiresAt: number | undefined
  /** When it was revoked, by itself or at logout. */
  endedAt: number | undefined
  /** When another took its place. */
  replacedAt: number | undefined
  /** A refresh token: an answer brought another for it. */
  isExchanged: boolean
  presentations: number
  readonly places: Sighting[]
  readonly requests: Window
  readonly raised: Set<RuleId>
  readonly steps: Step[]
  /** How many steps there were, kept or not. */
  stepCount: number
}

/** From where a token came. */
export interface Sighting {
  readonly at: number
  readonly network: string
  readonly program: string
}

/** A moment in the life of a token, for who wants to look at it. */
export interface Step {
  /** Epoch milliseconds. */
  readonly at: number
  readonly what: Presentation | 'issued'
  readonly to: string
  readonly status: number | undefined
}

/** Counts what happened within the last minutes. */
export interface Window {
  /** Counts, and gives how many there are within `withinMs` of `at`. */
  count(at: number, withinMs: number): number
}

/** A window that keeps at most `limit` moments: more are not needed to know that it is too many. */
export function createWindow(limit: number): Window {
  const moments: number[] = []
  return {
    count(at, withinMs) {
      moments.push(at)
      while (moments.length > limit || (moments[0] ?? at) < at - withinMs) moments.shift()
      return moments.length
    },
  }
}

/** The tokens that were seen lately. */
export interface TokenStates {
  of(token: SeenToken): TokenState
  /** Remembers a moment: the first ones, and then the last. */
  addStep(state: TokenState, step: Step): void
  all(): Iterable<TokenState>
}

/** Tokens beyond this are forgotten, those first that were not seen for longest. */
const MOST_TOKENS = 10_000
/** Moments of one token that are kept; fewer where there are very many tokens. */
const MOST_STEPS = 60
const MOST_STEPS_OF_MANY = 8
const MANY = 1_000

export function createTokenStates(requestsPerMinute: number): TokenStates {
  const states = new Map<string, TokenState>()
  return {
    all: () => states.values(),
    addStep(state, step) {
      const most = states.size > MANY ? MOST_STEPS_OF_MANY : MOST_STEPS
      state.stepCount++
      if (state.steps.length >= most) state.steps.splice(most / 2, state.steps.length - most + 1)
      state.steps.push(step)
    },
    of(token) {
      const known = states.get(token.id)
      if (known !== undefined && states.size < MOST_TOKENS / 2) return known
      const state = known ?? createState(token, requestsPerMinute)
      // To the end of the map, where what was seen last is.
      states.delete(token.id)
      states.set(state.id, state)
      if (states.size > MOST_TOKENS) states.delete(states.keys().next().value ?? '')
      return state
    },
  }
}

function createState({ id, kind, jwt }: SeenToken, requestsPerMinute: number): TokenState {
  const exp = jwt?.claims?.['exp']
  return {
    id: detached(id),
    kind,
    family: undefined,
    expiresAt: typeof exp === 'number' ? exp * 1_000 : undefined,
    endedAt: undefined,
    replacedAt: undefined,
    isExchanged: false,
    presentations: 0,
    places: [],
    requests: createWindow(requestsPerMinute + 1),
    raised: new Set(),
    steps: [],
    stepCount: 0,
  }
}

/** Says that a rule found something, about `state` or about nobody's token in particular. */
export type Raise = (rule: RuleId, state: TokenState | undefined, message: string) => void
