import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createAttempts } from '../../src/flow/attempts.ts'
import { createRefresh, type Refresh } from '../../src/flow/refresh.ts'
import { createRestore } from '../../src/flow/restore.ts'
import { createSignIn } from '../../src/flow/sign-in.ts'
import { createSignOut } from '../../src/flow/sign-out.ts'
import type { TokenSource } from '../../src/ports.ts'
import type { SessionState } from '../../src/session/snapshot.ts'
import type { Failure, Held } from '../../src/session/state.ts'
import type { Meaning } from '../../src/tabs/epochs.ts'
import type { TokenResponse } from '../../src/token.ts'
import { createWorld, settle } from '../support/world.ts'
import { failure, flightOf } from '../session/stage.ts'
import { fateOf, type Given, openTab, pending, TIMEOUT_MS } from './stage.ts'

type Source = TokenSource<never>

const issued: TokenResponse = { access_token: 'a1', expires_in: 300 }
const asksServer: Partial<Source> = { credential: 'cookie', restore: async () => issued }
const never = { status: 'signed-out', reason: 'never-started' }
const limits = { idleMs: Infinity, absoluteMs: Infinity, warnMs: 0 }

interface More extends Given {
  /** Refreshes are real, and so is what comes of a sign-in of another tab. */
  readonly isReal?: boolean
}

function open({ isReal = false, ...given }: More = {}) {
  const world = given.world ?? createWorld()
  const attempts = createAttempts<SessionState>(() => signOut.notice())
  const revoke = vi.fn<NonNullable<Source['revoke']>>(async () => 'confirmed')
  const tab = openTab({
    ...{ ...given, world, source: { revoke, ...given.source }, parts: { ...(isReal && { attempts }), ...given.parts } },
  })
  const { parts } = tab
  const { store } = parts
  const signOut = createSignOut(parts)
  const signIn = createSignIn(parts, signOut)
  const ask = vi.fn(async () => ({}) as Held)
  /** A search for a session finds it, unless a test says otherwise. */
  const found = vi.fn(async ({ session }: Held): Promise<unknown> => {
    await Promise.resolve()
    return store.dispatch({ type: 'refreshed', session, tokens: tab.make() })
  })
  const find = (held: Held): Promise<unknown> => {
    const flight = Promise.resolve().then(() => found(held))
    flight.catch(() => {})
    store.dispatch({ type: 'restore-started', flight, session: held.session })
    return flight
  }
  const refresh = isReal ? createRefresh(parts, signOut) : Object.assign(ask, { find: find as Refresh['find'] })
  const restore = createRestore(parts, signOut, signIn, refresh)
  return {
    ...{ ...tab, signOut, signIn, revoke, ask, found },
    restore: (isAsking = false, signal?: AbortSignal) => restore(isAsking, signal),
    state: () => store.get(),
    newest: () => parts.epochs.newest(),
    /** What this tab, or another, has done before. */
    begin: (what: Meaning, reason: 'logout' | 'idle' = 'logout') => parts.epochs.begin(what, reason, world.now()),
    signInHere(part?: Partial<Failure>) {
      const session = parts.newSession(1, world.ports.clock.now())
      store.dispatch({ type: 'started', session, tokens: tab.make() })
      if (part) store.dispatch({ type: 'refresh-failed', failure: { ...failure, ...part } })
      return session
    },
  }
}

