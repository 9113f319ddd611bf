// As supabase-js does inside: the session's token is read before each request.
import { GoTrueClient } from '@supabase/auth-js'

export const name = 'supabase auth-js'
export const packages = ['@supabase/auth-js']
export const ignores401 = 'does not see the answers of an API'

export async function create({ axios, api, auth, adapter, issue, joined }) {
  const storageKey = 'sb-bench'
  if (!joined) localStorage.setItem(storageKey, JSON.stringify(issue()))
  const client = new GoTrueClient({
    url: auth,
    storageKey,
    storage: localStorage,
    fetch: (...all) => globalThis.fetch(...all),
  })
  await client.initialize()
  const instance = axios.create({ baseURL: api, ...(adapter && { adapter }) })
  instance.interceptors.request.use(async (config) => {
    const { data, error } = await client.getSession()
    if (error ?? !data.session) throw error ?? new Error('there is no session')
    config.headers.Authorization = `Bearer ${data.session.access_token}`
    return config
  })
  return { get: (path) => instance.get(path), close: () => client.stopAutoRefresh() }
}
