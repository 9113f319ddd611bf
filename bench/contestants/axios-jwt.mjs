import { applyAuthTokenInterceptor, setAuthTokens } from 'axios-jwt'

export const name = 'axios-jwt'
export const packages = ['axios-jwt']
/** It looks at the clock, never at an answer. */
export const ignores401 = 'does not act on a 401'

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  const requestRefresh = async (refreshToken) => {
    const { data } = await axios.post(`${auth}/token`, { refresh_token: refreshToken }, adapter && { adapter })
    return { accessToken: data.access_token, refreshToken: data.refresh_token }
  }
  applyAuthTokenInterceptor(instance, { requestRefresh })
  if (!joined) {
    const { access_token: accessToken, refresh_token: refreshToken } = issue()
    await setAuthTokens({ accessToken, refreshToken })
  }
  return { get: (path) => instance.get(path) }
}
