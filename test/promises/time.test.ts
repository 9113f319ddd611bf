import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settle } from '../support/world.ts'
import { createScene, failureOf, later, only, type Scene } from './stage.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MAX_DELAY = 2 ** 31 - 1

async function signedIn(options: Parameters<typeof createScene>[0] & { response?: object } = {}): Promise<Scene> {
  const { response, ...rest } = options
  const scene = createScene(rest)
  if (response) scene.desk.answerLogin(response)
  await scene.tokens.login('ann')
  return scene
}

describe('lifetimes', () => {
  test.each([
    ['25 days', 25 * 86_400],
    ['30 days', 30 * 86_400],
    ['41 days (milliseconds by mistake)', 3_600_000],
    ['ten years', 315_360_000],
    ['an epoch by mistake', 1_795_000_000],
    ['MAX_SAFE_INTEGER', Number.MAX_SAFE_INTEGER],
    ['1e308', 1e308],
  ])('F61: a token that lives %s overflows no timer', async (_, expiresIn) => {
    const scene = await signedIn({ response: { expires_in: expiresIn } })
    await scene.send()
    for (let day = 0; day < 24; day++) {
      for (const delay of scene.world.timers()) expect(delay).toBeLessThanOrEqual(MAX_DELAY)
      await scene.world.pass(DAY)
    }
    expect(scene.refreshes()).toBe(0)
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(Number.isFinite((scene.tokens.getState() as { expiresAt: number }).expiresAt)).toBe(true)
  })

  test.each(['token', 'cookie'] as const)('F61: no option overflows a timer, with a refresh %s', async (credential) => {
    const most = Number.MAX_SAFE_INTEGER
    const timing = { leewayMs: most, requestTimeoutMs: most, idleMs: most, absoluteMs: most, warnMs: most }
    const scene = await signedIn({ credential, timing })
    await scene.world.pass(301_000)
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBe(1)
    expect(await scene.tokens.logout()).toEqual({ revoked: 'confirmed' })
  })

  test('F61: timers are chained: a token of 30 days is refreshed after 30 days', async () => {
    const scene = await signedIn({ response: { expires_in: 30 * 86_400 } })
    await scene.send()
    await scene.world.pass(30 * DAY - 61_000)
    expect(scene.refreshes()).toBe(0)
    await scene.world.pass(61_000)
    expect(scene.refreshes()).toBe(1)
  })

  const odd = [
    undefined,
    null,
    '',
    NaN,
    Infinity,
    -Infinity,
    -1,
    0,
    1,
    '3600',
    '3600.5',
    'abc',
    '1e3',
    true,
    {},
    [],
    1e308,
  ]
  test.each(odd)('F62 F63 F64: expires_in %j: a usable token, and no loop', async (expiresIn) => {
    const scene = await signedIn({ response: { expires_in: expiresIn } })
    scene.desk.answer(...Array.from({ length: 100 }, () => ({ expires_in: expiresIn as number })))
    const { expiresAt } = await scene.tokens.getAccessToken()
    expect(expiresAt === undefined || Number.isFinite(expiresAt)).toBe(true)
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBe(0)
    await scene.world.pass(10_000)
    // Nobody used the tokens that came since.
    expect(scene.refreshes()).toBeLessThanOrEqual(1)
  })

  test('F63: digits as text are a lifetime, and a fraction is cut off', async () => {
    for (const [text, ms] of [
      ['3600', HOUR],
      ['3600.5', HOUR],
    ] as const) {
      const { tokens, world } = await signedIn({ response: { expires_in: text } })
      expect(tokens.getState()).toMatchObject({ expiresAt: world.now() + ms })
    }
  })

  test('F62: a token whose lifetime nobody states is used until it is refused', async () => {
    let refused = false
    const scene = await signedIn({
      response: { expires_in: undefined },
      decide: (sent) => (refused && sent === 'Bearer ann.1' ? 401 : 200),
    })
    await scene.world.pass(400 * DAY)
    expect(await scene.send({ minTtlMs: DAY })).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBe(0)
    refused = true
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBe(1)
  })

  test('F64: a server that always says 0 is refreshed at most once a second, however many requests come', async () => {
    const scene = await signedIn({ response: { expires_in: 0 } })
    scene.desk.answer(...Array.from({ length: 1_000 }, () => ({ expires_in: 0 })))
    for (let step = 0; step < 100; step++) {
      for (let i = 0; i < 5; i++) expect(await scene.send()).toMatchObject({ status: 200 })
      await scene.world.pass(100)
    }
    expect(scene.refreshes()).toBeLessThanOrEqual(11)
  })

  test('F65: the leeway is never more than half the lifetime', async () => {
    const lifetimes = fc.integer({ min: 1, max: 600 })
    const leeways = fc.integer({ min: 0, max: 1_200_000 })
    await fc.assert(
      fc.asyncProperty(
        lifetimes,
        leeways,
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (seconds, leewayMs, random) => {
          const scene = await signedIn({ expiresIn: seconds, timing: { leewayMs }, random: () => random })
          await scene.send()
          await scene.world.pass((seconds * 1_000) / 2 - 1)
          await scene.send()
          expect(scene.refreshes()).toBe(0)
          await scene.world.pass((seconds * 1_000) / 2 + 2)
          expect(scene.refreshes()).toBe(1)
          scene.tokens.dispose()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('F65: tokens of 60 s with a leeway of 90 s are refreshed twice a minute at most, not for every call', async () => {
    const scene = await signedIn({ expiresIn: 60, timing: { leewayMs: 90_000 } })
    for (let second = 0; second < 600; second++) {
      await scene.send()
      await scene.world.pass(1_000)
    }
    expect(scene.refreshes()).toBeLessThanOrEqual(20)
    expect(scene.refreshes()).toBeGreaterThanOrEqual(10)
  })
})

describe('clocks', () => {
  test('F66: a constant skew of days changes no decision', async () => {
    const run = async (skewMs: number): Promise<unknown[]> => {
      const scene = createScene()
      scene.world.jump(skewMs)
      await scene.tokens.login('ann')
      const log: unknown[] = []
      for (let step = 0; step < 40; step++) {
        await scene.send()
        log.push(scene.seen.at(-1), scene.tokens.getState().status, scene.refreshes(), scene.world.timers())
        await scene.world.pass(37_000)
      }
      return log
    }
    const straight = await run(0)
    for (const skew of [-DAY, -HOUR, HOUR, DAY, 3_650 * DAY, -3_650 * DAY]) expect(await run(skew)).toEqual(straight)
  })

  test.each([
    ['forward by an hour', HOUR],
    ['back by an hour', -HOUR],
    ['back by a day', -DAY],
  ])('F67: a clock that jumps %s costs at most one refresh, and no expired token is sent', async (_, jump) => {
    const scene = await signedIn()
    await scene.send()
    await scene.world.pass(100_000)
    scene.world.jump(jump)
    await scene.world.pass(1_000)
    await scene.send()
    expect(scene.refreshes()).toBeLessThanOrEqual(1)
    await scene.world.pass(10_000)
    expect(await scene.send()).toMatchObject({ status: 200 })
    expect(scene.refreshes()).toBeLessThanOrEqual(1)
    const before = scene.refreshes()
    await scene.world.pass(600_000)
    await scene.send()
    expect(scene.refreshes()).toBeGreaterThan(before)
    expect(scene.seen.at(-1)).not.toBe('Bearer ann.1')
  })

  test('F66 F67: whatever the clocks do, an expired token is never sent, and nothing loops', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('jump' as const), ms: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }) }),
      fc.record({ do: fc.constant('sleep' as const), ms: fc.integer({ min: 0, max: 12 * HOUR }) }),
      fc.record({ do: fc.constant('freeze' as const), ms: fc.integer({ min: 0, max: HOUR }) }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 400_000 }) }),
      fc.constant({ do: 'wake' as const, ms: 0 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const scene = await signedIn()
        const bornAt = new Map<string, number>()
        let monotonic = 0
        for (const { do: what, ms } of steps) {
          if (what === 'wake') await scene.world.tell('wake')
          else if (what === 'pass') await scene.world.pass(ms)
          else scene.world[what](ms)
          if (what === 'pass' || what === 'freeze') monotonic += ms
          expect(await scene.send()).toMatchObject({ status: 200 })
          const sent = scene.seen.at(-1) ?? ''
          if (!bornAt.has(sent)) bornAt.set(sent, monotonic)
          // By the clock that cannot jump no token was ever sent that was older than it may be.
          expect(monotonic - bornAt.get(sent)!).toBeLessThan(300_000)
        }
        expect(scene.refreshes()).toBeLessThanOrEqual(3 * steps.length + 3)
        scene.tokens.dispose()
      }),
      { numRuns: 100 },
    )
  })
})

