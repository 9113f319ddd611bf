// The blog's interceptor with what is recommended against many tabs: new tokens are told to the others.
import { createTokenStore } from '../lib/token-store.mjs'
import { createBlog } from './blog.mjs'

export const name = 'blog interceptor + BroadcastChannel'
export const packages = []
export const variant = true
export const tabsOnly = true

export function create(world) {
  const stored = createTokenStore('blog-broadcast', world)
  let { accessToken, refreshToken } = stored
  const channel = new BroadcastChannel('blog-broadcast')
  channel.onmessage = ({ data }) => {
    accessToken = data.access_token
    refreshToken = data.refresh_token
  }
  return createBlog(world, {
    get accessToken() {
      return accessToken
    },
    get refreshToken() {
      return refreshToken
    },
    set(data) {
      accessToken = data.access_token
      refreshToken = data.refresh_token
      stored.set(data)
      channel.postMessage({ access_token: accessToken, refresh_token: refreshToken })
    },
  })
}
