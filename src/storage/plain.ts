import { ownMembers } from '../lib/own.ts'
import type { TokenStorage } from '../ports.ts'

interface Kept {
  readonly plain: Uint8Array
  readonly bind: string
}

/**
 * Keeps the refresh token in IndexedDB **as it is**, so that a session outlives a reload and a restart of the browser.
 *
 * Any script of the origin can read it, and so can whoever reads the disk or a backup of it: a script that runs once
 * (XSS) takes the token away and uses it elsewhere, long after the page is closed. Prefer `cookieSource`, whose refresh
 * token no script can read; or no storage; or `encryptedStorage`, from which the token can still be had by a script, but
 * is not on the disk in plain text. This one needs nothing but IndexedDB, and works on `http:` too.
 *
 * @example
 *   createTokenManager({ source: jsonSource({ refresh: '/session/refresh' }), storage: indexedDbStorage() })
 *
 * @see [RFC 10017 section 8.5](https://www.rfc-editor.org/rfc/rfc10017.html#section-8.5)
 */
export function indexedDbStorage(): TokenStorage {
  return {
    seal: async (plain, bind): Promise<Kept> => ({ plain: Uint8Array.from(plain), bind }),
    async open(sealed, bind) {
      const kept = ownMembers(Object(sealed) as Kept)
      return kept.bind === bind && kept.plain instanceof Uint8Array ? kept.plain : undefined
    },
    // It lies in the record, and goes with it.
    async forget() {},
  }
}
