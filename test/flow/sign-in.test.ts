import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { createSignIn } from '../../src/flow/sign-in.ts'
import { createSignOut } from '../../src/flow/sign-out.ts'
import type { Ports, TokenSource } from '../../src/ports.ts'
import { toWish } from '../../src/session/narrow.ts'
import type { Held } from '../../src/session/state.ts'
import type { TokenResponse } from '../../src/token.ts'
import { createWorld, settle } from '../support/world.ts'
import { flightOf } from '../session/stage.ts'
import { createDrawer, fateOf, type Given, openTab, pending, sealed, TIMEOUT_MS } from './stage.ts'

type Source = TokenSource<never>

/** An ID token of somebody. Nobody verifies it. */
const idOf = (sub: string): string => `e30.${btoa(JSON.stringify({ sub })).replaceAll('=', '')}.x`
const pay = toWish({ scope: 'pay' })
const cookie: Partial<Source> = { credential: 'cookie' }
const refused = new TokenError('login_failed', 'no')

function open({ source, ...given }: Given = {}) {
  let issued = 0
  const issue = (part: Partial<TokenResponse> = {}): TokenResponse => ({
    ...{ access_token: `a${++issued}`, expires_in: 300, ...part },
    ...(source?.credential !== 'cookie' && { refresh_token: `r${issued}` }),
  })
  const login = vi.fn<NonNullable<Source['login']>>(async () => issue())
  const revoke = vi.fn<NonNullable<Source['revoke']>>(async () => 'confirmed')
  const tab = openTab({ ...given, source: { login, revoke, ...source } })
  const { parts } = tab
  const signOut = createSignOut(parts)
  const signIn = createSignIn(parts, signOut)
  return {
    ...{ ...tab, signIn, signOut, login, revoke, issue },
    /** Signs in, and lets all come of it that does. */
    async enter(part: Partial<TokenResponse> = {}) {
      login.mockResolvedValueOnce(issue(part))
      await signIn.login('ann' as never, undefined)
      await settle()
    },
    returned: () => revoke.mock.calls.map(([{ refreshToken, accessTokens }]) => [refreshToken, ...accessTokens]),
    state: () => parts.store.get(),
    newest: () => parts.epochs.newest(),
    here: () => (parts.store.get() as Held).tokens,
  }
}

