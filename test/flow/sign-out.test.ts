import { describe, expect, test, vi } from 'vitest'
import { createSignOut, type Revoked } from '../../src/flow/sign-out.ts'
import type { Binding, TokenSource } from '../../src/ports.ts'
import { toWish } from '../../src/session/narrow.ts'
import type { EndReason, Held } from '../../src/session/state.ts'
import type { TokenSet } from '../../src/token.ts'
import { settle } from '../support/world.ts'
import { failure, flightOf, tokensOf } from '../session/stage.ts'
import { createDrawer, fateOf, type Given, openTab, pending, sealed, TIMEOUT_MS } from './stage.ts'

const pay = toWish({ scope: 'pay' })
const once = toWish({ scope: 'pay', once: 'a' })
const ann = { sub: 'ann' }
const bob = { sub: 'bob' }

interface More extends Given {
  /** `null`: the source has no revocation. */
  readonly revoke?: TokenSource<never>['revoke'] | null
}

function open({ revoke: given, ...more }: More = {}) {
  const revoke = vi.fn<NonNullable<TokenSource<never>['revoke']>>(given ?? (async () => 'confirmed'))
  const forget = vi.fn(async (_key: string) => {})
  const binding = { forget } as unknown as Binding
  const tab = openTab({ ...more, source: { binding, ...(given !== null && { revoke }), ...more.source } })
  const { parts, world, make } = tab
  const signOut = createSignOut(parts)
  return {
    ...{ ...tab, signOut, revoke, forget },
    /** What was given back, in order. */
    returned: () => revoke.mock.calls.map(([input]) => input),
    state: () => parts.store.get(),
    what: () => parts.epochs.newest()?.what,
    signIn(part: Partial<TokenSet> = {}) {
      const epoch = signOut.announce('signed-in', 'replaced')
      const session = parts.newSession(epoch, world.ports.clock.now())
      parts.store.dispatch({ type: 'started', session, tokens: make({ refreshToken: 'r1', ...part }) })
      return session
    },
    /** A session that another tab, or the page before this one, has begun, and that is being found. */
    find(flight: Promise<never> = Promise.reject(new Error('not found'))) {
      flight.catch(() => {})
      const epoch = parts.epochs.begin('signed-in', 'replaced', world.now())
      const session = parts.newSession(epoch, world.ports.clock.now())
      parts.store.dispatch({ type: 'restore-started', flight, session })
      return session
    },
    /** What another tab does. */
    elsewhere: (what: 'signed-in' | 'nobody' | 'unconfirmed', reason: EndReason = 'logout') =>
      openTab({ world }).parts.epochs.begin(what, reason, world.now()),
  }
}

const cookie: Partial<TokenSource<never>> = { credential: 'cookie' }
const first = { refreshToken: 'r1', accessTokens: ['first'] }