describe('where nothing is known', () => {
  test('nobody is signed in, and nobody is asked if there is nobody to ask', async () => {
    const { restore, world, found, newest, parts } = open()
    const restoring = restore()
    expect(world.shared.channels.size).toBe(1)
    expect(parts.store.get()).toMatchObject({ status: 'restoring', flight: parts.attempts.current()?.flight })
    expect(await restoring).toMatchObject(never)
    expect(found).not.toHaveBeenCalled()
    expect(newest()).toBeUndefined()
    expect(world.timers()).toEqual([])
  })

  test('the record tells, where no marker can be kept', async () => {
    const epoch = openTab().parts.epochs.begin('signed-in', 'logout', 1_000)
    const { restore, write, found } = open()
    write({ epoch })
    expect(await restore()).toMatchObject({ status: 'active' })
    expect(found.mock.calls[0]?.[0]).toMatchObject({ session: { epoch }, tokens: undefined })
  })

  test('neither the record nor the server is asked where the marker tells', async () => {
    const { restore, parts, begin } = open({ source: asksServer })
    begin('nobody')
    const update = vi.spyOn(parts.share, 'update')
    const inTurn = vi.spyOn(parts.calls, 'inTurn')
    await restore()
    // Once to learn whether there is one.
    expect(update).toHaveBeenCalledOnce()
    expect(inTurn).not.toHaveBeenCalled()
  })

  test('the server is asked, and its answer begins a session', async () => {
    const { restore, state, record, newest, world } = open({ source: asksServer })
    const asked = world.ports.clock.now()
    expect(await restore()).toMatchObject({ status: 'active', signedIn: true })
    expect(state()).toMatchObject({ tokens: { accessToken: 'a1', obtained: asked } })
    await settle()
    expect(newest()).toMatchObject({ what: 'signed-in' })
    expect(record()).toMatchObject({ epoch: newest()?.epoch })
    expect(record()).not.toHaveProperty('presented')
  })

  test('the server says that nobody is signed in: that is remembered', async () => {
    const world = createWorld()
    const asked = vi.fn(async () => {
      world.freeze(1_000)
      return undefined
    })
    const { restore, newest } = open({ world, source: { ...asksServer, restore: asked } })
    const at = world.now()
    expect(await restore()).toMatchObject(never)
    expect(newest()).toMatchObject({ what: 'nobody', reason: 'rejected', at })
    expect(await restore()).toMatchObject(never)
    expect(asked).toHaveBeenCalledOnce()
    expect(await restore(true)).toMatchObject(never)
    expect(asked).toHaveBeenCalledTimes(2)
    expect(newest()).toMatchObject({ at })
  })

  test('a token that is not bound is taken only where the binding allows it', async () => {
    const bound = { ...issued, token_type: 'Bearer', cnf: { jkt: 'k1' } }
    const source = { restore: async () => bound, binding: { allowBearer: true } as never }
    expect(await open({ source }).restore()).toMatchObject({ status: 'active' })
    const strict = open({ source: { ...source, binding: { allowBearer: false } as never } })
    await expect(strict.restore()).rejects.toMatchObject({ code: 'refresh_unavailable' })
  })
})

describe('a server that does not answer', () => {
  const down = (thrown: Error): Given => ({ source: { ...asksServer, restore: () => Promise.reject(thrown) } })

  test('is a reason to try again later, which is no secret', async () => {
    const { restore, state, world } = open(down(new Error('lost')))
    const error: unknown = await restore().catch((thrown: unknown) => thrown)
    // It may still be at it.
    expect(error).toMatchObject({ code: 'refresh_unavailable', transient: true, retryAt: world.now() + TIMEOUT_MS })
    expect(state()).toMatchObject(never)
  })

  test('and was not reached at all, or has said no, need not be left alone for so long', async () => {
    const busy = new TokenError('refresh_unavailable', 'busy', { transient: true })
    for (const [thrown, online] of [
      [new Error('offline'), false],
      [busy, true],
    ] as const) {
      const { restore, world } = open(down(thrown))
      await world.goOnline(online)
      const error: unknown = await restore().catch((reason: unknown) => reason)
      expect((error as TokenError).retryAt).toBeLessThan(world.now() + TIMEOUT_MS)
    }
  })

  test('for it was not asked yet need not be left alone either', async () => {
    const { restore, world, dispose } = open({ source: asksServer })
    void world.ports.locks('app', () => flightOf(), new AbortController().signal)
    const restoring = restore()
    await settle()
    dispose()
    const error: unknown = await restoring.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'refresh_unavailable' })
    expect((error as TokenError).retryAt).toBeLessThan(world.now() + TIMEOUT_MS)
  })

  test('may still be at it: the mark of the presentation stays', async () => {
    const tab = open(down(new Error('lost')))
    const since = tab.world.now()
    await tab.restore().catch(() => {})
    await settle()
    const presented = { by: 'me', since, until: since + 1.5 * TIMEOUT_MS }
    expect(tab.record()).toEqual({ version: 1, epoch: 0, sequence: 0, active: since, presented })
  })

  test('or has said no, or was not reached: the mark goes', async () => {
    const refusing = open(down(new TokenError('configuration', 'no')))
    await expect(refusing.restore()).rejects.toMatchObject({ code: 'configuration' })
    await settle()
    expect(refusing.record()).toMatchObject({ epoch: 0, presented: undefined })
    const offline = open(down(new Error('offline')))
    await offline.world.goOnline(false)
    await offline.restore().catch(() => {})
    await settle()
    expect(offline.record()).toMatchObject({ epoch: 0, presented: undefined })
  })
})

