import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { createCalls, timedOut } from '../../src/flow/calls.ts'
import type { Ports, SourceContext } from '../../src/ports.ts'
import { createWorld, settle, type World } from '../support/world.ts'

interface Given {
  readonly credential?: 'cookie' | 'token'
  readonly allowHttp?: boolean
  readonly ports?: Partial<Ports>
}

/** One tab, whose calls may take a second. */
function open(world: World, { credential = 'token', allowHttp = false, ports }: Given = {}) {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => new Response('ok'))
  const life = new AbortController()
  const [degraded, skewed] = [vi.fn(), vi.fn()]
  const options = { name: 'app', requestTimeoutMs: 1_000, allowHttp, life: life.signal, degraded, skewed }
  const calls = createCalls({ credential }, { ...world.ports, fetch, ...ports }, options)
  const begun: string[] = []
  /** A turn that makes one call, and is over when it is told. */
  const take = (name: string, options: Parameters<typeof calls.inTurn>[1] = {}) => {
    let answer = (_?: unknown): void => {}
    const outcome = calls.inTurn(async (call) => {
      begun.push(name)
      return call(() => new Promise<unknown>((resolve) => (answer = resolve)))
    }, options)
    return { outcome: outcome.catch((error: unknown) => error), answer: (value?: unknown) => answer(value) }
  }
  return { calls, fetch, life, degraded, skewed, begun, take }
}

const never = () => new Promise<never>(() => {})
const late = { code: 'timeout', transient: true }

test('a call resolves with its answer, rejects with what it throws, and leaves nothing behind', async () => {
  const world = createWorld()
  const { calls } = open(world)
  let signal: AbortSignal | undefined
  await expect(calls.run(async (context) => ((signal = context.signal), 'tokens'))).resolves.toBe('tokens')
  const wrong = new Error('wrong')
  await expect(calls.run(() => Promise.reject(wrong))).rejects.toBe(wrong)
  await world.pass(5_000)
  expect(signal?.aborted).toBe(false)
  expect(world.timers()).toEqual([])
})

test('a call that takes too long is a timeout, and is taken back a quarter of its time later', async () => {
  const world = createWorld()
  const { calls } = open(world)
  let signal: AbortSignal | undefined
  const outcome = calls.run((context) => ((signal = context.signal), never()))
  const settled = vi.fn()
  void outcome.catch(settled)
  await world.pass(999)
  expect(settled).not.toHaveBeenCalled()
  await world.pass(1)
  await expect(outcome).rejects.toMatchObject(late)
  await world.pass(249)
  expect(signal?.aborted).toBe(false)
  await world.pass(1)
  expect(signal?.reason).toMatchObject(late)
})

test.each([
  ['that has come', () => {}],
  ['that has failed', () => Promise.reject(new Error('cut off'))],
])('a late answer %s is not taken back', async (_, arrive) => {
  const world = createWorld()
  const { calls } = open(world)
  let signal: AbortSignal | undefined
  let answer = (): void => {}
  const arrived = new Promise<void>((resolve) => (answer = resolve)).then(arrive)
  const outcome = calls.run((context) => ((signal = context.signal), arrived)).catch(() => {})
  await world.pass(1_100)
  await outcome
  answer()
  await world.pass(5_000)
  expect(signal?.aborted).toBe(false)
})

test('a call by cookie is never taken back', async () => {
  const world = createWorld()
  const { calls } = open(world, { credential: 'cookie' })
  let signal: AbortSignal | undefined
  const outcome = calls.run((context) => ((signal = context.signal), never())).catch((error: unknown) => error)
  await world.pass(10_000)
  expect(await outcome).toMatchObject(late)
  expect(signal?.aborted).toBe(false)
})

test('a source may ask over TLS, or without leaving the machine', async () => {
  const world = createWorld()
  const { calls, fetch } = open(world)
  const request = new Request('https://auth.example.com/token')
  const all = ['/token', 'http://localhost:3000/token', new URL('https://auth.example.com'), request]
  for (const input of all) await calls.context.fetch(input, { method: 'POST' })
  expect(fetch.mock.calls).toEqual(all.map((input) => [input, { method: 'POST' }]))
})

test.each([
  ['a text', 'http://auth.example.com/token'],
  ['a URL', new URL('http://auth.example.com/token')],
  ['a request', new Request('http://auth.example.com/token')],
])('a source at http:, given as %s, is refused, unless that is allowed', async (_, input) => {
  const world = createWorld()
  const { calls, fetch } = open(world)
  const refused = expect(calls.context.fetch(input)).rejects
  await refused.toMatchObject({ code: 'configuration', message: /http:\/\/auth\.example\.com:/ })
  expect(fetch).not.toHaveBeenCalled()
  await open(world, { allowHttp: true, ports: { fetch } }).calls.context.fetch(input)
  expect(fetch).toHaveBeenCalledOnce()
})

