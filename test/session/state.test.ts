import { describe, expect, test } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createSession } from '../../src/session/session.ts'
import {
  type Active,
  heldIn,
  isSignedIn,
  type Restoring,
  type SessionEvent,
  signedOut,
  type State,
  transition,
} from '../../src/session/state.ts'
import { parseTokenResponse, type TokenSet } from '../../src/token.ts'
import { active, failure, flightOf, refreshing, sessionOf, stale, tokensOf } from './stage.ts'

const nobody = signedOut('logout', false)

function restoring(part: Partial<Restoring> = {}): Restoring {
  return { status: 'restoring', flight: flightOf(), before: nobody, session: undefined, ...part }
}

const all: readonly (readonly [string, State])[] = [
  ['signed out', nobody],
  ['restoring', restoring()],
  ['restoring a session', restoring({ session: sessionOf() })],
  ['active', active()],
  ['refreshing', refreshing()],
  ['stale', stale()],
]
const except = (...names: string[]) => all.filter(([name]) => !names.includes(name))
const only = (...names: string[]) => all.filter(([name]) => names.includes(name))

describe('who is signed in', () => {
  test.each(only('active', 'refreshing', 'stale'))('%s: somebody, whose session and tokens are here', (_, state) => {
    expect(isSignedIn(state)).toBe(true)
    expect(heldIn(state)).toBe(state)
  })

  test.each(only('signed out', 'restoring'))('%s: nobody', (_, state) => {
    expect(isSignedIn(state)).toBe(false)
    expect(heldIn(state)).toBeUndefined()
  })

  test('a session that is being found is here, and has no tokens', () => {
    const session = sessionOf()
    const state = restoring({ session })
    expect(isSignedIn(state)).toBe(false)
    expect(heldIn(state)).toEqual({ session, tokens: undefined })
  })

  test('signed out says why, and whether another tab did it', () => {
    expect(signedOut('idle', true)).toEqual({ status: 'signed-out', reason: 'idle', elsewhere: true })
  })
})

describe('a restore', () => {
  test.each([undefined, sessionOf()])('begins where nobody is, and remembers what was', (session) => {
    const flight = flightOf()
    const state = transition(nobody, { type: 'restore-started', flight, session })
    expect(state).toEqual({ status: 'restoring', flight, session, before: nobody })
    expect((state as Restoring).before).toBe(nobody)
  })

  test('that follows another takes its place, and what was before both', () => {
    const flight = flightOf()
    const state = transition(restoring(), { type: 'restore-started', flight, session: undefined }) as Restoring
    expect(state.flight).toBe(flight)
    expect(state.before).toBe(nobody)
  })

  test.each(only('active', 'refreshing', 'stale'))('does not begin over one who is %s', (_, state) => {
    expect(transition(state, { type: 'restore-started', flight: flightOf(), session: undefined })).toBe(state)
  })

  test('that found nothing leaves what was before', () => {
    const state = restoring()
    expect(transition(state, { type: 'restore-ended', flight: state.flight })).toBe(nobody)
  })

  test.each(all)('that was overtaken changes nothing: %s', (_, state) => {
    expect(transition(state, { type: 'restore-ended', flight: flightOf() })).toBe(state)
  })

  test('that ends when its flight is a refresh changes nothing', () => {
    const state = refreshing()
    expect(transition(state, { type: 'restore-ended', flight: state.flight })).toBe(state)
  })
})

test.each(all)('a sign-in begins a session whatever was: %s', (_, state) => {
  const session = sessionOf(8)
  const tokens = tokensOf()
  expect(transition(state, { type: 'started', session, tokens })).toEqual({ status: 'active', session, tokens })
})

