// As its examples say, with refresh tokens: `getTokenSilently` before a request. The session is found in the cache, as after a reload.
import { Auth0Client } from '@auth0/auth0-spa-js'
import { payloadOf } from '../lib/jwt.mjs'
import { CLIENT, ISSUER } from '../lib/model.mjs'

export const name = 'auth0-spa-js'
export const packages = ['@auth0/auth0-spa-js']
export const ignores401 = 'does not see the answers of an API but for a DPoP nonce'

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const scope = 'openid offline_access'
  if (!joined) remember(issue(), scope)
  const client = new Auth0Client({
    domain: auth,
    issuer: ISSUER,
    clientId: CLIENT,
    authorizationParams: { scope: 'openid', redirect_uri: 'https://app.example.com/callback' },
    useRefreshTokens: true,
    cacheLocation: 'localstorage',
  })
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  instance.interceptors.request.use(async (config) => {
    config.headers.Authorization = `Bearer ${await client.getTokenSilently()}`
    return config
  })
  return { get: (path) => instance.get(path) }
}

function remember({ id_token, access_token, refresh_token, expires_in, expires_at }, scope) {
  const decodedToken = { claims: { ...payloadOf(id_token), __raw: id_token }, user: { sub: 'ann' } }
  const body = {
    client_id: CLIENT,
    access_token,
    refresh_token,
    scope,
    expires_in,
    audience: 'default',
    token_type: 'Bearer',
  }
  localStorage.setItem(
    `@@auth0spajs@@::${CLIENT}::default::${scope}`,
    JSON.stringify({ body: { ...body, id_token, decodedToken }, expiresAt: expires_at }),
  )
  localStorage.setItem(`@@auth0spajs@@::${CLIENT}::@@user@@`, JSON.stringify({ id_token, decodedToken }))
}