describe('a logout', () => {
  test('ends the session in this very task, for all tabs, and then at the server', async () => {
    const answer = pending<'confirmed'>()
    const { signOut, signIn, state, what, posted, parts, returned } = open({ revoke: () => answer.promise })
    const session = signIn()
    const report = signOut.logout()
    expect(state()).toEqual({ status: 'signed-out', reason: 'logout', elsewhere: false })
    expect(session.signal.aborted).toBe(true)
    expect(what()).toBe('unconfirmed')
    expect(posted().at(-1)).toMatchObject({ type: 'epoch', epoch: parts.epochs.newest()?.epoch })
    expect(await fateOf(report)).toBe('pending')
    expect(returned()).toEqual([first])
    answer.resolve('confirmed')
    expect(await report).toEqual({ revoked: 'confirmed' })
    expect(parts.epochs.newest()).toMatchObject({ what: 'nobody', reason: 'logout' })
    expect(posted().at(-1)).toMatchObject({ type: 'epoch', epoch: parts.epochs.newest()?.epoch })
  })

  test('is over for all before any listener hears of it', () => {
    const { signOut, signIn, parts, what } = open()
    const session = signIn()
    const seen: unknown[] = []
    parts.events.on('degraded', () => void seen.push(what(), session.signal.aborted))
    parts.share.post = () => parts.events.emit('degraded', { what: 'channel', why: 'gone' })
    void signOut.logout()
    expect(seen).toEqual(['unconfirmed', true])
  })

  test('says why, and keeps saying it when the server has confirmed', async () => {
    const { signOut, signIn, state, parts } = open()
    signIn()
    await signOut.logout({ reason: 'password-reset' })
    expect(state()).toMatchObject({ reason: 'password-reset' })
    expect(parts.epochs.newest()).toMatchObject({ what: 'nobody', reason: 'password-reset' })
  })

  test('takes narrow tokens with it', async () => {
    const { signOut, signIn, parts, returned } = open()
    const session = signIn()
    parts.narrow.put(session, pay, tokensOf({ accessToken: 'to pay' }))
    await signOut.logout()
    expect(returned()).toEqual([{ refreshToken: 'r1', accessTokens: ['first', 'to pay'] }])
  })

  test('gives back what is bound to a key together with it, and forgets the key only then', async () => {
    const answer = pending<'confirmed'>()
    const { signOut, signIn, returned, forget } = open({ revoke: () => answer.promise })
    signIn({ key: 'k1' })
    const report = signOut.logout()
    await settle()
    expect(returned()).toEqual([{ ...first, key: 'k1' }])
    expect(forget).not.toHaveBeenCalled()
    answer.resolve('confirmed')
    await report
    expect(forget.mock.calls).toEqual([['k1']])
  })

  test('does not fail when the key cannot be forgotten, nor where there is no binding', async () => {
    const { signOut, signIn, forget } = open()
    forget.mockRejectedValue(new Error('gone'))
    signIn({ key: 'k1' })
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
    await settle()
    const bare = open({ source: { binding: undefined as never } })
    bare.signIn({ key: 'k1' })
    expect(await bare.signOut.logout()).toEqual({ revoked: 'confirmed' })
  })

  test('without a revocation is over at once', async () => {
    const { signOut, signIn, what, forget } = open({ revoke: null })
    signIn({ key: 'k1' })
    const report = signOut.logout()
    expect(what()).toBe('nobody')
    expect(forget.mock.calls).toEqual([['k1']])
    expect(await report).toEqual({ revoked: 'not-configured' })
  })

  test('names where the provider ends its session, if there is such a place', async () => {
    const { signOut } = open({ source: { endSessionUrl: () => 'https://id.example.com/end' } })
    expect(await signOut.logout()).toEqual({ revoked: 'not-configured', endSessionUrl: 'https://id.example.com/end' })
    const broken = open({
      source: {
        endSessionUrl() {
          throw new Error('no')
        },
      },
    })
    expect(Object.keys(await broken.signOut.logout())).toEqual(['revoked'])
  })

  test('waits for the confirmation as long as it is told to, while the call goes on', async () => {
    const answer = pending<'confirmed'>()
    const { signOut, signIn, world, what } = open({ revoke: () => answer.promise })
    signIn()
    const report = signOut.logout({ timeoutMs: 500 })
    await world.pass(499)
    expect(await fateOf(report)).toBe('pending')
    await world.pass(1)
    expect(await report).toEqual({ revoked: 'unconfirmed' })
    expect(what()).toBe('unconfirmed')
    answer.resolve('confirmed')
    await settle()
    expect(what()).toBe('nobody')
  })

  test('waits for as long as a call may take, where it is told nothing', async () => {
    const { signOut, signIn, world } = open({ revoke: () => flightOf() })
    signIn()
    const report = signOut.logout()
    await world.pass(TIMEOUT_MS)
    expect(await fateOf(report)).toEqual({ value: { revoked: 'unconfirmed' } })
  })

  test.each<[unknown, Revoked]>([
    ['confirmed', 'confirmed'],
    ['not-configured', 'not-configured'],
    ['unconfirmed', 'unconfirmed'],
    [undefined, 'unconfirmed'],
    [true, 'unconfirmed'],
  ])('reports %s as %s', async (said, revoked) => {
    const { signOut, signIn, what } = open({ revoke: async () => said as 'confirmed' })
    signIn()
    expect(await signOut.logout()).toEqual({ revoked })
    expect(what()).toBe(revoked === 'unconfirmed' ? 'unconfirmed' : 'nobody')
  })

  test('reports a failure as unconfirmed', async () => {
    const { signOut, signIn } = open({ revoke: () => Promise.reject(new Error('offline')) })
    signIn()
    expect(await signOut.logout()).toEqual({ revoked: 'unconfirmed' })
  })

  test('that nobody has confirmed leaves it to the next page, and says so again', async () => {
    const { signOut, signIn, returned } = open({ revoke: async () => 'unconfirmed' })
    signIn()
    await signOut.logout()
    expect(await signOut.logout()).toEqual({ revoked: 'unconfirmed' })
    expect(returned()).toHaveLength(1)
  })

  test('where nobody was signed in has nothing to do', async () => {
    const { signOut, returned, parts } = open()
    expect(await signOut.logout()).toEqual({ revoked: 'not-configured' })
    expect(returned()).toEqual([])
    expect(parts.epochs.newest()).toBeUndefined()
  })

  test('that was confirmed is confirmed', async () => {
    const { signOut, signIn, returned } = open()
    signIn()
    await signOut.logout()
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
    expect(returned()).toHaveLength(1)
  })

  test('of a session without a revocation does not hide behind that of the one before', async () => {
    const { signOut, signIn } = open()
    signIn()
    await signOut.logout()
    const session = signIn()
    signOut.end(session, 'rejected')
    expect(await signOut.logout()).toEqual({ revoked: 'not-configured' })
  })

  test('ends a session that is being found', async () => {
    const { signOut, find, state } = open()
    find()
    void signOut.logout()
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'logout' })
  })

  test('waits for the refresh that is flying: what it brings is given back too, and counts', async () => {
    const { signOut, signIn, parts, returned } = open()
    signIn()
    const flight = pending<Held>()
    parts.store.dispatch({ type: 'refresh-started', flight: flight.promise })
    const report = signOut.logout()
    expect(await fateOf(report)).toBe('pending')
    void signOut.orphan(tokensOf({ accessToken: 'late', refreshToken: 'r2' }), ['narrow'])
    flight.reject(new Error('over'))
    expect(await report).toEqual({ revoked: 'confirmed' })
    expect(returned()).toEqual([first, { refreshToken: 'r2', accessTokens: ['late', 'narrow'] }])
  })

  test('waits for a token for one API that is being fetched', async () => {
    const { signOut, signIn, parts } = open()
    const flight = pending<Held>()
    parts.narrow.of(signIn(), pay).flight = flight.promise
    const report = signOut.logout()
    expect(await fateOf(report)).toBe('pending')
    flight.reject(new Error('over'))
    expect(await report).toEqual({ revoked: 'confirmed' })
  })

  test('on a page that has not looked for the session ends it, and is not confirmed where only another tab can give it back', async () => {
    const { signOut, elsewhere, what, returned } = open()
    elsewhere('signed-in')
    expect(await signOut.logout()).toEqual({ revoked: 'unconfirmed' })
    expect(what()).toBe('unconfirmed')
    expect(returned()).toEqual([])
  })

  test.each<[string, Given]>([
    ['what is stored', { storage: createDrawer() }],
    ['the cookie', { source: cookie }],
  ])('on such a page gives %s back', async (_, given) => {
    const { signOut, elsewhere, what } = open(given)
    elsewhere('signed-in')
    const report = signOut.logout()
    expect(what()).toBe('unconfirmed')
    expect(await report).toEqual({ revoked: 'confirmed' })
  })

  test('means no session that has just begun in another tab, where the one that was here is over', async () => {
    const { signOut, elsewhere, what, returned } = open({ source: cookie })
    signOut.meet()
    elsewhere('signed-in')
    await signOut.logout()
    expect([what(), returned()]).toEqual(['signed-in', []])
  })

  test('means the one that was here, though it has ended here alone', async () => {
    const { signOut, signIn, what } = open({ source: cookie })
    signOut.end(signIn(), 'expired', true)
    expect(what()).toBe('signed-in')
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
  })

  test('counts the worst of what came back, also of what came late', async () => {
    const answers = [pending<Revoked>(), pending<Revoked>()]
    let asked = 0
    const { signOut, signIn } = open({ revoke: () => answers[asked++]!.promise })
    signIn()
    const report = signOut.logout()
    await settle()
    void signOut.orphan(tokensOf({ accessToken: 'late' }))
    answers[0]!.resolve('confirmed')
    expect(await fateOf(report)).toBe('pending')
    answers[1]!.resolve('not-configured')
    expect(await report).toEqual({ revoked: 'not-configured' })
  })

  test('counts unconfirmed as the worst', async () => {
    const answers: Revoked[] = ['not-configured', 'unconfirmed']
    const { signOut, signIn } = open({ revoke: async () => answers.shift()! })
    signIn()
    const report = signOut.logout()
    void signOut.orphan(tokensOf({ accessToken: 'late' }))
    expect(await report).toEqual({ revoked: 'unconfirmed' })
  })

  test('overtakes a login that is flying, and waits for what comes of it', async () => {
    const { signOut, parts, what } = open()
    const work = pending<never>()
    const { flight } = parts.attempts.start(() => work.promise)
    const report = signOut.logout()
    await expect(flight).rejects.toMatchObject({ code: 'aborted' })
    expect(what()).toBe('unconfirmed')
    expect(await fateOf(report)).toBe('pending')
    work.reject(new Error('overtaken'))
    expect(await report).toEqual({ revoked: 'confirmed' })
  })

  test('waits for that login rather than for the restore that it had overtaken', async () => {
    const { signOut, parts } = open()
    parts.store.dispatch({ type: 'restore-started', flight: flightOf(), session: undefined })
    parts.attempts.start(() => Promise.reject(new Error('overtaken')))
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
  })

  test('does not wait for the refresh of a polluted prototype', async () => {
    const { signOut, signIn } = open()
    signIn()
    const polluted = Object.prototype as { flight?: unknown }
    polluted.flight = flightOf()
    try {
      expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
    } finally {
      delete polluted.flight
    }
  })

  test('is not taken back by a confirmation that comes after the next sign-in', async () => {
    const answer = pending<'confirmed'>()
    const { signOut, signIn, what } = open({ revoke: () => answer.promise })
    signIn()
    const report = signOut.logout()
    await settle()
    signIn()
    answer.resolve('confirmed')
    await report
    await settle()
    expect(what()).toBe('signed-in')
  })

  test('asks the record nothing where the marker tells all', async () => {
    const { signOut, signIn, parts } = open()
    signIn()
    const update = vi.spyOn(parts.share, 'update')
    await signOut.logout()
    expect(update).toHaveBeenCalledOnce()
  })

  test('without a storage has nothing to empty', async () => {
    const { signOut, signIn } = open()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    signIn()
    await signOut.logout()
    await settle()
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('learns of a sign-in elsewhere from the record where no marker can be kept', async () => {
    const answer = pending<'confirmed'>()
    const { signOut, signIn, what, world, write, parts } = open({
      revoke: () => answer.promise,
      ports: { marker: { read: () => undefined, write: () => {} } },
    })
    signIn()
    const report = signOut.logout()
    await settle()
    const epoch = openTab({ world }).parts.epochs.begin('signed-in', 'replaced', world.now() + 10)
    write({ epoch })
    answer.resolve('confirmed')
    await report
    await settle()
    expect(parts.epochs.newest()?.epoch).toBe(epoch)
    expect(what()).toBe('signed-in')
  })
})

