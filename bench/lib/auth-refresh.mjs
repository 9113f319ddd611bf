import { createAuthRefresh } from 'axios-auth-refresh'
import { createTokenStore } from './token-store.mjs'

/** axios-auth-refresh as its README sets it up: an interceptor of one's own attaches, its own refreshes. */
export function createWithAuthRefresh(name, world, options) {
  const { axios, api, auth, adapter } = world
  const tokens = createTokenStore(name, world)
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  const getAccessToken = () => tokens.accessToken

  instance.interceptors.request.use((request) => {
    request.headers['Authorization'] = `Bearer ${getAccessToken()}`
    return request
  })
  createAuthRefresh(
    instance,
    (failedRequest) =>
      axios.post(`${auth}/token`, { refresh_token: tokens.refreshToken }, adapter && { adapter }).then(({ data }) => {
        tokens.set(data)
        failedRequest.response.config.headers['Authorization'] = `Bearer ${tokens.accessToken}`
        return Promise.resolve()
      }),
    options,
  )
  return { get: (path) => instance.get(path) }
}
