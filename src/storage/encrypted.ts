import { decrypt, encrypt, IV_BYTES, newIv } from '../adapters/aes-gcm.ts'
import { isTokenError, TokenError } from '../errors.ts'
import type { TokenStorage } from '../ports.ts'
import { unwrap, wrap } from './envelope.ts'
import { ensureKey, readKey } from './key.ts'

/**
 * Keeps the refresh token in IndexedDB, encrypted, so that a session outlives a reload and a restart of the browser.
 * AES-GCM with a key of 256 bits that no script can read, made once for each origin and kept in an IndexedDB database
 * of its own (`tokenward-keys`).
 *
 * What that is good for: whoever looks through the disk or a backup finds no token in plain text. What it is **not** good
 * for: a script that runs in the page (XSS) cannot read the key, but can use it just as we do; and malware on the
 * device finds the key on the same disk. A refresh token in an `HttpOnly` cookie (`cookieSource`) is out of reach of
 * scripts; this one is not.
 *
 * - A value opens only as what it was sealed as: `bind` is authenticated with it. A tampered, swapped or foreign value,
 *   and one whose key is gone, is no value.
 * - The key serves all sessions of the origin, and stays when one of them ends: what it has sealed is gone by then.
 * - Without WebCrypto (`http:`) or IndexedDB, or where a key cannot be stored (some private modes), `seal` rejects with
 *   `unsupported`, and the session lives in memory.
 *
 * @example
 *   createTokenManager({ source: jsonSource({ refresh: '/session/refresh' }), storage: encryptedStorage() })
 *
 * @see [RFC 10017 section 8.6](https://www.rfc-editor.org/rfc/rfc10017.html#section-8.6)
 * @see [Web Cryptography, AES-GCM](https://www.w3.org/TR/webcrypto-2/#aes-gcm)
 */
export function encryptedStorage(): TokenStorage {
  return {
    async seal(plain, bind) {
      // At once: the caller may wipe it.
      const copy = Uint8Array.from(plain)
      try {
        const cipher = { key: await ensureKey(), iv: newIv(), additionalData: additionalDataOf(bind) }
        return wrap(cipher.iv, await encrypt(cipher, copy))
      } catch (cause) {
        if (isTokenError(cause)) throw cause
        throw new TokenError('unsupported', 'encryptedStorage cannot keep its key in IndexedDB', { cause })
      }
    },

    async open(sealed, bind) {
      try {
        const body = unwrap(sealed)
        const key = body && (await readKey())
        if (!key) return undefined
        const cipher = { key, iv: body.slice(0, IV_BYTES), additionalData: additionalDataOf(bind) }
        return await decrypt(cipher, body.slice(IV_BYTES))
      } catch {
        return undefined
      }
    },

    // What was sealed lies in the record, and goes with it. The key may have sealed what another session needs.
    async forget() {},
  }
}

/** The format too is authenticated, so that no later one can be mistaken for this. */
function additionalDataOf(bind: string): Uint8Array<ArrayBuffer> {
  return wrap(new TextEncoder().encode(bind))
}