test('a relative URL is one of the page', async () => {
  const world = createWorld({ baseUrl: 'http://app.example.com/' })
  const { calls } = open(world)
  await expect(calls.context.fetch('/token')).rejects.toMatchObject({ code: 'configuration' })
})

test.each([
  ['where there is no page', undefined, undefined, '/token'],
  ['that <base href> takes to another origin', 'https://evil.example.com/', 'https://app.example.com', '/token'],
  ['that is none', 'https://app.example.com/', 'https://app.example.com', 'https://'],
])('a relative URL %s gets no token: the error names the cure', async (_, baseUrl, origin, input) => {
  const { ports } = createWorld()
  const lifecycle = { ...ports.lifecycle, baseUrl: () => baseUrl, origin: () => origin }
  const { calls, fetch } = open(createWorld(), { ports: { lifecycle } })
  await expect(calls.context.fetch(input, { method: 'POST' })).rejects.toMatchObject({
    code: 'configuration',
    transient: false,
    message: /absolute/,
  })
  expect(fetch).not.toHaveBeenCalled()
})

test('<base href> may lead to another path, and an absolute URL goes where it says', async () => {
  const { ports } = createWorld()
  const lifecycle = { ...ports.lifecycle, baseUrl: () => 'https://app.example.com/shop/' }
  const { calls, fetch } = open(createWorld(), { ports: { lifecycle } })
  for (const input of ['token', '//auth.example.com/token', 'https://auth.example.com/token'])
    await calls.context.fetch(input, { method: 'POST' })
  expect(fetch).toHaveBeenCalledTimes(3)
})

test('an answer tells how far its server’s clock is ahead, if it says, and no cache has kept it', async () => {
  const world = createWorld()
  const { calls, fetch, skewed } = open(world)
  const date = new Date(world.now() + 600_000).toUTCString()
  for (const headers of [{ date }, { date, age: '0' }, {}]) {
    fetch.mockResolvedValueOnce(new Response('', { headers: headers as Record<string, string> }))
    await calls.context.fetch('/token', { method: 'POST' })
  }
  // What stands in for fetch in a test of an application.
  for (const bare of [{ ok: true }, { ok: true, headers: {} }]) {
    fetch.mockResolvedValueOnce(bare as Response)
    expect(await calls.context.fetch('/token', { method: 'POST' })).toBe(bare)
  }
  expect(skewed.mock.calls).toEqual([[600_500], [0], [0], [0], [0]])
})

test('the browser may have kept what is asked for with GET, and does not say so: its date tells nothing', async () => {
  const world = createWorld()
  const { calls, fetch, skewed } = open(world)
  const headers = { date: new Date(world.now() - 3_600_000).toUTCString() }
  fetch.mockImplementation(async () => new Response('{}', { headers }))
  await calls.context.fetch('/.well-known/openid-configuration', { cache: 'default' })
  await calls.context.fetch('/.well-known/openid-configuration')
  await calls.context.fetch('/me', { method: 'GET' })
  expect(skewed).not.toHaveBeenCalled()
})

test('a page that has slept longer than a call may take sends nothing any more', async () => {
  const world = createWorld()
  const { calls, fetch } = open(world)
  const { context } = calls
  world.sleep(1_000)
  await context.fetch('/token')
  world.sleep(1)
  await expect(context.fetch('/token')).rejects.toMatchObject(late)
  expect(fetch).toHaveBeenCalledOnce()
  await calls.context.fetch('/token')
  expect(fetch).toHaveBeenCalledTimes(2)
})

test.each<[string, Record<string, string>, number]>([
  ['ahead of that of the device', { date: 'Sun, 22 Nov 2026 01:00:00 GMT' }, 3_600_000],
  ['not known, because a cache has answered', { date: 'Sun, 22 Nov 2026 01:00:00 GMT', age: '5' }, 0],
  ['not known', {}, 0],
])('of every answer it is told how far the clock of the server is ahead: %s', async (_, headers, skewMs) => {
  const world = createWorld()
  const { calls, fetch, skewed } = open(world)
  fetch.mockImplementation(async () => {
    // As long as it takes, it is the middle of that time that counts.
    world.freeze(1_000)
    return new Response('ok', { headers })
  })
  expect(await (await calls.context.fetch('/token', { method: 'POST' })).text()).toBe('ok')
  expect(skewed.mock.calls).toEqual([[skewMs]])
})

test('what a source is given outside a call knows the time, and is not taken back', () => {
  const world = createWorld()
  const { context } = open(world).calls
  expect(context.now()).toBe(world.now())
  world.jump(5)
  expect(context.now()).toBe(world.now())
  expect(context.signal.aborted).toBe(false)
})

