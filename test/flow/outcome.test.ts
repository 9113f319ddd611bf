import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createOutcome, type Facts, isFinal } from '../../src/flow/outcome.ts'
import { toWish } from '../../src/session/narrow.ts'
import { type Held, heldIn, type Stale } from '../../src/session/state.ts'
import { type Claiming, claim, type Stored } from '../../src/tabs/record.ts'
import type { TokenSet } from '../../src/token.ts'
import { failure, flightOf } from '../session/stage.ts'
import { createWorld, settle } from '../support/world.ts'
import { createDrawer, EPOCH, type Given, openMember, sealed, watched } from './stage.ts'

const pay = toWish({ scope: 'pay' })
const once = toWish({ scope: 'pay', once: 'x1' })
const ann = { claims: { sub: 'ann' } }
const bob = { claims: { sub: 'bob' } }

/** A session whose refresh token is being presented. Calls may take ten seconds. */
async function open(tokens?: Partial<TokenSet>, options: Given = {}, stored?: Stored) {
  const world = createWorld({ random: () => 0 })
  const { clock } = world.ports
  const tab = openMember({ world, ...options })
  const { parts, signOut } = tab
  const session = await tab.signIn(tokens, stored)
  const from: Held = heldIn(parts.store.get())!
  const flight: Promise<Held> = flightOf()
  parts.store.dispatch({ type: 'refresh-started', flight })
  const now = world.now()
  const claiming: Claiming = { epoch: EPOCH, sequence: 1, by: 'me', now, until: now + 15_000, force: false }
  await parts.share.update((record) => claim(record, claiming).next)
  const outcome = createOutcome(parts, signOut)
  const factsOf = (part: Partial<Facts> = {}): Facts => ({
    ...{ before: undefined, started: clock.now(), trigger: 'requested', doubtful: false, sent: true },
    ...{ claiming, ...part },
  })
  const next = (part: Partial<TokenSet> = {}): TokenSet =>
    tab.make({ accessToken: 'second', refreshToken: 'r2', sequence: 2, rotation: 2, ...part })
  return {
    ...{ ...tab, ...parts, session, from, flight, claiming, outcome, next, factsOf },
    commit: (
      tokens: TokenSet,
      { entered = false, ...facts }: Partial<Facts> & { readonly entered?: boolean } = {},
      of = from,
      free = async (): Promise<void> => {},
    ) => outcome.commit(of, tokens, { claiming, entered }, factsOf(facts), free),
    fail: (thrown: unknown, facts: Partial<Facts> = {}, of = from) => outcome.fail(of, thrown, factsOf(facts)),
    held: () => heldIn(parts.store.get())?.tokens,
    other: openMember({ world, parts: { by: 'other' } }),
  }
}

const rejected = () => new TokenError('refresh_rejected', 'refused')
const later = (details: { retryAt?: number } = {}) =>
  new TokenError('refresh_unavailable', 'later', { transient: true, ...details })

