import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createRefresh } from '../../src/flow/refresh.ts'
import type { RefreshInput, SourceContext } from '../../src/ports.ts'
import { toWish } from '../../src/session/narrow.ts'
import { heldIn, type Stale } from '../../src/session/state.ts'
import type { Stored, TabRecord } from '../../src/tabs/record.ts'
import type { TokenResponse, TokenSet } from '../../src/token.ts'
import { failure, tokensOf } from '../session/stage.ts'
import { createWorld, settle } from '../support/world.ts'
import { createDrawer, EPOCH, type Given, openMember, sealed, watched } from './stage.ts'

const pay = toWish({ resource: 'https://pay.example.com', scope: 'pay refund' })
const rejected = () => new TokenError('refresh_rejected', 'refused')
const fresh = { access_token: 'second', refresh_token: 'r2', expires_in: 300 }
const mine = { presented: { by: 'me' } }

/** A tab whose source answers when a test says so. Calls may take ten seconds. */
function openOne({ source, ...given }: Given = {}) {
  const asked: [string, RefreshInput | undefined][] = []
  const answers: { ok(response?: unknown): void; fail(error: Error): void }[] = []
  const ask = (what: string, input?: RefreshInput): Promise<TokenResponse> => {
    asked.push([what, input])
    return new Promise((resolve, reject) =>
      answers.push({ ok: (response = fresh) => resolve(response as TokenResponse), fail: reject }),
    )
  }
  const tab = openMember({
    ...given,
    source: { refresh: vi.fn((input: RefreshInput, _: SourceContext) => ask('refresh', input)), ...source },
  })
  const refresh = createRefresh(tab.parts, tab.signOut)
  async function answer(response?: unknown, number = answers.length - 1): Promise<void> {
    if (response instanceof Error) answers[number]!.fail(response)
    else answers[number]!.ok(response)
    await settle()
  }
  return {
    ...{ ...tab, ...tab.parts, refresh, asked, answer },
    /** Tokens of another tab have come. */
    bring(part: Partial<TokenSet> = {}) {
      const { session } = heldIn(tab.parts.store.get())!
      const tokens = tab.make({ sequence: 2, accessToken: 'theirs', ...part })
      tab.parts.store.dispatch({ type: 'refreshed', session, tokens })
    },
  }
}

/** The same, with a session. */
async function open(tokens?: Partial<TokenSet>, options: Given = {}, stored?: Stored) {
  const tab = openOne({ world: createWorld({ random: () => 0 }), ...options })
  const session = await tab.signIn(tokens, stored)
  const { store } = tab
  return {
    ...{ ...tab, session },
    from: heldIn(store.get())!,
    held: () => heldIn(store.get())?.tokens,
  }
}

/** A page that looks for its session after a reload. The record says that there have been three. */
async function find(options: Given = {}, stored: Stored = {}) {
  const tab = openOne({ world: createWorld({ random: () => 0 }), ...options })
  tab.write({ epoch: EPOCH, sequence: 3, ...stored })
  await tab.share.update()
  const session = tab.newSession(EPOCH, tab.ports.clock.now())
  const flight = tab.refresh.find({ session, tokens: undefined })
  return { ...tab, session, flight, found: watched(flight) }
}

