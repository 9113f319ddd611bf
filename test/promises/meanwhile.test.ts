import { type Binding, cookieSource, type Ports, TokenError, type TokenResponse } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { createDesk, createWorld, type Reply, settle } from '../support/world.ts'
import { API, createScene, failureOf, later, only, watchOf } from './stage.ts'

describe('a login with a cookie', () => {
  test('F85: that was given up gives its cookie back, and ends the session whose cookie it has replaced', async () => {
    const scene = createScene({ credential: 'cookie' })
    const answer = later()
    await scene.tokens.login('ann')
    scene.desk.answerLogin(answer.promise)
    const controller = new AbortController()
    const login = failureOf(scene.tokens.login('bea', { signal: controller.signal }))
    await settle()
    controller.abort()
    expect(await login).toMatchObject({ code: 'aborted' })
    expect(scene.tokens.getState().signedIn).toBe(true)
    answer.resolve({ access_token: 'late.token' })
    await settle()
    expect(scene.desk.asked).toEqual(['login ann', 'login bea', 'revoke cookie late.token'])
    expect(only(scene.told, 'signed-out')).toMatchObject([{ reason: 'replaced', elsewhere: false }])
  })

  test('F85: that is answered when its time is over gives its cookie back all the same', async () => {
    const answer = later<Response>()
    const asked: string[] = []
    const scene = createScene({
      source: cookieSource<string>({ login: '/login', refresh: '/refresh', logout: '/logout' }),
      ports: {
        fetch: async (input) => {
          asked.push(input as string)
          return asked.length === 1 ? answer.promise : new Response()
        },
      },
    })
    const login = watchOf(scene.tokens.login('ann'))
    await scene.world.pass(12_000)
    expect(login).toMatchObject({ state: 'rejected', code: 'timeout' })
    answer.resolve(Response.json({ access_token: 'late.token' }))
    await settle()
    expect(asked).toEqual(['/login', '/logout'])
  })

  test('keeps a restore that it has overtaken from being asked for', async () => {
    const scene = createScene({ credential: 'cookie' })
    const revoked = later()
    await scene.tokens.login('ann')
    scene.desk.answerRevoke(revoked.promise as Promise<never>)
    void scene.tokens.logout()
    void scene.tokens.restore({ ask: true })
    await settle()
    const login = scene.tokens.login('bea')
    revoked.resolve({})
    expect(await login).toMatchObject({ signedIn: true })
    expect(scene.desk.asked).not.toContain('restore')
  })

  test('that has overtaken a restore is waited for, also when that is answered', async () => {
    const scene = createScene({ credential: 'cookie' })
    const [restored, login] = [later(), later()]
    scene.desk.answerRestore(restored.promise)
    scene.desk.answerLogin(login.promise)
    void scene.tokens.restore()
    await settle()
    void scene.tokens.login('bea')
    restored.resolve({})
    await settle()
    const request = scene.send()
    await settle()
    expect(scene.seen).toEqual([])
    login.resolve({})
    expect(await request).toMatchObject({ status: 200 })
    expect(scene.seen).toEqual(['Bearer bea.2'])
  })
})