describe('one cookie is presented by one tab at a time', () => {
  const other = (since: number, until: number) => ({ presented: { by: 'other', since, until } })

  test('who finds the mark of another waits until its time is over', async () => {
    const asked = vi.fn(async () => undefined)
    const { restore, world, write, record } = open({ source: { ...asksServer, restore: asked } })
    const now = world.now()
    write({ epoch: 0, ...other(now, now + 5_000) })
    const restoring = restore()
    await world.pass(4_999)
    expect(asked).not.toHaveBeenCalled()
    expect(record()).toMatchObject(other(now, now + 5_000))
    await world.pass(1)
    expect(asked).toHaveBeenCalledOnce()
    await restoring
  })

  test('a mark that is over, or of a clock that was set back, is no reason to wait', async () => {
    for (const [since, until] of [
      [-2_000, 0],
      [1, 5_000],
    ] as const) {
      const { restore, world, write } = open({ source: asksServer })
      const now = world.now()
      write({ epoch: 0, ...other(now + since, now + until) })
      expect(await fateOf(restore())).toMatchObject({ value: { status: 'active' } })
    }
  })

  test('a mark of this very moment counts', async () => {
    const { restore, world, write } = open({ source: asksServer })
    write({ epoch: 0, ...other(world.now(), world.now() + 1) })
    expect(await fateOf(restore())).toBe('pending')
  })

  test('the mark is in the record before the server is asked, and leaves the rest of it alone', async () => {
    const answer = pending<TokenResponse | undefined>()
    const { restore, world, record, write, begin } = open({ source: { ...asksServer, restore: () => answer.promise } })
    const epoch = begin('nobody')
    write({ epoch, sequence: 5, active: 7, key: 'k' })
    const restoring = restore(true)
    await settle()
    const since = world.now()
    const presented = { by: 'me', since, until: since + 1.5 * TIMEOUT_MS }
    expect(record()).toEqual({ version: 1, epoch, sequence: 5, active: 7, key: 'k', presented })
    answer.resolve(undefined)
    await restoring
    await settle()
    expect(record()).toEqual({ version: 1, epoch, sequence: 5, active: 7, key: 'k', presented: undefined })
  })

  test('the mark of another is not taken away', async () => {
    const answer = pending<TokenResponse | undefined>()
    const { restore, record, write } = open({ source: { ...asksServer, restore: () => answer.promise } })
    const restoring = restore()
    await settle()
    write({ epoch: 0, ...other(1, 2) })
    answer.resolve(undefined)
    await restoring
    await settle()
    expect(record()).toMatchObject(other(1, 2))
  })

  test('a mark that is gone already is no trouble', async () => {
    for (const record of [undefined, { version: 1, epoch: 0, sequence: 1, active: 0 }]) {
      const answer = pending<TokenResponse | undefined>()
      const { restore, world, parts } = open({ source: { ...asksServer, restore: () => answer.promise } })
      const restoring = restore()
      await settle()
      world.shared.stored.set('app', record)
      answer.resolve(issued)
      expect(await restoring).toMatchObject({ status: 'active' })
      expect(parts.share.isAlone()).toBe(false)
    }
  })

  test('the turn lasts until the mark is gone', async () => {
    const { restore, parts, record } = open({ source: { ...asksServer, restore: async () => undefined } })
    const { inTurn } = parts.calls
    let after: unknown
    parts.calls.inTurn = (task, options) =>
      inTurn((call, free) => task(call, free).finally(() => (after = record())), options)
    await restore()
    expect(after).toMatchObject({ presented: undefined })
  })
})

