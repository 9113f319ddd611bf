import { createAuthRefresh } from 'axios-auth-refresh'

/** axios-auth-refresh as its README sets it up: an interceptor of one's own attaches, its own refreshes. */
export async function createWithAuthRefresh({ axios, api, auth, adapter, issue }, options) {
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  let { access_token: token, refresh_token: refreshToken } = issue()
  const getAccessToken = () => token

  instance.interceptors.request.use((request) => {
    request.headers['Authorization'] = `Bearer ${getAccessToken()}`
    return request
  })
  createAuthRefresh(
    instance,
    (failedRequest) =>
      axios
        .post(`${auth}/token`, { refresh_token: refreshToken }, adapter && { adapter })
        .then(({ data }) => {
          token = data.access_token
          refreshToken = data.refresh_token
          failedRequest.response.config.headers['Authorization'] = `Bearer ${token}`
          return Promise.resolve()
        }),
    options,
  )
  return { get: (path) => instance.get(path) }
}
