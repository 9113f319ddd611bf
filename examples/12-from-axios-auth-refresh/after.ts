import axios, { type AxiosInstance } from 'axios'
import { createTokenManager, jsonSource } from 'tokenward'
import { bindAxios } from 'tokenward/axios'

/** The same servers, the same calls. Nothing of the application's requests changes. */
export function createClient(auth: string, origin: string): { api: AxiosInstance; login(user: object): Promise<void> } {
  const tokens = createTokenManager({
    source: jsonSource<object>({
      login: `${auth}/json/login`,
      refresh: `${auth}/json/refresh`,
      logout: `${auth}/json/logout`,
    }),
    resources: [origin],
  })
  const api = axios.create({ baseURL: origin })
  bindAxios(api, tokens)
  return {
    api,
    async login(user) {
      await tokens.login(user)
    },
  }
}
