import axios from 'axios'
import { cookieSource, createTokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { wire, type Credentials } from '../page.ts'

const tokens = createTokenManager({
  // The refresh token is an HttpOnly cookie: this page never sees it, and neither does a script that got into it.
  source: cookieSource<Credentials>({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' }),
  resources: [new URL('/api/', location.href).href],
})
const api = axios.create({ baseURL: '/api' })
bindAxios(api, tokens)

const { show } = wire({
  signIn: (credentials) => tokens.login(credentials),
  orders: async () => (await api.get<unknown>('/orders', { tokens: { required: true } })).data,
  logOut: () => tokens.logout(),
})
tokens.subscribe(show)
// After a reload the access token comes from another tab, or from the server: the browser still has the cookie.
show(await tokens.restore())
