import axios, { type AxiosError, type AxiosInstance, type AxiosRequestConfig } from 'axios'
import {
  cookieSource,
  createTokenManager,
  tokenErrorOf,
  type SessionState,
  type TokenError,
  type TokenEvents,
  type TokenManager,
  type TokenManagerOptions,
} from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import { afterEach, expect } from 'vitest'
import { openLab, type RemoteLab } from './lab.ts'

export const clients = ['axios by XHR', 'axios by fetch', 'fetch'] as const
export const axiosAdapters = ['xhr', 'fetch'] as const
export type ClientName = (typeof clients)[number]

export interface Reply {
  readonly status: number
  readonly data: unknown
}

/** What the three clients have in common. It resolves with every answer, and rejects when there is none. */
export type Client = (url: string, init?: ClientInit) => Promise<Reply>

export interface ClientInit {
  readonly method?: string
  readonly body?: BodyInit
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly tokens?: AxiosRequestConfig['tokens']
}

export interface Credentials {
  readonly email: string
  readonly password: string
}

export type Manager = TokenManager<Credentials>

/** A page with a token manager, before servers of its own. */
export interface Stage {
  readonly lab: RemoteLab
  readonly tokens: Manager
  readonly events: readonly (readonly [type: keyof TokenEvents, event: unknown])[]
  signIn(): Promise<SessionState>
  /** Lets the manager's clocks jump: a token expires without anybody waiting for it. */
  pass(ms: number): void
  client(name: ClientName, baseURL?: string): Client
  axios(adapter: (typeof axiosAdapters)[number], config?: AxiosRequestConfig): AxiosInstance
  /** As after a reload: another manager, of the same session, that knows nothing yet. */
  reload(): Manager
  /** Resolves when the state is `status`. */
  until(status: SessionState['status'], manager?: Manager): Promise<SessionState>
}

export interface StageOptions {
  readonly auth?: Parameters<RemoteLab['settings']>[0]
  readonly timing?: TokenManagerOptions<Credentials>['timing']
  readonly resources?: (lab: RemoteLab) => Promise<readonly string[]> | readonly string[]
}

export const demo: Credentials = { email: 'demo@example.com', password: 'demo' }
/** Longer than the access tokens of a lab live. */
export const LIFETIME_MS = 400_000

const EVENTS = [
  ...(['signed-in', 'signed-out', 'refreshed', 'refresh-failed', 'session-ending'] as const),
  ...(['withheld', 'challenged', 'degraded', 'alert'] as const),
]
const closing: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
  for (const key of Object.keys(localStorage)) if (key.startsWith('tokenward:')) localStorage.removeItem(key)
})

export async function openStage({ auth, timing, resources }: StageOptions = {}): Promise<Stage> {
  const lab = await openLab(auth)
  const events: [keyof TokenEvents, unknown][] = []
  const allowed = (await resources?.(lab)) ?? [lab.api, lab.slow]
  let shift = 0

  function manager(): Manager {
    const made = createTokenManager<Credentials>({
      source: cookieSource({
        login: `${lab.auth}/auth/login`,
        refresh: `${lab.auth}/auth/refresh`,
        logout: `${lab.auth}/auth/logout`,
      }),
      resources: allowed,
      ...(timing && { timing }),
      ports: {
        clock: { now: () => ({ wall: Date.now() + shift, monotonic: performance.now() + shift }) },
        // The shortest backoff there is.
        random: () => 0,
      },
    })
    for (const type of EVENTS) {
      made.on(type, (event) => {
        // Time passes here by setting the clock, and that is told, too.
        if (!('rule' in event && event.rule === 'clock-off')) events.push([type, event])
      })
    }
    closing.unshift(() => made.dispose())
    return made
  }

  const tokens = manager()
  closing.push(() => lab.close())

  function axiosWith(adapter: (typeof axiosAdapters)[number], config: AxiosRequestConfig = {}): AxiosInstance {
    const instance = axios.create({ baseURL: lab.api, adapter, ...config })
    bindAxios(instance, tokens)
    return instance
  }

  return {
    lab,
    tokens,
    events,
    signIn: () => tokens.login(demo),
    pass: (ms) => void (shift += ms),
    client(name, baseURL = lab.api) {
      if (name === 'fetch') return fetchClient(createFetch(tokens), baseURL)
      return axiosClient(axiosWith(name === 'axios by XHR' ? 'xhr' : 'fetch', { baseURL }))
    },
    axios: axiosWith,
    reload: manager,
    until: (status, of = tokens) =>
      new Promise((resolve) => {
        const look = (): void => {
          const state = of.getState()
          if (state.status !== status) return
          stop()
          resolve(state)
        }
        const stop = of.subscribe(look)
        look()
      }),
  }
}

function axiosClient(instance: AxiosInstance): Client {
  return async (url, { body: data, ...init } = {}) => {
    try {
      const { status, data: answer } = await instance.request<unknown>({ ...init, url, data } as AxiosRequestConfig)
      return { status, data: answer }
    } catch (error) {
      const { response } = error as AxiosError
      if (response === undefined || tokenErrorOf(error) !== undefined) throw error
      return { status: response.status, data: response.data }
    }
  }
}

function fetchClient(request: typeof fetch, baseURL: string): Client {
  return async (url, init) => {
    // As axios does with a `baseURL`.
    const full = /^([a-z][a-z\d+\-.]*:)?[\\/]{2}/i.test(url) ? url : `${baseURL.replace(/\/$/, '')}${url}`
    const response = await request(full, init)
    const text = await response.text()
    return { status: response.status, data: text && (JSON.parse(text) as unknown) }
  }
}

/** What `promise` rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const failure = await promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  )
  if ('value' in failure) return expect.fail(`it resolved with ${JSON.stringify(failure.value)}`)
  return failure.reason
}

export async function tokenFailureOf(promise: Promise<unknown>): Promise<TokenError> {
  const failure = await failureOf(promise)
  const error = tokenErrorOf(failure)
  if (error === undefined) throw failure
  return error
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
