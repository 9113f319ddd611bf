import axios from 'axios'
import { createTokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { oauthSource } from 'tokenward/oauth'
import { encryptedStorage } from 'tokenward/storage'
import { explain, on, say, show } from '../oidc-page.ts'

/** Filled in by `start.mjs`. */
declare const ISSUER: string
declare const API: string

const here = new URL('./', location.href).href

const tokens = createTokenManager({
  source: oauthSource({
    issuer: ISSUER,
    clientId: '07-oidc-login',
    redirectUri: here,
    postLogoutRedirectUri: here,
    scope: 'openid profile',
  }),
  resources: [API],
  storage: encryptedStorage(),
})
const api = axios.create({ baseURL: API })
bindAxios(api, tokens)

tokens.subscribe(show)
// On the way back from the provider this finishes the login. Before anything else looks at the URL.
await tokens.restore().catch(explain)
show(tokens.getState())

on('by-page', () => tokens.login({ returnTo: location.pathname + location.search }))
on('by-popup', () => tokens.login({ display: 'popup' }))
on('call', async () => say(JSON.stringify((await api.get<unknown>('/opaque')).data)))
on('log-out', async () => {
  const { endSessionUrl } = await tokens.logout()
  if (endSessionUrl !== undefined) location.assign(endSessionUrl)
})