describe('sleep and throttling', () => {
  test('F68: the first request after a sleep past expiry carries a new token', async () => {
    const scene = await signedIn()
    await scene.send()
    scene.world.sleep(HOUR)
    await scene.send()
    expect(scene.seen).toEqual(['Bearer ann.1', 'Bearer ann.2'])
    scene.world.sleep(HOUR)
    expect(await scene.tokens.getAccessToken()).toMatchObject({ value: 'ann.3' })
  })

  test('F69: on wake a refresh is tried first: no session is ended for an expired token', async () => {
    const scene = await signedIn()
    await scene.send()
    scene.world.sleep(330_000)
    await scene.world.tell('wake')
    expect(scene.tokens.getState().status).toBe('active')
    expect(scene.told.map(({ type }) => type)).toEqual(['signed-in', 'refreshed'])
  })

  test.each(['wake', 'online', 'a request'] as const)(
    'F69, F70: after a long sleep no session is ended, and nobody refreshes before somebody is there: %s',
    async (moment) => {
      const scene = await signedIn()
      await scene.send()
      scene.world.sleep(HOUR)
      await scene.world.pass(400_000)
      expect(scene.tokens.getState().status).toBe('active')
      expect(scene.refreshes()).toBe(0)
      await (moment === 'a request' ? scene.send() : scene.world.tell(moment))
      expect(scene.told.map(({ type }) => type)).toEqual(['signed-in', 'refreshed'])
    },
  )

  test('F70: after hours without timers there is one refresh to catch up', async () => {
    const scene = await signedIn()
    await scene.send()
    scene.world.freeze(5 * HOUR)
    await Promise.all([scene.world.tell('wake'), scene.world.tell('online' as const), scene.send(), scene.send()])
    await scene.world.pass(1_000)
    expect(scene.refreshes()).toBe(1)
  })

  test('F71: a page that is shown again after the planned refresh, before expiry, refreshes then', async () => {
    const scene = await signedIn()
    await scene.send()
    scene.world.freeze(270_000)
    await scene.world.tell('wake')
    expect(scene.refreshes()).toBe(1)
    expect(scene.told.map(({ type }) => type)).toEqual(['signed-in', 'refreshed'])
  })

  test('F72: a hundred queries on wake share one refresh', async () => {
    const scene = await signedIn()
    await scene.send()
    scene.world.sleep(HOUR)
    const queries = Array.from({ length: 100 }, () => scene.send())
    await scene.world.tell('wake')
    await Promise.all(queries)
    expect(scene.refreshes()).toBe(1)
    expect(new Set(scene.seen.slice(1))).toEqual(new Set(['Bearer ann.2']))
  })
})

