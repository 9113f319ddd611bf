import axios, { type AxiosInstance } from 'axios'
import { cookieSource, createTokenManager, tokenErrorOf, type SessionState, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'
import { everythingInPage, placesOfSecrets } from './walk.ts'

/** What a test finds in the page as `app`. */
export interface App {
  readonly tokens: TokenManager<{ readonly email: string; readonly password: string }>
  readonly xhr: AxiosInstance
  readonly viaFetch: AxiosInstance
  readonly request: typeof fetch
  readonly tokenErrorOf: typeof tokenErrorOf
  readonly events: string[]
  /** Violations of the content security policy. */
  readonly violations: string[]
  signIn(): Promise<SessionState>
  /** Lets the manager's clocks jump. */
  pass(ms: number): void
  /** What became of a call: its status, or the code of its error. */
  outcome(call: Promise<{ readonly status: number }>): Promise<number | string>
  until(status: SessionState['status']): Promise<SessionState>
  leaks(secrets: readonly string[], more: unknown): Promise<string[]>
}

// The authorization server is at this origin, or where the address of the page says.
const auth = new URLSearchParams(location.search).get('auth') ?? ''
const resource = new URL('/api/', location.href).href
let shift = 0

const violations: string[] = []
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective} ${blockedURI}`)
})

const tokens: App['tokens'] = createTokenManager({
  source: cookieSource({ login: `${auth}/auth/login`, refresh: `${auth}/auth/refresh`, logout: `${auth}/auth/logout` }),
  resources: [resource],
  timing: { requestTimeoutMs: 2_000 },
  ports: {
    clock: { now: () => ({ wall: Date.now() + shift, monotonic: performance.now() + shift }) },
    random: () => 0,
  },
})
const xhr = axios.create({ baseURL: resource, adapter: 'xhr' })
const viaFetch = axios.create({ baseURL: resource, adapter: 'fetch' })
bindAxios(xhr, tokens)
bindAxios(viaFetch, tokens)

const events: string[] = []
tokens.on('signed-in', () => events.push('signed-in'))
tokens.on('signed-out', ({ reason }) => events.push(`signed-out ${reason}`))
tokens.on('refreshed', ({ trigger }) => events.push(`refreshed ${trigger}`))
tokens.on('refresh-failed', ({ code }) => events.push(`refresh-failed ${code}`))
tokens.on('alert', ({ rule }) => {
  // Time passes here by setting the clock, and that is told, too.
  if (rule !== 'clock-off') events.push(`alert ${rule}`)
})

globalThis.app = {
  tokens,
  xhr,
  viaFetch,
  request: createFetch(tokens),
  tokenErrorOf,
  events,
  violations,
  signIn: () => tokens.login({ email: 'demo@example.com', password: 'demo' }),
  pass: (ms) => void (shift += ms),
  outcome: (call) =>
    call.then(
      ({ status }) => status,
      (error: unknown) => tokenErrorOf(error)?.code ?? (error as { status?: number }).status ?? String(error),
    ),
  until: (status) =>
    new Promise((resolve) => {
      const look = (): void => {
        if (tokens.getState().status !== status) return
        stop()
        resolve(tokens.getState())
      }
      const stop = tokens.subscribe(look)
      look()
    }),
  leaks: async (secrets, more) => placesOfSecrets(secrets, [await everythingInPage(), events, more, globalThis.app]),
}
