import { createTokenManager, jsonSource, TokenError, type TokenManager } from 'tokenward'
import { afterEach, describe, expect, test } from 'vitest'
import { fault } from 'tokenward/testing'
import { placesOf } from '../support/canary.ts'
import { createDesk, createWorld, settle } from '../support/world.ts'
import { API, createScene, demo, listen, only, openStage, type Scene, type Stage } from './stage.ts'

let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

async function signedIn(options: Parameters<typeof createScene>[0] = {}): Promise<Scene> {
  const scene = createScene(options)
  await scene.tokens.login('ann')
  return scene
}

/** The states that a listener hears of. What a listener throws is reported, and fails no test: so it only writes down. */
function states(tokens: TokenManager<string>): string[] {
  const seen: string[] = []
  tokens.subscribe((state) => {
    seen.push(state === tokens.getState() ? state.status : `${state.status}, while getState() says another`)
  })
  return seen
}

describe('one event for each change, and none without', () => {
  test('F153: the whole life of a session, each told once the state can be read', async () => {
    const scene = createScene({ timing: { background: false } })
    const seen = states(scene.tokens)
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    await scene.send()
    await scene.world.pass(301_000)
    scene.desk.answer(new TokenError('refresh_unavailable', 'down', { transient: true }))
    await scene.send().catch(() => {})
    await scene.tokens.logout()
    expect(seen).toEqual(['active', 'refreshing', 'active', 'refreshing', 'stale', 'signed-out'])
    expect(scene.told.map(({ type, state }) => [type, state.status])).toEqual([
      ['signed-in', 'active'],
      ['refreshed', 'active'],
      ['refresh-failed', 'stale'],
      ['signed-out', 'signed-out'],
    ])
  })

  test.each(['cookie', 'token'] as const)('no listener is called while a lock is held: %s', async (credential) => {
    const world = createWorld()
    let held = 0
    const scene = createScene({
      world,
      credential,
      timing: { background: false },
      ports: {
        locks: (name, task, signal) => world.ports.locks(name, () => (held++, task().finally(() => held--)), signal),
      },
    })
    const seen: [string, number][] = []
    scene.tokens.subscribe(({ status }) => void seen.push([status, held]))
    for (const type of ['signed-in', 'signed-out', 'refreshed', 'refresh-failed'] as const)
      scene.tokens.on(type, () => void seen.push([type, held]))
    const down = new TokenError('refresh_unavailable', 'down', { transient: true })
    const renew = async (answer?: TokenError): Promise<void> => {
      await world.pass(301_000)
      if (answer) scene.desk.answer(answer)
      await scene.send().catch(() => {})
    }
    await scene.tokens.login('ann')
    await renew()
    await renew(down)
    await renew(new TokenError('refresh_rejected', 'over'))
    await scene.tokens.login('ann')
    expect(seen.filter(([, locks]) => locks > 0)).toEqual([])
    expect(new Set(seen.map(([name]) => name))).toEqual(
      new Set(['active', 'signed-in', 'refreshing', 'refreshed', 'stale', 'refresh-failed', 'signed-out']),
    )
  })

  test('nor is one of a restore, whatever the server answers', async () => {
    const answers = [{ access_token: 'first.token' }, undefined, new TokenError('refresh_unavailable', 'down')]
    for (const answer of answers) {
      const world = createWorld()
      let held = 0
      const scene = createScene({
        world,
        source: {
          ...createDesk({ credential: 'cookie' }).source,
          restore: async () => {
            if (answer instanceof Error) throw answer
            return answer
          },
        },
        ports: {
          locks: (name, task, signal) => world.ports.locks(name, () => (held++, task().finally(() => held--)), signal),
        },
      })
      const seen: [string, number][] = []
      scene.tokens.subscribe(({ status }) => void seen.push([status, held]))
      await scene.tokens.restore().catch(() => {})
      expect(seen).toEqual([
        ['restoring', 0],
        [answer && !(answer instanceof Error) ? 'active' : 'signed-out', 0],
      ])
    }
  })

  test('F152: focus, wake and the network’s return a hundred times: no event', async () => {
    const scene = await signedIn()
    await scene.send()
    const seen = states(scene.tokens)
    scene.told.length = 0
    for (let i = 0; i < 100; i++) {
      await scene.world.tell('wake')
      await scene.world.goOnline(true)
      await scene.tokens.restore()
      scene.tokens.touch()
    }
    expect(scene.told).toEqual([])
    expect(seen).toEqual([])
  })

  test('getState is the same frozen object until something changes', async () => {
    const scene = createScene()
    scene.desk.answerLogin({ scope: 'a b', id_token: `e30.${btoa('{"sub":"ann","roles":["x"]}').replace(/=+$/, '')}.` })
    const before = scene.tokens.getState()
    expect(scene.tokens.getState()).toBe(before)
    await scene.tokens.login('ann')
    const state = scene.tokens.getState()
    expect(state).not.toBe(before)
    await scene.send()
    scene.tokens.touch()
    await scene.world.pass(10_000)
    expect(scene.tokens.getState()).toBe(state)
    expect(state).toMatchObject({ scope: ['a', 'b'], claims: { sub: 'ann', roles: ['x'] } })
    expect(unfrozen(state)).toEqual([])
  })

  test('F156: each class of failure is one observable change', async () => {
    for (const code of [
      'refresh_unavailable',
      'configuration',
      'refresh_rejected',
      'timeout',
      'malformed_response',
    ] as const) {
      const scene = await signedIn()
      await scene.world.pass(301_000)
      scene.told.length = 0
      scene.desk.answer(new TokenError(code, 'x', { transient: !/configuration|rejected/.test(code) }))
      await scene.send().catch(() => {})
      expect(only(scene.told, 'refresh-failed')).toHaveLength(1)
      expect(scene.tokens.getState().status).toBe(code === 'refresh_rejected' ? 'signed-out' : 'stale')
    }
  })

  test('refreshed says what started it and how long it took', async () => {
    const scene = await signedIn({ decide: (sent) => (sent === 'Bearer ann.1' ? 401 : 200) })
    let answer = (_: object): void => {}
    scene.desk.answer(new Promise((resolve) => (answer = resolve)))
    const first = scene.send()
    await scene.world.pass(1_234)
    answer({})
    await first
    await scene.world.pass(100_000)
    await scene.send({ minTtlMs: 250_000 })
    await scene.world.pass(250_000)
    scene.world.sleep(400_000)
    await scene.send()
    expect(only(scene.told, 'refreshed')).toMatchObject([
      { trigger: 'refused', durationMs: 1_234 },
      { trigger: 'requested', durationMs: 0 },
      { trigger: 'background', durationMs: 0 },
      { trigger: 'expired', durationMs: 0 },
    ])
  })
})