describe('refreshes ahead of expiry', () => {
  test('a token that was used is refreshed in the leeway, apart from those of other clients', async () => {
    const due = async (random: number): Promise<number> => {
      const scene = await signedIn({ random: () => random })
      await scene.send()
      const start = scene.world.now()
      for (let i = 0; i < 300 && scene.refreshes() === 0; i++) await scene.world.pass(1_000)
      return scene.world.now() - start
    }
    expect(await due(0)).toBe(240_000)
    expect(await due(0.999)).toBe(252_000)
  })

  test('a token that nobody used is left alone', async () => {
    const scene = await signedIn()
    await scene.world.pass(HOUR)
    expect(scene.refreshes()).toBe(0)
    await scene.send()
    await scene.world.pass(HOUR)
    expect(scene.refreshes()).toBe(2)
  })

  test('background: false leaves it to the requests', async () => {
    const scene = await signedIn({ timing: { background: false } })
    await scene.send()
    await scene.world.pass(HOUR)
    expect(scene.refreshes()).toBe(0)
    expect(scene.world.timers()).toEqual([])
  })

  test('a request within the leeway starts one, and does not wait for it', async () => {
    const scene = await signedIn({ timing: { background: false } })
    await scene.world.pass(250_000)
    let answer = (_: object): void => {}
    scene.desk.answer(new Promise((resolve) => (answer = resolve)))
    await scene.send()
    await scene.send()
    expect(scene.seen).toEqual(['Bearer ann.1', 'Bearer ann.1'])
    await settle()
    expect(scene.refreshes()).toBe(1)
    answer({})
    await settle()
    await scene.send()
    expect(scene.seen.at(-1)).toBe('Bearer ann.2')
    expect(only(scene.told, 'refreshed')).toMatchObject([{ trigger: 'background' }])
  })
})

describe('minTtlMs', () => {
  test('a token that lives too short is refreshed first', async () => {
    const scene = await signedIn()
    await scene.world.pass(200_000)
    await scene.send({ minTtlMs: 90_000 })
    expect(scene.seen).toEqual(['Bearer ann.1'])
    await scene.send({ minTtlMs: 150_000 })
    expect(scene.seen.at(-1)).toBe('Bearer ann.2')
    expect(only(scene.told, 'refreshed')).toMatchObject([{ trigger: 'requested' }])
  })

  test('more than the server grants costs one refresh, whose result counts', async () => {
    const scene = await signedIn()
    await scene.world.pass(100_000)
    for (let i = 0; i < 10; i++) await scene.send({ minTtlMs: 10 * DAY })
    expect((await scene.tokens.getAccessToken({ minTtlMs: Infinity })).value).toBe('ann.2')
    expect(scene.refreshes()).toBe(1)
    expect(new Set(scene.seen)).toEqual(new Set(['Bearer ann.2']))
  })

  test('it is the one thing that a refresh which fails makes a request with a valid token fail for', async () => {
    const scene = await signedIn()
    await scene.world.pass(100_000)
    scene.desk.answer(new TypeError('Failed to fetch'))
    expect(await failureOf(scene.send({ minTtlMs: 250_000 }))).toMatchObject({ code: 'refresh_unavailable' })
    expect(await scene.send()).toMatchObject({ status: 200 })
  })
})

test.each([11_000, 60_000])(
  'a page that is frozen for %i ms in its refresh goes on with the tokens that came',
  async (ms) => {
    const scene = await signedIn()
    const answer = later()
    scene.desk.answer(answer.promise)
    await scene.world.pass(301_000)
    const request = scene.send()
    await settle()
    scene.world.freeze(ms)
    await scene.world.pass(0)
    answer.resolve({})
    expect(await request).toMatchObject({ status: 200 })
    expect(only(scene.told, 'refresh-failed')).toEqual([])
  },
)
