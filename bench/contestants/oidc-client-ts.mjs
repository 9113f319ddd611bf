// As its documentation says: a UserManager; the token comes from `getUser`, a new one from `signinSilent`.
import { User, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import { metadata } from '../lib/metadata.mjs'

export const name = 'oidc-client-ts'
export const packages = ['oidc-client-ts']
export const ignores401 = 'does not see the answers of an API'

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const userManager = new UserManager({
    authority: auth,
    client_id: 'bench',
    redirect_uri: 'https://app.example.com/callback',
    scope: 'openid offline_access',
    userStore: new WebStorageStateStore({ store: localStorage }),
    metadata: metadata(auth),
  })
  if (!joined) {
    const { access_token, refresh_token, token_type, scope, expires_at } = issue()
    const profile = { iss: `${auth}/`, aud: 'bench', sub: 'ann' }
    await userManager.storeUser(new User({ access_token, refresh_token, token_type, scope, expires_at, profile }))
  }

  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  instance.interceptors.request.use(async (config) => {
    let user = await userManager.getUser()
    if (!user || user.expired) user = await userManager.signinSilent()
    config.headers.Authorization = `Bearer ${user.access_token}`
    return config
  })
  return { get: (path) => instance.get(path), close: () => userManager.stopSilentRenew() }
}