describe('a logout by cookie', () => {
  test('asks also where nobody is known to be signed in, and once it is confirmed no more', async () => {
    const { signOut, returned, what } = open({ source: cookie })
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
    expect(returned()).toEqual([{ refreshToken: undefined, accessTokens: [] }])
    expect(what()).toBe('nobody')
  })

  test('asks again when the answer was lost', async () => {
    const answers: Revoked[] = ['unconfirmed', 'confirmed']
    const { signOut, returned } = open({ source: cookie, revoke: async () => answers.shift()! })
    expect(await signOut.logout()).toEqual({ revoked: 'unconfirmed' })
    expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
    expect(returned()).toHaveLength(2)
  })

  test('is not asked for once more because an older one was not confirmed', async () => {
    const answers = [pending<Revoked>(), pending<Revoked>()]
    let asked = 0
    const { signOut, signIn, world, returned } = open({ source: cookie, revoke: () => answers[asked++]!.promise })
    signIn()
    void signOut.logout()
    await settle()
    signIn()
    const report = signOut.logout()
    answers[0]!.resolve('unconfirmed')
    await world.pass(0)
    void signOut.logout()
    answers[1]!.resolve('confirmed')
    expect(await report).toEqual({ revoked: 'confirmed' })
    expect(returned()).toHaveLength(2)
  })

  test('does not take the cookie of whoever has signed in meanwhile', async () => {
    const { signOut, signIn, returned, elsewhere } = open({ source: cookie })
    signIn()
    const report = signOut.logout()
    elsewhere('signed-in')
    expect(await report).toEqual({ revoked: 'unconfirmed' })
    expect(returned()).toEqual([])
  })

  test('without a revocation has nothing to ask', async () => {
    const { signOut } = open({ source: cookie, revoke: null })
    expect(await signOut.logout()).toEqual({ revoked: 'not-configured' })
    expect(await signOut.revoke({})).toBe('not-configured')
  })

  test('does not wait for its turn when the page is left', async () => {
    const { signOut, signIn, returned, world } = open({ source: cookie })
    void world.ports.locks('app', () => flightOf(), new AbortController().signal)
    signIn()
    void signOut.logout()
    await settle()
    expect(returned()).toEqual([])
    await world.tell('leave')
    expect(returned()).toHaveLength(1)
  })
})