describe('a refresh', () => {
  test('presents the refresh token, and brings the tokens that come', async () => {
    const { refresh, from, store, asked, answer, held, signOut, record, world } = await open({ key: undefined })
    const flight = refresh(from, 'expired')
    expect(signOut.notice).toHaveBeenCalled()
    expect(store.get()).toMatchObject({ status: 'refreshing', flight })
    await settle()
    expect(asked).toEqual([['refresh', { refreshToken: 'r1' }]])
    expect(record()).toMatchObject({ sequence: 1, ...mine })
    world.freeze(3)
    await answer()
    expect((await flight).tokens).toBe(held())
    const obtained = { wall: world.now() - 3, monotonic: from.tokens!.obtained.monotonic }
    expect(held()).toMatchObject({ accessToken: 'second', refreshToken: 'r2', sequence: 2, rotation: 2, obtained })
    expect(store.get().status).toBe('active')
    expect(record()).toMatchObject({ sequence: 2, presented: undefined })
    expect(world.timers()).toEqual([])
  })

  test('tells how long the call took, and why it was made', async () => {
    const { refresh, from, answer, told, world } = await open({})
    void refresh(from, 'refused')
    await settle()
    world.freeze(3)
    await answer()
    expect(told).toEqual([{ type: 'refreshed', durationMs: 3, trigger: 'refused' }])
  })

  test('keeps what the answer leaves out', async () => {
    const source = { binding: {} as never }
    const claims = { sub: 'ann' }
    const { refresh, from, answer, held, asked } = await open({ claims, key: 'k1', tokenType: 'DPoP' }, { source })
    void refresh(from, 'expired')
    await settle()
    expect(asked).toEqual([['refresh', { refreshToken: 'r1', key: 'k1' }]])
    await answer({ access_token: 'second' })
    expect(held()).toMatchObject({ accessToken: 'second', refreshToken: 'r1', key: 'k1', scope: ['read'], claims })
  })

  test.each([true, false])(
    'with a key takes a token that is not bound only if that is allowed: %s',
    async (allowBearer) => {
      const { refresh, from, answer, held } = await open(
        { key: 'k1' },
        { source: { binding: { allowBearer } as never } },
      )
      const flight = watched(refresh(from, 'expired'))
      await settle()
      await answer({ ...fresh, token_type: 'Bearer' })
      expect(held()?.accessToken).toBe(allowBearer ? 'second' : 'first')
      expect(flight.error === undefined).toBe(allowBearer)
    },
  )

  test('that is under way is joined, and so is one for the same wish', async () => {
    const { refresh, from, asked } = await open({})
    expect(refresh(from, 'expired')).toBe(refresh(from, 'requested'))
    const wished = { ...from, tokens: undefined, wish: pay }
    expect(refresh(wished, 'expired')).toBe(refresh(wished, 'expired'))
    await settle()
    expect(asked).toHaveLength(1)
  })

  test('is not made when newer tokens are here, nor in a session that is over', async () => {
    const { refresh, from, bring, asked, session, signIn, signOut, held, store } = await open({})
    bring()
    const here = refresh(from, 'expired')
    expect(store.get().status).toBe('active')
    expect((await here).tokens).toBe(held())
    signOut.end(session, 'logout')
    await signIn({})
    const over = watched(refresh({ ...from, tokens: undefined }, 'expired'))
    expect(store.get().status).toBe('active')
    await settle()
    expect(over.error).toBe(session.signal.reason)
    expect(asked).toEqual([])
  })

  test('sees first what other tabs have done', async () => {
    const { refresh, from, replace, asked } = await open({})
    replace()
    await expect(refresh(from, 'expired')).rejects.toMatchObject({ code: 'session_changed' })
    await settle()
    expect(asked).toEqual([])
  })

  test('that failed is not tried again before it is time, unless somebody insists', async () => {
    const { refresh, from, store, asked, world } = await open({})
    const known = { ...failure, at: world.ports.clock.now() }
    store.dispatch({ type: 'refresh-failed', failure: known })
    await expect(refresh(from, 'requested')).rejects.toBe(known.error)
    world.freeze(999)
    await expect(refresh(from, 'requested')).rejects.toBe(known.error)
    void refresh(from, 'requested', true)
    await settle()
    expect(asked).toHaveLength(1)
    const other = await open({})
    other.store.dispatch({ type: 'refresh-failed', failure: { ...failure, at: other.world.ports.clock.now() } })
    other.world.freeze(1_000)
    void other.refresh(other.from, 'requested')
    await settle()
    expect(other.asked).toHaveLength(1)
  })

  test('by force goes over what other tabs know, but for what the server has said itself', async () => {
    const { refresh, from, asked, change, world } = await open({})
    const [since, until] = [world.now(), world.now() + 5_000]
    change({ retry: { since, hold: since, until } })
    void refresh(from, 'requested', true)
    await settle()
    expect(asked).toHaveLength(1)
    const other = await open({})
    other.change({ retry: { since, hold: since, until } })
    await expect(other.refresh(other.from, 'requested')).rejects.toMatchObject({ retryAt: until })
    expect(other.asked).toEqual([])
  })

  test('that fails says so, and whoever looks later knows how often', async () => {
    const { refresh, from, answer, store, told } = await open({})
    for (const attempts of [1, 2]) {
      const flight = watched(refresh(from, 'background', true))
      await settle()
      await answer(new TokenError('configuration', 'wrong'))
      expect(flight.error).toMatchObject({ code: 'configuration' })
      expect((store.get() as Stale).failure.attempts).toBe(attempts)
    }
    expect(told).toHaveLength(2)
  })

  test('is not waited for by anybody who does not want to: what nobody hears breaks nothing', async () => {
    const { refresh, from, answer, store } = await open({})
    void refresh(from, 'background')
    await settle()
    await answer(new Error('cut off'))
    expect(store.get().status).toBe('stale')
  })

  test('to which the source says nothing at all has got no answer: the session stays', async () => {
    for (const nothing of [null, '']) {
      const { refresh, from, answer, signOut, store } = await open({})
      const flight = watched(refresh(from, 'expired'))
      await settle()
      await answer(nothing)
      expect(flight.error).toMatchObject({ code: 'refresh_unavailable', cause: { code: 'malformed_response' } })
      expect(store.get().status).toBe('stale')
      expect(signOut.end).not.toHaveBeenCalled()
    }
  })

  test('that is refused after one without an answer ends it too, and says that the answer may be to blame', async () => {
    for (const [before, stored] of [
      [{ ...failure, unanswered: true }, {}],
      [undefined, { presented: { by: 'other', since: 1, until: 2 } }],
    ] as const) {
      const { refresh, from, answer, signOut, store, change } = await open({})
      if (before) store.dispatch({ type: 'refresh-failed', failure: before })
      change(stored)
      void refresh(from, 'expired', true)
      await settle()
      await answer(rejected())
      expect(signOut.end.mock.calls[0]?.[1]).toBe('unknown-outcome')
    }
  })

  test('offline sends nothing, so that nobody has to wait for an answer', async () => {
    const { refresh, from, answer, world, record } = await open({})
    await world.goOnline(false)
    void refresh(from, 'expired')
    await settle()
    await answer(new TypeError('failed to fetch'))
    expect(record()?.presented).toBeUndefined()
    const online = await open({})
    void online.refresh(online.from, 'expired')
    await settle()
    await online.answer(new TypeError('failed to fetch'))
    expect(online.record()).toMatchObject(mine)
  })

  test('without an answer in time fails as that, and the session takes the tokens that come late', async () => {
    const { refresh, from, answer, world, held, told } = await open({})
    const flight = watched(refresh(from, 'expired'))
    await world.pass(10_000)
    expect(flight.error).toMatchObject({ code: 'refresh_unavailable', cause: { code: 'timeout' } })
    await answer()
    expect(held()?.accessToken).toBe('second')
    expect(told.map(({ type }) => type)).toEqual(['refresh-failed', 'refreshed'])
  })

  test('whose late answer refuses it ends the session; any other late failure was told already', async () => {
    for (const [error, ends] of [
      [rejected(), true],
      [new Error('cut off'), false],
    ] as const) {
      const { refresh, from, answer, world, signOut, told } = await open({})
      void refresh(from, 'expired')
      await world.pass(10_000)
      await answer(error)
      expect(signOut.end).toHaveBeenCalledTimes(ends ? 1 : 0)
      expect(told).toHaveLength(ends ? 2 : 1)
    }
  })

  test('whose late answer asks for time is heeded', async () => {
    const { refresh, from, answer, world, record } = await open({})
    void refresh(from, 'expired')
    await world.pass(10_000)
    const retryAt = world.now() + 60_000
    await answer(new TokenError('refresh_unavailable', 'later', { transient: true, retryAt }))
    expect(record()?.retry?.until).toBe(retryAt)
  })

  test('whose answer asks for time tells that once', async () => {
    const { refresh, from, answer, world, parts } = await open({})
    const update = vi.spyOn(parts.share, 'update')
    void refresh(from, 'expired')
    await settle()
    const before = update.mock.calls.length
    await answer(new TokenError('refresh_unavailable', 'later', { transient: true, retryAt: world.now() + 60_000 }))
    expect(update.mock.calls.length - before).toBe(1)
  })

  test('whose answer is of no use keeps the refresh token in it', async () => {
    const { refresh, from, answer, held } = await open({})
    const flight = watched(refresh(from, 'expired'))
    await settle()
    await answer({ refresh_token: 'r2' })
    expect(flight.error).toMatchObject({ code: 'refresh_unavailable', cause: { code: 'malformed_response' } })
    expect(held()).toMatchObject({ accessToken: 'first', refreshToken: 'r2' })
  })

  test('after a sign-in that nobody has heard the end of believes only an answer that says whose it is', async () => {
    const { refresh, from, answer, signOut, session, change } = await open({ claims: { sub: 'ann' } })
    change({ entering: { by: 'other', since: 1, until: 2 } })
    void refresh(from, 'expired')
    await settle()
    await answer()
    expect(signOut.end.mock.calls).toEqual([[session, 'replaced']])
  })
})

