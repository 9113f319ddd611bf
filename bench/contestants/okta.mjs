// As the README says: tokens in the token manager, and `getOrRenewAccessToken` before a request.
import { OktaAuth } from '@okta/okta-auth-js'

export const name = 'okta-auth-js'
export const packages = ['@okta/okta-auth-js']
export const ignores401 = 'does not see the answers of an API'

export async function create({ axios, api, auth, adapter, issue }) {
  const client = new OktaAuth({
    issuer: auth,
    clientId: 'bench',
    redirectUri: 'https://app.example.com/callback',
    scopes: ['openid', 'offline_access'],
    tokenUrl: `${auth}/token`,
    authorizeUrl: `${auth}/authorize`,
    tokenManager: { storage: 'memory', autoRenew: true },
  })
  const { access_token, refresh_token, expires_at } = issue()
  const scopes = ['openid', 'offline_access']
  client.tokenManager.setTokens({
    accessToken: {
      accessToken: access_token,
      claims: { sub: 'ann' },
      expiresAt: expires_at,
      tokenType: 'Bearer',
      scopes,
      authorizeUrl: `${auth}/authorize`,
      userinfoUrl: `${auth}/userinfo`,
    },
    refreshToken: {
      refreshToken: refresh_token,
      expiresAt: expires_at + 86_400,
      scopes,
      tokenUrl: `${auth}/token`,
      authorizeUrl: `${auth}/authorize`,
      issuer: auth,
    },
  })
  await client.start()
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  instance.interceptors.request.use(async (config) => {
    const token = await client.getOrRenewAccessToken()
    if (!token) throw new Error('there is no token')
    config.headers.Authorization = `Bearer ${token}`
    return config
  })
  return { get: (path) => instance.get(path), close: () => client.stop() }
}