describe('a stored refresh token', () => {
  function stored(tab: ReturnType<typeof open>, { refreshToken = 'r9', key }: Partial<TokenSet> = {}) {
    const { epoch } = tab.parts.epochs.newest()!
    tab.write({ epoch, sealed: sealed(refreshToken, epoch), key })
  }

  test('is given back in place of one that this tab does not have, and what keeps it is emptied', async () => {
    const forget = vi.fn(async () => {})
    const tab = open({ storage: { ...createDrawer(), forget } })
    tab.signIn({ refreshToken: undefined })
    stored(tab)
    await tab.signOut.logout()
    expect(tab.returned()).toEqual([{ refreshToken: 'r9', accessTokens: ['first'] }])
    expect(forget).toHaveBeenCalledOnce()
  })

  test('is given back with the narrow tokens', async () => {
    const tab = open({ storage: createDrawer() })
    const session = tab.signIn({ refreshToken: undefined })
    tab.parts.narrow.put(session, pay, tokensOf({ accessToken: 'to pay' }))
    stored(tab)
    await tab.signOut.logout()
    expect(tab.returned()).toEqual([{ refreshToken: 'r9', accessTokens: ['first', 'to pay'] }])
  })

  test('that is bound to another key is of another session, and is left alone', async () => {
    const tab = open({ storage: createDrawer() })
    tab.signIn({ refreshToken: undefined, key: 'k1' })
    stored(tab, { key: 'k2' })
    await tab.signOut.logout()
    expect(tab.returned()).toEqual([{ refreshToken: undefined, accessTokens: ['first'], key: 'k1' }])
  })

  test('that is another one than is here is given back too', async () => {
    const tab = open({ storage: createDrawer() })
    tab.signIn()
    stored(tab)
    await tab.signOut.logout()
    expect(tab.returned()).toEqual([first, { refreshToken: 'r9', accessTokens: [] }])
  })

  test('that is the one that is here is given back once', async () => {
    const tab = open({ storage: createDrawer() })
    tab.signIn()
    stored(tab, { refreshToken: 'r1' })
    expect(await tab.signOut.logout()).toEqual({ revoked: 'confirmed' })
    expect(tab.returned()).toEqual([first])
  })

  test('of a session that is being found is given back', async () => {
    const tab = open({ storage: createDrawer() })
    tab.find()
    stored(tab)
    await tab.signOut.logout()
    expect(tab.returned()).toEqual([{ refreshToken: 'r9', accessTokens: [] }])
  })

  test('is not forgotten when another session has taken its place', async () => {
    const forget = vi.fn(async () => {})
    const { signIn, signOut, elsewhere } = open({ storage: { ...createDrawer(), forget } })
    signOut.end(signIn(), 'replaced')
    await settle()
    signIn()
    void signOut.logout()
    elsewhere('signed-in')
    await settle()
    expect(forget).not.toHaveBeenCalled()
  })
})

