import { cookieSource, createTokenManager, jsonSource, type TokenManagerOptions } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { createDesk, createWorld } from '../support/world.ts'

const { source } = createDesk()
const create = (options: unknown): unknown => createTokenManager(options as TokenManagerOptions<string>)
/** With a good source beside what is wrong. */
const withSource = (options: object): unknown => create({ source, ...options })

/** Throws a `TypeError` of ours that holds every one of `cures`. */
function refuses(make: () => unknown, ...cures: RegExp[]): void {
  let error: unknown
  try {
    make()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(TypeError)
  expect((error as Error).message).toMatch(/^tokenward: /)
  for (const cure of cures) expect((error as Error).message).toMatch(cure)
}

describe('a wrong option throws a TypeError that names the cure', () => {
  test.each([undefined, null, 5, 'options'])('options: %j', (options) => {
    refuses(() => create(options), /cookieSource|source/)
  })

  test.each([
    undefined,
    null,
    {},
    'https://id.example.com',
    { id: '', credential: 'token', refresh() {} },
    { id: 'x', credential: 'header', refresh() {} },
    { id: 'x', credential: 'token' },
    { id: 'x', credential: 'token', refresh: '/refresh' },
    { credential: 'token', refresh() {} },
  ])('source: %j', (wrong) => {
    refuses(() => create({ source: wrong }), /cookieSource/, /jsonSource/)
  })

  test.each([['timeouts'], ['storages'], ['resource'], ['Timing']])('an option that there is not: %s', (name) => {
    refuses(() => withSource({ [name]: 1 }), new RegExp(`"${name}"`), /resources/)
  })

  test.each([['leeway'], ['refreshBeforeMs']])('a timing that there is not: %s', (name) => {
    refuses(() => withSource({ timing: { [name]: 1 } }), new RegExp(`"${name}"`), /leewayMs/)
  })

  test.each([[null], [5], ['fast'], [[]]])('timing: %j', (timing) => {
    refuses(() => withSource({ timing }), /timing/)
  })

  const durations = ['leewayMs', 'requestTimeoutMs', 'idleMs', 'absoluteMs', 'warnMs']
  const wrong = [NaN, Infinity, -1, '1000', null, {}, true]
  test.each(durations.flatMap((key) => wrong.map((value) => [key, value] as const)))('timing.%s: %j', (key, value) => {
    refuses(() => withSource({ timing: { [key]: value } }), new RegExp(`timing\\.${key}`), /milliseconds/)
  })

  test.each(['requestTimeoutMs', 'idleMs', 'absoluteMs'])('timing.%s: 0', (key) => {
    refuses(() => withSource({ timing: { [key]: 0 } }), new RegExp(`timing\\.${key}`))
  })

  test.each(['no', 1, null])('timing.background: %j', (background) => {
    refuses(() => withSource({ timing: { background } }), /background/, /true|false/)
  })

  test.each(['', 7, null])('name: %j', (name) => {
    refuses(() => withSource({ name }), /name/)
  })

  test.each(['true', 1, null])('dangerouslyAllowHttp: %j', (dangerouslyAllowHttp) => {
    refuses(() => withSource({ dangerouslyAllowHttp }), /dangerouslyAllowHttp/, /true|false/)
  })

  test.each([5, 'window', null])('ports: %j', (ports) => {
    refuses(() => withSource({ ports }), /ports/)
  })

  test.each(['clok', 'storage'])('a port that there is not: %s', (name) => {
    refuses(() => withSource({ ports: { [name]: () => 0 } }), new RegExp(name), /clock/)
  })

  test('a port that is something else', () => {
    refuses(() => withSource({ ports: { timer: 5 } }), /ports.timer must be a function/)
    refuses(() => withSource({ ports: { clock: () => 0 } }), /ports.clock must be an object/)
  })

  test.each([null, {}, { read: () => null }, { read: 1, write: 2 }])('a port that cannot do its work: %j', (marker) => {
    refuses(() => withSource({ ports: { marker } }), /ports.marker must be an object with the functions read, write/)
  })

  test('a port that is made by a class', () => {
    class Marker {
      read(): string | null {
        return null
      }
      write(): void {}
    }
    expect(() => withSource({ ports: { marker: new Marker() } })).not.toThrow()
  })

  test('resources that are no list, or an empty one', () => {
    refuses(() => withSource({ resources: 'https://api.example.com' }), /list/)
    refuses(() => withSource({ resources: { url: 'https://api.example.com' } }), /list/)
    refuses(() => withSource({ resources: [] }), /empty/, /leave it out/)
  })

  test.each([null, undefined, 5, '', '/api', 'api.example.com', '*', 'https://*.example.com:x', {}, { url: 5 }])(
    'resources: [%j] is no absolute URL',
    (resource) => {
      refuses(() => withSource({ resources: ['https://ok.example', resource] }), /resources\[1\]/, /https:/)
    },
  )

  test.each([
    'ftp://api.example.com',
    'ws://api.example.com',
    'data:,x',
    'blob:https://api.example.com/1',
    'file:///x',
  ])('resources: [%j] is no scheme that carries tokens', (resource) => {
    refuses(() => withSource({ resources: [resource] }), /resources\[0\]/, /https:/)
  })

  test.each([
    'https://u@api.example.com',
    'https://u:p@api.example.com',
    'https://a.example/?x',
    'https://a.example/#x',
    'https://*.example.com',
    'https://a.example/*',
  ])('resources: [%j] says more than an origin and a path', (resource) => {
    refuses(() => withSource({ resources: [resource] }), /userinfo, query, fragment and "\*"/)
  })

  test.each([
    'http://api.example.com',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://10.0.0.1',
  ])('resources: [%j] is http beyond loopback', (resource) => {
    refuses(() => withSource({ resources: [resource] }), /https:/, /dangerouslyAllowHttp/)
    expect(withSource({ resources: [resource], dangerouslyAllowHttp: true })).toBeDefined()
  })

  test('a resource with a member that there is not', () => {
    refuses(() => withSource({ resources: [{ url: 'https://api.example.com', scopes: 'a' }] }), /"scopes"/, /scope/)
  })

  test('what a source is not told, or told wrongly', () => {
    for (const make of [cookieSource, jsonSource] as ((options: never) => unknown)[]) {
      expect(() => make({} as never)).toThrow(TypeError)
      expect(() => make({ refresh: '' } as never)).toThrow(/refresh/)
      expect(() => make({ refresh: '/r', login: 5 } as never)).toThrow(/login/)
      expect(() => make({ refresh: '/r', read: 'x' } as never)).toThrow(/read/)
    }
    expect(() => cookieSource({ refresh: '/r', csrf: { cookie: '', header: 'x' } })).toThrow(/csrf/)
  })
})

describe('what is right is taken', () => {
  test.each([
    {},
    { resources: ['https://api.example.com'] },
    { resources: ['https://api.example.com/v1/', { url: 'https://pay.example.com' }] },
    { resources: ['http://localhost:3000', 'http://127.0.0.1:1', 'http://[::1]:2', 'http://app.localhost'] },
    { timing: {} },
    { timing: { leewayMs: 0, warnMs: 0, requestTimeoutMs: 1, idleMs: 1, absoluteMs: 1, background: false } },
    { name: 'shop', ports: {}, dangerouslyAllowHttp: false },
    { name: undefined, resources: undefined, timing: undefined, ports: undefined, dangerouslyAllowHttp: undefined },
  ])('%j', (options) => {
    expect(withSource(options)).toMatchObject({ getState: expect.any(Function) as unknown })
  })

  test('nothing is started by it', () => {
    const world = createWorld()
    const desk = createDesk({ credential: 'cookie' })
    create({ source: desk.source, ports: world.ports })
    expect(world.timers()).toEqual([])
    expect(world.watchers()).toBe(0)
    expect(world.marks.size).toBe(0)
    expect(desk.asked).toEqual([])
  })
})