describe('alerts', () => {
  test('who asks for a token after the end is told of, once for each place; who goes without is not', async () => {
    const scene = createScene()
    await expect(scene.tokens.getAccessToken()).rejects.toMatchObject({ code: 'signed_out' })
    await scene.tokens.login('ann')
    await scene.tokens.logout()
    await scene.send()
    expect(only(scene.told, 'alert')).toEqual([])
    for (let time = 0; time < 2; time++) {
      await expect(scene.tokens.getAccessToken()).rejects.toMatchObject({ code: 'signed_out' })
      await expect(scene.send({ required: true })).rejects.toMatchObject({ code: 'signed_out' })
    }
    expect(only(scene.told, 'alert')).toEqual([{ rule: 'used-after-end', origin: API }])
  })

  test('who asks in the task in which the first session begins, or is looked for, does not ask after an end', async () => {
    const begin = [
      (scene: Scene) => scene.tokens.restore(),
      (scene: Scene) => scene.tokens.startSession({ access_token: 'a' }),
    ]
    for (const starts of begin) {
      const scene = createScene()
      const asked = scene.tokens.getAccessToken()
      const sent = scene.send({ required: true })
      const started = starts(scene)
      await expect(asked).rejects.toMatchObject({ code: 'signed_out' })
      await expect(sent).rejects.toMatchObject({ code: 'signed_out' })
      await started
      expect(only(scene.told, 'alert')).toEqual([])
    }
  })

  test('a refresh token that the server has seen before is told of, before the session ends', async () => {
    for (const reused of [true, false]) {
      const scene = await signedIn()
      await scene.world.pass(301_000)
      scene.desk.answer(new TokenError('refresh_rejected', 'x', { reused }))
      await expect(scene.send()).rejects.toMatchObject({ code: 'refresh_rejected' })
      const told = scene.told.slice(-3).map(({ type }) => type)
      expect(told).toEqual([reused ? 'alert' : 'signed-in', 'refresh-failed', 'signed-out'])
      expect(only(scene.told, 'alert')).toEqual(reused ? [{ rule: 'refresh-token-reused' }] : [])
    }
  })

  test.each([-3_600_000, 0, 3_600_000])('a server whose clock differs by %i ms is told of', async (aheadMs) => {
    const world = createWorld()
    const fetch = (): Promise<Response> => {
      const date = new Date(world.now() - aheadMs).toUTCString()
      return Promise.resolve(Response.json({ access_token: 'a' }, { headers: { date } }))
    }
    const source = jsonSource<string>({ login: 'https://auth.example.com/login', refresh: 'https://auth.example.com/' })
    const tokens = createTokenManager<string>({ source, ports: { ...world.ports, fetch } })
    const told = listen(tokens)
    await tokens.login('ann')
    expect(only(told, 'alert')).toEqual(aheadMs === 0 ? [] : [{ rule: 'clock-off', aheadMs }])
    tokens.dispose()
  })

  test('a refresh that gets another subject ends the session, and says so', async () => {
    const idToken = (sub: string): string => `e30.${btoa(JSON.stringify({ sub })).replace(/=+$/, '')}.`
    const scene = createScene()
    scene.desk.answerLogin({ id_token: idToken('ann') })
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    scene.desk.answer({ id_token: idToken('bea') })
    await expect(scene.send()).rejects.toMatchObject({ code: 'session_changed' })
    expect(scene.tokens.getState()).toMatchObject({ status: 'signed-out', reason: 'replaced' })
    expect(only(scene.told, 'alert')).toEqual([{ rule: 'subject-changed' }])
    expect(scene.seen).toEqual([])
    await settle()
    expect(scene.desk.asked).toContain('revoke r2 ann.2')
  })

  test('a scope that grew, and a refresh storm', async () => {
    const scene = createScene({ expiresIn: 1 })
    scene.desk.answerLogin({ scope: 'a' })
    scene.desk.answer({ scope: 'a b' })
    await scene.tokens.login('ann')
    for (let i = 0; i < 40; i++) {
      await scene.world.pass(1_001)
      await scene.send()
    }
    expect(only(scene.told, 'alert')).toEqual([{ rule: 'scope-grew', scope: ['a', 'b'] }, { rule: 'refresh-storm' }])
  })
})