describe('a session that ends', () => {
  test('F75: while the application looks at an answer takes the request with it', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    const sent: (string | undefined)[] = []
    const request = scene.tokens.send(
      { url: `${API}/` },
      {
        repeatable: true,
        async send(headers) {
          sent.push(headers['Authorization'])
          return 401
        },
        answer(status) {
          void scene.tokens.startSession({ access_token: 'bea.1', refresh_token: 'b1' })
          return { status, header: () => null }
        },
      },
    )
    expect(await failureOf(request)).toMatchObject({ code: 'session_changed' })
    expect(sent).toEqual(['Bearer ann.1'])
    expect(scene.refreshes()).toBe(0)
  })

  test('F74: in the middle of a refresh hears nothing of its failure', async () => {
    const scene = createScene()
    const answer = later()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(answer.promise)
    void failureOf(scene.send())
    await settle()
    void scene.tokens.logout()
    answer.reject(new TokenError('refresh_unavailable', 'busy', { transient: true }))
    await settle()
    expect(only(scene.told, 'signed-out')).toHaveLength(1)
    expect(only(scene.told, 'refresh-failed')).toEqual([])
  })

  test('F79: reports that the tokens which came late could not be given back', async () => {
    const scene = createScene()
    const answer = later()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(answer.promise)
    void failureOf(scene.send())
    await settle()
    scene.desk.answerRevoke('confirmed', 'unconfirmed')
    const report = scene.tokens.logout()
    answer.resolve({})
    expect(await report).toEqual({ revoked: 'unconfirmed' })
    expect(scene.desk.asked).toEqual(['login ann', 'refresh r1', 'revoke r1 ann.1', 'revoke r2 ann.2'])
  })

  test('F79: reports the same of those that came while the first were given back', async () => {
    const scene = createScene()
    const [answer, revoked] = [later(), later()]
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(answer.promise)
    void failureOf(scene.send())
    await scene.world.pass(9_000)
    scene.desk.answerRevoke(
      revoked.promise.then(() => 'confirmed'),
      'unconfirmed',
    )
    const report = scene.tokens.logout()
    // The refresh has timed out by then, and its answer is late.
    await scene.world.pass(2_000)
    answer.resolve({})
    await settle()
    revoked.resolve({})
    expect(await report).toEqual({ revoked: 'unconfirmed' })
    expect(scene.desk.asked).toEqual(['login ann', 'refresh r1', 'revoke r1 ann.1', 'revoke r2 ann.2'])
  })
})

const bound = { token_type: 'DPoP', cnf: { jkt: 'key' } }

/** Each proof comes when one of `proofs` does, or at once. */
function bindingOf(...proofs: unknown[]): Binding {
  return {
    allowBearer: false,
    create: async () => 'key',
    prove: async () => (await proofs.shift(), 'proof'),
    learn: () => false,
    forget: async () => {},
  }
}

test('F64: a bound token whose time was over when it came is sent, and not refreshed again and again', async () => {
  const desk = createDesk()
  const answer = later()
  desk.answerLogin(bound)
  desk.answer(answer.promise)
  const scene = createScene({ source: { ...desk.source, binding: bindingOf() }, desk })
  await scene.tokens.login('ann')
  await scene.world.pass(301_000)
  const request = watchOf(scene.send())
  await scene.world.pass(1_500)
  answer.resolve({ ...bound, expires_in: 1 })
  await scene.world.pass(1_000)
  expect(request).toMatchObject({ state: 'resolved' })
  expect(scene.seen).toEqual(['DPoP ann.2'])
})

test('a token that lived long enough when it was sent is not refreshed for a new proof', async () => {
  const desk = createDesk({ expiresIn: 60 })
  const answer = later<Reply>()
  desk.answerLogin(bound)
  const scene = createScene({
    source: { ...desk.source, binding: { ...bindingOf(), learn: () => true } },
    desk,
    decide: () => (scene.seen.length === 1 ? answer.promise : 200),
  })
  await scene.tokens.login('ann')
  const request = watchOf(scene.send({ minTtlMs: 120_000 }))
  await scene.world.pass(7_000)
  answer.resolve({
    status: 401,
    headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'one' },
  })
  await settle()
  expect(request).toMatchObject({ state: 'resolved', value: { status: 200 } })
  expect(scene.seen).toEqual(['DPoP ann.1', 'DPoP ann.1'])
  expect(scene.refreshes()).toBe(0)
})

test('newer tokens that came while a proof was made are not refreshed for the older ones', async () => {
  const desk = createDesk()
  desk.answerLogin(bound)
  desk.answer(bound, bound)
  const slow = later()
  const binding = bindingOf(slow.promise)
  const scene = createScene({ source: { ...desk.source, binding }, desk })
  await scene.tokens.login('ann')
  await scene.world.pass(238_000)
  const first = scene.send()
  await scene.world.pass(4_000)
  await scene.send()
  await settle()
  expect(scene.refreshes()).toBe(1)
  slow.resolve({})
  await first
  await settle()
  expect(scene.seen).toEqual(['DPoP ann.1', 'DPoP ann.1'])
  expect(scene.refreshes()).toBe(1)
  expect(scene.tokens.getState().status).toBe('active')
})