describe('new tokens', () => {
  test('are in the record before anybody hears of them', async () => {
    const { commit, next, held, record, told, from, session, world } = await open({}, { storage: createDrawer() })
    world.freeze(3)
    const committed = watched(commit(next({ key: 'k1' }), { trigger: 'refused', started: from.tokens!.obtained }))
    expect(held()?.accessToken).toBe('first')
    await settle()
    const { presented, retry, ...kept } = record()!
    expect(kept).toMatchObject({ epoch: EPOCH, sequence: 2, sealed: sealed('r2'), key: 'k1' })
    expect({ presented, retry }).toEqual({ presented: undefined, retry: undefined })
    expect(committed.value).toMatchObject({ session, wish: undefined, tokens: { accessToken: 'second' } })
    expect(held()).toBe(committed.value?.tokens)
    expect(told).toEqual([{ type: 'refreshed', durationMs: 3, trigger: 'refused' }])
  })

  test('take away what the server said before them', async () => {
    const { commit, next, change, record, world } = await open({})
    change({ retry: { since: world.now(), until: world.now() + 5, hold: world.now() } })
    await commit(next())
    expect(record()?.retry).toBeUndefined()
  })

  test('are on probation: refused at once they are not refreshed again', async () => {
    const { commit, next, probation } = await open({})
    const tokens = next()
    await commit(tokens)
    probation.refused(tokens, tokens.obtained)
    expect(probation.mayRefresh(tokens)).toBe(false)
  })

  test('are given to the tabs that have asked, whose own are then no newer', async () => {
    const { commit, next, other, posted } = await open({})
    other.parts.share.post({ type: 'wanted', epoch: EPOCH, sequence: 1 })
    await settle()
    await commit(next())
    expect(posted()).toMatchObject([{ type: 'wanted' }, { type: 'tokens', tokens: { accessToken: 'second' } }])
  })

  test.each<[string, Partial<TokenSet>, (tab: Awaited<ReturnType<typeof open>>) => void]>([
    ['of somebody else', bob, () => {}],
    ['older than what another tab has got', ann, ({ change }) => change({ sequence: 3 })],
    ['of a session that is over', ann, ({ replace }) => replace()],
  ])('that are %s are given to no tab, whatever it has asked for', async (_, more, happens) => {
    const tab = await open(ann)
    tab.other.parts.share.post({ type: 'wanted', epoch: EPOCH, sequence: 1 })
    await settle()
    happens(tab)
    await Promise.all([tab.commit(tab.next(more)).catch(() => {}), tab.world.pass(1_000)])
    expect(tab.posted()).toMatchObject([{ type: 'wanted' }])
  })

  test('of more scope than before are reported, and so is a storm of them', async () => {
    const { commit, next, told } = await open({})
    await commit(next({ scope: ['read', 'admin'] }))
    expect(told).toContainEqual({ type: 'alert', rule: 'scope-grew', scope: ['read', 'admin'] })
    const empty = await open()
    for (let sequence = 2; sequence <= 32; sequence++) {
      empty.change({ sequence: 1 })
      await empty.commit(empty.next({ sequence }))
    }
    expect(empty.told).toContainEqual({ type: 'alert', rule: 'refresh-storm' })
  })

  test('are not taken when another tab has got newer ones while this one was frozen: those are waited for', async () => {
    const { commit, next, change, held, store, session, record } = await open({})
    change({ sequence: 3 })
    const committed = watched(commit(next()))
    await settle()
    expect(committed.settled).toBe(false)
    const tokens = next({ accessToken: 'theirs', sequence: 3 })
    store.dispatch({ type: 'refreshed', session, tokens })
    await settle()
    expect(committed.value?.tokens).toBe(tokens)
    expect(held()?.accessToken).toBe('theirs')
    expect(record()?.sequence).toBe(3)
  })

  test('that are not taken, and whose betters do not come, leave the session as it is', async () => {
    const { commit, next, change, held, world } = await open({})
    change({ sequence: 3 })
    const committed = watched(commit(next()))
    await world.pass(249)
    expect(committed.settled).toBe(false)
    await world.pass(1)
    expect(committed.error).toMatchObject({ code: 'refresh_unavailable', transient: true })
    expect(held()?.accessToken).toBe('first')
  })

  test('are taken although the record was lost meanwhile', async () => {
    const { commit, next, held, world } = await open({})
    world.shared.stored.clear()
    await commit(next())
    expect(held()?.accessToken).toBe('second')
  })

  test('that came when newer ones are here already are not needed', async () => {
    const { commit, next, store, session, told, signOut } = await open({})
    const newer = next({ accessToken: 'newer', sequence: 5 })
    store.dispatch({ type: 'refreshed', session, tokens: newer })
    expect((await commit(next())).tokens).toBe(newer)
    expect(told).toEqual([])
    expect(signOut.orphan).not.toHaveBeenCalled()
  })

  test('of a session that is found are not told as a refresh, and may be refreshed when they are refused', async () => {
    const { world, parts, next, claiming, factsOf, outcome, told, probation, store } = await open({})
    store.dispatch({ type: 'ended', reason: 'logout', elsewhere: false })
    const session = parts.newSession(EPOCH, world.ports.clock.now())
    store.dispatch({ type: 'restore-started', flight: flightOf(), session })
    const tokens = next({ accessToken: 'not b64!' })
    const found = await outcome.commit(
      { session, tokens: undefined },
      tokens,
      { claiming, entered: false },
      factsOf(),
      async () => {},
    )
    expect(found.tokens).toBe(tokens)
    expect(store.get().status).toBe('active')
    expect(told).toEqual([])
    probation.refused(tokens, tokens.obtained)
    expect(probation.mayRefresh(tokens)).toBe(true)
  })
})

