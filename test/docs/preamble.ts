/**
 * What the application has around the snippets of the documents: a manager, an axios instance that is bound to it, a
 * form, and screens. A snippet may declare any of them anew.
 */
export const preamble = `
  import type { AxiosInstance } from 'axios'
  import type { TokenManager } from 'tokenward'
  import type { Har } from 'tokenward/testing'
  import 'tokenward/axios'
  import 'tokenward/fetch'

  declare global {
    interface Credentials {
      readonly email: string
      readonly password: string
    }
    const tokens: TokenManager<Credentials>
    const api: AxiosInstance
    const har: Har
    const email: string
    const password: string

    function showLogin(): void
    function showWrongPassword(): void
    function showTryAgainLater(retryAt: number | undefined): void
    function tellThatTheServerWasNotReached(): void
    function askWhetherStillThere(question: { readonly until: Date; yes(): void }): void
    function askForScope(scope: string | undefined): void
    function askToSignInAgain(acrValues: string | undefined, maxAge: number | undefined): void
  }
`

/** The functions of the preamble: what they show is no business of a test. */
export const screens: readonly string[] = [...preamble.matchAll(/function (\w+)/g)].map(([, name]) => name ?? '')

/** The imports that the examples in comments of src leave out. */
export const imports = `
  import axios from 'axios'
  import { cookieSource, createTokenManager, jsonSource, tokenErrorOf } from 'tokenward'
  import { bindAxios } from 'tokenward/axios'
  import { createFetch } from 'tokenward/fetch'
  import { dpop } from 'tokenward/dpop'
  import { oauthSource } from 'tokenward/oauth'
  import { encryptedStorage, indexedDbStorage } from 'tokenward/storage'
  import { createApiServer, createAuthServer, createClock, createMockServer, fault, fingerprint, toHandlers } from 'tokenward/testing'
  import { ruleOfAlert, sanitize, scan } from 'tokenward/testing'
`