test('F29: a late refusal, which newer tokens of another tab make void, leaves the refresh after it alone', async () => {
  const world = createWorld()
  const desk = createDesk({ credential: 'cookie' })
  const late = later()
  const due: (() => void)[] = []
  let isFrozen = false
  const openChannel = (): never => {
    throw new Error('there is none')
  }
  const timer: Ports['timer'] = (task, delayMs) =>
    world.ports.timer(() => (isFrozen ? void due.push(task) : task()), delayMs)
  const first = createScene({ world, desk, ports: { openChannel, timer } })
  const second = createScene({ world, desk, ports: { openChannel } })
  await first.tokens.login('ann')
  await world.during(second.tokens.restore())
  await world.pass(300_500)
  desk.answer(late.promise)
  void failureOf(first.send())
  await world.pass(10_500)
  expect(first.tokens.getState().status).toBe('stale')
  isFrozen = true
  await world.pass(40_000)
  void second.send()
  await world.pass(6_000)
  expect(second.refreshes()).toBe(2)
  isFrozen = false
  for (const task of due) task()
  const request = watchOf(first.send())
  late.reject(new TokenError('refresh_rejected', 'that one is spent'))
  await world.pass(10_000)
  expect(request).toMatchObject({ state: 'resolved' })
  expect(only(first.told, 'refresh-failed')).toHaveLength(1)
  expect(first.tokens.getState().status).toBe('active')
})

describe('a manager that is disposed of', () => {
  test('ends the wait for a login', async () => {
    const scene = createScene()
    scene.desk.answerLogin(new Promise(() => {}))
    void failureOf(scene.tokens.login('ann'))
    const request = failureOf(scene.send({ required: true }))
    await settle()
    scene.tokens.dispose()
    expect(await request).toMatchObject({ code: 'aborted' })
  })

  test('in the first event of all watches nothing', async () => {
    const scene = createScene({ credential: 'cookie' })
    scene.tokens.subscribe(() => scene.tokens.dispose())
    void failureOf(scene.tokens.restore())
    await settle()
    expect(scene.world.watchers()).toBe(0)
    expect(scene.world.timers()).toEqual([])
  })
})

test.each(['https://other.example/', `${API}/`])('F10: a bare request to %s ends with its signal', async (url) => {
  const scene = createScene({ decide: () => new Promise<number>(() => {}) })
  const controller = new AbortController()
  const request = watchOf(scene.send({ url, signal: controller.signal }))
  await settle()
  expect(scene.seen).toEqual([undefined])
  controller.abort()
  await settle()
  expect(request).toMatchObject({ state: 'rejected', code: 'aborted' })
})

describe('a restore whose answer comes too late', () => {
  async function restoring() {
    const desk = createDesk()
    const answer = later<TokenResponse>()
    const scene = createScene({ desk, source: { ...desk.source, restore: () => answer.promise } })
    const outcome = watchOf(scene.tokens.restore())
    await settle()
    return {
      ...{ ...scene, outcome },
      async answer() {
        answer.resolve({ access_token: 'old', refresh_token: 'r0' })
        await settle()
      },
    }
  }

  test('because of a logout or a login has its tokens revoked', async () => {
    const one = await restoring()
    void one.tokens.logout()
    await one.answer()
    expect(one.desk.asked).toEqual(['revoke r0 old'])
    const other = await restoring()
    await other.tokens.login('bea')
    await other.answer()
    expect(other.desk.asked).toEqual(['login bea', 'revoke r0 old'])
    expect(other.outcome).toMatchObject({ state: 'resolved', value: { signedIn: true } })
  })

  test('because of a logout in another tab has them revoked too', async () => {
    const one = await restoring()
    const other = createScene({ world: one.world, desk: one.desk })
    await other.tokens.login('bea')
    await other.tokens.logout()
    await one.answer()
    expect(one.desk.asked).toEqual(['login bea', 'revoke r1 bea.1', 'revoke r0 old'])
    expect(one.tokens.getState().signedIn).toBe(false)
  })

  test('because the page is gone leaves the session to the next one', async () => {
    const { tokens, answer, desk } = await restoring()
    tokens.dispose()
    await answer()
    expect(desk.asked).toEqual([])
  })
})
