// The contract of the package in types: it compiles as it is, and nothing of it runs.
/* eslint-disable @typescript-eslint/consistent-type-imports -- an application need not import types as types */
// Compiles against the packed package under `strict`, as an application would use it. It is the contract in types: names, options,
// states, errors and events. Nothing here runs. Entries that do not exist yet are taken in as they come.
import axios from 'axios'
import {
  createTokenManager,
  cookieSource,
  jsonSource,
  isTokenError,
  tokenErrorOf,
  TokenError,
  type AccessToken,
  type EndReason,
  type Exchange,
  type LogoutReport,
  type SendTarget,
  type SessionState,
  type TokenManager,
  type TokenManagerOptions,
  type TokenRequest,
  type TokenResponse,
  type TokenSource,
} from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { createFetch } from 'tokenward/fetch'

interface Credentials {
  readonly email: string
  readonly password: string
}

const cookie: TokenSource<Credentials> = cookieSource<Credentials>({
  login: '/auth/login',
  refresh: '/auth/refresh',
  logout: '/auth/logout',
})
const json: TokenSource<Credentials> = jsonSource<Credentials>({
  login: '/auth/login',
  refresh: '/auth/refresh',
  logout: '/auth/logout',
  read: (body) => ({ access_token: (body as { jwt: string }).jwt, token_type: 'Bearer', expires_in: 300 }),
  headers: { 'X-Tenant': 'acme' },
  body: (refreshToken) => ({ token: refreshToken }),
})
const own: TokenSource<void> = {
  id: 'https://id.example.com',
  credential: 'token',
  refresh: async ({ refreshToken }, { fetch, signal }) =>
    (await (
      await fetch('https://id.example.com/renew', { method: 'POST', body: refreshToken ?? null, signal })
    ).json()) as TokenResponse,
  revoke: async ({ refreshToken, accessTokens }) =>
    refreshToken === undefined && accessTokens.length === 0 ? 'unconfirmed' : 'confirmed',
}

const options: TokenManagerOptions<Credentials> = {
  source: cookie,
  name: 'shop',
  resources: ['https://api.example.com', { url: 'https://pay.example.com/v1/', scope: 'pay:write', reuse: 'once' }],
  timing: {
    leewayMs: 30_000,
    background: true,
    requestTimeoutMs: 5_000,
    idleMs: 900_000,
    absoluteMs: 28_800_000,
    warnMs: 60_000,
  },
}
const tokens: TokenManager<Credentials> = createTokenManager(options)
export const others = [createTokenManager({ source: json }), createTokenManager({ source: own })]

const api = axios.create({ baseURL: 'https://api.example.com' })
const unbind: () => void = bindAxios(api, tokens, { refused: ({ status }) => status === 419 })
const request: typeof fetch = createFetch(tokens)

export async function app(signal: AbortSignal): Promise<void> {
  const restored: SessionState = await tokens.restore({ ask: true, signal })
  if (!restored.signedIn) await tokens.login({ email: 'a@example.com', password: 'b' }, { signal })
  await tokens.startSession({ access_token: 'abc', token_type: 'Bearer', expires_in: '3600' as never })

  await api.get('/orders', { tokens: { minTtlMs: 60_000, required: true } })
  await api.get('/public', { tokens: false })
  await api.post('/upload', new FormData(), {
    tokens: { retry: false, scope: 'files:write', resource: 'https://api.example.com' },
  })
  await request('https://api.example.com/orders')

  const wanted: TokenRequest = { minTtlMs: 5_000, signal }
  const token: AccessToken = await tokens.getAccessToken(wanted)
  export_(`${token.tokenType} ${token.value} ${String(token.expiresAt)}`)

  const target: SendTarget = { url: 'https://api.example.com/x', method: 'GET', required: true, signal }
  const exchange: Exchange<Response> = {
    repeatable: true,
    send: (headers) => fetch(target.url, { headers: { ...headers } }),
    answer: (reply) => ({ status: reply.status, header: (name) => reply.headers.get(name) }),
  }
  const reply: Response = await tokens.send(target, exchange)
  export_(reply)

  tokens.touch()
  const report: LogoutReport = await tokens.logout({ reason: 'password-reset', timeoutMs: 2_000 })
  const done: 'confirmed' | 'not-configured' | 'unconfirmed' = report.revoked
  export_(done, report.endSessionUrl)
  unbind()
  tokens.dispose()
}

export function watch(): () => void {
  const stop = [
    tokens.subscribe((state) => {
      switch (state.status) {
        case 'restoring':
          return
        case 'signed-out': {
          const reason: EndReason = state.reason
          export_(reason, state.elsewhere)
          return
        }
        case 'active':
        case 'refreshing':
        case 'stale':
          export_(state.session, state.expiresAt, state.scope, state.claims, state.error?.code)
          return
        default:
          export_(state satisfies never)
      }
    }),
    tokens.on('signed-in', ({ session }) => export_(session)),
    tokens.on('signed-out', ({ session, reason, elsewhere }) => export_(session, reason, elsewhere)),
    tokens.on('refreshed', ({ durationMs, trigger }) => export_(durationMs, trigger)),
    tokens.on('refresh-failed', ({ code, transient, retryAt }) => export_(code, transient, retryAt)),
    tokens.on('session-ending', ({ at, why }) => export_(at, why)),
    tokens.on('withheld', ({ origin, why }) => export_(origin, why)),
    tokens.on('challenged', ({ origin, status, error, scope }) => export_(origin, status, error, scope)),
    tokens.on('degraded', ({ what, why }) => export_(what, why)),
    tokens.on('alert', ({ rule }) => export_(rule)),
  ]
  // @ts-expect-error the state holds no token
  export_(tokens.getState().accessToken)
  // @ts-expect-error no such event
  tokens.on('token', () => {})
  return () => stop.forEach((off) => off())
}

export function explain(error: unknown): string {
  const found: boolean = isTokenError(error)
  const cause: TokenError | undefined = tokenErrorOf(error)
  if (cause === undefined) return String(found)
  switch (cause.code) {
    case 'signed_out':
    case 'session_changed':
    case 'refresh_rejected':
    case 'login_failed':
      return 'sign in again'
    case 'refresh_unavailable':
    case 'timeout':
      return `later: ${String(cause.transient)} ${String(cause.retryAt)}`
    case 'insufficient_scope':
    case 'insufficient_authentication':
      return `step up: ${String(cause.scope)} ${String(cause.acrValues)} ${String(cause.maxAge)}`
    case 'not_retryable':
    case 'destination_refused':
    case 'malformed_response':
    case 'configuration':
    case 'key_lost':
    case 'unsupported':
    case 'aborted':
      return cause.message
    default:
      return cause.code satisfies never
  }
}

declare function export_(...values: unknown[]): void
