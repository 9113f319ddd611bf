// Without its service worker: `getValidTokenAsync` before a request. The session is found in the storage, as after a reload.
import oidc from '@axa-fr/oidc-client'

// Node finds its CommonJS build, whose names it cannot see.
const { OidcClient } = oidc

export const name = '@axa-fr/oidc-client'
export const packages = ['@axa-fr/oidc-client']
export const ignores401 = 'does not act on a 401'

let number = 0

export async function create({ axios, api, auth, adapter, issue }) {
  const configurationName = `bench${(number += 1)}`
  const { access_token, refresh_token, id_token, expires_in } = issue()
  const payloadOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'))
  const issuedAt = Date.now() / 1000
  const tokens = {
    accessToken: access_token,
    accessTokenPayload: payloadOf(access_token),
    refreshToken: refresh_token,
    idToken: id_token,
    idTokenPayload: payloadOf(id_token),
    expiresIn: expires_in,
    expiresAt: issuedAt + expires_in,
    issuedAt,
    scope: 'openid offline_access',
    tokenType: 'Bearer',
  }
  sessionStorage[`oidc.${configurationName}`] = JSON.stringify({ tokens, status: null })
  sessionStorage[`oidc.login.${configurationName}`] = JSON.stringify({ callbackPath: '/', extras: null })
  const client = OidcClient.getOrCreate(() => (...all) => globalThis.fetch(...all))(
    {
      client_id: 'bench',
      redirect_uri: 'https://app.example.com/callback',
      scope: 'openid offline_access',
      authority: auth,
      authority_configuration: {
        issuer: `${auth}/`,
        authorization_endpoint: `${auth}/authorize`,
        token_endpoint: `${auth}/token`,
        revocation_endpoint: `${auth}/revoke`,
        end_session_endpoint: `${auth}/logout`,
        userinfo_endpoint: `${auth}/userinfo`,
      },
    },
    configurationName,
  )
  await client.tryKeepExistingSessionAsync()
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  instance.interceptors.request.use(async (config) => {
    const { isTokensValid, tokens: current } = await client.getValidTokenAsync()
    if (!isTokensValid) throw new Error('there is no valid token')
    config.headers.Authorization = `Bearer ${current.accessToken}`
    return config
  })
  return { get: (path) => instance.get(path) }
}