describe('the user of new tokens', () => {
  const replaced = { type: 'alert', rule: 'subject-changed' }

  test('is the one that was here, or is not told', async () => {
    for (const more of [ann, { claims: undefined }]) {
      const { commit, next, signOut, held } = await open(ann)
      await commit(next(more))
      expect(held()?.accessToken).toBe('second')
      expect(signOut.end).not.toHaveBeenCalled()
    }
  })

  test.each<[string, Partial<TokenSet> | undefined, Stored | undefined, string | undefined]>([
    ['the tokens before', ann, undefined, undefined],
    ['the record, if there are no tokens yet', undefined, { user: 'ann' }, undefined],
    ['the session, if these tokens are for something else', ann, undefined, pay],
  ])('if it is another than that of %s, the session is over', async (_, tokens, stored, wish) => {
    const { commit, next, signOut, told, from, session } = await open(tokens, {}, stored)
    const of = wish === undefined ? from : { ...from, tokens: undefined, wish }
    await expect(commit(next(bob), {}, of)).rejects.toMatchObject({ code: 'session_changed' })
    expect(signOut.end.mock.calls).toEqual([[session, 'replaced']])
    expect(told).toEqual([replaced])
  })

  test('that the record names is that of its own session only, and counts for nothing beside tokens', async () => {
    const one = await open({}, {}, { user: 'ann' })
    await one.commit(one.next(bob))
    expect(one.signOut.end).not.toHaveBeenCalled()
    const other = await open(undefined, {}, { user: 'ann' })
    other.change({ epoch: EPOCH - 1 })
    await other.commit(other.next(bob))
    expect(other.signOut.end).not.toHaveBeenCalled()
    const lost = await open(undefined, {}, { user: 'ann' })
    lost.world.shared.stored.clear()
    await lost.commit(lost.next(bob))
    expect(lost.signOut.end).not.toHaveBeenCalled()
  })

  test('after a sign-in that nobody has heard the end of must be told to be the same, and then all is known', async () => {
    const entering = { by: 'other', since: 1, until: 2 }
    const same = await open(ann)
    same.change({ entering })
    await same.commit(same.next(ann), { entered: true })
    await settle()
    expect(same.record()?.entering).toBeUndefined()
    expect(same.held()?.accessToken).toBe('second')
    const unknown = await open(ann)
    unknown.change({ entering })
    await expect(unknown.commit(unknown.next(), { entered: true })).rejects.toThrow()
    expect(unknown.signOut.end.mock.calls).toEqual([[unknown.session, 'replaced']])
    expect(unknown.told).toEqual([replaced])
    await settle()
    expect(unknown.record()?.entering).toEqual(entering)
  })

  test('of any other refresh says nothing of such a sign-in', async () => {
    const entering = { by: 'other', since: 1, until: 2 }
    const { commit, next, change, record } = await open(ann)
    change({ entering })
    await commit(next(ann))
    await settle()
    expect(record()?.entering).toEqual(entering)
  })
})

