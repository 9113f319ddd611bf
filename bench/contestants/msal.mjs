// As the README says: `acquireTokenSilent` before a request. The account comes in by `loadExternalTokens`.
import { createStandardPublicClientApplication, loadExternalTokens } from '@azure/msal-browser'
import { encode } from '../lib/jwt.mjs'
import { metadata } from '../lib/metadata.mjs'

export const name = 'msal-browser'
export const packages = ['@azure/msal-browser']
/** Its authority has to be `https:`. */
export const needsHttps = true
export const ignores401 = 'does not see the answers of an API'

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const config = {
    auth: {
      clientId: 'bench',
      authority: `${auth}/`,
      knownAuthorities: [new URL(auth).host],
      protocolMode: 'OIDC',
      authorityMetadata: JSON.stringify(metadata(auth)),
      redirectUri: 'https://app.example.com/callback',
    },
    cache: { cacheLocation: 'localStorage' },
  }
  const scopes = ['orders']
  if (!joined) await remember(config, scopes, issue())
  // After that: it reads the cache once, when it starts.
  const client = await createStandardPublicClientApplication(config)
  const [account] = client.getAllAccounts()
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  instance.interceptors.request.use(async (request) => {
    const { accessToken } = await client.acquireTokenSilent({ scopes, account })
    request.headers.Authorization = `Bearer ${accessToken}`
    return request
  })
  return { get: (path) => instance.get(path) }
}

async function remember(config, scopes, { access_token, refresh_token, expires_in }) {
  const { authority } = config.auth
  const idToken = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iss: authority, aud: 'bench', sub: 'ann', oid: 'ann', preferred_username: 'ann', tid: 'bench', exp: 4e9, iat: 1 })}.c2ln`
  const response = {
    id_token: idToken,
    access_token,
    refresh_token,
    expires_in,
    scope: scopes.join(' '),
    token_type: 'Bearer',
    client_info: encode({ uid: 'ann', utid: 'bench' }),
  }
  await loadExternalTokens(config, { scopes, authority }, response, { clientInfo: response.client_info })
}
