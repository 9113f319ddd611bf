import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'

export const name = '@badgateway/oauth2-client'
export const packages = ['@badgateway/oauth2-client']
export const transport = 'fetch'

export async function create({ api, auth, issue, joined }) {
  const client = new OAuth2Client({ server: `${auth}/`, clientId: 'bench', tokenEndpoint: '/token' })
  const key = 'oauth2-client'
  const keep = (token) => localStorage.setItem(key, JSON.stringify(token))
  if (!joined) {
    const { access_token: accessToken, refresh_token: refreshToken, expires_in } = issue()
    keep({ accessToken, refreshToken, expiresAt: Date.now() + expires_in * 1000 })
  }
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: () => null,
    storeToken: keep,
    getStoredToken: () => JSON.parse(localStorage.getItem(key)),
  })
  return {
    async get(path) {
      const response = await wrapper.fetch(api + path)
      if (!response.ok) throw new Error(`status ${response.status}`)
      return { status: response.status, data: await response.json() }
    },
  }
}
