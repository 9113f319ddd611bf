import {
  cookieSource,
  createTokenManager,
  type Exchange,
  jsonSource,
  type Ports,
  type SendTarget,
  type SessionState,
  type TokenError,
  tokenErrorOf,
  type TokenEvents,
  type TokenManager,
  type TokenManagerOptions,
} from 'tokenward'
import { expect } from 'vitest'
import { newAbort } from '../../src/adapters/abort.ts'
import { type Backend, type BackendOptions, startBackend } from '../support/backend.ts'
import { type CookieJar, createCookieJar } from '../support/cookie-jar.ts'
import { createApiStub, createDesk, createWorld, type Desk, type Reply, type World } from '../support/world.ts'

const TYPES = [
  'signed-in',
  'signed-out',
  'refreshed',
  'refresh-failed',
  'session-ending',
  'withheld',
  'challenged',
  'degraded',
  'alert',
] as const satisfies readonly (keyof TokenEvents)[]

/** An event, with the state as the listener found it. */
export interface Told {
  readonly type: keyof TokenEvents
  readonly event: object
  readonly state: SessionState
}

/** Every event of a manager, in order. */
export function listen(tokens: TokenManager<never>): Told[] {
  const told: Told[] = []
  for (const type of TYPES) tokens.on(type, (event) => void told.push({ type, event, state: tokens.getState() }))
  return told
}

export function only(told: readonly Told[], type: keyof TokenEvents): object[] {
  return told.filter((one) => one.type === type).map(({ event }) => event)
}

/** What `promise` rejects with, which has to be a `TokenError` itself. */
export async function failureOf(promise: Promise<unknown>): Promise<TokenError> {
  const error = await promise.then(
    (value: unknown) => ({ resolved: value }),
    (reason: unknown) => reason,
  )
  const found = tokenErrorOf(error)
  if (!found || found !== error) expect(error).toMatchObject({ name: 'TokenError' })
  return found!
}

/** What became of a promise by now. */
export function watchOf<T>(promise: Promise<T>): {
  state: 'pending' | 'resolved' | 'rejected'
  value?: T
  code?: string
} {
  const watched: ReturnType<typeof watchOf<T>> = { state: 'pending' }
  promise.then(
    (value) => Object.assign(watched, { state: 'resolved', value }),
    (error: unknown) => Object.assign(watched, { state: 'rejected', code: tokenErrorOf(error)?.code }),
  )
  return watched
}

/** A promise, and what settles it. */
export function later<T extends object>(): {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
} {
  let settled!: { resolve(value: T): void; reject(error: Error): void }
  const promise = new Promise<T>((resolve, reject) => (settled = { resolve, reject }))
  return { promise, ...settled }
}

export type Options = Partial<Omit<TokenManagerOptions<string>, 'ports'>> & {
  readonly credential?: 'cookie' | 'token'
  readonly expiresIn?: number
  readonly random?: () => number
  readonly ports?: Partial<Ports>
  readonly world?: World
  readonly desk?: Desk
  readonly decide?: (authorization: string | undefined) => number | Reply | Promise<number | Reply>
}

/** A manager in a world whose time, source and API the test decides about. */
export interface Scene {
  readonly world: World
  readonly desk: Desk
  readonly tokens: TokenManager<string>
  readonly told: Told[]
  /** The `Authorization` of every request that left. */
  readonly seen: (string | undefined)[]
  send(target?: Partial<SendTarget> & { readonly repeatable?: boolean }): Promise<Reply>
  refreshes(): number
}

export const API = 'https://api.example.com'

export function createScene(options: Options = {}): Scene {
  const { credential, expiresIn, random, decide, ports, ...rest } = options
  const world = rest.world ?? createWorld(random && { random })
  const desk = rest.desk ?? createDesk({ ...(credential && { credential }), ...(expiresIn && { expiresIn }) })
  const api = createApiStub(decide)
  const { world: _world, desk: _desk, ...own } = rest
  const tokens = createTokenManager<string>({
    source: desk.source,
    resources: [API],
    ...own,
    ports: { ...world.ports, newAbort, ...ports },
  })
  return {
    world,
    desk,
    tokens,
    told: listen(tokens),
    seen: api.seen,
    send: ({ repeatable = true, ...target } = {}) =>
      tokens.send({ url: `${API}/orders`, ...target }, api.exchange({ repeatable })),
    refreshes: () => desk.asked.filter((one) => one.startsWith('refresh')).length,
  }
}

