import { describe, expect, test } from 'vitest'
import { toSnapshot } from '../../src/session/snapshot.ts'
import { signedOut, type State } from '../../src/session/state.ts'
import { active, failure, flightOf, NOW, refreshing, sessionOf, stale, tokensOf } from './stage.ts'

describe('what the application sees', () => {
  test('while it is being looked for: that, and nobody', () => {
    const state: State = {
      status: 'restoring',
      flight: flightOf(),
      before: signedOut('logout', false),
      session: sessionOf(),
    }
    expect(toSnapshot(state)).toEqual({ status: 'restoring', signedIn: false })
  })

  test('of nobody: why, and where it was ended', () => {
    const seen = { status: 'signed-out', signedIn: false, reason: 'idle', elsewhere: true }
    expect(toSnapshot(signedOut('idle', true))).toEqual(seen)
  })

  test('of a session: when its token expires, what it is for, and whose it is', () => {
    const claims = { sub: 'alice' }
    expect(toSnapshot(active(sessionOf(35), tokensOf({ claims })))).toEqual({
      status: 'active',
      signedIn: true,
      session: 'z',
      expiresAt: NOW.wall + 300_000,
      scope: ['read'],
      claims,
    })
  })

  test('of a session without tokens, or with one of which nobody says how long: no time', () => {
    const state: State = { status: 'active', session: sessionOf(), tokens: undefined }
    expect(toSnapshot(state)).toMatchObject({ expiresAt: undefined, scope: [], claims: undefined })
    expect(toSnapshot(active(sessionOf(), tokensOf({ lifetimeMs: undefined })))).toMatchObject({ expiresAt: undefined })
  })

  test('of a refresh that failed: the error, and only then', () => {
    expect(toSnapshot(stale())).toMatchObject({ status: 'stale', error: failure.error })
    expect(toSnapshot(refreshing(flightOf(), failure))).not.toHaveProperty('error')
  })

  test('cannot be changed', () => {
    const waiting: State = {
      status: 'restoring',
      flight: flightOf(),
      before: signedOut('idle', true),
      session: undefined,
    }
    const states = [signedOut('idle', true), waiting, active(), stale()]
    expect(states.map((state) => Object.isFrozen(toSnapshot(state)))).toEqual(states.map(() => true))
    expect(Object.isFrozen((toSnapshot({ ...active(), tokens: undefined }) as { scope: unknown }).scope)).toBe(true)
  })
})

describe('the same object', () => {
  test('for as long as nothing of it changes', () => {
    const state = active()
    const last = toSnapshot(state)
    expect(toSnapshot(active(state.session, state.tokens), last)).toBe(last)
  })

  test('no longer than that', () => {
    const state = active()
    const last = toSnapshot(state)
    expect(toSnapshot({ ...state, tokens: tokensOf({ lifetimeMs: 60_000 }) }, last)).not.toBe(last)
    expect(toSnapshot({ ...state, status: 'refreshing', flight: flightOf(), failure: undefined }, last)).not.toBe(last)
    expect(toSnapshot(signedOut('logout', false), last)).not.toBe(last)
  })
})