describe('tokens whose session ended meanwhile', () => {
  test('also while the other tabs were let in, are nobody’s', async () => {
    const { commit, next, from, replace, signOut, held, told } = await open({})
    const committed = commit(next(), {}, from, async () => replace())
    await expect(committed).rejects.toMatchObject({ code: 'session_changed' })
    expect(signOut.orphan).toHaveBeenCalledOnce()
    expect([held(), told]).toEqual([undefined, []])
  })

  test('are given back before anybody hears that it has', async () => {
    const { commit, next, replace, signOut, held } = await open({})
    replace()
    let given = (): void => {}
    signOut.orphan.mockReturnValue(new Promise<void>((resolve) => (given = resolve)))
    const tokens = next()
    const committed = watched(commit(tokens))
    await settle()
    expect(signOut.notice).toHaveBeenCalled()
    expect(signOut.orphan.mock.calls).toEqual([[tokens]])
    expect(committed.settled).toBe(false)
    given()
    await settle()
    expect(committed.error).toMatchObject({ code: 'session_changed' })
    expect(held()).toBeUndefined()
    expect(signOut.loseCookie).not.toHaveBeenCalled()
  })

  test('have replaced the cookie of whoever is here now, and nothing is given back', async () => {
    const { commit, next, replace, signOut } = await open({}, { source: { credential: 'cookie' } })
    replace()
    await expect(commit(next())).rejects.toMatchObject({ code: 'session_changed' })
    expect(signOut.loseCookie).toHaveBeenCalledOnce()
    expect(signOut.announce.mock.calls).toEqual([['unconfirmed', 'replaced']])
    expect(signOut.orphan).not.toHaveBeenCalled()
  })

  test('say nothing new where nobody is signed in: the call of the sign-out comes after them', async () => {
    const { commit, next, signOut, session, epochs } = await open({}, { source: { credential: 'cookie' } })
    signOut.end(session, 'logout')
    epochs.newest = () => ({ epoch: EPOCH + 9_000, what: 'nobody', at: 1, reason: 'logout' })
    await expect(commit(next())).rejects.toMatchObject({ code: 'signed_out' })
    expect(signOut.announce).not.toHaveBeenCalled()
  })

  test('are left alone if it may still be found, by this tab or another', async () => {
    const { commit, next, signOut, session } = await open({})
    signOut.end(session, 'expired')
    await expect(commit(next())).rejects.toMatchObject({ code: 'signed_out' })
    expect(signOut.orphan).not.toHaveBeenCalled()
  })

  test('and is not known to anybody any more are given back too', async () => {
    const { commit, next, signOut, session, epochs } = await open({})
    signOut.end(session, 'expired')
    epochs.newest = () => undefined
    await expect(commit(next())).rejects.toMatchObject({ code: 'signed_out' })
    expect(signOut.orphan).toHaveBeenCalledOnce()
  })
})

describe('tokens for one wish', () => {
  test('leave those of the session as they are, but for the refresh token; the other tabs hear that theirs is spent', async () => {
    const { commit, next, from, held, narrow, session, told, posted, siblings } = await open({ elsewhere: true })
    const wished = { ...from, tokens: undefined, wish: pay }
    const here = siblings.settled(wished, 10_000)
    const committed = await commit(next({ accessToken: 'paying', rotation: 4 }), {}, wished)
    await here
    expect(committed).toMatchObject({ session, wish: pay, tokens: { accessToken: 'paying', refreshToken: 'r2' } })
    expect(held()).toEqual({ ...from.tokens, refreshToken: 'r2', rotation: 4, elsewhere: false })
    expect(narrow.of(session, pay).tokens).toMatchObject({ accessToken: 'paying', refreshToken: undefined })
    expect(posted()).toEqual([{ version: 1, type: 'rotated', epoch: EPOCH, rotation: 4 }])
    expect(told).toEqual([])
  })

  test.each([
    ['are on probation', pay, false],
    ['that are used once are not on probation: the next is another', once, true],
  ])('%s', async (_, wish, may) => {
    const { commit, next, from, narrow, probation, session } = await open({})
    await commit(next(), {}, { ...from, tokens: undefined, wish })
    const tokens = narrow.of(session, wish).tokens!
    probation.refused(tokens, tokens.obtained)
    expect(probation.mayRefresh(tokens)).toBe(may)
  })

  test('are given to the tabs that have asked for the same', async () => {
    const { commit, next, from, other, posted } = await open({})
    other.parts.share.post({ type: 'wanted', epoch: EPOCH, sequence: 0, wish: pay })
    await settle()
    await commit(next(), {}, { ...from, tokens: undefined, wish: pay })
    expect(posted()).toContainEqual(expect.objectContaining({ type: 'tokens', wish: pay }))
  })

  test('are given back like any others when the session is over', async () => {
    const { commit, next, from, replace, signOut, narrow, session } = await open({})
    replace()
    await expect(commit(next(), {}, { ...from, tokens: undefined, wish: pay })).rejects.toThrow()
    expect(signOut.orphan).toHaveBeenCalledOnce()
    expect(narrow.of(session, pay).tokens).toBeUndefined()
  })
})

