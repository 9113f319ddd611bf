import type { SecretKind } from '../har/format.ts'
import type { Claims } from './jwt.ts'

/** The secret that stands for a session whose cookie the recorder could not see, and the cookie that takes its place. */
export const MOCK_COOKIE = 'cookie_mock'
export const MOCK_COOKIE_NAME = 'mock_session'

/** One sign-in at the mock. */
export interface MockSession {
  readonly id: string
  readonly principal: string
  /** Thumbprint of the key that its tokens are bound to. */
  readonly jkt: string | undefined
  readonly ended: 'logout' | 'reuse' | 'revoked' | undefined
  /** What stands for the placeholders of this principal now. */
  readonly values: ReadonlyMap<string, string>
}

/** A token, or another secret, that the mock gave out. */
export interface MockToken {
  readonly value: string
  /** The placeholder that it stands for. */
  readonly id: string
  readonly kind: SecretKind
  readonly session: string
  readonly issuer: string
  readonly claims: Claims
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** When it was exchanged for another; `undefined`: not yet. */
  readonly spentAt: number | undefined
  readonly revoked: boolean
}

/** All that the mock knows. Never changed: each decision gives the next one. */
export interface MockState {
  readonly sessions: ReadonlyMap<string, MockSession>
  /** By value. */
  readonly tokens: ReadonlyMap<string, MockToken>
  /** How often something was answered, so that the next recorded answer is given. */
  readonly served: ReadonlyMap<string, number>
}

export const emptyState: MockState = { sessions: new Map(), tokens: new Map(), served: new Map() }

export function put<Value>(map: ReadonlyMap<string, Value>, key: string, value: Value): ReadonlyMap<string, Value> {
  return new Map(map).set(key, value)
}

export function endSession(state: MockState, id: string, ended: NonNullable<MockSession['ended']>): MockState {
  const session = state.sessions.get(id)
  return session && session.ended === undefined
    ? { ...state, sessions: put(state.sessions, id, { ...session, ended }) }
    : state
}

export function revokeAccess(state: MockState): MockState {
  const tokens = [...state.tokens].map(
    ([value, token]) => [value, token.kind === 'access' ? { ...token, revoked: true } : token] as const,
  )
  return { ...state, tokens: new Map(tokens) }
}

/** Which of several answers comes next: each once, in the order in which they were recorded, and the last for ever. */
export function nextOf<Item>(
  state: MockState,
  key: string,
  items: readonly Item[],
): { item: Item | undefined; state: MockState } {
  const count = state.served.get(key) ?? 0
  return {
    item: items[Math.min(count, items.length - 1)],
    state: { ...state, served: put(state.served, key, count + 1) },
  }
}
