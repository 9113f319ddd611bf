import { TokenError } from '../../src/errors.ts'
import { createSession, type OwnedSession } from '../../src/session/session.ts'
import type { Active, Failure, Refreshing, Stale } from '../../src/session/state.ts'
import type { TokenSet } from '../../src/token.ts'

export const NOW = { wall: 1_000_000, monotonic: 5_000 }

export function sessionOf(epoch = 7): OwnedSession {
  return createSession(epoch, NOW, new AbortController())
}

export function tokensOf(part: Partial<TokenSet> = {}): TokenSet {
  return {
    accessToken: 'first',
    tokenType: 'Bearer',
    key: undefined,
    refreshToken: undefined,
    elsewhere: false,
    sequence: 1,
    rotation: 1,
    obtained: NOW,
    lifetimeMs: 300_000,
    sessionLifetimeMs: undefined,
    scope: ['read'],
    claims: undefined,
    ...part,
  }
}

export const failure: Failure = {
  error: new TokenError('refresh_unavailable', 'try later'),
  at: NOW,
  retryMs: 1_000,
  holdMs: 0,
  attempts: 1,
  unanswered: false,
}

/** A promise that means nothing but itself. */
export const flightOf = (): Promise<never> => new Promise(() => undefined)

export function active(session = sessionOf(), tokens = tokensOf()): Active {
  return { status: 'active', session, tokens }
}

export function refreshing(flight = flightOf(), before?: Failure): Refreshing {
  return { status: 'refreshing', session: sessionOf(), tokens: tokensOf(), flight, failure: before }
}

export function stale(): Stale {
  return { status: 'stale', session: sessionOf(), tokens: tokensOf(), failure }
}