describe('what happens while the server is asked', () => {
  /** Asks the server, and answers when something has happened meanwhile. */
  async function meanwhile(
    happens: (tab: ReturnType<typeof open>) => void,
    { ask = false, before }: { ask?: boolean; before?: Meaning } = {},
    reply: TokenResponse | undefined = issued,
  ) {
    const answer = pending<TokenResponse | undefined>()
    const asked = vi.fn(() => answer.promise)
    const tab = open({ source: { ...asksServer, restore: asked } })
    if (before) tab.begin(before)
    const restoring = tab.restore(ask)
    await settle()
    expect(asked).toHaveBeenCalledOnce()
    happens(tab)
    answer.resolve(reply)
    return { ...tab, outcome: await fateOf(restoring) }
  }

  test('another tab has signed in: its session is joined', async () => {
    const { outcome, found, newest } = await meanwhile(({ begin }) => begin('signed-in'))
    expect(found.mock.calls).toMatchObject([[{ session: { epoch: newest()?.epoch } }]])
    expect(outcome).toMatchObject({ value: { status: 'active' } })
  })

  test('another tab has signed out: nobody is signed in by the answer', async () => {
    expect(await meanwhile(({ begin }) => begin('nobody'))).toMatchObject({ outcome: { value: never } })
    const asking = await meanwhile(({ begin }) => begin('nobody'), { ask: true, before: 'nobody' })
    expect(asking).toMatchObject({ outcome: { value: never } })
  })

  test('nothing: who asks is signed in, though it was remembered that nobody is', async () => {
    const { outcome } = await meanwhile(() => {}, { ask: true, before: 'nobody' })
    expect(outcome).toMatchObject({ value: { status: 'active' } })
  })

  test('somebody has signed out, and the server says that nobody is there: that is not begun anew', async () => {
    let epoch: number | undefined
    const { newest } = await meanwhile(({ begin }) => (epoch = begin('unconfirmed', 'idle')), {}, undefined)
    expect(newest()?.epoch).toBe(epoch)
  })

  test('a login has overtaken it: what comes of that counts', async () => {
    const { outcome, state } = await meanwhile(({ parts, make }) => {
      parts.attempts.start(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        parts.store.dispatch({
          ...{ type: 'started', session: parts.newSession(9, make().obtained), tokens: make({ accessToken: 'own' }) },
        })
        return parts.store.snapshot()
      })
    })
    expect(outcome).toMatchObject({ value: { status: 'active' } })
    expect(state()).toMatchObject({ session: { epoch: 9 }, tokens: { accessToken: 'own' } })
  })

  test('a logout has overtaken it: nobody is signed in, and nothing is begun for the answer', async () => {
    let epoch: number | undefined
    for (const reply of [issued, undefined]) {
      const { outcome, newest } = await meanwhile(
        ({ signOut }) => {
          void signOut.logout()
          epoch = signOut.announce('nobody', 'logout')
        },
        {},
        reply,
      )
      expect(outcome).toMatchObject({ value: { status: 'signed-out', reason: 'logout' } })
      expect(newest()?.epoch).toBe(epoch)
    }
    const none = await meanwhile(({ parts }) => parts.attempts.overtake(), {}, undefined)
    expect(none.newest()).toBeUndefined()
  })
})

describe('tokens that come when a logout or a login has overtaken the search', () => {
  const byToken = (answer: Promise<TokenResponse | undefined>): Given => ({
    source: { credential: 'token', restore: () => answer },
  })

  test.each<[string, TokenResponse | undefined, string[][]]>([
    ['are given back', issued, [['a1']]],
    ['need not be, if there are none', undefined, []],
  ])('%s', async (_, reply, given) => {
    const answer = pending<TokenResponse | undefined>()
    const { restore, parts, revoke, state } = open(byToken(answer.promise))
    void restore()
    await settle()
    parts.attempts.overtake()
    answer.resolve(reply)
    await settle()
    expect(state()).toMatchObject(never)
    expect(revoke.mock.calls.map(([{ accessTokens }]) => accessTokens)).toEqual(given)
  })

  test('are left to the next page by one that has gone', async () => {
    const answer = pending<TokenResponse | undefined>()
    const { restore, parts, revoke, dispose } = open(byToken(answer.promise))
    void restore().catch(() => {})
    await settle()
    parts.attempts.overtake()
    dispose()
    answer.resolve(issued)
    await settle()
    expect(revoke).not.toHaveBeenCalled()
  })
})

describe('while it waits for its turn', () => {
  async function waiting(
    happens: (tab: ReturnType<typeof open>) => void,
    { ask = false, before }: { ask?: boolean; before?: Meaning } = {},
  ) {
    const turn = pending<undefined>()
    const asked = vi.fn(async () => issued)
    const tab = open({ source: { ...asksServer, restore: asked } })
    if (before) tab.begin(before)
    void tab.world.ports.locks('app', () => turn.promise, new AbortController().signal)
    const restoring = tab.restore(ask)
    await settle()
    happens(tab)
    turn.resolve(undefined)
    return { ...tab, asked, outcome: await fateOf(restoring) }
  }

  test('another tab has found a session: it is joined, and nobody is asked', async () => {
    const { asked, found, outcome } = await waiting(({ begin }) => begin('signed-in'))
    expect(asked).not.toHaveBeenCalled()
    expect(found).toHaveBeenCalledOnce()
    expect(outcome).toMatchObject({ value: { status: 'active' } })
    const asking = await waiting(({ begin }) => begin('signed-in'), { ask: true, before: 'nobody' })
    expect(asking.asked).not.toHaveBeenCalled()
  })

  test('another tab has heard that nobody is signed in: the server is asked again only by who asks', async () => {
    const { asked, outcome } = await waiting(({ begin }) => begin('nobody'))
    expect(asked).not.toHaveBeenCalled()
    expect(outcome).toMatchObject({ value: never })
    const asking = await waiting(({ begin }) => begin('nobody'), { ask: true })
    expect(asking.asked).toHaveBeenCalledOnce()
  })

  test('a logout has overtaken it: nobody is asked', async () => {
    const { asked, outcome } = await waiting(({ signOut }) => void signOut.logout())
    expect(asked).not.toHaveBeenCalled()
    expect(outcome).toMatchObject({ value: { status: 'signed-out', reason: 'logout' } })
  })
})

