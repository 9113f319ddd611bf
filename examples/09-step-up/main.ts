import axios from 'axios'
import { createTokenManager, tokenErrorOf, type TokenError } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { oauthSource } from 'tokenward/oauth'
import { encryptedStorage } from 'tokenward/storage'
import { explain, find, on, say, show } from '../oidc-page.ts'

/** Filled in by `start.mjs`. */
declare const ISSUER: string
declare const API: string
const here = new URL('./', location.href).href

const tokens = createTokenManager({
  source: oauthSource({
    issuer: ISSUER,
    clientId: '09-step-up',
    redirectUri: here,
    postLogoutRedirectUri: here,
    scope: 'openid profile',
  }),
  resources: [API],
  storage: encryptedStorage(),
})
const api = axios.create({ baseURL: API })
bindAxios(api, tokens)

/** What the API has asked for. */
let wanted: TokenError | undefined

function ask(error?: TokenError): void {
  wanted = error
  find('step-up').hidden = !error
}

async function transfer(): Promise<void> {
  const { data } = await api.post<{ user: string; acr: string }>('/opaque/strong')
  say(`${data.user} has transferred the money, signed in with ${data.acr}.`)
}

tokens.subscribe(show)
await tokens.restore().catch(explain)
show(tokens.getState())

on('sign-in', () => tokens.login({ returnTo: here }))
on('balance', async () => {
  const { data } = await api.get<{ user: string }>('/opaque')
  say(`${data.user} has enough.`)
})
on('transfer', async () => {
  ask()
  await transfer().catch((error: unknown) => {
    const failure = tokenErrorOf(error)
    if (failure?.code !== 'insufficient_authentication') throw error
    ask(failure)
  })
})
// A window opens only at a click, and nobody is sent anywhere unasked.
on('confirm', async () => {
  const { acrValues, maxAge } = wanted ?? {}
  await tokens.login({ display: 'popup', ...(acrValues && { acrValues }), ...(maxAge !== undefined && { maxAge }) })
  ask()
  // If it is refused once more, that is the answer: no loop.
  await transfer()
})
on('leave', async () => ask())
on('log-out', async () => {
  ask()
  const { endSessionUrl } = await tokens.logout()
  if (endSessionUrl !== undefined) location.assign(endSessionUrl)
})