describe('what is given back', () => {
  test('is nothing where there is nothing', async () => {
    const { signOut, returned } = open()
    expect(await signOut.revoke({})).toBe('confirmed')
    expect(await signOut.revoke({ key: 'k1' }, [])).toBe('confirmed')
    expect(returned()).toEqual([])
  })

  test('is what there is', async () => {
    const { signOut, returned } = open()
    await signOut.revoke({ refreshToken: 'r1' })
    await signOut.revoke({ accessToken: 'a1' }, ['a2'])
    await signOut.revoke({ key: '' }, ['a2'])
    expect(returned()).toEqual([
      { refreshToken: 'r1', accessTokens: [] },
      { refreshToken: undefined, accessTokens: ['a1', 'a2'] },
      { refreshToken: undefined, accessTokens: ['a2'] },
    ])
    expect(returned().some((input) => 'key' in input)).toBe(false)
  })

  test('is the cookie, also where nothing is known', async () => {
    const { signOut, returned } = open({ source: cookie })
    expect(await signOut.revoke({})).toBe('confirmed')
    expect(returned()).toHaveLength(1)
  })

  test('is not what comes late by cookie, nor what nobody takes', async () => {
    const byCookie = open({ source: cookie })
    await byCookie.signOut.orphan(tokensOf())
    expect(byCookie.returned()).toEqual([])
    const bare = open({ revoke: null })
    const run = vi.spyOn(bare.parts.calls, 'run')
    await bare.signOut.orphan(tokensOf())
    expect(run).not.toHaveBeenCalled()
  })

  test('is waited for', async () => {
    const answer = pending<'confirmed'>()
    const { signOut } = open({ revoke: () => answer.promise })
    const orphaned = signOut.orphan(tokensOf())
    expect(await fateOf(orphaned)).toBe('pending')
    answer.resolve('confirmed')
    await orphaned
  })

  test('is asked for once more after a page that was left too early, by cookie', async () => {
    const { signOut, parts, world, returned, what } = open({ source: cookie })
    parts.epochs.begin('unconfirmed', 'idle', world.now())
    signOut.repeat()
    await settle()
    expect(returned()).toHaveLength(1)
    expect(what()).toBe('nobody')
    expect(parts.epochs.newest()).toMatchObject({ reason: 'idle' })
  })

  test('leaves no epoch behind where there was none', async () => {
    const { signOut, parts } = open()
    signOut.repeat()
    await settle()
    expect(parts.epochs.newest()).toBeUndefined()
  })
})

describe('the end of a session', () => {
  test.each<EndReason>(['rejected', 'unknown-outcome', 'replaced'])(
    'because it was %s needs no revocation',
    async (reason) => {
      const { signOut, signIn, what, returned, forget, state } = open()
      signOut.end(signIn({ key: 'k1' }), reason)
      expect(state()).toEqual({ status: 'signed-out', reason, elsewhere: false })
      expect(what()).toBe('nobody')
      await settle()
      expect(returned()).toEqual([])
      expect(forget.mock.calls).toEqual([['k1']])
    },
  )

  test('because it was idle for too long is a logout', async () => {
    const { signOut, signIn, what, returned } = open()
    signOut.end(signIn(), 'idle')
    expect(what()).toBe('unconfirmed')
    await settle()
    expect(returned()).toEqual([first])
    expect(what()).toBe('nobody')
  })

  test('while it is being found has no key to forget', () => {
    const { signOut, find, forget, state } = open()
    signOut.end(find(), 'rejected')
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
    expect(forget).not.toHaveBeenCalled()
  })

  test('does nothing to another one', () => {
    const { signOut, signIn, state } = open()
    const before = signIn()
    const session = signIn()
    signOut.end(before, 'expired')
    expect(state()).toMatchObject({ status: 'active', session })
  })

  test('is its only one', () => {
    const { signOut, signIn, state, parts } = open({ revoke: null })
    const session = signIn()
    signOut.end(session, 'expired')
    const { epoch } = parts.epochs.newest()!
    signOut.end(session, 'idle')
    expect(state()).toMatchObject({ reason: 'expired' })
    expect(parts.epochs.newest()).toMatchObject({ epoch })
  })

  test('does nothing to the one that another tab has begun in its place', () => {
    const { signOut, signIn, state, parts, elsewhere } = open()
    const session = signIn()
    const epoch = elsewhere('signed-in')
    signOut.end(session, 'expired')
    expect(state()).toMatchObject({ status: 'active', session: { epoch } })
    expect(parts.epochs.newest()).toMatchObject({ epoch })
  })

  test('here alone leaves it to the other tabs', () => {
    const { signOut, signIn, state, what, elsewhere } = open()
    const session = signIn()
    signOut.end(session, 'key-lost', true)
    expect(state()).toEqual({ status: 'signed-out', reason: 'key-lost', elsewhere: false })
    expect(what()).toBe('signed-in')
    const again = signIn()
    elsewhere('nobody')
    signOut.end(again, 'key-lost', true)
    expect(state()).toEqual({ status: 'signed-out', reason: 'key-lost', elsewhere: false })
  })

  test('here alone, while it is being found: it is not looked for once more', () => {
    const { signOut, find, state } = open()
    signOut.meet()
    const session = find()
    signOut.end(session, 'expired', true)
    expect(state()).toEqual({ status: 'signed-out', reason: 'never-started', elsewhere: false })
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out' })
  })
})