describe('a session that is remembered', () => {
  test('is looked for, as old as it is', async () => {
    const { restore, begin, found, world, newest } = open({ source: asksServer })
    begin('signed-in')
    const started = world.ports.clock.now()
    world.freeze(1_000)
    expect(await restore()).toMatchObject({ status: 'active' })
    expect(found.mock.calls).toMatchObject([[{ session: { epoch: newest()?.epoch, started }, tokens: undefined }]])
  })

  test('and is not found is none', async () => {
    const { restore, begin, found, signOut } = open()
    begin('signed-in')
    found.mockImplementationOnce(async ({ session }) => {
      signOut.end(session, 'rejected')
      throw new TokenError('refresh_rejected', 'over')
    })
    expect(await restore()).toMatchObject({ status: 'signed-out', reason: 'rejected' })
    expect(found).toHaveBeenCalledOnce()
  })

  test('and cannot be found now is here all the same', async () => {
    const { restore, begin, found, parts } = open()
    begin('signed-in')
    found.mockImplementationOnce(async () => {
      parts.store.dispatch({ type: 'refresh-failed', failure })
      throw failure.error
    })
    expect(await restore()).toMatchObject({ status: 'stale' })
    expect(found).toHaveBeenCalledOnce()
  })

  test('and was ended by nobody knows whom is given back once more', async () => {
    const { restore, begin, revoke, found } = open({ source: { credential: 'cookie' } })
    begin('unconfirmed')
    expect(await restore()).toMatchObject(never)
    await settle()
    expect(revoke).toHaveBeenCalledOnce()
    expect(found).not.toHaveBeenCalled()
    const over = open({ source: { credential: 'cookie' } })
    over.begin('nobody')
    await over.restore()
    await settle()
    expect(over.revoke).not.toHaveBeenCalled()
  })

  test.each([
    [10_000, 'active', undefined],
    [10_001, 'signed-out', 'expired'],
  ])('%d ms ago, where none may live longer than 10 s, is %s', async (ms, status, reason) => {
    const { restore, begin, found, world } = open({ settings: { limits: { ...limits, absoluteMs: 10_000 } } })
    begin('signed-in')
    world.freeze(ms)
    const state = await restore()
    expect(state.status).toBe(status)
    expect((state as { reason?: string }).reason).toBe(reason)
    expect(found).toHaveBeenCalledTimes(reason ? 0 : 1)
  })

  test.each([
    [9_999, 'active', undefined],
    [10_000, 'signed-out', 'idle'],
  ])('in which nobody did anything for %d ms, where that may be 10 s, is %s', async (ms, status, reason) => {
    const { restore, begin, write, world } = open({ settings: { limits: { ...limits, idleMs: 10_000 } } })
    write({ epoch: begin('signed-in') })
    world.freeze(ms)
    const state = await restore()
    expect(state.status).toBe(status)
    expect((state as { reason?: string }).reason).toBe(reason)
  })

  test('is not idle by what the record says of another, or by nothing', async () => {
    const { restore, begin, write, world } = open({ settings: { limits: { ...limits, idleMs: 10_000 } } })
    write({ epoch: begin('nobody') })
    begin('signed-in')
    world.freeze(10_000)
    expect(await restore()).toMatchObject({ status: 'active' })
    const bare = open({ settings: { limits: { ...limits, idleMs: 10_000 } } })
    bare.begin('signed-in')
    bare.world.freeze(10_000)
    expect(await bare.restore()).toMatchObject({ status: 'active' })
  })

  test('is not looked for once a logout has overtaken that', async () => {
    for (const isMarked of [true, false]) {
      const { restore, begin, write, found, parts, world } = open({
        settings: { limits: { ...limits, idleMs: 10_000 } },
      })
      write({ epoch: begin('signed-in') })
      if (!isMarked) world.marks.clear()
      const { update } = parts.share
      parts.share.update = async (change) => {
        const record = await update(change)
        parts.attempts.overtake()
        return record
      }
      await restore()
      await settle()
      expect(found).not.toHaveBeenCalled()
    }
  })

  test('to be over is not said to the server again once a logout has overtaken the search', async () => {
    const { restore, parts, revoke, begin, newest } = open({ source: { credential: 'cookie' } })
    parts.share.update = async () => {
      if (!parts.attempts.current()) return undefined
      parts.attempts.overtake()
      begin('unconfirmed')
      return undefined
    }
    await restore()
    expect(newest()).toMatchObject({ what: 'unconfirmed' })
    await settle()
    expect(revoke).not.toHaveBeenCalled()
  })

  test('and is over for this tab alone is not looked for once more', async () => {
    const { restore, begin, found, signOut } = open()
    begin('signed-in')
    found.mockImplementationOnce(async ({ session }) => {
      signOut.end(session, 'expired', true)
      throw new TokenError('refresh_unavailable', 'nobody has it')
    })
    expect(await restore()).toMatchObject(never)
    expect(found).toHaveBeenCalledOnce()
  })

  test('and was replaced while it was looked for is not found, but the one in its place is', async () => {
    const answer = pending<TokenResponse>()
    const refresh = vi.fn(async () => issued).mockImplementationOnce(() => answer.promise)
    const { restore, begin, signOut, newest } = open({ isReal: true, source: { credential: 'cookie', refresh } })
    begin('signed-in')
    const restoring = restore()
    await settle()
    begin('signed-in')
    signOut.notice()
    answer.reject(new TokenError('refresh_rejected', 'it is over'))
    const session = newest()!.epoch.toString(36)
    expect(await fateOf(restoring)).toMatchObject({ value: { status: 'active', session } })
  })

  test('and was replaced in a tab that did not wait has replaced the cookie of the one in its place, which ends', async () => {
    const answer = pending<TokenResponse>()
    const refresh = vi.fn(async () => issued).mockImplementationOnce(() => answer.promise)
    const { restore, begin, newest, posted } = open({ isReal: true, source: { credential: 'cookie', refresh } })
    begin('signed-in')
    const restoring = restore()
    await settle()
    begin('signed-in')
    answer.resolve(issued)
    expect(await fateOf(restoring)).toMatchObject({ value: { status: 'signed-out', reason: 'replaced' } })
    // Whoever asked now would get the tokens of the former.
    expect(refresh).toHaveBeenCalledOnce()
    expect(newest()).toMatchObject({ what: 'unconfirmed', reason: 'replaced' })
    expect(posted().at(-1)).toMatchObject({ type: 'epoch', epoch: newest()!.epoch })
  })
})