test('what a source sends is sent as it is, and for a session that is over no call is made any more', async () => {
  const fetch = vi.fn(async () => new Response('ok'))
  let again = (): void => {}
  let refused: unknown
  const source = {
    async refresh(_: RefreshInput, context: SourceContext) {
      await context.fetch('/token', { method: 'POST' })
      await new Promise<void>((resolve) => (again = resolve))
      // What is there for everybody may be what the revocation waits for.
      await context.fetch('/metadata')
      await context.fetch('/token', { method: 'POST' }).catch((error: unknown) => (refused = error))
      return fresh
    },
  }
  const { refresh, from, signOut, session } = await open({}, { source, ports: { fetch } })
  const flight = watched(refresh(from, 'expired'))
  await settle()
  signOut.end(session, 'logout')
  again()
  await settle()
  expect(refused).toBe(session.signal.reason)
  expect(fetch.mock.calls).toEqual([
    ['/token', { method: 'POST' }],
    ['/metadata', undefined],
  ])
  expect(flight.error).toBe(session.signal.reason)
})

describe('a refresh that is refused', () => {
  test('because another tab has rotated the refresh token meanwhile leaves the session alone', async () => {
    const { refresh, from, answer, signOut, change, store } = await open({})
    const flight = watched(refresh(from, 'expired'))
    await settle()
    change({ sequence: 2 })
    await answer(rejected())
    expect(flight.error).toMatchObject({ code: 'refresh_unavailable', transient: true })
    expect(signOut.end).not.toHaveBeenCalled()
    expect(store.get().status).toBe('stale')
  })

  test('though newer tokens are here already leaves those alone', async () => {
    const { refresh, from, answer, signOut, bring, held } = await open({})
    const flight = watched(refresh(from, 'expired'))
    await settle()
    bring()
    await answer(rejected())
    expect(flight.value?.tokens).toBe(held())
    expect(signOut.end).not.toHaveBeenCalled()
  })

  test('though the tokens of the very sign-in have come meanwhile ends the session', async () => {
    const tab = openOne({ world: createWorld(), source: { credential: 'cookie' } })
    const { store, newSession, ports, refresh, answer, bring, signOut } = tab
    tab.write({ epoch: EPOCH, sequence: 0 })
    await tab.share.update()
    const session = newSession(EPOCH, ports.clock.now())
    store.dispatch({ type: 'started', session, tokens: undefined })
    void watched(refresh(heldIn(store.get())!, 'expired'))
    await settle()
    bring({ sequence: 1 })
    await answer(rejected())
    expect(signOut.end).toHaveBeenCalledOnce()
  })

  test.each<[string, Partial<TabRecord> | undefined]>([
    ['nothing newer', {}],
    ['another session', { epoch: EPOCH - 3, sequence: 9 }],
    ['nothing', undefined],
  ])('when the record knows of %s ends the session', async (_, stored) => {
    const { refresh, from, answer, signOut, change, world } = await open({})
    void refresh(from, 'expired')
    await settle()
    if (stored) change(stored)
    else world.shared.stored.clear()
    await answer(rejected())
    expect(signOut.end).toHaveBeenCalledOnce()
  })

  test('late, when newer tokens have come, does not touch the refresh after it', async () => {
    const { refresh, from, answer, bring, world, store, told, signOut } = await open({})
    void refresh(from, 'expired')
    await world.pass(10_000)
    bring()
    const next = refresh(heldIn(store.get())!, 'expired')
    await settle()
    await answer(rejected(), 0)
    expect(store.get()).toMatchObject({ status: 'refreshing', flight: next })
    expect(told).toHaveLength(1)
    expect(signOut.end).not.toHaveBeenCalled()
  })

  test('late, when another tab has rotated the refresh token, does not touch the refresh after it either', async () => {
    const { refresh, from, answer, change, world, store, told, signOut } = await open({})
    void refresh(from, 'expired')
    await world.pass(10_000)
    change({ sequence: 2 })
    const next = refresh(from, 'requested', true)
    await settle()
    await answer(rejected(), 0)
    expect(store.get()).toMatchObject({ status: 'refreshing', flight: next })
    expect(told).toHaveLength(1)
    expect(signOut.end).not.toHaveBeenCalled()
  })

  test('ends the session if what is here for the wish is not newer than what was presented', async () => {
    const { refresh, from, answer, change, signOut, narrow, session, world } = await open({ sequence: 3, rotation: 3 })
    change({ sequence: 3 })
    void refresh({ ...from, tokens: undefined, wish: pay }, 'requested')
    await settle()
    narrow.put(session, pay, tokensOf({ sequence: 3, obtained: world.ports.clock.now() }))
    await answer(rejected())
    expect(signOut.end).toHaveBeenCalledOnce()
  })

  test('sees first what other tabs have done', async () => {
    const { refresh, from, answer, replace, signOut } = await open({})
    const flight = watched(refresh(from, 'expired'))
    await settle()
    replace()
    await answer(rejected())
    expect(flight.error).toMatchObject({ code: 'session_changed' })
    expect(signOut.end).not.toHaveBeenCalled()
  })
})