test('calls by cookie are made one after another, others at once', async () => {
  const world = createWorld()
  for (const [credential, atOnce] of [
    ['cookie', 1],
    ['token', 2],
  ] as const) {
    const { calls } = open(world, { credential })
    const asked = vi.fn(async (_: SourceContext) => never())
    for (let time = 0; time < 2; time++) calls.run(asked).catch(() => {})
    await settle()
    expect(asked).toHaveBeenCalledTimes(atOnce)
  }
})

test('turns are taken one after another, over all tabs', async () => {
  const world = createWorld()
  const [one, other] = [open(world), open(world)]
  const first = one.take('first')
  const second = one.take('second')
  const third = other.take('third')
  await settle()
  expect(one.begun).toEqual(['first'])
  expect(other.begun).toEqual([])
  first.answer('tokens')
  expect(await first.outcome).toBe('tokens')
  await settle()
  // Locks are granted in the order in which they are asked for.
  expect(other.begun).toEqual(['third'])
  expect(one.begun).toEqual(['first'])
  third.answer()
  await settle()
  expect(one.begun).toEqual(['first', 'second'])
  second.answer('more')
  expect(await second.outcome).toBe('more')
  await settle()
  expect(world.timers()).toEqual([])
  expect([...world.shared.held.values()]).toEqual([0])
})

test('a turn whose task fails is over, and rejects with that', async () => {
  const world = createWorld()
  const { calls, take, begun } = open(world)
  const wrong = new Error('wrong')
  await expect(calls.inTurn(() => Promise.reject(wrong))).rejects.toBe(wrong)
  await settle()
  expect(world.timers()).toEqual([])
  take('next')
  await settle()
  expect(begun).toEqual(['next'])
})

test.each([
  // The deadline of the call is a second; after that, another for a cookie, and half of one for any other answer.
  ['cookie', 2_000],
  ['token', 1_500],
] as const)('a call by %s that gets no answer keeps the next one waiting until it is lost', async (credential, ms) => {
  const world = createWorld()
  const { take, begun } = open(world, { credential })
  const first = take('first')
  take('second', { patience: 10 })
  await world.pass(ms - 1)
  expect(await first.outcome).toMatchObject(late)
  expect(begun).toEqual(['first'])
  await world.pass(1)
  expect(begun).toEqual(['first', 'second'])
})

test.each([
  ['arrives', () => 'tokens'],
  ['fails', () => Promise.reject(new Error('cut off'))],
])('the next one begins as soon as a late answer %s', async (_, arrive) => {
  const world = createWorld()
  const { take, begun } = open(world, { credential: 'cookie' })
  const first = take('first')
  take('second', { patience: 10 })
  await world.pass(1_200)
  expect(begun).toEqual(['first'])
  first.answer(arrive())
  await settle()
  expect(begun).toEqual(['first', 'second'])
})

test.each<[string, { patience?: number }, number]>([
  ['two calls', {}, 2_000],
  ['as long as it has patience', { patience: 0.5 }, 500],
])('a lock that nobody grants is waited for, but no longer than %s', async (_, options, ms) => {
  const world = createWorld()
  const { take, begun, degraded } = open(world, { ports: { locks: never } })
  const turn = take('turn', options)
  await world.pass(ms - 1)
  expect(begun).toEqual([])
  await world.pass(1)
  expect(begun).toEqual(['turn'])
  turn.answer('tokens')
  expect(await turn.outcome).toBe('tokens')
  expect(degraded).not.toHaveBeenCalled()
})

test('a lock that is let go and never says so holds nobody up for longer than an answer may be late', async () => {
  const world = createWorld()
  const { calls } = open(world, { ports: { locks: (_, task) => task().then(never) } })
  const told = vi.fn()
  void calls.inTurn(async (_, free) => free().then(told))
  await world.pass(249)
  expect(told).not.toHaveBeenCalled()
  await world.pass(1)
  expect(told).toHaveBeenCalledOnce()
})

test('a lock that nobody has granted is let go at once', async () => {
  const world = createWorld()
  const { calls } = open(world, { ports: { locks: never } })
  const told = vi.fn()
  void calls.inTurn(async (_, free) => free().then(told))
  await world.pass(2_000)
  expect(told).toHaveBeenCalledOnce()
})

const none = new Error('none')
const withoutLocks: Partial<Ports> = { locks: () => Promise.reject(none) }
const throwing: Partial<Ports> = {
  locks() {
    throw none
  },
}

test.each([
  ['withoutLocks', withoutLocks],
  ['throwing', throwing],
])('%s: a turn begins when those of this tab are over, and that there are none is told', async (_, ports) => {
  const world = createWorld()
  const { take, begun, degraded } = open(world, { ports })
  const first = take('first')
  take('second')
  await settle()
  expect(begun).toEqual(['first'])
  expect(degraded.mock.calls).toEqual([['locks', none]])
  first.answer()
  await settle()
  expect(begun).toEqual(['first', 'second'])
})

