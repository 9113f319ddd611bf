import { describe, expect, test } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createSession } from '../../src/session/session.ts'
import { type Active, type SessionEvent, signedOut, type State, transition } from '../../src/session/state.ts'
import { parseTokenResponse, type TokenSet } from '../../src/token.ts'

const at = { wall: 1_000, monotonic: 0 }
const ann = createSession(1, at, new AbortController())
const bob = createSession(2, at, new AbortController())
const nobody = signedOut('logout', false)

function tokens(sequence: number): TokenSet {
  return { ...parseTokenResponse({ access_token: `ann.${String(sequence)}`, refresh_token: 'r' }, at), sequence }
}

const active: Active = { status: 'active', session: ann, tokens: tokens(2) }
const flight = Promise.resolve(active)
const finding: State = { status: 'restoring', flight, before: nobody, session: ann }

describe('new tokens', () => {
  test('F13: take the place of older ones, or of none, and of no others', () => {
    const next = { status: 'active', session: ann, tokens: tokens(3) }
    expect(transition(active, { type: 'refreshed', session: ann, tokens: next.tokens })).toEqual(next)
    expect(transition(finding, { type: 'refreshed', session: ann, tokens: next.tokens })).toEqual(next)
    for (const sequence of [1, 2]) {
      expect(transition(active, { type: 'refreshed', session: ann, tokens: tokens(sequence) })).toBe(active)
    }
  })

  test('F75: come into no other session, and bring none back', () => {
    for (const state of [nobody, active, finding]) {
      expect(transition(state, { type: 'refreshed', session: bob, tokens: tokens(9) })).toBe(state)
    }
  })
})

describe('a new refresh token', () => {
  const rotated: SessionEvent = { type: 'rotated', session: ann, changed: { refreshToken: 'next' } }

  test('comes beside the access token, whatever else is going on', () => {
    const refreshing: State = { ...active, status: 'refreshing', flight, failure: undefined }
    for (const state of [active, refreshing]) {
      expect(transition(state, rotated)).toEqual({ ...state, tokens: { ...active.tokens, refreshToken: 'next' } })
    }
  })

  test('comes into no other session, nor beside nothing', () => {
    for (const state of [nobody, finding, { ...active, session: bob }, { ...active, tokens: undefined }]) {
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
  expect(transition(active, { type: 'refresh-failed', failure })).toEqual({ ...active, status: 'stale', failure })
})