describe('a refresh for one wish', () => {
  test('asks for that, and leaves the state of the session alone', async () => {
    const { refresh, from, asked, answer, store, narrow, session } = await open({})
    const flight = refresh({ ...from, tokens: undefined, wish: pay }, 'requested')
    expect(store.get().status).toBe('active')
    expect(narrow.of(session, pay).flight).toBe(flight)
    await settle()
    const input = { refreshToken: 'r1', resource: 'https://pay.example.com', scope: 'pay refund' }
    expect(asked).toEqual([['refresh', input]])
    await answer({ ...fresh, refresh_token: undefined })
    expect(await flight).toMatchObject({ wish: pay, tokens: { accessToken: 'second', refreshToken: 'r1' } })
    expect(narrow.of(session, pay)).toMatchObject({ flight: undefined, tokens: { scope: ['pay', 'refund'] } })
  })

  test('takes nothing over from the tokens before but the key', async () => {
    const source = { binding: {} as never }
    const { refresh, from, answer, narrow, session } = await open({ key: 'k1', claims: { sub: 'ann' } }, { source })
    const wish = toWish({ resource: 'https://pay.example.com' })
    const tokens = tokensOf({ scope: ['old'], claims: { sub: 'ann' } })
    void refresh({ ...from, tokens: undefined, wish }, 'requested')
    await settle()
    await answer()
    expect(narrow.of(session, wish).tokens).toMatchObject({ key: 'k1', scope: [], claims: undefined })
    narrow.of(session, wish).tokens = tokens
    void refresh({ ...from, tokens, wish }, 'requested')
    await settle()
    await answer()
    expect(narrow.of(session, wish).tokens).toMatchObject({ key: 'k1', scope: [], claims: undefined })
  })

  test('that fails is over, and is not tried again before it is time', async () => {
    const { refresh, from, answer, narrow, session, asked } = await open({})
    const wished = { ...from, tokens: undefined, wish: pay }
    const flight = watched(refresh(wished, 'requested'))
    await settle()
    await answer(new Error('cut off'))
    expect(flight.error).toMatchObject({ code: 'refresh_unavailable' })
    expect(narrow.of(session, pay)).toMatchObject({ flight: undefined, failure: { attempts: 1 } })
    await expect(refresh(wished, 'requested')).rejects.toBe(flight.error)
    expect(asked).toHaveLength(1)
  })
})