describe('a login', () => {
  test('begins a session with what the source answers, here and in the record', async () => {
    const { signIn, login, state, newest, record, here, world, told } = open()
    const asked = world.ports.clock.now()
    const answer = pending<TokenResponse>()
    login.mockReturnValueOnce(answer.promise)
    const entering = signIn.login('ann' as never, undefined)
    await settle()
    world.freeze(1_000)
    answer.resolve({ access_token: 'odd!token', id_token: idOf('ann') })
    expect(await entering).toMatchObject({ status: 'active', signedIn: true, claims: { sub: 'ann' } })
    expect(login.mock.calls[0]?.[0]).toBe('ann')
    expect(state()).toMatchObject({ status: 'active', session: { epoch: newest()?.epoch, started: asked } })
    expect(here()).toMatchObject({ accessToken: 'odd!token', obtained: asked })
    expect(newest()).toMatchObject({ what: 'signed-in', reason: 'replaced' })
    await settle()
    expect(record()).toMatchObject({ epoch: newest()?.epoch, sequence: 1, user: 'ann', sealed: undefined })
    expect(told).toContainEqual({ type: 'alert', rule: 'odd-token' })
  })

  test('is all done before anybody is told', async () => {
    const { parts, newest, enter, state } = open()
    const seen: unknown[] = []
    parts.share.post = () => parts.events.emit('degraded', { what: 'channel', why: 'gone' })
    parts.events.on('degraded', () => void seen.push(newest()?.what, state().status))
    await enter()
    expect(seen).toEqual(['signed-in', 'active'])
  })

  test('is unsupported where the source has none, and overtakes nothing', async () => {
    const { signIn, parts, world } = open({ source: { login: undefined as never } })
    const attempt = parts.attempts.start(() => flightOf())
    await expect(signIn.login('ann' as never, undefined)).rejects.toMatchObject({ code: 'unsupported' })
    expect(parts.attempts.current()).toBe(attempt)
    expect(world.shared.channels.size).toBe(0)
  })

  test('takes part in what other tabs do', () => {
    const { signIn, world } = open()
    void signIn.login('ann' as never, undefined)
    expect(world.shared.channels.size).toBe(1)
  })

  test('that fails is no secret, but for what was typed in', async () => {
    const { signIn, login, state } = open()
    login.mockRejectedValueOnce(refused)
    await expect(signIn.login('ann' as never, undefined)).rejects.toBe(refused)
    login.mockRejectedValueOnce(new Error('no such user: ann'))
    const error = await signIn.login({ name: 'ann' } as never, undefined).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'refresh_unavailable', cause: { message: 'Error: no such user: [...]' } })
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
  })

  test('takes a token that is not bound only where the binding allows it', async () => {
    const bound = { access_token: 'a1', token_type: 'Bearer', cnf: { jkt: 'k1' } }
    const strict = open({ source: { binding: { allowBearer: false } as never } })
    strict.login.mockResolvedValueOnce(bound)
    await expect(strict.signIn.login('ann' as never, undefined)).rejects.toMatchObject({ code: 'malformed_response' })
    const { enter, here } = open({ source: { binding: { allowBearer: true } as never } })
    await enter(bound)
    expect(here()).toMatchObject({ tokenType: 'Bearer', key: 'k1' })
  })

  test('is given up by its caller', async () => {
    const { signIn, login, state } = open()
    const caller = new AbortController()
    login.mockReturnValueOnce(flightOf())
    const entering = signIn.login('ann' as never, caller.signal)
    await settle()
    caller.abort()
    await expect(entering).rejects.toMatchObject({ code: 'aborted' })
    expect(state().status).toBe('signed-out')
  })

  test('takes the place of a restore that is flying: who waits for that waits on', async () => {
    const { signIn, login, parts, state } = open()
    parts.store.dispatch({ type: 'restore-started', flight: flightOf(), session: undefined })
    login.mockRejectedValueOnce(refused)
    const entering = signIn.login('ann' as never, undefined)
    expect(state()).toMatchObject({ status: 'restoring', flight: parts.attempts.current()?.flight })
    await expect(entering).rejects.toBe(refused)
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
  })

  test('is no restore where none is flying', () => {
    const { signIn, state } = open()
    void signIn.login('ann' as never, undefined)
    expect(state().status).toBe('signed-out')
  })

  test('that comes back to the page is a restore, and is asked for no more', async () => {
    const authorize = vi.fn()
    const { signIn, login, state } = open({ source: { authorize } })
    const entering = signIn.login('the answer' as never, undefined, true)
    expect(state().status).toBe('restoring')
    await entering
    expect(state().status).toBe('active')
    expect(authorize).not.toHaveBeenCalled()
    expect(login.mock.calls[0]?.[0]).toBe('the answer')
  })
})

describe('the part of the user', () => {
  test('takes as long as he does, and what comes of it is what the source gets', async () => {
    const typed = pending<unknown>()
    let overtaken: AbortSignal | undefined
    const { signIn, login, world } = open({
      source: {
        async authorize(input: unknown) {
          expect(input).toBe('ann')
          return (signal) => {
            overtaken = signal
            return typed.promise
          }
        },
      },
    })
    const entering = signIn.login('ann' as never, undefined)
    await world.pass(10 * TIMEOUT_MS)
    expect(await fateOf(entering)).toBe('pending')
    expect(overtaken?.aborted).toBe(false)
    typed.resolve('code')
    await entering
    expect(login.mock.calls[0]?.[0]).toBe('code')
  })

  test('ends when a logout overtakes it, whether he heeds that or not', async () => {
    let overtaken: AbortSignal | undefined
    const { signIn, parts } = open({
      source: {
        async authorize() {
          return (signal) => {
            overtaken = signal
            return flightOf()
          }
        },
      },
    })
    void signIn.login('ann' as never, undefined).catch(() => {})
    const { over } = parts.attempts.current()!
    await settle()
    parts.attempts.overtake()
    expect(overtaken?.aborted).toBe(true)
    expect(await fateOf(over)).toEqual({ value: undefined })
  })
})