describe('the refresh token of an answer that is of no use otherwise', () => {
  test('is the only good one: it is kept, and stored', async () => {
    const { outcome, from, claiming, held, record } = await open({}, { storage: createDrawer() })
    await outcome.spend(from, { refresh_token: 'r2' }, claiming)
    expect(held()).toMatchObject({ accessToken: 'first', refreshToken: 'r2' })
    expect(record()?.sealed).toEqual(sealed('r2'))
  })

  test('is kept in memory where nothing is stored', async () => {
    const { outcome, from, claiming, held, record } = await open({})
    const before = record()
    await outcome.spend(from, { refresh_token: 'r2' }, claiming)
    expect(held()?.refreshToken).toBe('r2')
    expect(record()).toEqual(before)
  })

  test.each([{}, { refresh_token: 'r1' }, undefined])('is not there, or no other: %j', async (response) => {
    const { outcome, from, claiming, held, record } = await open({}, { storage: createDrawer() })
    await outcome.spend(from, response, claiming)
    expect(held()).toBe(from.tokens)
    expect(record()?.sealed).toBeUndefined()
  })

  test('is kept though the session has no tokens, or is over', async () => {
    for (const tokens of [undefined, {}]) {
      const { outcome, from, claiming, record, signOut, session } = await open(tokens, { storage: createDrawer() })
      if (tokens) signOut.end(session, 'expired')
      await outcome.spend(from, { refresh_token: 'r2' }, claiming)
      expect(record()?.sealed).toEqual(sealed('r2'))
    }
  })
})