describe('a cookie that is another one now', () => {
  test('ends the session, and the server may still have it', () => {
    const { signOut, signIn, state, parts, returned } = open({ source: cookie })
    signIn()
    signOut.loseCookie()
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'replaced' })
    expect(parts.epochs.newest()).toMatchObject({ what: 'unconfirmed', reason: 'replaced' })
    expect(returned()).toEqual([])
  })

  test('changes nothing where nobody is signed in', () => {
    const { signOut, parts } = open({ source: cookie })
    signOut.loseCookie()
    expect(parts.epochs.newest()).toBeUndefined()
  })
})

describe('a tab that hears of another', () => {
  test('takes no part before it was asked to', () => {
    const { signOut, elsewhere, state, world } = open()
    elsewhere('signed-in')
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out' })
    expect(world.shared.channels.size).toBe(0)
    signOut.meet()
    expect(world.shared.channels.size).toBe(1)
    signOut.notice()
    expect(state()).toMatchObject({ status: 'active' })
  })

  test('looks once whether there is a record, and at once', () => {
    const { signOut, parts } = open()
    const update = vi.spyOn(parts.share, 'update')
    signOut.meet()
    expect(update).toHaveBeenCalledOnce()
    signOut.meet()
    expect(update).toHaveBeenCalledOnce()
  })

  test('takes no part once it is disposed of', () => {
    const { signOut, elsewhere, state, dispose } = open()
    signOut.meet()
    elsewhere('signed-in')
    dispose()
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out' })
  })

  test('does nothing where there is nothing to hear', () => {
    const { signOut, state } = open()
    signOut.meet()
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
  })

  test('goes along with its sign-in, and asks for its tokens', () => {
    const { signOut, elsewhere, state, posted } = open()
    signOut.meet()
    const epoch = elsewhere('signed-in')
    signOut.notice()
    expect(state()).toMatchObject({ status: 'active', session: { epoch }, tokens: undefined })
    expect(posted()).toEqual([{ version: 1, type: 'wanted', epoch, sequence: 0 }])
    signOut.notice()
    expect(posted()).toHaveLength(1)
  })

  test('goes along with its logout, and says that it was elsewhere', () => {
    const { signOut, signIn, elsewhere, state } = open()
    signIn()
    elsewhere('nobody', 'idle')
    signOut.notice()
    expect(state()).toEqual({ status: 'signed-out', reason: 'idle', elsewhere: true })
  })

  test('knows that its session was replaced when it joins the next one', () => {
    const { signOut, signIn, elsewhere, parts } = open()
    const session = signIn()
    const dispatch = vi.spyOn(parts.store, 'dispatch')
    elsewhere('signed-in', 'logout')
    signOut.notice()
    expect(session.signal.reason).toMatchObject({ code: 'session_changed' })
    expect(dispatch.mock.calls[0]).toEqual([{ type: 'ended', reason: 'replaced', elsewhere: true }])
  })

  test('does not join once more a session that has ended here', () => {
    const { signOut, elsewhere, state, parts } = open()
    signOut.meet()
    elsewhere('signed-in')
    signOut.notice()
    signOut.end((state() as Held).session, 'key-lost', true)
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out' })
    expect(parts.epochs.newest()).toMatchObject({ what: 'signed-in' })
  })

  test('joins none that is being found, and none that was found twice', () => {
    const { signOut, find, state } = open()
    signOut.meet()
    const session = find()
    signOut.notice()
    expect(state()).toMatchObject({ status: 'restoring', session })
    // It turns out to be one.
    const { store } = open().parts
    store.dispatch({ type: 'started', session, tokens: undefined })
    expect(store.get()).toMatchObject({ status: 'active' })
  })

  test('takes part in a session that it has found, and does not begin it anew when it ends here', () => {
    const { signOut, find, parts, state } = open()
    signOut.meet()
    const session = find()
    parts.store.dispatch({ type: 'refreshed', session, tokens: tokensOf() })
    signOut.notice()
    signOut.end(session, 'key-lost', true)
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'key-lost' })
  })

  test('may yet join a session that it did not find', () => {
    const { signOut, find, parts, state } = open()
    signOut.meet()
    const session = find()
    signOut.notice()
    const { flight } = state() as { flight: Promise<unknown> }
    parts.store.dispatch({ type: 'restore-ended', flight })
    signOut.notice()
    expect(state()).toMatchObject({ status: 'active', session: { epoch: session.epoch } })
  })

  test('waits with joining while it signs in itself', async () => {
    const { signOut, elsewhere, state, parts } = open()
    signOut.meet()
    const work = pending<never>()
    parts.attempts.start(() => work.promise)
    elsewhere('signed-in')
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out' })
    work.reject(new Error('refused'))
    await settle()
    signOut.notice()
    expect(state()).toMatchObject({ status: 'active' })
  })

  test('goes along with a logout also while it signs in itself', () => {
    const { signOut, elsewhere, state, parts } = open()
    signOut.meet()
    parts.attempts.start(() => flightOf())
    elsewhere('nobody')
    signOut.notice()
    const epoch = elsewhere('signed-in')
    parts.attempts.overtake()
    signOut.notice()
    expect(state()).toMatchObject({ status: 'active', session: { epoch } })
  })

  test('goes no further than a listener that was told has gone', () => {
    const { signOut, signIn, elsewhere, parts, state } = open()
    const session = signIn()
    elsewhere('signed-in')
    session.signal.addEventListener('abort', () => void signOut.announce('nobody', 'logout'))
    signOut.notice()
    expect(state()).toMatchObject({ status: 'signed-out' })
    expect(parts.epochs.newest()?.what).toBe('nobody')
  })
})