describe('a login that is overtaken', () => {
  test('before it has asked asks nobody', async () => {
    const { signIn, login, parts } = open()
    const entering = signIn.login('ann' as never, undefined).catch(() => {})
    parts.attempts.overtake()
    await entering
    await settle()
    expect(login).not.toHaveBeenCalled()
  })

  test('has its tokens given back when they come, before it is over', async () => {
    const { signIn, login, parts, issue, revoke, returned, state } = open()
    const [answer, back] = [pending<TokenResponse>(), pending<'confirmed'>()]
    login.mockReturnValueOnce(answer.promise)
    revoke.mockReturnValueOnce(back.promise)
    const entering = signIn.login('ann' as never, undefined)
    entering.catch(() => {})
    const { over } = parts.attempts.current()!
    await settle()
    const later = new TokenError('aborted', 'later')
    parts.attempts.overtake(later)
    await expect(entering).rejects.toBe(later)
    answer.resolve(issue())
    expect(await fateOf(over)).toBe('pending')
    expect(returned()).toEqual([['r1', 'a1']])
    back.resolve('confirmed')
    await over
    expect(state().status).toBe('signed-out')
  })

  test('has its cookie given back: it has replaced the one of the session that is here', async () => {
    const { signIn, login, parts, issue, returned, state, enter, newest } = open({ source: cookie })
    await enter()
    const answer = pending<TokenResponse>()
    login.mockReturnValueOnce(answer.promise)
    signIn.login('bob' as never, undefined).catch(() => {})
    const { over } = parts.attempts.current()!
    await settle()
    parts.attempts.overtake()
    answer.resolve(issue())
    await over
    expect(returned()).toEqual([[undefined, 'a2']])
    expect(state()).toMatchObject({ status: 'signed-out', reason: 'replaced' })
    expect(newest()).toMatchObject({ what: 'nobody', reason: 'replaced' })
  })

  /** A login by cookie that a logout overtakes; what the server says of its cookie. */
  async function overtaken(said: 'confirmed' | 'unconfirmed' | undefined, meanwhile?: (tab: Tab) => void) {
    const answer = pending<TokenResponse>()
    const tab = open({ source: { ...cookie, ...(!said && { revoke: undefined as never }) } })
    const { signIn, login, parts, issue, revoke } = tab
    login.mockReturnValueOnce(answer.promise)
    if (said) revoke.mockResolvedValue(said)
    signIn.login('ann' as never, undefined).catch(() => {})
    const { over } = parts.attempts.current()!
    await settle()
    parts.attempts.overtake()
    meanwhile?.(tab)
    answer.resolve(issue())
    await over
    return tab
  }
  type Tab = ReturnType<typeof open>

  test('leaves nobody signed in when the server has confirmed it', async () => {
    expect((await overtaken('confirmed')).newest()).toMatchObject({ what: 'nobody', reason: 'replaced' })
    expect((await overtaken('unconfirmed')).newest()).toBeUndefined()
    expect((await overtaken(undefined)).newest()).toBeUndefined()
  })

  test('does not hide why somebody was signed out', async () => {
    const begin =
      (what: 'unconfirmed' | 'nobody') =>
      ({ parts, world }: Tab): void =>
        void parts.epochs.begin(what, 'password-reset', world.now())
    const before = (await overtaken('confirmed', begin('unconfirmed'))).newest()
    expect(before).toMatchObject({ what: 'nobody', reason: 'password-reset' })
    expect((await overtaken('confirmed', begin('nobody'))).newest()).toMatchObject({ reason: 'replaced' })
  })

  test('ends nothing that has begun while its cookie was given back', async () => {
    const { newest, state } = await overtaken('confirmed', ({ revoke, signIn, make }) => {
      revoke.mockImplementationOnce(async () => {
        signIn.begin(make())
        return 'confirmed'
      })
    })
    expect(newest()).toMatchObject({ what: 'signed-in' })
    expect(state().status).toBe('active')
  })
})