describe('a refresh that fails', () => {
  test('leaves the session as it is, says when it is tried again, and tells the other tabs', async () => {
    const { fail, store, record, told, world, from } = await open({})
    const at = world.now()
    await expect(fail(later({ retryAt: at + 5_000 }))).rejects.toMatchObject({
      ...{ code: 'refresh_unavailable', transient: true, retryAt: at + 5_000 },
      cause: { message: 'later' },
    })
    const { failure: known, tokens } = store.get() as Stale
    expect(known).toMatchObject({ retryMs: 5_000, holdMs: 5_000, attempts: 1, unanswered: false })
    expect(tokens).toBe(from.tokens)
    await settle()
    expect(record()).toMatchObject({ retry: { since: at, until: at + 5_000, hold: at + 5_000 } })
    expect(record()?.presented).toBeUndefined()
    expect(told).toEqual([
      { type: 'refresh-failed', code: 'refresh_unavailable', transient: true, retryAt: at + 5_000 },
    ])
  })

  test('again waits longer', async () => {
    const { fail, store } = await open({})
    await expect(fail(later(), { before: { ...failure, attempts: 4 } })).rejects.toThrow()
    expect((store.get() as Stale).failure.attempts).toBe(5)
  })

  test('and cannot succeed by itself is not tried again, and no tab is told to wait', async () => {
    const { fail, store, record, told } = await open({})
    const wrong = new TokenError('configuration', 'wrong')
    await expect(fail(wrong)).rejects.toBe(wrong)
    expect((store.get() as Stale).failure).toMatchObject({ error: wrong, retryMs: undefined })
    await settle()
    expect(record()).toMatchObject({ presented: undefined, retry: undefined })
    expect(told).toEqual([{ type: 'refresh-failed', code: 'configuration', transient: false, retryAt: undefined }])
  })

  test.each([
    ['token', 0],
    ['cookie', 10_000],
  ] as const)(
    'by %s without an answer keeps everybody away until the time of the call is over',
    async (credential, more) => {
      const { fail, store, record, claiming } = await open({}, { source: { credential } })
      await expect(fail(new TypeError('failed to fetch'))).rejects.toMatchObject({ code: 'refresh_unavailable' })
      expect((store.get() as Stale).failure).toMatchObject({ unanswered: true, retryMs: 10_000, holdMs: 10_000 })
      await settle()
      const { now, until } = claiming
      expect(record()?.presented).toEqual({ by: 'me', since: now, until: until + more })
      expect(record()?.retry).toEqual({ since: now, until: now + 10_000, hold: now + 10_000 })
    },
  )

  test('offline, where nothing was sent, keeps nobody away', async () => {
    const { fail, store, record } = await open({})
    await expect(fail(new TypeError('failed to fetch'), { sent: false })).rejects.toThrow()
    expect((store.get() as Stale).failure).toMatchObject({ unanswered: false, holdMs: 0 })
    await settle()
    expect(record()?.presented).toBeUndefined()
  })

  test.each([
    ['an answer', later(), true],
    ['nothing sent', new TypeError('failed to fetch'), false],
  ])('with %s does not tell what became of an earlier call without one', async (_, thrown, sent) => {
    const { fail, store, record, claiming } = await open({})
    await expect(fail(thrown, { doubtful: true, sent })).rejects.toThrow()
    expect((store.get() as Stale).failure.unanswered).toBe(true)
    await settle()
    expect(record()?.presented).toEqual({ by: 'me', since: claiming.now, until: claiming.now })
  })

  test('before it was marked leaves the record alone', async () => {
    const { fail, record } = await open({})
    const before = record()
    await expect(fail(later(), { claiming: undefined })).rejects.toMatchObject({ code: 'refresh_unavailable' })
    await settle()
    expect(record()).toEqual(before)
  })

  test('says nothing secret, though what was thrown does', async () => {
    const { fail, from, next, session, store } = await open({ accessToken: 'old' })
    store.dispatch({ type: 'refreshed', session, tokens: next({ accessToken: 'new', refreshToken: 'rnew' }) })
    const of = { session, tokens: from.tokens, wish: pay }
    const error = (await fail(new Error('with old, new and rnew'), {}, of).catch((thrown: unknown) => thrown)) as Error
    const { cause } = error.cause as { cause: Error }
    expect(cause.message).toBe('Error: with [...], [...] and [...]')
  })

  test('does not matter when newer tokens have come from another tab; when it is time again is remembered', async () => {
    const { fail, next, session, store, told, record } = await open({})
    const tokens = next()
    store.dispatch({ type: 'refreshed', session, tokens })
    expect((await fail(later())).tokens).toBe(tokens)
    expect(store.get().status).toBe('active')
    expect(told).toEqual([])
    await settle()
    expect(record()?.retry).toBeDefined()
  })

  test('for one wish fails that alone', async () => {
    const { fail, from, narrow, session, store, flight, told } = await open({})
    const before = store.get()
    await expect(fail(later(), {}, { ...from, tokens: undefined, wish: pay })).rejects.toThrow()
    expect(narrow.of(session, pay).failure).toMatchObject({ attempts: 1 })
    expect(store.get()).toBe(before)
    expect(before).toMatchObject({ flight })
    expect(told).toMatchObject([{ type: 'refresh-failed' }])
  })

  test('in a session without tokens fails like any other', async () => {
    const { fail, store } = await open()
    await expect(fail(later())).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(store.get().status).toBe('stale')
  })
})

