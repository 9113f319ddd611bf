// As its documentation says: `acquireTokenSilent` before a request. The account comes in by `loadExternalTokens`.
import { createStandardPublicClientApplication, loadExternalTokens } from '@azure/msal-browser'
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
      // It keeps new tokens for the account of the ID token that comes with them: without one it would lose them.
      authorityMetadata: JSON.stringify({ ...metadata(auth), token_endpoint: `${auth}/oauth/token` }),
      redirectUri: new URL('/callback', globalThis.location.href).href,
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

async function remember(config, scopes, { access_token, refresh_token, expires_in, id_token }) {
  const response = { id_token, access_token, refresh_token, expires_in, scope: scopes.join(' '), token_type: 'Bearer' }
  await loadExternalTokens(config, { scopes, authority: config.auth.authority }, response, {})
}

/** The page of `redirectUri` does this alone. */
export async function takeCallback() {
  const { broadcastResponseToMainFrame } = await import('@azure/msal-browser/redirect-bridge')
  await broadcastResponseToMainFrame()
}