test.each([
  ['listeners hear of it when its turn is over, so that no tab waits for them', false, { told: [0], returned: [] }],
  [
    'where it was overtaken the cookie is given back in its turn, before that of the next',
    true,
    { told: [], returned: [1] },
  ],
])('a login by cookie: %s', async (_, isOvertaken, seen) => {
  const world = createWorld()
  let held = 0
  const locks: Ports['locks'] = (name, task, signal) =>
    world.ports.locks(name, () => (held++, task().finally(() => held--)), signal)
  const { signIn, parts, revoke, login, issue } = open({ world, source: cookie, ports: { locks } })
  const [told, returned]: number[][] = [[], []]
  parts.events.on('signed-in', () => void told!.push(held))
  revoke.mockImplementation(async () => (returned!.push(held), 'confirmed'))
  const answer = pending<TokenResponse>()
  login.mockReturnValueOnce(answer.promise)
  signIn.login('ann' as never, undefined).catch(() => {})
  await settle()
  if (isOvertaken) parts.attempts.overtake()
  answer.resolve(issue())
  await settle()
  expect({ told, returned }).toEqual(seen)
})

describe('the mark of a login by cookie', () => {
  const entering = (tab: ReturnType<typeof open>) => tab.record()?.entering

  test('is in the record before the source is asked, and gone with the new session', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    const answer = pending<TokenResponse>()
    tab.login.mockReturnValueOnce(answer.promise)
    const done = tab.signIn.login('bob' as never, undefined)
    await settle()
    expect(tab.login).toHaveBeenCalledTimes(2)
    const since = tab.world.now()
    expect(entering(tab)).toEqual({ by: 'me 2', since, until: since + TIMEOUT_MS })
    answer.resolve(tab.issue())
    await done
    await settle()
    expect(entering(tab)).toBeUndefined()
  })

  test('is not made by one that was overtaken before, nor where there is no cookie', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    const update = vi.spyOn(tab.parts.share, 'update')
    tab.signIn.login('bob' as never, undefined).catch(() => {})
    tab.parts.attempts.overtake()
    await settle()
    expect(entering(tab)).toBeUndefined()
    expect(tab.login).toHaveBeenCalledOnce()
    expect(update).toHaveBeenCalledOnce()
    const byToken = open()
    await byToken.enter()
    byToken.login.mockReturnValueOnce(flightOf())
    void byToken.signIn.login('bob' as never, undefined)
    await settle()
    expect(entering(byToken)).toBeUndefined()
  })

  test('goes when it is overtaken while it is made', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    const { update } = tab.parts.share
    const made = pending<undefined>()
    tab.parts.share.update = async (change) => {
      const record = await update(change)
      if (record?.entering) await made.promise
      return record
    }
    tab.signIn.login('bob' as never, undefined).catch(() => {})
    await settle()
    expect(entering(tab)).toBeDefined()
    tab.parts.attempts.overtake()
    made.resolve(undefined)
    await settle()
    expect(entering(tab)).toBeUndefined()
    expect(tab.login).toHaveBeenCalledOnce()
  })

  test('goes when the login was refused, and the session goes on', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    tab.login.mockRejectedValueOnce(refused)
    await expect(tab.signIn.login('bob' as never, undefined)).rejects.toBe(refused)
    await settle()
    expect(entering(tab)).toBeUndefined()
    expect(tab.state().status).toBe('active')
  })

  test('stays when the answer was lost: the session ends, for its cookie may be another one', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    tab.login.mockRejectedValueOnce(new Error('lost'))
    await expect(tab.signIn.login('bob' as never, undefined)).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(tab.state()).toMatchObject({ status: 'signed-out', reason: 'replaced' })
    expect(tab.newest()).toMatchObject({ what: 'unconfirmed' })
  })

  test('goes when nothing was sent, and the session goes on', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    await tab.world.goOnline(false)
    tab.login.mockRejectedValueOnce(new Error('offline'))
    await expect(tab.signIn.login('bob' as never, undefined)).rejects.toMatchObject({ code: 'refresh_unavailable' })
    await settle()
    expect(entering(tab)).toBeUndefined()
    expect(tab.state().status).toBe('active')
  })

  test('of one login is not taken away by the next', async () => {
    const tab = open({ source: cookie })
    tab.write({ epoch: tab.parts.epochs.begin('signed-in', 'replaced', tab.world.now()) })
    tab.login.mockRejectedValueOnce(new Error('lost'))
    await tab.signIn.login('ann' as never, undefined).catch(() => {})
    expect(entering(tab)).toMatchObject({ by: 'me 1' })
    tab.login.mockRejectedValueOnce(refused)
    await tab.signIn.login('ann' as never, undefined).catch(() => {})
    await settle()
    expect(entering(tab)).toMatchObject({ by: 'me 1' })
  })

  test('does not end the session of whoever has signed in since', async () => {
    const tab = open({ source: cookie })
    await tab.enter()
    const answer = pending<TokenResponse>()
    tab.login.mockReturnValueOnce(answer.promise)
    const lost = tab.signIn.login('bob' as never, undefined)
    await settle()
    tab.signIn.begin(tab.make())
    answer.reject(new Error('lost'))
    await expect(lost).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(tab.state().status).toBe('active')
  })

  test('is nothing to a session with a token: an answer that was lost has changed nothing', async () => {
    const tab = open()
    await tab.enter()
    tab.login.mockRejectedValueOnce(new Error('lost'))
    await tab.signIn.login('bob' as never, undefined).catch(() => {})
    expect(tab.state().status).toBe('active')
  })

  test('is asked for of nobody where nobody has signed in yet', async () => {
    const tab = open({ source: cookie })
    const lost = new TokenError('timeout', 'lost')
    tab.login.mockRejectedValueOnce(lost)
    await expect(tab.signIn.login('bob' as never, undefined)).rejects.toBe(lost)
    expect(tab.newest()).toBeUndefined()
  })
})