describe('a session that is here', () => {
  test('is the answer', async () => {
    const { restore, signInHere, ask, found } = open()
    signInHere()
    expect(await restore()).toMatchObject({ status: 'active' })
    expect(ask).not.toHaveBeenCalled()
    expect(found).not.toHaveBeenCalled()
  })

  test('and has given up is tried once more, whatever comes of it', async () => {
    const { restore, signInHere, ask, state } = open()
    signInHere({ retryMs: undefined })
    ask.mockRejectedValueOnce(new Error('no'))
    const before = state()
    expect(await restore()).toMatchObject({ status: 'stale' })
    expect(ask.mock.calls).toEqual([[before, 'requested', true]])
  })

  test('and will try again by itself is left alone', async () => {
    const { restore, signInHere, ask } = open()
    signInHere({ retryMs: 1_000 })
    expect(await restore()).toMatchObject({ status: 'stale' })
    expect(ask).not.toHaveBeenCalled()
  })

  test('is waited for no longer than the caller does', async () => {
    const { restore, signInHere, ask } = open()
    signInHere({ retryMs: undefined })
    ask.mockReturnValueOnce(flightOf())
    const caller = new AbortController()
    const restoring = restore(false, caller.signal)
    expect(await fateOf(restoring)).toBe('pending')
    caller.abort()
    expect(await fateOf(restoring)).toMatchObject({ value: { status: 'stale' } })
  })
})

