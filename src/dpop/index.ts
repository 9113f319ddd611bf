import { clock, timer } from '../adapters/clock.ts'
import { proofKeys } from '../adapters/proof-keys.ts'
import type { SigningAlg } from '../adapters/signing.ts'
import { warn } from '../adapters/warn.ts'
import { ownMembers } from '../lib/own.ts'
import type { Binding } from '../ports.ts'
import { createBinding } from './binding.ts'

export type { SigningAlg } from '../adapters/signing.ts'
export type { Binding, ProofRequest } from '../ports.ts'

export interface DpopOptions {
  /** The algorithm of new keys. Default `'ES256'`, which is also taken where a browser, or the server, has no `'Ed25519'`. */
  readonly alg?: SigningAlg
  /**
   * Go on with a token that the server did not bind to the key. Default `false`: such an answer is refused
   * (`malformed_response`), because a token that is stolen could be used elsewhere.
   */
  readonly allowBearer?: boolean
}

/**
 * Binds tokens to a key that no script can read, so that a stolen token is of no use elsewhere (DPoP). Each sign-in has a
 * key of its own; it is kept in IndexedDB (`tokenward-dpop`), serves all tabs of the session, and is deleted with it.
 *
 * A script that runs in the page (XSS) cannot take the key away, but can use it there as we do.
 *
 * @example
 *   oauthSource({
 *     issuer: 'https://login.example.com',
 *     clientId: 'shop',
 *     redirectUri: 'https://shop.example.com/callback',
 *     dpop: dpop(),
 *   })
 *
 * @throws `TypeError` when an option is wrong.
 * @see [RFC 9449](https://www.rfc-editor.org/rfc/rfc9449.html)
 */
export function dpop(options: DpopOptions = {}): Binding {
  const { alg = 'ES256', allowBearer = false } = ownMembers(options)
  if (alg !== 'ES256' && (alg as string) !== 'Ed25519') throw new TypeError("dpop: alg must be 'ES256' or 'Ed25519'.")
  if (typeof allowBearer !== 'boolean') throw new TypeError('dpop: allowBearer must be true or false.')
  return createBinding({ alg, allowBearer, keys: proofKeys, timer, warn, now: () => clock.now() })
}
