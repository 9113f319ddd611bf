import { expect, test } from 'vitest'
import { createSessionStore } from '../../src/session/store.ts'
import type { EndReason, State } from '../../src/session/state.ts'
import { flightOf, sessionOf, tokensOf } from './stage.ts'

function open() {
  const changes: (readonly [State, State, boolean])[] = []
  const session = sessionOf()
  const tokens = tokensOf()
  const store = createSessionStore((state, previous) => changes.push([state, previous, session.signal.aborted]))
  return { store, changes, session, tokens, begin: () => store.dispatch({ type: 'started', session, tokens }) }
}

test('begins with nobody, for no reason', () => {
  const { store } = open()
  expect(store.get()).toEqual({ status: 'signed-out', reason: 'never-started', elsewhere: false })
  expect(store.snapshot()).toMatchObject({ signedIn: false, reason: 'never-started', elsewhere: false })
})

test('tells each change, and what was before; and nothing of what the state refused', () => {
  const { store, changes, begin } = open()
  const before = store.get()
  expect(begin()).toBe(true)
  expect(store.snapshot()).toMatchObject({ status: 'active' })
  expect(changes).toEqual([[store.get(), before, false]])
  expect(store.dispatch({ type: 'restore-ended', flight: flightOf() })).toBe(false)
  expect(changes).toHaveLength(1)
})

test('tells nobody of another refresh token, which nobody can see', () => {
  const { store, changes, session, tokens, begin } = open()
  begin()
  const seen = store.snapshot()
  const changed = { refreshToken: 'r2' }
  expect(store.dispatch({ type: 'rotated', session, changed })).toBe(true)
  expect(store.get()).toMatchObject({ tokens: { ...tokens, ...changed } })
  expect(store.snapshot()).toBe(seen)
  expect(changes).toHaveLength(1)
})

test('a session goes on through its refreshes', () => {
  const { store, session, begin } = open()
  begin()
  store.dispatch({ type: 'refresh-started', flight: flightOf() })
  expect(store.get().status).toBe('refreshing')
  expect(session.signal.aborted).toBe(false)
})

test.each<[EndReason, string]>([
  ['logout', 'signed_out'],
  ['idle', 'signed_out'],
  ['replaced', 'session_changed'],
  ['key-lost', 'key_lost'],
  ['rejected', 'refresh_rejected'],
  ['unknown-outcome', 'refresh_rejected'],
])('after %s the requests of a session reject with %s, before anybody hears of it', (reason, code) => {
  const { store, changes, session, begin } = open()
  begin()
  store.dispatch({ type: 'ended', reason, elsewhere: false })
  expect(session.signal.reason).toMatchObject({ code })
  expect(changes.at(-1)?.[2]).toBe(true)
})

test('another sign-in ends the session before it', () => {
  const { store, session, begin } = open()
  begin()
  store.dispatch({ type: 'started', session: sessionOf(8), tokens: tokensOf() })
  expect(session.signal.reason).toMatchObject({ code: 'session_changed' })
})
