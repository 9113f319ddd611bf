import { createTokenManager, jsonSource } from 'tokenward'
import { createApiServer, createAuthServer, createClock, fault, type AuthServer } from 'tokenward/testing'
import { afterEach, describe, expect, test } from 'vitest'

const closing: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

describe('a fake clock', () => {
  test('runs timers in the order in which they are due, each at its time, and what they start', async () => {
    const clock = createClock({ startAt: 1_000 })
    const ran: [string, number][] = []
    const note = (name: string) => (): void => void ran.push([name, clock.now()])
    clock.timer(note('late'), 30)
    clock.timer(() => {
      note('early')()
      clock.timer(note('started'), 5)
    }, 10)
    const stop = clock.timer(note('stopped'), 20)
    stop()
    await clock.advance(29)
    expect(ran).toEqual([
      ['early', 1_010],
      ['started', 1_015],
    ])
    await clock.advance(1)
    expect(ran.at(-1)).toEqual(['late', 1_030])
    expect([clock.now(), clock.pending()]).toEqual([1_030, []])
  })

  test('waits for what follows from a timer before it runs the next', async () => {
    const clock = createClock()
    const ran: string[] = []
    clock.timer(() => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => ran.push('followed'))
    }, 1)
    clock.timer(() => ran.push('next'), 2)
    await clock.advance(2)
    expect(ran).toEqual(['followed', 'next'])
  })

  test('a jump moves the wall clock alone', () => {
    const { ports, jump } = createClock({ startAt: 5_000 })
    const before = ports.clock.now()
    jump(-2_000)
    expect(ports.clock.now()).toEqual({ wall: 3_000, monotonic: before.monotonic })
  })

  test('time does not run back', async () => {
    await expect(createClock().advance(-1)).rejects.toThrow(TypeError)
  })

  test('passes for as long as something needs, and not for ever', async () => {
    const clock = createClock({ startAt: 0 })
    const later = new Promise<string>((resolve) => void clock.timer(() => resolve('done'), 45))
    expect(await clock.during(later)).toBe('done')
    expect(clock.now()).toBe(45)
    await expect(clock.during(new Promise(() => {}), { limitMs: 100 })).rejects.toThrow('100 ms')
    await expect(clock.during(Promise.reject(new Error('own')))).rejects.toThrow('own')
  })
})

describe('a manager and its servers on one clock', () => {
  async function open(): Promise<{
    clock: ReturnType<typeof createClock>
    auth: AuthServer
    tokens: ReturnType<typeof createTokenManager<{ email: string; password: string }>>
    call(): Promise<number>
  }> {
    const clock = createClock()
    const auth = await createAuthServer({ clock, accessTokenMs: 60_000 })
    const api = await createApiServer({ clock, auth })
    const tokens = createTokenManager<{ email: string; password: string }>({
      source: jsonSource(auth.endpoints('json')),
      resources: [api.origin],
      timing: { background: false },
      ports: clock.ports,
    })
    closing.push(tokens.dispose, auth.close, api.close)
    return {
      clock,
      auth,
      tokens,
      call: () =>
        tokens.send(
          { url: `${api.origin}/me` },
          {
            repeatable: true,
            send: async (headers) => (await fetch(`${api.origin}/me`, { headers })).status,
            answer: (status) => ({ status, header: () => null }),
          },
        ),
    }
  }
  const demo = { email: 'demo@example.com', password: 'demo' }

  test('a token expires on both sides, and one refresh brings the next', async () => {
    const { clock, auth, tokens, call } = await open()
    await tokens.login(demo)
    expect(await call()).toBe(200)
    await clock.advance(61_000)
    expect(await Promise.all([call(), call(), call()])).toEqual([200, 200, 200])
    expect(auth.count('refresh')).toBe(1)
  })

  test('time waits for what is on its way, and passes for what is held up', async () => {
    const { clock, auth, tokens } = await open()
    await clock.during(tokens.login(demo))
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1))
    auth.faults.next('refresh', fault.silence())
    const before = clock.now()
    await clock.advance(61_000)
    await expect(clock.during(tokens.getAccessToken())).rejects.toMatchObject({ transient: true })
    expect(clock.now() - before).toBeGreaterThanOrEqual(71_000)
  })

  test('an outage ends by the same clock', async () => {
    const { clock, auth, tokens, call } = await open()
    await tokens.login(demo)
    auth.faults.outage(90_000)
    await clock.advance(61_000)
    await expect(call()).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(tokens.getState().status).toBe('stale')
    await clock.advance(60_000)
    expect(await clock.during(call())).toBe(200)
    expect(auth.log.filter(({ end }) => end === 'dropped').length).toBeGreaterThan(0)
  })

  test('a delayed answer is late by this clock, and by no other', async () => {
    const { clock, auth, tokens } = await open()
    auth.faults.next('login', { delayMs: 5_000 })
    const signingIn = tokens.login(demo)
    await expect.poll(() => auth.log.length).toBe(1)
    await clock.advance(4_999)
    expect(tokens.getState().signedIn).toBe(false)
    await clock.advance(1)
    expect(await signingIn).toMatchObject({ status: 'active' })
  })
})
