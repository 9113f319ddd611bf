import axios from 'axios'
import { createTokenManager } from 'tokenward'
import { bindAxios } from 'tokenward/axios'
import { oauthSource } from 'tokenward/oauth'
import { encryptedStorage } from 'tokenward/storage'
import { explain, on, say, show } from '../oidc-page.ts'

/** Filled in by `start.mjs`. */
declare const ISSUER: string
declare const API: string
const [orders, mail, pay] = ['opaque', 'jwt', 'once'].map((name) => `${API}/${name}`) as [string, string, string]
const here = new URL('./', location.href).href

const tokens = createTokenManager({
  source: oauthSource({
    issuer: ISSUER,
    clientId: '08-several-apis',
    redirectUri: here,
    postLogoutRedirectUri: here,
    // All that any of the APIs may ever want, and all of them.
    scope: 'openid profile read write',
    resource: [orders, mail, pay],
  }),
  // What each of them gets is less: a token that no other API takes, with this scope alone.
  resources: [
    { url: orders, scope: 'read' },
    { url: mail, scope: 'read' },
    { url: pay, scope: 'write', reuse: 'once' },
  ],
  storage: encryptedStorage(),
})
const api = axios.create()
bindAxios(api, tokens)

/** What an API says of the token that it was sent. */
interface Seen {
  readonly scope: string
  readonly token: string
}

function tell(api: string, { data }: { readonly data: Seen }): void {
  const { scope, token } = data
  say(`The API of ${api} was sent the token ${token}, for it alone, with the scope “${scope}”.`)
}

tokens.subscribe(show)
await tokens.restore().catch(explain)
show(tokens.getState())

on('sign-in', () => tokens.login({ returnTo: here }))
on('orders', async () => tell('the orders', await api.get(orders)))
on('mail', async () => tell('the mail', await api.get(mail)))
// One request that needs more gets a token for that, which is kept beside the other.
on('send', async () => tell('the mail', await api.post(`${mail}/write`, undefined, { tokens: { scope: 'write' } })))
on('pay', async () => tell('the payments', await api.post(`${pay}/write`)))
on('log-out', async () => {
  const { endSessionUrl } = await tokens.logout()
  if (endSessionUrl !== undefined) location.assign(endSessionUrl)
})