describe('listeners', () => {
  test('F154: one that throws breaks neither the refresh nor another listener, and is reported', async () => {
    const scene = createScene()
    const heard: string[] = []
    const boom = new Error('the application’s own')
    const explode = (): never => {
      throw boom
    }
    for (const type of ['signed-in', 'refreshed', 'signed-out'] as const) {
      scene.tokens.on(type, explode)
      scene.tokens.on(type, () => heard.push(type))
    }
    scene.tokens.subscribe(explode)
    await scene.tokens.login('ann')
    await scene.world.pass(301_000)
    expect(await scene.send()).toMatchObject({ status: 200 })
    await scene.tokens.logout()
    expect(heard).toEqual(['signed-in', 'refreshed', 'signed-out'])
    expect(new Set(scene.world.reported)).toEqual(new Set([boom]))
  })

  test('F154: one that never resolves delays nobody', async () => {
    const scene = createScene()
    const never = (): unknown => new Promise(() => {})
    scene.tokens.on('signed-in', never)
    expect(await scene.tokens.login('ann')).toMatchObject({ status: 'active' })
  })

  test('may unsubscribe themselves and each other while they are called', async () => {
    const scene = createScene()
    const heard: string[] = []
    const off: (() => void)[] = []
    off.push(scene.tokens.on('signed-in', () => (heard.push('a'), off.forEach((stop) => stop()))))
    off.push(scene.tokens.on('signed-in', () => heard.push('b')))
    scene.tokens.on('signed-in', () => heard.push('c'))
    await scene.tokens.login('ann')
    await scene.tokens.login('bea')
    expect(heard).toEqual(['a', 'c', 'c'])
    off.forEach((stop) => stop())
  })

  test('one that is added while an event is told hears the next', async () => {
    const scene = createScene()
    const heard: string[] = []
    const stop = scene.tokens.on('signed-in', () => {
      stop()
      scene.tokens.on('signed-in', () => heard.push('late'))
    })
    await scene.tokens.login('ann')
    expect(heard).toEqual([])
    await scene.tokens.login('bea')
    expect(heard).toEqual(['late'])
  })

  test('cannot change what the next one hears', async () => {
    const scene = createScene()
    const heard: unknown[] = []
    scene.tokens.on('signed-out', (event) => void Reflect.set(event, 'reason', 'idle'))
    scene.tokens.on('signed-out', ({ reason }) => heard.push(reason))
    await scene.tokens.login('ann')
    await scene.tokens.logout()
    expect(heard).toEqual(['logout'])
  })

  test('the same function may listen twice, and each undo undoes one', async () => {
    const scene = createScene()
    let count = 0
    const listener = (): number => ++count
    const undo = scene.tokens.on('signed-in', listener)
    scene.tokens.on('signed-in', listener)
    await scene.tokens.login('ann')
    undo()
    undo()
    await scene.tokens.login('bea')
    expect(count).toBe(3)
  })

  test('F24: may call and await every method, in every event', async () => {
    for (const type of ['signed-in', 'signed-out', 'refreshed', 'refresh-failed'] as const) {
      const scene = createScene()
      const done: string[] = []
      let calls = 0
      const listener = async (): Promise<void> => {
        if (calls++ > 0) return
        const { tokens } = scene
        const all: [string, () => Promise<unknown>][] = [
          ['token', () => tokens.getAccessToken({ minTtlMs: 1 })],
          ['restore', () => tokens.restore()],
          ['send', () => scene.send()],
          ['login', () => tokens.login('bea')],
          ['logout', () => tokens.logout()],
        ]
        for (const [name, call] of all) {
          await call().catch(() => {})
          done.push(name)
        }
        tokens.dispose()
        done.push('dispose')
      }
      scene.tokens.on(type, () => void listener())
      await scene.tokens.login('ann')
      await scene.world.pass(301_000)
      if (type === 'refresh-failed') scene.desk.answer(new TokenError('refresh_unavailable', 'x', { transient: true }))
      await scene.send().catch(() => {})
      if (type === 'signed-out') await scene.tokens.logout()
      await scene.world.pass(60_000)
      expect([type, done]).toEqual([type, ['token', 'restore', 'send', 'login', 'logout', 'dispose']])
    }
  })

  test('events keep their order when a listener causes the next', async () => {
    const scene = createScene()
    const order: string[] = []
    scene.tokens.on('signed-in', ({ session: _ }) => {
      order.push('first hears signed-in')
      void scene.tokens.logout()
    })
    scene.tokens.on('signed-in', () => order.push('second hears signed-in'))
    scene.tokens.on('signed-out', () => order.push('signed-out'))
    await scene.tokens.login('ann').catch(() => {})
    expect(order).toEqual(['first hears signed-in', 'second hears signed-in', 'signed-out'])
  })
})