describe('a refresh whose turn comes', () => {
  test('asks the other tabs while it waits, and gives up when they have what it wants', async () => {
    const world = createWorld({ random: () => 0 })
    const [tab, other] = [openOne({ world }), openOne({ world, parts: { by: 'other' } })]
    const session = await tab.signIn({})
    await other.signIn({})
    void other.refresh(heldIn(other.store.get())!, 'expired')
    await settle()
    const flight = watched(tab.refresh(heldIn(tab.store.get())!, 'expired'))
    await settle()
    expect(tab.posted()).toContainEqual(expect.objectContaining({ type: 'wanted', sequence: 1 }))
    await other.answer()
    await world.pass(300)
    expect(flight.value).toMatchObject({ session, tokens: { accessToken: 'second' } })
    expect(tab.asked).toEqual([])
  })

  test.each([
    ['half as long as a call may take, for the record keeps others away', false, 5_000],
    ['as long as a call may take where there is no record', true, 10_000],
  ])('waits for a lock %s', async (_, alone, ms) => {
    const world = createWorld()
    const locks = (): Promise<never> => new Promise(() => {})
    const records = alone ? () => Promise.reject(new Error('none')) : world.ports.records
    const { signIn, refresh, store, asked } = openOne({ world, ports: { locks, records } })
    await signIn({})
    void refresh(heldIn(store.get())!, 'expired')
    await world.pass(ms - 1)
    expect(asked).toEqual([])
    // Without a record it waits a moment for what may be on its way.
    await world.pass(alone ? 251 : 1)
    expect(asked).toHaveLength(1)
  })

  test('is not made when newer tokens came meanwhile, or the session is over', async () => {
    for (const part of ['tokens', 'end'] as const) {
      const { refresh, from, asked, world, bring, signOut, session } = await open({})
      let go = (): void => {}
      void world.ports.locks('app', () => new Promise<void>((resolve) => (go = resolve)), new AbortController().signal)
      const flight = watched(refresh(from, 'expired'))
      await settle()
      if (part === 'tokens') bring()
      else signOut.end(session, 'logout')
      go()
      await settle()
      expect(asked).toEqual([])
      if (part === 'tokens') expect(flight.value?.tokens?.accessToken).toBe('theirs')
      else expect(flight.error).toBe(session.signal.reason)
    }
  })

  test('asks nobody any more when its session is over', async () => {
    const storage = createDrawer()
    const { refresh, from, change, posted, signOut, session } = await open({}, { storage })
    change({ sealed: sealed('r1') })
    vi.spyOn(storage, 'open').mockImplementationOnce(async () => {
      signOut.end(session, 'logout')
      return undefined
    })
    const flight = watched(refresh({ ...from, tokens: undefined, wish: pay }, 'expired'))
    await settle()
    expect(flight.error).toBe(session.signal.reason)
    expect(posted()).toMatchObject([{ type: 'wanted' }])
  })

  test('does not wait for a lock any more when others have what it wants', async () => {
    const { refresh, from, world, bring, asked } = await open({}, { ports: { locks: () => new Promise(() => {}) } })
    const flight = watched(refresh(from, 'expired'))
    await world.pass(1_000)
    expect(flight.settled).toBe(false)
    bring()
    await settle()
    expect(flight.value?.tokens?.accessToken).toBe('theirs')
    await world.pass(60_000)
    expect(asked).toEqual([])
  })

  test.each([
    ['and no doubt', {}, undefined],
    ['and the doubt that was there before', { presented: { by: 'other', since: 1, until: 2 } }, 'me'],
  ])('and that is not needed any more once it is marked leaves no mark %s', async (_, stored, by) => {
    const storage = createDrawer()
    const { refresh, from, asked, change, bring, record, world } = await open({}, { storage })
    change({ ...stored, sealed: sealed('r1') })
    vi.spyOn(storage, 'open').mockImplementationOnce(async () => {
      bring()
      return new TextEncoder().encode('r1')
    })
    const flight = watched(refresh(from, 'expired'))
    await settle()
    expect(asked).toEqual([])
    expect(flight.value?.tokens?.accessToken).toBe('theirs')
    const now = world.now()
    expect(record()?.presented).toEqual(by && { by, since: now, until: now })
  })

  test('that is marked when the session is over is not made either', async () => {
    const storage = createDrawer()
    const { refresh, from, asked, change, signOut, session, record } = await open({}, { storage })
    change({ sealed: sealed('r1') })
    vi.spyOn(storage, 'open').mockImplementationOnce(async () => {
      signOut.end(session, 'logout')
      return new TextEncoder().encode('r1')
    })
    const flight = watched(refresh(from, 'expired'))
    await settle()
    expect(flight.error).toBe(session.signal.reason)
    expect(asked).toEqual([])
    expect(record()?.presented).toBeUndefined()
  })

  test('without a refresh token here leaves no mark, and waits for the tab that has it', async () => {
    const { refresh, from, asked, record, world, bring, told } = await open(
      { refreshToken: undefined },
      { storage: createDrawer() },
    )
    const flight = watched(refresh(from, 'expired'))
    await settle()
    expect(record()?.presented).toBeUndefined()
    await world.pass(999)
    expect(flight.settled).toBe(false)
    bring()
    await settle()
    expect(flight.value?.tokens?.accessToken).toBe('theirs')
    expect(asked).toEqual([])
    expect(told).toEqual([])
  })

  test('where only another tab can have it is not even marked', async () => {
    const { refresh, from, asked, record, world, store } = await open({ refreshToken: undefined, elsewhere: true })
    const flight = watched(refresh(from, 'expired'))
    await settle()
    expect(record()?.presented).toBeUndefined()
    expect([...world.shared.held]).toEqual([])
    await world.pass(1_000)
    expect(flight.error).toMatchObject({ code: 'refresh_unavailable' })
    expect(store.get().status).toBe('stale')
    expect(asked).toEqual([])
  })

  test('with a cookie needs no refresh token', async () => {
    const { refresh, from, asked } = await open({ refreshToken: undefined }, { source: { credential: 'cookie' } })
    void refresh(from, 'expired')
    await settle()
    expect(asked).toEqual([['refresh', { refreshToken: undefined }]])
  })

  test('is over after three times as long as a call may take, whatever hangs', async () => {
    const { refresh, from, world, change, store } = await open({})
    change({ presented: { by: 'other', since: world.now(), until: world.now() + 60_000 } })
    const flight = watched(refresh(from, 'expired'))
    await world.pass(29_999)
    expect(flight.settled).toBe(false)
    await world.pass(1)
    expect(flight.error).toMatchObject({ cause: { code: 'timeout' } })
    // Nothing was sent, so that nobody may still be at it.
    expect((store.get() as Stale).failure).toMatchObject({ unanswered: false, holdMs: 0 })
  })
})

