import axios from 'axios'
import { createTokenManager, tokenErrorOf, type SessionState } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { oauthSource } from 'tokenward/oauth'
import { encryptedStorage } from 'tokenward/storage'

/** Filled in by `start.mjs`. */
declare const ISSUER: string
declare const API: string

const tokens = createTokenManager({
  source: oauthSource({
    issuer: ISSUER,
    clientId: 'spa',
    redirectUri: new URL('/callback', location.href).href,
    postLogoutRedirectUri: new URL('/', location.href).href,
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

function show(state: SessionState): void {
  const name = state.signedIn ? state.claims?.['name'] : undefined
  find('status').textContent = state.signedIn
    ? `Signed in as ${typeof name === 'string' ? name : '…'}.`
    : 'Nobody is signed in.'
  find('signed-in').hidden = !state.signedIn
  find('signed-out').hidden = state.signedIn
}

function on(id: string, deed: () => Promise<unknown>): void {
  find(id).addEventListener('click', () => {
    say('')
    deed().catch(explain)
  })
}

function explain(error: unknown): void {
  say(`${tokenErrorOf(error)?.code ?? 'error'}: ${error instanceof Error ? error.message : String(error)}`)
}

function say(text: string): void {
  find('answer').textContent = text
}

function find(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new TypeError(`index.html has no such element: #${id}`)
  return found
}