describe('a refresh that is refused', () => {
  test.each([
    ['because the server knows the refresh token no more', false, 'rejected'],
    ['after a call without an answer, which may have spent it', true, 'unknown-outcome'],
  ])('%s ends the session, newer tokens or not', async (_, doubtful, reason) => {
    const { fail, signOut, session, told, store, next, record } = await open({})
    store.dispatch({ type: 'refreshed', session, tokens: next() })
    const before = record()
    const failed = fail(rejected(), { doubtful })
    await expect(failed).rejects.toBe(session.signal.reason)
    expect(session.signal.aborted).toBe(true)
    expect(signOut.end.mock.calls).toEqual([[session, reason, false]])
    expect(told).toEqual([{ type: 'refresh-failed', code: 'refresh_rejected', transient: false, retryAt: undefined }])
    await settle()
    expect(record()).toEqual(before)
  })

  test('because it was used before is reported', async () => {
    const { fail, told } = await open({})
    await expect(fail(new TokenError('refresh_rejected', 'refused', { reused: true }))).rejects.toThrow()
    expect(told).toEqual([
      { type: 'alert', rule: 'refresh-token-reused' },
      { type: 'refresh-failed', code: 'refresh_rejected', transient: false, retryAt: undefined },
    ])
  })

  test('because the key is lost ends it here, and everywhere if no other tab has what it takes', async () => {
    for (const elsewhere of [true, false]) {
      const { fail, signOut, session, told } = await open({ elsewhere })
      await expect(fail(new TokenError('key_lost', 'lost'))).rejects.toThrow()
      expect(signOut.end.mock.calls).toEqual([[session, 'key-lost', elsewhere]])
      expect(told).toEqual([{ type: 'refresh-failed', code: 'key_lost', transient: false, retryAt: undefined }])
    }
    const { fail, signOut, session } = await open()
    await expect(fail(new TokenError('key_lost', 'lost'))).rejects.toBe(session.signal.reason)
    expect(signOut.end).toHaveBeenCalledOnce()
    expect(signOut.end.mock.calls[0]?.[2]).toBeFalsy()
  })

  test('never makes it stale, and is told when all that goes with it has happened', async () => {
    const { fail, signOut, events, session, store } = await open({})
    const dispatch = vi.spyOn(store, 'dispatch')
    let ended: boolean | undefined
    events.on('refresh-failed', () => (ended = session.signal.aborted))
    await expect(fail(rejected())).rejects.toThrow()
    expect(ended).toBe(true)
    expect(signOut.end).toHaveBeenCalledOnce()
    expect(dispatch.mock.calls.map(([{ type }]) => type)).toEqual(['ended'])
  })
})

describe('an answer to a session that is over', () => {
  test('that refuses it is told to the other tabs, if they know of nothing newer', async () => {
    const { fail, signOut, session } = await open({})
    signOut.end(session, 'idle')
    await expect(fail(rejected())).rejects.toBe(session.signal.reason)
    await expect(fail(rejected(), { doubtful: true })).rejects.toBe(session.signal.reason)
    expect(signOut.announce.mock.calls).toEqual([
      ['nobody', 'rejected'],
      ['nobody', 'unknown-outcome'],
    ])
    expect(signOut.end).toHaveBeenCalledOnce()
  })

  test('says nothing of a newer one, nor does any other failure', async () => {
    const { fail, signOut, session, replace, epochs } = await open({})
    signOut.end(session, 'idle')
    await expect(fail(later())).rejects.toBe(session.signal.reason)
    await expect(fail(new Error('cut off'))).rejects.toBe(session.signal.reason)
    replace()
    await expect(fail(rejected())).rejects.toBe(session.signal.reason)
    epochs.newest = () => undefined
    await expect(fail(rejected())).rejects.toBe(session.signal.reason)
    expect(signOut.announce).not.toHaveBeenCalled()
  })

  test('is still heeded when it asks for time', async () => {
    const { fail, signOut, session, record, told, world } = await open({})
    signOut.end(session, 'idle')
    await expect(fail(later({ retryAt: world.now() + 5_000 }))).rejects.toThrow()
    await settle()
    expect(record()).toMatchObject({ presented: undefined, retry: { until: world.now() + 5_000 } })
    expect(told).toEqual([])
  })
})

test('what comes when a timeout was told already counts only if it asks for time', async () => {
  const { outcome, factsOf, record, world } = await open({})
  const before = record()
  outcome.late(new Error('cut off'), factsOf())
  outcome.late(later(), factsOf())
  await settle()
  expect(record()).toEqual(before)
  outcome.late(later({ retryAt: world.now() + 5_000 }), factsOf())
  await settle()
  expect(record()).toMatchObject({ retry: { until: world.now() + 5_000, hold: world.now() + 5_000 } })
  expect(record()?.presented).toBeUndefined()
})

test('a refused refresh token and a lost key decide about a session, and nothing else does', () => {
  expect(isFinal(rejected())).toBe(true)
  expect(isFinal(new TokenError('key_lost', 'lost'))).toBe(true)
  expect(isFinal(later())).toBe(false)
  expect(isFinal({ code: 'refresh_rejected' })).toBe(false)
})