describe('a session that is looked for', () => {
  test('is found by the refresh token that is stored', async () => {
    const options = { storage: createDrawer(), source: { restore: vi.fn(async () => undefined) } }
    const { flight, world, store, asked, answer, session, told } = await find(options, { sealed: sealed('r3') })
    expect(store.get()).toMatchObject({ status: 'restoring', flight, session })
    await world.pass(250)
    expect(asked).toEqual([['refresh', { refreshToken: 'r3' }]])
    await answer()
    expect(await flight).toMatchObject({ session, tokens: { accessToken: 'second', sequence: 4 } })
    expect(store.get().status).toBe('active')
    expect(told).toEqual([])
    expect(options.source.restore).not.toHaveBeenCalled()
  })

  test.each(['cookie', 'token'] as const)('is found by asking whether there is one: %s', async (credential) => {
    const restore = vi.fn(async (_: SourceContext) => ({ access_token: 'second' }))
    const { found, world, asked, session } = await find({
      source: { credential, restore },
      ...(credential === 'token' && { storage: createDrawer() }),
    })
    await world.pass(250)
    expect(restore).toHaveBeenCalledOnce()
    expect(restore.mock.calls[0]?.[0].now()).toBe(world.now())
    expect(asked).toEqual([])
    expect(found.value).toMatchObject({ session, tokens: { accessToken: 'second' } })
  })

  test('is none if there is none', async () => {
    const { found, world, signOut, session } = await find({
      source: { credential: 'cookie', restore: async () => undefined },
    })
    await world.pass(250)
    expect(signOut.end.mock.calls).toEqual([[session, 'rejected', false]])
    expect(found.error).toBe(session.signal.reason)
  })

  test('is asked for by a refresh where nothing else is known to ask', async () => {
    const { world, asked } = await find({ source: { credential: 'cookie' } })
    await world.pass(250)
    expect(asked).toEqual([['refresh', { refreshToken: undefined }]])
  })

  test('is looked for in another tab where nothing is stored', async () => {
    const { found, world, asked, record } = await find({ storage: createDrawer() })
    await world.pass(499)
    expect(found.settled).toBe(false)
    expect(record()?.presented).toBeUndefined()
    await world.pass(1)
    expect(found.settled).toBe(true)
    expect(asked).toEqual([])
  })

  test('is not looked for before the server wants to be asked', async () => {
    const { found, world, asked, change } = await find({ source: { credential: 'cookie' } })
    const since = world.now()
    change({ retry: { since, hold: since, until: since + 5_000 } })
    await world.pass(250)
    expect(found.error).toMatchObject({ code: 'refresh_unavailable', retryAt: since + 5_000 })
    expect(asked).toEqual([])
  })

  test('and that another tab had first has got newer tokens by that', async () => {
    const { found, world, answer, bring, told } = await find({ source: { credential: 'cookie' } })
    await world.pass(250)
    bring({ sequence: 3 })
    await answer()
    expect(found.value?.tokens).toMatchObject({ accessToken: 'second', sequence: 4 })
    expect(told).toEqual([{ type: 'refreshed', durationMs: 0, trigger: 'requested' }])
  })

  test('and is here is refreshed, and not asked for', async () => {
    const restore = vi.fn(async () => undefined)
    const { refresh, from, asked } = await open(
      { refreshToken: undefined },
      { source: { restore, credential: 'cookie' } },
    )
    void refresh(from, 'expired')
    await settle()
    expect(asked).toHaveLength(1)
    expect(restore).not.toHaveBeenCalled()
  })
})

test('F23, F41: tokens that come after newer ones leave no refresh token behind', async () => {
  const { refresh, from, held, answer, change, world } = await open({})
  const renewed = watched(refresh(from, 'requested'))
  await settle()
  change({ sequence: 2, presented: undefined })
  await answer({ ...fresh, refresh_token: 'late' })
  await world.pass(250)
  expect(renewed.error).toMatchObject({ code: 'refresh_unavailable' })
  expect(held()).toMatchObject({ accessToken: from.tokens!.accessToken, refreshToken: 'r1' })
})