export interface Credentials {
  readonly email: string
  readonly password: string
}

export const demo: Credentials = { email: 'demo@example.com', password: 'demo' }
export const admin: Credentials = { email: 'admin@example.com', password: 'admin' }

export interface StageOptions extends Omit<BackendOptions, 'now'> {
  readonly flavour?: 'cookie' | 'json'
  readonly options?: Omit<Partial<TokenManagerOptions<Credentials>>, 'source' | 'ports'>
}

/** Real servers, a browser's cookies, and virtual time. */
export interface Stage {
  readonly world: World
  readonly backend: Backend
  readonly jar: CookieJar
  readonly tokens: TokenManager<Credentials>
  readonly told: Told[]
  /** What the next page on this origin starts with. The page before it is gone: disposed of. */
  reload(): TokenManager<Credentials>
  get(path: string, target?: Partial<SendTarget>, init?: RequestInit): Promise<Response>
  /** Holds the next call, and lets time pass around it. */
  hold(endpoint: 'login' | 'refresh' | 'logout', when?: 'before' | 'after'): { arrived: Promise<void>; release(): void }
  /** The calls of the authorization server by endpoint. */
  count(endpoint: 'login' | 'refresh' | 'logout'): number
  close(): Promise<void>
}

export async function openStage({ flavour = 'json', options, ...servers }: StageOptions = {}): Promise<Stage> {
  const jar = createCookieJar()
  const held = new Set<string>()
  const world = createWorld({ settled: () => jar.quiet((call) => held.has(call) || isSilent(call)) })
  const backend = await startBackend({ ...servers, now: world.now })
  const urls = backend.endpoints(flavour === 'cookie' ? 'auth' : 'json')
  const managers: TokenManager<Credentials>[] = []

  function isSilent(call: string): boolean {
    return [...backend.auth.log, ...backend.api.log].some(
      ({ end, headers }) => end === 'silence' && headers['x-test-call'] === call,
    )
  }

  function start(): TokenManager<Credentials> {
    const tokens = createTokenManager<Credentials>({
      source: flavour === 'cookie' ? cookieSource(urls) : jsonSource(urls),
      resources: [backend.api.origin],
      name: 'stage',
      ...options,
      ports: { ...world.ports, newAbort, fetch: jar.fetch },
    })
    managers.push(tokens)
    return tokens
  }

  let tokens = start()
  const told = listen(tokens)
  return {
    world,
    backend,
    jar,
    told,
    get tokens() {
      return tokens
    },
    reload() {
      tokens.dispose()
      tokens = start()
      return tokens
    },
    get: (path, target, init) => {
      const url = backend.api.origin + path
      return tokens.send({ url, ...target }, exchangeOf(jar.fetch, url, init))
    },
    hold(endpoint, when = 'before') {
      const gate = backend.auth.faults.hold(endpoint, when)
      let call: string | undefined
      const arrived = gate.arrived.then(() => {
        const last = backend.auth.log.findLast((entry) => entry.endpoint === endpoint && entry.end === undefined)
        call = String(last?.headers['x-test-call'])
        held.add(call)
      })
      return {
        arrived,
        release() {
          if (call) held.delete(call)
          gate.release()
        },
      }
    },
    count: (endpoint) => backend.auth.count(endpoint),
    async close() {
      for (const manager of managers) manager.dispose()
      await backend.close()
    },
  }
}

/** A small binding: what `fetch` needs to be sent with a token. */
export function exchangeOf(fetch: CookieJar['fetch'], url: string, init: RequestInit = {}): Exchange<Response> {
  return {
    repeatable: true,
    send: (headers, signal) => fetch(url, { ...init, headers: { ...headers }, ...(signal && { signal }) }),
    answer: ({ status, headers }) => ({ status, header: (name) => headers.get(name) }),
  }
}