describe('F108: no secret in any payload, state or error', () => {
  test('a canary walks over everything that a stormy life with a real server tells', async () => {
    stage = await openStage({ auth: { accessTokenMs: 300_000 } })
    const { tokens, told, world, backend } = stage
    const collected: unknown[] = [told]
    tokens.subscribe((state) => collected.push(state))
    await tokens.login(demo)
    const keep = (work: Promise<unknown>): Promise<void> =>
      work.then(
        () => {},
        (error: unknown) => void collected.push(error),
      )
    for (const what of [
      fault.status(503),
      fault.captivePortal(),
      fault.truncatedJson(),
      fault.error('invalid_client'),
    ]) {
      await world.pass(301_000)
      backend.auth.settings.graceMs = 1e9
      backend.auth.faults.next('refresh', what)
      await keep(stage.get('/me'))
      await world.pass(20_000)
      await keep(tokens.restore())
      await keep(stage.get('/me'))
    }
    await keep(stage.get('/admin'))
    await keep(stage.get('/always-401'))
    await keep(stage.get(`/me?access_token=${backend.auth.liveAccessTokens().at(-1) ?? ''}`))
    await keep(
      tokens.send(
        { url: 'https://evil.test/', required: true },
        { repeatable: true, send: async () => 0, answer: () => undefined },
      ),
    )
    await keep(tokens.login({ email: 'demo@example.com', password: 'wrong-canary' }))
    backend.auth.revokeSessions()
    await world.pass(301_000)
    await keep(stage.get('/me'))
    collected.push(await tokens.logout())
    expect(new Set(told.map(({ type }) => type)).size).toBeGreaterThanOrEqual(6)
    const secrets = [...backend.auth.issuedTokens(), 'wrong-canary']
    expect(secrets.length).toBeGreaterThan(6)
    for (const secret of secrets) expect(placesOf(secret, collected)).toEqual([])
    expect(placesOf('demo@example.com', [...world.marks])).toEqual([])
    for (const secret of secrets) expect(placesOf(secret, [...world.marks])).toEqual([])
  })
})

function unfrozen(value: unknown, path = 'state'): string[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.entries(value).flatMap(([key, entry]) => unfrozen(entry, `${path}.${key}`))
  return Object.isFrozen(value) ? inner : [path, ...inner]
}
