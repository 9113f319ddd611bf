import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import type { TokenStorage } from 'tokenward'
import { fault } from 'tokenward/testing'
import type { TokenResponse } from 'tokenward'
import { createDesk, createWorld, settle } from '../support/world.ts'
import { API, createScene, demo, failureOf, later, only, openStage, type Scene, type Stage, watchOf } from './stage.ts'

let stage: Stage
async function signedIn(flavour: 'cookie' | 'json' = 'cookie'): Promise<void> {
  stage = await openStage({ flavour, auth: { accessTokenMs: 300_000 } })
  await stage.tokens.login(demo)
}
afterEach(() => stage?.close())

describe('the logout report', () => {
  test.each(['cookie', 'json'] as const)('confirmed: the server has ended the session (%s)', async (flavour) => {
    await signedIn(flavour)
    expect(await stage.tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(stage.backend.auth.liveFamilies()).toEqual([])
    expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout', elsewhere: false })
    expect(only(stage.told, 'signed-out')).toMatchObject([{ reason: 'logout' }])
  })

  test.each([
    ['503', fault.status(503)],
    ['a broken connection', fault.dropped()],
    ['a captive portal', fault.body('<h1>Welcome</h1>', 'text/html', 403)],
  ])('F79: unconfirmed for %s; here the session is over all the same', async (_, what) => {
    await signedIn()
    stage.backend.auth.faults.next('logout', what)
    const report = stage.tokens.logout()
    expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
    expect(await report).toEqual({ revoked: 'unconfirmed' })
    expect(await failureOf(stage.get('/me', { required: true }))).toMatchObject({ code: 'signed_out' })
  })

  test('F79: unconfirmed after timeoutMs when the server never answers', async () => {
    await signedIn()
    stage.backend.auth.faults.next('logout', fault.silence())
    const report = watchOf(stage.tokens.logout({ timeoutMs: 2_000 }))
    await stage.world.pass(1_999)
    expect(report.state).toBe('pending')
    await stage.world.pass(1)
    expect(report).toMatchObject({ state: 'resolved', value: { revoked: 'unconfirmed' } })
  })

  test('unconfirmed after requestTimeoutMs when nothing else was said', async () => {
    await signedIn('json')
    stage.backend.auth.faults.next('logout', fault.silence())
    const report = watchOf(stage.tokens.logout())
    await stage.world.pass(10_000)
    expect(report).toMatchObject({ state: 'resolved', value: { revoked: 'unconfirmed' } })
  })

  test('not-configured where the source cannot revoke', async () => {
    const { id, credential, refresh, login } = createDesk().source
    const { tokens } = createScene({ source: { id, credential, refresh, login: login! } })
    await tokens.login('ann')
    expect(await tokens.logout()).toEqual({ revoked: 'not-configured' })
  })

  test('endSessionUrl says where to send the browser', async () => {
    const url = 'https://id.example.com/logout?client_id=app'
    const { tokens } = createScene({ source: { ...createDesk().source, endSessionUrl: () => url } })
    await tokens.login('ann')
    expect(await tokens.logout()).toEqual({ revoked: 'confirmed', endSessionUrl: url })
  })

  test('a source that fails in whatever way does not make logout reject', async () => {
    const failing = {
      ...createDesk().source,
      revoke: () => {
        throw new Error('synchronously')
      },
      endSessionUrl: () => {
        throw new Error('not discovered yet')
      },
    }
    const { tokens } = createScene({ source: failing })
    await tokens.login('ann')
    expect(await tokens.logout()).toEqual({ revoked: 'unconfirmed' })
    expect(tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
  })

  test('not-configured where the server turns out to have nothing to ask', async () => {
    const scene = createScene({
      source: { ...createDesk().source, revoke: () => Promise.resolve('not-configured' as const) },
    })
    await scene.tokens.login('ann')
    expect(await scene.tokens.logout()).toEqual({ revoked: 'not-configured' })
    expect(await scene.tokens.logout()).toEqual({ revoked: 'not-configured' })
  })

  test('a source that says something else than it may has confirmed nothing', async () => {
    const vague = { ...createDesk().source, revoke: async () => Promise.resolve('ok' as never) }
    const { tokens } = createScene({ source: vague })
    await tokens.login('ann')
    expect(await tokens.logout()).toEqual({ revoked: 'unconfirmed' })
  })

  test('a reason of the application’s shows in the state and in the event', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.tokens.logout({ reason: 'password-reset' })
    expect(scene.tokens.getState()).toMatchObject({ reason: 'password-reset' })
    expect(only(scene.told, 'signed-out')).toMatchObject([{ reason: 'password-reset' }])
  })

  test('a second logout asks nobody again, and says what became of the first', async () => {
    await signedIn()
    const reports = await Promise.all([stage.tokens.logout(), stage.tokens.logout()])
    expect(reports).toEqual([{ revoked: 'confirmed' }, { revoked: 'confirmed' }])
    expect(await stage.tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(stage.count('logout')).toBe(1)
    expect(only(stage.told, 'signed-out')).toHaveLength(1)
  })

  test('a second logout tries again where the first was not confirmed', async () => {
    await signedIn()
    stage.backend.auth.faults.next('logout', fault.status(503))
    expect(await stage.tokens.logout()).toEqual({ revoked: 'unconfirmed' })
    expect(await stage.tokens.logout()).toEqual({ revoked: 'confirmed' })
    expect(stage.backend.auth.liveFamilies()).toEqual([])
  })
})

describe('logout of a page that has looked for no session', () => {
  const storage: TokenStorage = {
    seal: async (plain) => [...plain],
    open: async (sealed) => Uint8Array.from(sealed as number[]),
    forget: async () => {},
  }

  test('ends the one that is stored', async () => {
    const [world, desk] = [createWorld(), createDesk()]
    const open = (): Scene => createScene({ world, desk, storage })
    const before = open()
    await before.tokens.login('ann')
    before.tokens.dispose()
    expect(await world.during(open().tokens.logout())).toEqual({ revoked: 'confirmed' })
    expect(desk.asked).toEqual(['login ann', 'revoke r1'])
    expect(await world.during(open().tokens.restore())).toMatchObject({ signedIn: false, reason: 'never-started' })
  })

  test('ends that of the other tabs, and does not say that the server has confirmed it', async () => {
    const [world, desk] = [createWorld(), createDesk()]
    const other = createScene({ world, desk })
    await other.tokens.login('ann')
    const report = await world.during(createScene({ world, desk }).tokens.logout())
    expect(report).toEqual({ revoked: 'unconfirmed' })
    expect(other.tokens.getState()).toMatchObject({ signedIn: false, reason: 'logout', elsewhere: true })
    expect(desk.asked).toEqual(['login ann', 'revoke r1 ann.1'])
  })
})

test.each(['cookie', 'token'] as const)(
  'a logout by whoever hears that the session was replaced is not meant for the next one (%s)',
  async (credential) => {
    const [world, desk] = [createWorld(), createDesk({ credential })]
    const [one, two] = [createScene({ world, desk }), createScene({ world, desk })]
    await one.tokens.login('ann')
    await world.during(two.tokens.restore())
    two.tokens.on('signed-out', () => void two.tokens.logout())
    await world.during(one.tokens.login('bea'))
    expect([one, two].map(({ tokens }) => tokens.getState().signedIn)).toEqual([true, true])
    expect(desk.asked.filter((call) => call.includes('bea'))).toEqual(['login bea'])
  },
)

describe('logout wins', () => {
  test('from the call on no request leaves with the old token, and what flies is aborted', async () => {
    await signedIn()
    const signals: AbortSignal[] = []
    const flying = failureOf(
      stage.tokens.send(
        { url: stage.backend.api.origin },
        {
          repeatable: true,
          send: (_, signal) => {
            signals.push(signal!)
            return new Promise(() => {})
          },
          answer: () => undefined,
        },
      ),
    )
    const report = stage.tokens.logout()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(await flying).toMatchObject({ code: 'signed_out' })
    await stage.get('/public')
    expect(stage.backend.api.log.map(({ presented }) => presented)).toEqual([undefined])
    await report
  })

  test('a thousand requests in flight are each aborted, and none of their signals has many listeners', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    const signals: AbortSignal[] = []
    const flying = Array.from({ length: 1_000 }, () =>
      failureOf(
        scene.tokens.send(
          { url: API },
          {
            repeatable: true,
            send(_, signal) {
              signal!.addEventListener('abort', () => {})
              signals.push(signal!)
              return new Promise(() => {})
            },
            answer: () => undefined,
          },
        ),
      ),
    )
    expect(Math.max(...[...new Set(signals)].map((one) => getEventListeners(one, 'abort').length))).toBeLessThan(200)
    await scene.tokens.logout()
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    expect(new Set((await Promise.all(flying)).map(({ code }) => code))).toEqual(new Set(['signed_out']))
  })

  test('F81: everything that waits rejects signed_out, and nothing is asked of the token endpoint afterwards', async () => {
    const scene = createScene()
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer(new Promise(() => {}))
    const waiting = [
      failureOf(scene.send()),
      failureOf(scene.tokens.getAccessToken()),
      failureOf(scene.send({ required: true })),
    ]
    await settle()
    void scene.tokens.logout()
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual(waiting.map(() => 'signed_out'))
    const refreshes = scene.refreshes()
    await scene.world.pass(86_400_000)
    await scene.world.tell('wake')
    await scene.world.goOnline(true)
    expect(scene.refreshes()).toBe(refreshes)
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
    expect(scene.world.timers()).toEqual([])
  })

  test.each(['cookie', 'json'] as const)(
    'F73: a refresh in flight cannot bring the session back; what it brings is revoked (%s)',
    async (flavour) => {
      await signedIn(flavour)
      await stage.world.pass(301_000)
      const gate = stage.hold('refresh', 'after')
      const waiting = failureOf(stage.get('/me'))
      await gate.arrived
      const report = watchOf(stage.tokens.logout())
      expect(await waiting).toMatchObject({ code: 'signed_out' })
      await stage.jar.quiet((call) => stage.jar.open.has(call))
      expect(report.state).toBe('pending')
      // In cookie mode the logout follows the refresh: else its late Set-Cookie would revive the session.
      if (flavour === 'cookie') expect(stage.count('logout')).toBe(0)
      gate.release()
      await stage.world.pass(0)
      expect(report).toMatchObject({ state: 'resolved', value: { revoked: 'confirmed' } })
      expect(stage.jar.value('refresh_token')).toBeUndefined()
      expect(stage.backend.auth.liveFamilies()).toEqual([])
      expect(stage.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'logout' })
      expect(only(stage.told, 'refreshed')).toEqual([])
      expect(await stage.world.during(stage.reload().restore())).toMatchObject({ signedIn: false })
    },
  )

  test('a page that is left hurries it: the call is on its way before the page is gone', async () => {
    await signedIn()
    await stage.world.pass(301_000)
    const gate = stage.hold('refresh', 'after')
    void stage.get('/me').catch(() => {})
    await gate.arrived
    void stage.tokens.logout()
    await stage.jar.quiet((call) => stage.jar.open.has(call))
    expect(stage.count('logout')).toBe(0)
    await stage.world.tell('leave')
    expect(stage.count('logout')).toBe(1)
    gate.release()
    await stage.world.pass(0)
    expect(stage.backend.auth.liveFamilies()).toEqual([])
  })

  test('F73: nor can what one API alone was to get, or what was fetched ahead; the report waits for it', async () => {
    const pay = 'https://pay.example.com'
    const scene = createScene({ resources: [API, { url: pay, reuse: 'once' }] })
    await scene.tokens.login('ann')
    const ahead = later<Partial<TokenResponse>>()
    scene.desk.answer({}, ahead.promise)
    await scene.send({ url: pay })
    await settle()
    scene.desk.answerRevoke('confirmed', 'unconfirmed')
    const report = watchOf(scene.tokens.logout())
    await settle()
    expect(report.state).toBe('pending')
    ahead.resolve({})
    await settle()
    expect(scene.desk.asked.slice(-2)).toEqual(['revoke r2 ann.1', 'revoke r3 ann.3'])
    expect(report).toMatchObject({ state: 'resolved', value: { revoked: 'unconfirmed' } })
  })

  test('F80: it works in every state: nothing is in its way', async () => {
    const states: [string, (scene: Scene) => unknown][] = [
      ['signed-out', () => {}],
      ['signed-out', ({ tokens }) => tokens.login('ann').catch(() => {})],
      ['restoring', ({ tokens, desk }) => (desk.answerRestore(new Promise(() => {})), void tokens.restore())],
      ['active', async ({ tokens }) => tokens.login('ann')],
    ]
    for (const [status, prepare] of states) {
      const scene = createScene({ credential: 'cookie' })
      if (status === 'signed-out') scene.desk.answerLogin(new Promise(() => {}))
      void prepare(scene)
      await settle()
      expect(scene.tokens.getState().status).toBe(status)
      const report = watchOf(scene.tokens.logout())
      expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', signedIn: false })
      await scene.world.pass(31_000)
      expect(report.state).toBe('resolved')
    }
  })

  test('a login right after it is not ended by it', async () => {
    await signedIn()
    const gate = stage.hold('logout')
    const report = watchOf(stage.tokens.logout())
    await gate.arrived
    const login = stage.tokens.login(demo)
    gate.release()
    expect(await login).toMatchObject({ status: 'active' })
    await stage.world.pass(301_000)
    expect((await stage.get('/me')).status).toBe(200)
    expect(report.value).toEqual({ revoked: 'confirmed' })
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({ status: 'active' })
  })
})