describe('a search that is under way', () => {
  test('is joined, and what comes of it is the answer to all', async () => {
    const { restore, begin, found, parts } = open()
    begin('signed-in')
    const answers = [restore(), restore()]
    expect(await Promise.all(answers)).toEqual([parts.store.snapshot(), parts.store.snapshot()])
    expect(parts.store.snapshot()).toMatchObject({ status: 'active' })
    expect(found).toHaveBeenCalledOnce()
  })

  test('that fails is nothing to those who have joined, and who gives up gives up alone', async () => {
    const answer = pending<TokenResponse>()
    const { restore } = open({ source: { ...asksServer, restore: () => answer.promise } })
    const first = restore()
    const caller = new AbortController()
    const second = restore(false, caller.signal)
    const third = restore()
    await settle()
    caller.abort()
    await expect(second).rejects.toMatchObject({ code: 'aborted' })
    expect(await fateOf(third)).toBe('pending')
    answer.reject(new Error('lost'))
    await expect(first).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(await third).toMatchObject(never)
  })

  test('is given up by its caller, and goes on for the others', async () => {
    const answer = pending<TokenResponse>()
    const { restore } = open({ source: { ...asksServer, restore: () => answer.promise } })
    const caller = new AbortController()
    const first = restore(false, caller.signal)
    await settle()
    const second = restore()
    caller.abort()
    await expect(first).rejects.toMatchObject({ code: 'aborted' })
    answer.resolve(issued)
    expect(await second).toMatchObject({ status: 'active' })
  })

  test('is given up by its caller, though a login has overtaken it', async () => {
    const { restore, parts } = open({ source: { ...asksServer, restore: () => flightOf() } })
    const caller = new AbortController()
    const restoring = restore(false, caller.signal)
    await settle()
    caller.abort()
    parts.attempts.overtake()
    await expect(restoring).rejects.toMatchObject({ code: 'aborted' })
  })

  test('and is overtaken by a login, is given up by its caller all the same', async () => {
    const { restore, parts } = open({ source: { ...asksServer, restore: () => flightOf() } })
    const caller = new AbortController()
    const restoring = restore(false, caller.signal)
    await settle()
    parts.attempts.start(() => flightOf())
    expect(await fateOf(restoring)).toBe('pending')
    caller.abort()
    await expect(restoring).rejects.toMatchObject({ code: 'aborted' })
  })

  test('that two logins overtake waits for the second', async () => {
    const { restore, parts, signInHere } = open({ source: { ...asksServer, restore: () => flightOf() } })
    const restoring = restore()
    await settle()
    const [first, second] = [pending<SessionState>(), pending<SessionState>()]
    parts.attempts.start(() => first.promise)
    await settle()
    parts.attempts.start(() => second.promise)
    first.reject(new Error('overtaken'))
    expect(await fateOf(restoring)).toBe('pending')
    signInHere()
    second.resolve(parts.store.snapshot())
    expect(await restoring).toMatchObject({ status: 'active' })
  })

  test('takes no longer than three calls may', async () => {
    const { restore, parts, world } = open()
    parts.attempts.start(() => flightOf())
    const restoring = restore()
    restoring.catch(() => {})
    await world.pass(3 * TIMEOUT_MS - 1)
    expect(await fateOf(restoring)).toBe('pending')
    await world.pass(1)
    expect(await fateOf(restoring)).toMatchObject({ error: { code: 'timeout' } })
  })
})

