import { afterEach, beforeEach, expect } from 'vitest'
import { startBackend, type Backend, type BackendOptions } from '../../support/backend.ts'

/** Servers of one test, on a clock that the test moves. */
export interface ServersStage {
  readonly backend: Backend
  time: number
  start(options?: BackendOptions): Promise<void>
  /** `POST` of JSON to the authorization server. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  signIn(): Promise<Tokens>
  refreshed(token: string, more?: Record<string, unknown>): Promise<Response>
  /** Asks the API. */
  get(path: string, token?: string, init?: RequestInit): Promise<Response>
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

export const demo = { email: 'demo@example.com', password: 'demo' }

export async function read(response: Response): Promise<Tokens> {
  expect(response.status).toBe(200)
  return (await response.json()) as Tokens
}

export function serversStage(): ServersStage {
  let backend: Backend
  beforeEach(() => void (stage.time = Date.now()))
  afterEach(() => backend.close())

  const stage: ServersStage = {
    time: 0,
    get backend() {
      return backend
    },
    async start(options = {}) {
      backend = await startBackend({ now: () => stage.time, ...options })
    },
    post: (path, body, headers = {}) =>
      fetch(backend.auth.origin + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'test', ...headers },
        redirect: 'manual',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    signIn: async () => read(await stage.post('/json/login', demo)),
    refreshed: (token, more = {}) => stage.post('/json/refresh', { refresh_token: token, ...more }),
    get: (path, token, init = {}) =>
      fetch(backend.api.origin + path, {
        redirect: 'manual',
        ...init,
        headers: {
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...(init.headers as Record<string, string> | undefined),
        },
      }),
  }
  return stage
}

/** A browser's cookie jar, as far as these tests need one. */
export function createJar(post: ServersStage['post']): {
  post: ServersStage['post']
  value(name: string): string | undefined
} {
  const cookies = new Map<string, string>()
  return {
    value: (name) => cookies.get(name),
    async post(path, body, headers) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await post(path, body, { ...(cookie === '' ? {} : { Cookie: cookie }), ...headers })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (line.includes('Max-Age=0')) cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    },
  }
}