describe('a refresh', () => {
  test('of what is active keeps session and tokens, and knows of no failure', () => {
    const state = active()
    const { session, tokens } = state
    const flight = flightOf()
    const next = transition(state, { type: 'refresh-started', flight })
    expect(next).toEqual({ status: 'refreshing', session, tokens, flight, failure: undefined })
  })

  test('of what is stale remembers the failure', () => {
    const state = stale()
    const { session, tokens } = state
    const flight = flightOf()
    const next = transition(state, { type: 'refresh-started', flight })
    expect(next).toEqual({ status: 'refreshing', session, tokens, flight, failure })
  })

  test.each(except('active', 'refreshing', 'stale'))('does not begin when the state is %s', (_, state) => {
    expect(transition(state, { type: 'refresh-started', flight: flightOf() })).toBe(state)
  })

  test('that fails leaves the session with its tokens, stale', () => {
    const state = refreshing()
    const next = transition(state, { type: 'refresh-failed', failure })
    expect(next).toEqual({ status: 'stale', session: state.session, tokens: state.tokens, failure })
  })

  test('that fails while a session is being found leaves it stale', () => {
    const session = sessionOf()
    const next = transition(restoring({ session }), { type: 'refresh-failed', failure })
    expect(next).toEqual({ status: 'stale', session, tokens: undefined, failure })
  })

  test.each(only('signed out', 'restoring'))('that fails where no session is changes nothing: %s', (_, state) => {
    expect(transition(state, { type: 'refresh-failed', failure })).toBe(state)
  })
})

describe('an end', () => {
  test.each(except('signed out'))('of whatever is here leaves nobody: %s', (_, state) => {
    expect(transition(state, { type: 'ended', reason: 'idle', elsewhere: true })).toEqual(signedOut('idle', true))
  })

  test('where nobody is changes nothing, not even the reason', () => {
    expect(transition(nobody, { type: 'ended', reason: 'idle', elsewhere: true })).toBe(nobody)
  })
})

const at = { wall: 1_000, monotonic: 0 }
const ann = createSession(1, at, new AbortController())
const bob = createSession(2, at, new AbortController())

function tokens(sequence: number): TokenSet {
  return { ...parseTokenResponse({ access_token: `ann.${String(sequence)}`, refresh_token: 'r' }, at), sequence }
}

const held: Active = { status: 'active', session: ann, tokens: tokens(2) }
const flight = Promise.resolve(held)
const finding: State = { status: 'restoring', flight, before: nobody, session: ann }

describe('new tokens', () => {
  test('F13: take the place of older ones, or of none, and of no others', () => {
    const next = { status: 'active', session: ann, tokens: tokens(3) }
    expect(transition(held, { type: 'refreshed', session: ann, tokens: next.tokens })).toEqual(next)
    expect(transition(finding, { type: 'refreshed', session: ann, tokens: next.tokens })).toEqual(next)
    for (const sequence of [1, 2]) {
      expect(transition(held, { type: 'refreshed', session: ann, tokens: tokens(sequence) })).toBe(held)
    }
  })

  test('F75: come into no other session, and bring none back', () => {
    for (const state of [nobody, held, finding]) {
      expect(transition(state, { type: 'refreshed', session: bob, tokens: tokens(9) })).toBe(state)
    }
  })
})

describe('a new refresh token', () => {
  const rotated: SessionEvent = { type: 'rotated', session: ann, changed: { refreshToken: 'next' } }

  test('comes beside the access token, whatever else is going on', () => {
    const refreshing: State = { ...held, status: 'refreshing', flight, failure: undefined }
    for (const state of [held, refreshing]) {
      expect(transition(state, rotated)).toEqual({ ...state, tokens: { ...held.tokens, refreshToken: 'next' } })
    }
  })

  test('comes into no other session, nor beside nothing', () => {
    for (const state of [nobody, finding, { ...held, session: bob }, { ...held, tokens: undefined }]) {
      expect(transition(state, rotated)).toBe(state)
    }
  })
})

test('F74: a search that is over does not end the one after it', () => {
  const other = Promise.resolve()
  expect(transition(finding, { type: 'restore-ended', flight: other })).toBe(finding)
  expect(transition(finding, { type: 'restore-ended', flight })).toBe(nobody)
})

test('a refresh changes nothing where nobody is signed in', () => {
  const failure = { error: new TokenError('timeout', 'late'), at, retryMs: 1, holdMs: 0, attempts: 1, unanswered: true }
  expect(transition(nobody, { type: 'refresh-started', flight })).toBe(nobody)
  expect(transition(nobody, { type: 'refresh-failed', failure })).toBe(nobody)
  expect(transition(held, { type: 'refresh-failed', failure })).toEqual({ ...held, status: 'stale', failure })
})