describe('a page that the answer to a login comes to', () => {
  const elsewhere = new TokenError('session_changed', 'another tab finishes it')

  /** The answer is there once. */
  function answered(login: NonNullable<Source['login']>, given: More = {}) {
    const returned = vi.fn<() => unknown>(() => undefined).mockReturnValueOnce('the answer')
    return { ...open({ ...given, source: { login, returned, ...given.source } }), returned }
  }

  test('is signed in by it, and takes it out of the URL before anything else', async () => {
    const login = vi.fn(async () => issued)
    const { restore, returned, state, found } = answered(login)
    const restoring = restore()
    expect(returned).toHaveBeenCalledOnce()
    expect(state().status).toBe('restoring')
    expect(await restoring).toMatchObject({ status: 'active' })
    expect(login.mock.calls).toMatchObject([['the answer', {}]])
    expect(found).not.toHaveBeenCalled()
  })

  test('does not look for an answer while a login flies', async () => {
    const { restore, returned, parts } = answered(async () => issued)
    parts.attempts.start(async () => parts.store.snapshot())
    expect(await restore()).toMatchObject(never)
    expect(returned).not.toHaveBeenCalled()
  })

  test('finds the session that was there when the answer is worth nothing, and says so all the same', async () => {
    const refused = new TokenError('login_failed', 'no')
    const { restore, begin, found, state } = answered(() => Promise.reject(refused))
    begin('signed-in')
    await expect(restore()).rejects.toBe(refused)
    expect(found).toHaveBeenCalledOnce()
    expect(state().status).toBe('active')
  })

  test('asks the server again only if it is told to', async () => {
    const refused = new TokenError('login_failed', 'no')
    for (const isAsking of [true, false]) {
      const asked = vi.fn(async () => undefined)
      const { restore, begin } = answered(() => Promise.reject(refused), { source: { ...asksServer, restore: asked } })
      begin('nobody')
      await expect(restore(isAsking)).rejects.toBe(refused)
      expect(asked).toHaveBeenCalledTimes(isAsking ? 1 : 0)
    }
  })

  test('is given up by its caller', async () => {
    const { restore } = answered(() => flightOf())
    const caller = new AbortController()
    const restoring = restore(false, caller.signal)
    await settle()
    caller.abort()
    await expect(restoring).rejects.toMatchObject({ code: 'aborted' })
  })

  test('waits for the login that another tab finishes with it', async () => {
    const { restore, begin, signInHere, parts } = answered(() => Promise.reject(elsewhere))
    const restoring = restore()
    expect(await fateOf(restoring)).toBe('pending')
    begin('signed-in')
    signInHere()
    expect(await restoring).toMatchObject({ status: 'active' })
    expect(parts.attempts.current()).toBeUndefined()
  })

  test('is waited for by whoever looks for a session meanwhile, for as long as he likes', async () => {
    const { restore, begin, signInHere } = answered(() => Promise.reject(elsewhere))
    void restore()
    const another = restore()
    const caller = new AbortController()
    const impatient = restore(false, caller.signal)
    expect(await fateOf(another)).toBe('pending')
    caller.abort()
    expect(await fateOf(impatient)).toMatchObject({ error: { code: 'aborted' } })
    begin('signed-in')
    signInHere()
    expect(await another).toMatchObject({ status: 'active' })
  })

  test('is waited for no more when the manager is disposed of, and then nothing is looked for', async () => {
    const asked = vi.fn(async () => issued)
    const { restore, dispose, world } = answered(() => Promise.reject(elsewhere), {
      source: { ...asksServer, restore: asked },
    })
    void restore().catch(() => {})
    const another = restore(true)
    another.catch(() => {})
    await settle()
    dispose()
    await world.pass(2 * TIMEOUT_MS)
    await expect(another).rejects.toMatchObject({ code: 'aborted' })
    expect(asked).not.toHaveBeenCalled()
  })

  test('is waited for no more when it is over: who looks then does so in the same task', async () => {
    const { restore, state, signOut } = answered(async () => issued)
    await restore()
    void signOut.logout()
    void restore()
    expect(state().status).toBe('restoring')
  })

  test('listens for it no longer than it waits', async () => {
    const { restore, signInHere, parts } = answered(() => Promise.reject(elsewhere))
    const stop = vi.fn()
    const { on } = parts.events
    vi.spyOn(parts.events, 'on').mockImplementation((type, listener) => {
      const forget = on(type, listener)
      return () => {
        stop()
        forget()
      }
    })
    const restoring = restore()
    await settle()
    expect(stop).not.toHaveBeenCalled()
    signInHere()
    await restoring
    expect(stop).toHaveBeenCalledOnce()
  })

  test('does not wait for what is here already', async () => {
    const { restore, signInHere } = answered(async () => {
      throw elsewhere
    })
    const restoring = restore()
    await Promise.resolve()
    signInHere()
    expect(await fateOf(restoring)).toMatchObject({ value: { status: 'active' } })
  })

  test('waits as long as a call may take, and then looks what there is', async () => {
    const { restore, world, found } = answered(() => Promise.reject(elsewhere))
    const restoring = restore()
    await world.pass(TIMEOUT_MS - 1)
    expect(await fateOf(restoring)).toBe('pending')
    await world.pass(1)
    expect(await fateOf(restoring)).toMatchObject({ value: never })
    expect(found).not.toHaveBeenCalled()
  })

  test('waits no longer than its caller does', async () => {
    const { restore } = answered(() => Promise.reject(elsewhere))
    const caller = new AbortController()
    const restoring = restore(false, caller.signal)
    await settle()
    caller.abort()
    expect(await fateOf(restoring)).toMatchObject({ error: { code: 'aborted' } })
  })

  test('does not take a foreign error for that, whatever it says', async () => {
    const { restore, world } = answered(() => Promise.reject(new Error('session_changed')))
    expect(await fateOf(restore())).toMatchObject({ error: { code: 'refresh_unavailable' } })
    expect(world.timers()).toEqual([])
  })
})
