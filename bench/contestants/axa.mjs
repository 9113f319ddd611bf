// Without its service worker: `getValidTokenAsync` before a request. The session is found in the storage, as after a reload.
import * as oidc from '@axa-fr/oidc-client'
import { payloadOf } from '../lib/jwt.mjs'
import { ISSUER } from '../lib/model.mjs'

// Node finds its CommonJS build, whose names it cannot see; a bundler finds the other.
const { OidcClient } = oidc.default ?? oidc

export const name = '@axa-fr/oidc-client'
export const packages = ['@axa-fr/oidc-client']
export const ignores401 = 'does not act on a 401'

/** A name has one client, which outlives the page that is measured. */
let made = 0

export async function create({ axios, api, auth, adapter, fetch = globalThis.fetch, issue, joined }) {
  const configurationName = joined ? 'bench' : `bench${made++ || ''}`
  if (!joined) remember(issue(), configurationName)
  // Its timer cannot be stopped: what that asks for later goes to the server of its own world.
  const client = OidcClient.getOrCreate(() => fetch)(
    {
      client_id: 'bench',
      redirect_uri: 'https://app.example.com/callback',
      scope: 'openid offline_access',
      // Not the default, but without it each tab would have to sign in.
      storage: localStorage,
      authority: auth,
      authority_configuration: {
        issuer: ISSUER,
        authorization_endpoint: `${auth}/authorize`,
        token_endpoint: `${auth}/oauth/token`,
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

function remember(issued, configurationName) {
  const { access_token, refresh_token, id_token, expires_in } = issued
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
  localStorage[`oidc.${configurationName}`] = JSON.stringify({ tokens, status: null })
  localStorage[`oidc.login.${configurationName}`] = JSON.stringify({ callbackPath: '/', extras: null })
  localStorage[`oidc.nonce.${configurationName}`] = 'nonce'
}