describe('a tab whose session has ended elsewhere', () => {
  test('gives back the refresh token that only it has, and tokens that are used once', async () => {
    const { signOut, signIn, elsewhere, parts, returned, make } = open()
    const session = signIn()
    parts.narrow.put(session, pay, make({ accessToken: 'to pay' }))
    parts.narrow.put(session, once, make({ accessToken: 'to pay once' }))
    elsewhere('nobody')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([{ refreshToken: 'r1', accessTokens: ['first', 'to pay once'] }])
  })

  test('leaves a stored one to the tab that ended it, unless the record is its own', async () => {
    const { signOut, signIn, elsewhere, returned } = open({ storage: createDrawer() })
    signIn()
    elsewhere('nobody')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([])
    const alone = open({ storage: createDrawer(), ports: { records: () => Promise.reject(new Error('none')) } })
    alone.signIn()
    await alone.parts.share.update()
    alone.elsewhere('nobody')
    alone.signOut.notice()
    await settle()
    expect(alone.returned()).toEqual([first])
  })

  test('gives nothing back that another tab has', async () => {
    const { signOut, signIn, elsewhere, returned } = open()
    signIn({ refreshToken: undefined, elsewhere: true, claims: ann })
    elsewhere('signed-in')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([])
  })

  test('has nothing to give back before it has tokens', async () => {
    const { signOut, find, elsewhere, returned, state } = open()
    signOut.meet()
    find()
    elsewhere('nobody', 'expired')
    signOut.notice()
    await settle()
    expect(state()).toEqual({ status: 'signed-out', reason: 'expired', elsewhere: true })
    expect(returned()).toEqual([])
  })

  test('gives back what is used once, with its key, also when the rest is not its own', async () => {
    const { signOut, signIn, elsewhere, parts, returned } = open()
    const session = signIn({ refreshToken: undefined, key: 'k1' })
    parts.narrow.put(session, once, tokensOf({ accessToken: 'to pay once' }))
    elsewhere('nobody')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([{ refreshToken: undefined, accessTokens: ['to pay once'], key: 'k1' }])
  })

  test('gives that back also before it has tokens', async () => {
    const { signOut, find, elsewhere, parts, returned } = open()
    signOut.meet()
    parts.narrow.put(find(), once, tokensOf({ accessToken: 'to pay once' }))
    elsewhere('nobody')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([{ refreshToken: undefined, accessTokens: ['to pay once'] }])
  })

  test('leaves the key alone when it has nothing to give back', async () => {
    const { signOut, signIn, elsewhere, forget, returned } = open()
    signIn({ refreshToken: undefined, key: 'k1' })
    elsewhere('nobody')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([])
    expect(forget).not.toHaveBeenCalled()
  })

  test('has nobody to give it back to without a revocation, and leaves all to the cookie', async () => {
    const bare = open({ revoke: null })
    const run = vi.spyOn(bare.parts.calls, 'run')
    bare.parts.narrow.put(bare.signIn({ refreshToken: undefined }), once, tokensOf({ accessToken: 'to pay once' }))
    bare.elsewhere('nobody')
    bare.signOut.notice()
    expect(run).not.toHaveBeenCalled()
    const byCookie = open({ source: cookie })
    byCookie.parts.narrow.put(byCookie.signIn(), once, tokensOf({ accessToken: 'to pay once' }))
    byCookie.elsewhere('nobody')
    byCookie.signOut.notice()
    await settle()
    expect(byCookie.returned()).toEqual([])
  })
})

