import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'

export const name = '@badgateway/oauth2-client'
export const packages = ['@badgateway/oauth2-client']
export const transport = 'fetch'

export async function create({ api, auth, issue }) {
  const client = new OAuth2Client({ server: `${auth}/`, clientId: 'bench', tokenEndpoint: '/token' })
  let first = issue()
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken() {
      if (!first) return null
      const { access_token: accessToken, refresh_token: refreshToken, expires_in } = first
      first = undefined
      return { accessToken, refreshToken, expiresAt: Date.now() + expires_in * 1000 }
    },
  })
  await wrapper.getToken()
  return {
    async get(path) {
      const response = await wrapper.fetch(api + path)
      if (!response.ok) throw new Error(`status ${response.status}`)
      return { status: response.status, data: await response.json() }
    },
  }
}