describe('the session that was there before', () => {
  test('has its tokens given back, narrow ones too', async () => {
    const { enter, parts, state, returned, make } = open()
    await enter()
    const { session } = state() as Held
    parts.narrow.put(session, pay, make({ accessToken: 'to pay' }))
    await enter()
    expect(returned()).toEqual([['r1', 'a1', 'to pay']])
  })

  test('goes on for the same user: its tokens are left alone', async () => {
    const { enter, returned } = open()
    await enter({ id_token: idOf('ann') })
    await enter({ id_token: idOf('ann') })
    expect(returned()).toEqual([])
    await enter({ id_token: idOf('bob') })
    expect(returned()).toEqual([['r2', 'a2']])
  })

  test('has nothing to give back before it has tokens', async () => {
    const { enter, parts, returned, world } = open()
    const session = parts.newSession(1, world.ports.clock.now())
    parts.store.dispatch({ type: 'started', session, tokens: undefined })
    await enter()
    expect(returned()).toEqual([])
  })

  test('is given back out of the record where a storage keeps it', async () => {
    const { enter, returned, record, newest } = open({ storage: createDrawer() })
    await enter()
    expect(record()).toMatchObject({ sealed: sealed('r1', newest()?.epoch) })
    await enter()
    expect(returned()).toEqual([['r1', 'a1']])
    expect(record()).toMatchObject({ sealed: sealed('r2', newest()?.epoch) })
  })

  test('is given back where a storage should keep it, and does not', async () => {
    const { enter, returned } = open({
      storage: { ...createDrawer(), seal: () => Promise.reject(new Error('forbidden')) },
    })
    await enter()
    await enter()
    expect(returned()).toEqual([['r1', 'a1']])
  })

  test('had a cookie that is another one now: nothing is given back, and no turn is taken for it', async () => {
    const { enter, parts } = open({ source: cookie })
    const run = vi.spyOn(parts.calls, 'run')
    await enter()
    await enter()
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('is left alone in the record where the same user goes on', async () => {
    const { enter, parts, state, returned, make } = open({ storage: createDrawer() })
    await enter({ id_token: idOf('ann') })
    parts.narrow.put((state() as Held).session, pay, make({ accessToken: 'to pay' }))
    await enter({ id_token: idOf('ann') })
    expect(returned()).toEqual([])
  })
})

describe('what is stored', () => {
  test('is stored before anybody is told that he is signed in', async () => {
    const sealed = pending<unknown>()
    const { signIn, issue, record, newest } = open({ storage: { ...createDrawer(), seal: () => sealed.promise } })
    const entering = signIn.login('ann' as never, undefined)
    const starting = signIn.startSession(issue({ id_token: idOf('ann') }))
    entering.catch(() => {})
    expect(await fateOf(starting)).toBe('pending')
    sealed.resolve('sealed')
    expect(await starting).toMatchObject({ status: 'active' })
    expect(record()).toMatchObject({ epoch: newest()?.epoch, sealed: 'sealed', user: 'ann' })
  })

  test('is waited for by a login too', async () => {
    const sealed = pending<unknown>()
    const { signIn } = open({ storage: { ...createDrawer(), seal: () => sealed.promise } })
    const entering = signIn.login('ann' as never, undefined)
    expect(await fateOf(entering)).toBe('pending')
    sealed.resolve('sealed')
    expect(await entering).toMatchObject({ status: 'active' })
  })

  test('is not waited for where nothing is', async () => {
    const { signIn, issue } = open({ ports: { records: () => flightOf() } })
    expect(await fateOf(signIn.startSession(issue()))).toMatchObject({ value: { status: 'active' } })
  })

  test('too late is given back: nobody else knows of it', async () => {
    const sealed = pending<unknown>()
    const { signIn, signOut, issue, returned } = open({ storage: { ...createDrawer(), seal: () => sealed.promise } })
    void signIn.startSession(issue({ token_type: 'DPoP', cnf: { jkt: 'k1' } }))
    const { promise } = sealed
    await settle()
    expect(returned()).toEqual([])
    signOut.announce('nobody', 'logout')
    sealed.resolve('sealed')
    await promise
    await settle()
    expect(returned()).toEqual([['r1']])
  })

  test('too late is nothing to give back where there was no refresh token', async () => {
    const { signIn, signOut, revoke } = open({ storage: createDrawer() })
    void signIn.startSession({ access_token: 'a1' })
    signOut.announce('nobody', 'logout')
    await settle()
    expect(revoke).not.toHaveBeenCalled()
  })

  test('nowhere is given back by whoever ends the session', async () => {
    const { signIn, signOut, issue, returned } = open()
    void signIn.startSession(issue())
    signOut.announce('nobody', 'logout')
    await settle()
    expect(returned()).toEqual([])
  })
})

describe('tokens that were obtained elsewhere', () => {
  test('begin a session, and overtake a login', async () => {
    const { signIn, issue, parts, here, world } = open()
    const attempt = parts.attempts.start(() => flightOf())
    const now = world.ports.clock.now()
    expect(await signIn.startSession(issue())).toMatchObject({ status: 'active' })
    await expect(attempt.flight).rejects.toMatchObject({ code: 'aborted' })
    expect(here()).toMatchObject({ accessToken: 'a1', refreshToken: 'r1', obtained: now })
    expect(world.shared.channels.size).toBe(1)
  })

  test('that are none change nothing', async () => {
    const { signIn, parts, world } = open()
    const attempt = parts.attempts.start(() => flightOf())
    await expect(signIn.startSession({} as never)).rejects.toMatchObject({ code: 'malformed_response' })
    expect(parts.attempts.current()).toBe(attempt)
    expect(world.shared.channels.size).toBe(0)
  })

  test('are taken unbound only where the binding allows it', async () => {
    const response = { access_token: 'a1', token_type: 'Bearer', cnf: { jkt: 'k1' } }
    const { signIn, here } = open({ source: { binding: { allowBearer: true } as never } })
    await signIn.startSession(response)
    expect(here()).toMatchObject({ key: 'k1' })
  })
})