describe('a tab whose session was replaced elsewhere', () => {
  test('gives its tokens back at once if nobody knows whose they are', async () => {
    const { signOut, signIn, elsewhere, returned } = open()
    signIn()
    elsewhere('signed-in')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([first])
  })

  test('gives them back at once after a logout, whoever it was', async () => {
    const { signOut, signIn, elsewhere, returned } = open()
    signIn({ claims: ann })
    elsewhere('nobody')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([first])
  })

  test.each([
    ['keeps them when the same user goes on', ann, 0],
    ['gives them back when it is somebody else', bob, 1],
  ])('%s', async (_, claims, count) => {
    const { signOut, signIn, elsewhere, returned, parts, state, world } = open()
    parts.narrow.put(signIn({ claims: ann }), once, tokensOf({ accessToken: 'to pay once' }))
    elsewhere('signed-in')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([])
    const { session } = state() as Held
    await world.pass(999)
    expect(returned()).toEqual([])
    parts.store.dispatch({ type: 'refreshed', session, tokens: tokensOf({ claims }) })
    await settle()
    expect(returned()).toHaveLength(count)
    if (count) expect(returned()[0]).toEqual({ refreshToken: 'r1', accessTokens: ['first', 'to pay once'] })
  })

  test.each([
    ['keeps what a late refresh brings when the same user goes on', ann, 0],
    ['gives back what a late refresh brings when it is somebody else', bob, 1],
  ])('%s', async (_, claims, count) => {
    const { signOut, signIn, elsewhere, returned, parts, state } = open()
    signIn({ claims: ann })
    elsewhere('signed-in')
    signOut.notice()
    parts.store.dispatch({
      type: 'refreshed',
      session: (state() as Held).session,
      tokens: tokensOf({ claims }),
    })
    await settle()
    const before = returned().length
    await signOut.orphan(tokensOf({ accessToken: 'late', refreshToken: 'r2', claims: ann }))
    expect(returned().slice(before)).toEqual(count ? [{ refreshToken: 'r2', accessTokens: ['late'] }] : [])
  })

  test('gives back what comes late also before it has seen that it is somebody else now', async () => {
    const { signOut, signIn, elsewhere, returned, parts, state } = open()
    signIn({ claims: ann })
    elsewhere('signed-in')
    const late = signOut.orphan(tokensOf({ accessToken: 'late', refreshToken: 'r2', claims: ann }))
    await settle()
    const { session } = state() as Held
    parts.store.dispatch({ type: 'refreshed', session, tokens: tokensOf({ claims: bob }) })
    await late
    expect(returned()).toContainEqual({ refreshToken: 'r2', accessTokens: ['late'] })
  })

  test('gives them back after a second in which nobody told who it is', async () => {
    const { signOut, signIn, elsewhere, returned, world } = open()
    signIn({ claims: ann })
    elsewhere('signed-in')
    signOut.notice()
    await world.pass(999)
    expect(returned()).toEqual([])
    await world.pass(1)
    expect(returned()).toEqual([first])
  })

  test('does not wait where it does not join', async () => {
    const { signOut, signIn, elsewhere, returned, parts } = open()
    signIn({ claims: ann })
    parts.attempts.start(() => flightOf())
    elsewhere('signed-in')
    signOut.notice()
    await settle()
    expect(returned()).toEqual([first])
  })
})

describe('a session that this tab has not begun', () => {
  test('is as old as its epoch says', () => {
    const { signOut, parts, world } = open()
    parts.epochs.begin('signed-in', 'replaced', world.now())
    const began = world.ports.clock.now()
    world.freeze(5_000)
    const known = parts.epochs.newest()!
    expect(signOut.recall(known)).toMatchObject({ epoch: known.epoch, started: began })
  })

  test('is not younger than now', () => {
    const { signOut, parts, world } = open()
    parts.epochs.begin('signed-in', 'replaced', world.now() + 60_000)
    expect(signOut.recall(parts.epochs.newest()!).started).toEqual(world.ports.clock.now())
  })
})

describe('a new epoch in the record', () => {
  test('comes with what is stored, and says what was stored before', async () => {
    const { signOut, write, record, world } = open({ storage: createDrawer() })
    write({ epoch: 5, sequence: 3, sealed: sealed('r5', 5), key: 'k5' })
    world.freeze(10)
    const before = await signOut.supersede(6, { sealed: sealed('r6', 6), key: 'k6', user: 'ann' })
    expect(before).toEqual({ refreshToken: 'r5', key: 'k5' })
    expect(record()).toEqual({
      ...{ version: 1, epoch: 6, sequence: 1, active: world.now() },
      ...{ sealed: sealed('r6', 6), key: 'k6', user: 'ann' },
    })
  })

  test('says nothing where there was none, or one that is as new, or the same user goes on', async () => {
    const { signOut, write } = open({ storage: createDrawer() })
    expect(await signOut.supersede(6)).toEqual({})
    write({ epoch: 6, sealed: sealed('r6', 6) })
    expect(await signOut.supersede(6)).toEqual({})
    write({ epoch: 5, sealed: sealed('r5', 5), user: 'ann' })
    expect(await signOut.supersede(6, { user: 'ann' })).toEqual({})
    write({ epoch: 5, sealed: sealed('r5', 5), user: 'ann' })
    expect(await signOut.supersede(6, { user: 'bob' })).toEqual({ refreshToken: 'r5', key: undefined })
  })

  test('says nothing of a refresh token where none is stored', async () => {
    const { signOut, write } = open()
    write({ epoch: 5, sealed: sealed('r5', 5), key: 'k5' })
    expect(await signOut.supersede(6)).toEqual({ refreshToken: undefined, key: 'k5' })
  })
})

test('a failure that was there is no reason to wait at a logout', async () => {
  const { signOut, signIn, parts } = open()
  signIn()
  parts.store.dispatch({ type: 'refresh-failed', failure })
  expect(await signOut.logout()).toEqual({ revoked: 'confirmed' })
})