describe('what restore remembers in cookie mode', () => {
  test('a visitor who never signed in costs one call, and none from then on', async () => {
    stage = await openStage({ flavour: 'cookie' })
    expect(await stage.tokens.restore()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
    expect(await stage.tokens.restore()).toMatchObject({ status: 'signed-out' })
    for (let visit = 0; visit < 3; visit++)
      expect(await stage.world.during(stage.reload().restore())).toMatchObject({ signedIn: false })
    expect(stage.count('refresh')).toBe(1)
    expect([...stage.world.marks.keys()]).toHaveLength(1)
    expect(await stage.world.during(stage.reload().restore({ ask: true }))).toMatchObject({ signedIn: false })
    expect(stage.count('refresh')).toBe(2)
  })

  test('a session is found again after a reload', async () => {
    await signedIn()
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({ status: 'active' })
    expect((await stage.get('/me')).status).toBe(200)
  })

  test('F85: one that ended is not looked for, unless asked', async () => {
    await signedIn()
    await stage.tokens.logout()
    const calls = stage.backend.auth.log.length
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({ signedIn: false })
    expect(stage.backend.auth.log).toHaveLength(calls)
    expect(await stage.world.during(stage.reload().restore({ ask: true }))).toMatchObject({ signedIn: false })
    expect(stage.count('refresh')).toBe(1)
  })

  test('a logout that was not confirmed is repeated at the next start, and finds no session meanwhile', async () => {
    await signedIn()
    stage.backend.auth.faults.next('logout', fault.status(503))
    await stage.tokens.logout()
    expect(stage.backend.auth.liveFamilies()).toHaveLength(1)
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({ status: 'signed-out' })
    await stage.world.pass(0)
    expect(stage.backend.auth.liveFamilies()).toEqual([])
    expect(stage.count('logout')).toBe(2)
    await stage.world.during(stage.reload().restore())
    await stage.world.pass(0)
    expect(stage.count('logout')).toBe(2)
  })

  test('it is repeated before the server is asked, so that asking does not revive it', async () => {
    await signedIn()
    stage.backend.auth.faults.next('logout', fault.dropped())
    await stage.tokens.logout()
    expect(await stage.world.during(stage.reload().restore({ ask: true }))).toMatchObject({ signedIn: false })
    expect(stage.count('logout')).toBe(2)
  })

  test('a page that was left in the middle of a logout repeats it at the next start', async () => {
    await signedIn()
    stage.backend.auth.faults.next('logout', fault.dropped())
    void stage.tokens.logout().catch(() => {})
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({ signedIn: false })
    await stage.world.pass(0)
    expect(stage.backend.auth.liveFamilies()).toEqual([])
  })

  test('the server cannot be reached, and a session is known: stale, and it recovers by itself', async () => {
    await signedIn()
    const tokens = stage.reload()
    stage.backend.auth.faults.next('refresh', fault.status(503), 2)
    expect(await stage.world.during(tokens.restore())).toMatchObject({
      status: 'stale',
      signedIn: true,
      expiresAt: undefined,
    })
    expect(await failureOf(stage.get('/me'))).toMatchObject({ code: 'refresh_unavailable', transient: true })
    await stage.world.pass(60_000)
    expect(tokens.getState()).toMatchObject({ status: 'active' })
    expect((await stage.get('/me')).status).toBe(200)
  })

  test('the server cannot be reached, and nothing is known: restore rejects, and the state stays as it was', async () => {
    stage = await openStage({ flavour: 'cookie' })
    const before = stage.tokens.getState()
    stage.backend.auth.faults.next('refresh', fault.dropped())
    expect(await failureOf(stage.tokens.restore())).toMatchObject({ code: 'refresh_unavailable', transient: true })
    expect(stage.tokens.getState()).toEqual(before)
    // No answer came, so that nobody presents the cookie again before the time for one is over.
    const again = stage.tokens.restore()
    await stage.world.pass(14_000)
    expect(stage.count('refresh')).toBe(1)
    await stage.world.pass(2_000)
    expect(await again).toMatchObject({ signedIn: false })
    expect(stage.count('refresh')).toBe(2)
  })

  test('a known session that the server refuses has ended', async () => {
    await signedIn()
    stage.backend.auth.revokeSessions()
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({
      status: 'signed-out',
      reason: 'rejected',
    })
    expect(await stage.world.during(stage.reload().restore())).toMatchObject({ status: 'signed-out' })
    expect(stage.count('refresh')).toBe(1)
  })

  test.each(['', 'NaN', '-1', '{"status":"signed-in"}', '1e400', 'undefined', '9'.repeat(400)])(
    'F54: a remembered text %j wedges nothing: restore, login and logout work',
    async (text) => {
      const world = createWorld()
      const scene = createScene({ credential: 'cookie', name: 'app', world })
      for (const name of ['app', 'desk']) world.marks.set(name, text)
      scene.desk.answerRestore(undefined)
      expect(await scene.tokens.restore()).toMatchObject({ signedIn: false })
      expect(await scene.tokens.login('ann')).toMatchObject({ status: 'active' })
      expect(await scene.tokens.logout()).toEqual({ revoked: 'confirmed' })
    },
  )

  test('F84 F35: two managers of different names share nothing', async () => {
    const world = createWorld()
    const one = createScene({ credential: 'cookie', name: 'one', world })
    await one.tokens.login('ann')
    const other = createScene({ credential: 'cookie', name: 'other', world })
    other.desk.answerRestore(undefined)
    expect(other.tokens.getState()).toMatchObject({ reason: 'never-started' })
    expect(await other.tokens.restore()).toMatchObject({ signedIn: false })
    await other.send()
    expect(other.seen).toEqual([undefined])
    expect(one.tokens.getState().signedIn).toBe(true)
  })
})
