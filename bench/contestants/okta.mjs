// As the README says: tokens in the token manager, and `getOrRenewAccessToken` before a request.
import { OktaAuth } from '@okta/okta-auth-js'

export const name = 'okta-auth-js'
export const packages = ['@okta/okta-auth-js']
export const ignores401 = 'does not see the answers of an API'

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const client = new OktaAuth({
    issuer: auth,
    clientId: 'bench',
    redirectUri: 'https://app.example.com/callback',
    scopes: ['openid', 'offline_access'],
    tokenUrl: `${auth}/token`,
    authorizeUrl: `${auth}/authorize`,
    // Its build for Node refuses localStorage.
    tokenManager: { storage: globalThis.process ? 'memory' : 'localStorage', autoRenew: true },
  })
  if (!joined) client.tokenManager.setTokens(tokensOf(issue(), auth))
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

function tokensOf({ access_token, refresh_token, expires_at }, auth) {
  const scopes = ['openid', 'offline_access']
  const authorizeUrl = `${auth}/authorize`
  return {
    accessToken: {
      accessToken: access_token,
      claims: { sub: 'ann' },
      expiresAt: expires_at,
      tokenType: 'Bearer',
      scopes,
      authorizeUrl,
      userinfoUrl: `${auth}/userinfo`,
    },
    refreshToken: {
      refreshToken: refresh_token,
      expiresAt: expires_at + 86_400,
      scopes,
      tokenUrl: `${auth}/token`,
      authorizeUrl,
      issuer: auth,
    },
  }
}