test('a page that was frozen finds the answer that has come meanwhile; what has not is late half a second later', async () => {
  const world = createWorld()
  const { calls } = open(world)
  let answer = (_: string): void => {}
  const first = calls.run(() => new Promise<string>((resolve) => (answer = resolve)))
  const second = calls.run(never)
  const settled = vi.fn()
  void second.catch(settled)
  world.freeze(60_000)
  await world.pass(0)
  answer('tokens')
  expect(await first).toBe('tokens')
  await world.pass(499)
  expect(settled).not.toHaveBeenCalled()
  await world.pass(1)
  await expect(second).rejects.toMatchObject(late)
  await world.pass(5_000)
  expect(world.timers()).toEqual([])
})

test('a turn takes no longer than three calls, the wait for it included', async () => {
  const world = createWorld()
  const { calls } = open(world)
  const outcome = calls.inTurn(never)
  const settled = vi.fn()
  void outcome.catch(settled)
  await world.pass(2_999)
  expect(settled).not.toHaveBeenCalled()
  await world.pass(1)
  await expect(outcome).rejects.toMatchObject(late)
})

test('who gives up while he waits is never at it, lets nobody in before his time, and leaves nothing behind', async () => {
  const world = createWorld()
  const { take, begun, degraded, life } = open(world)
  const forget = vi.fn()
  const first = take('first')
  let giveUp = (): void => {}
  const second = take('second', { until: (how) => ((giveUp = how), forget) })
  take('third')
  await settle()
  expect(forget).not.toHaveBeenCalled()
  giveUp()
  expect(await second.outcome).toMatchObject(late)
  await settle()
  expect(forget).toHaveBeenCalledOnce()
  expect(begun).toEqual(['first'])
  first.answer()
  await settle()
  expect(begun).toEqual(['first', 'third'])
  expect(degraded).not.toHaveBeenCalled()
  expect(getEventListeners(life.signal, 'abort')).toHaveLength(1)
})

test('who gives up does not ask for the lock any more', async () => {
  const world = createWorld()
  const locks = vi.fn<Ports['locks']>(never)
  const { take, begun } = open(world, { ports: { locks } })
  let giveUp = (): void => {}
  const { outcome } = take('turn', { until: (how) => ((giveUp = how), () => {}) })
  await settle()
  const [name, , signal] = locks.mock.calls[0]!
  expect(name).toBe('app')
  expect(signal.aborted).toBe(false)
  giveUp()
  expect(signal.aborted).toBe(true)
  expect(await outcome).toMatchObject(late)
  await world.pass(5_000)
  expect(begun).toEqual([])
})

test('when the manager is disposed of, what waits for its turn gives up, and what is at it goes on', async () => {
  const world = createWorld()
  const { take, begun, life } = open(world)
  const first = take('first')
  const second = take('second')
  await settle()
  life.abort()
  expect(await second.outcome).toMatchObject(late)
  first.answer('tokens')
  expect(await first.outcome).toBe('tokens')
  await settle()
  expect(begun).toEqual(['first'])
  expect(getEventListeners(life.signal, 'abort')).toEqual([])
})

test('what is in a hurry begins when the page is left, and is made though the manager is disposed of', async () => {
  const world = createWorld()
  const { take, begun, life } = open(world)
  const first = take('first')
  take('patient')
  const hurried = take('hurried', { hurry: true })
  await settle()
  await world.tell('wake')
  life.abort()
  await settle()
  expect(begun).toEqual(['first'])
  await world.tell('leave')
  expect(begun).toEqual(['first', 'hurried'])
  expect(world.watchers()).toBe(1)
  hurried.answer('done')
  expect(await hurried.outcome).toBe('done')
  await settle()
  expect(world.watchers()).toBe(0)
  first.answer()
})

test('who comes after one in a hurry waits for all before', async () => {
  const world = createWorld()
  const { take, begun } = open(world, { ports: withoutLocks })
  const first = take('first')
  const hurried = take('hurried', { hurry: true })
  await settle()
  await world.tell('leave')
  take('next')
  hurried.answer()
  await settle()
  expect(begun).toEqual(['first', 'hurried'])
  first.answer()
  await settle()
  expect(begun).toEqual(['first', 'hurried', 'next'])
})

test('a wait takes no longer than so many calls', async () => {
  const world = createWorld()
  const { calls } = open(world)
  await expect(calls.within(2, Promise.resolve('in time'))).resolves.toBe('in time')
  const outcome = calls.within(2, never()).catch((error: unknown) => error)
  const settled = vi.fn()
  void outcome.then(settled)
  await world.pass(1_999)
  expect(settled).not.toHaveBeenCalled()
  await world.pass(1)
  expect(await outcome).toEqual(timedOut())
})
