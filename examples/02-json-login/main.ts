import axios from 'axios'
import { createTokenManager, jsonSource } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { encryptedStorage } from 'tokenward/storage'
import { wire, type Credentials } from '../page.ts'

const tokens = createTokenManager({
  source: jsonSource<Credentials>({ login: '/json/login', refresh: '/json/refresh', logout: '/json/logout' }),
  resources: [new URL('/api/', location.href).href],
  // Without it a reload forgets the refresh token. With it any script of this origin can use what is stored.
  storage: encryptedStorage(),
})
const api = axios.create({ baseURL: '/api' })
bindAxios(api, tokens)

const { show } = wire({
  signIn: (credentials) => tokens.login(credentials),
  orders: async () => (await api.get<unknown>('/orders', { tokens: { required: true } })).data,
  logOut: () => tokens.logout(),
})
tokens.subscribe(show)
show(await tokens.restore())
