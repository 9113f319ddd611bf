import axios from 'axios'
import { createTokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { dpop } from 'tokenward/dpop'
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
    clientId: '13-dpop',
    redirectUri: here,
    postLogoutRedirectUri: here,
    scope: 'openid profile',
    dpop: dpop(),
  }),
  resources: [API],
  storage: encryptedStorage(),
})
const api = axios.create({ baseURL: API })
bindAxios(api, tokens)

tokens.subscribe(show)
await tokens.restore().catch(explain)
show(tokens.getState())

on('sign-in', () => tokens.login({ returnTo: here }))
on('call', async () => {
  const { data } = await api.get<{ user: string; jkt: string }>('/opaque')
  say(`The API knows ${data.user} by a token that is bound to the key ${data.jkt}, and a proof made with it.`)
})
// What somebody could do who has found the token in a log.
on('steal', async () => {
  const { value } = await tokens.getAccessToken()
  const { status } = await fetch(`${API}/opaque`, { headers: { Authorization: `Bearer ${value}` } })
  say(`Without the key the API answers ${status}.`)
})
on('log-out', async () => {
  const { endSessionUrl } = await tokens.logout()
  if (endSessionUrl !== undefined) location.assign(endSessionUrl)
})
