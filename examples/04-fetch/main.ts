import { createTokenManager, jsonSource } from 'tokenward'
import { createFetch } from 'tokenward/fetch'
import { wire, type Credentials } from '../page.ts'

const tokens = createTokenManager({
  source: jsonSource<Credentials>({ login: '/json/login', refresh: '/json/refresh', logout: '/json/logout' }),
  resources: [new URL('/api/', location.href).href],
})
// A `fetch` like the other: same arguments, same answers. It knows where the token belongs, and when to renew it.
const request = createFetch(tokens)

const { show } = wire({
  signIn: (credentials) => tokens.login(credentials),
  orders: async () => (await request('/api/orders', { tokens: { required: true } })).json() as Promise<unknown>,
  logOut: () => tokens.logout(),
})
tokens.subscribe(show)
show(await tokens.restore())
