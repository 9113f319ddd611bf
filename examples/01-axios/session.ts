import axios, { type AxiosInstance } from 'axios'
import { cookieSource, createTokenManager, type TokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { REQUEST_TIMEOUT_MS, watchedFetch } from './traffic.ts'

export interface Credentials {
  readonly email: string
  readonly password: string
}

// These lines are all that an application needs.
export const tokens: TokenManager<Credentials> = createTokenManager({
  source: cookieSource<Credentials>({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' }),
  resources: [new URL('/api/', location.href).href],
  // And these two only this page.
  ports: { fetch: watchedFetch },
  timing: { requestTimeoutMs: REQUEST_TIMEOUT_MS },
})
export const api: AxiosInstance = axios.create({ baseURL: '/api' })
bindAxios(api, tokens)
