import { TokenError } from '../errors.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** How many bytes the initialization vector has: 96 bits, which AES-GCM takes as they are. */
export const IV_BYTES = 12

/** A vector that this key has not seen: random, so that tabs need not agree (NIST SP 800-38D section 8.2.2). */
export const newIv = (): Bytes => crypto.getRandomValues(new Uint8Array(IV_BYTES))

/** A key that can be stored and used, but never read. */
export const generateKey = (): Promise<CryptoKey> =>
  subtle().generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])

/** Whether `value` is such a key. By its tag: there is no class `CryptoKey` on `http:`. */
export function isKey(value: unknown): value is CryptoKey {
  if (Object.prototype.toString.call(value) !== '[object CryptoKey]') return false
  const { algorithm, extractable } = value as CryptoKey
  return algorithm.name === 'AES-GCM' && !extractable
}

export interface Cipher {
  readonly key: CryptoKey
  readonly iv: Bytes
  /** Not part of the result, and needed again to open it. */
  readonly additionalData: Bytes
}

/** The ciphertext, and the tag behind it. */
export async function encrypt(cipher: Cipher, plain: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle().encrypt(paramsOf(cipher), cipher.key, plain))
}

/** Rejects when any bit of anything is another than it was. */
export async function decrypt(cipher: Cipher, sealed: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle().decrypt(paramsOf(cipher), cipher.key, sealed))
}

/** Every member there is, the defaults too: a polluted `Object.prototype` must not shorten the tag. */
function paramsOf({ iv, additionalData }: Cipher): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData, tagLength: 128 }
}

function subtle(): SubtleCrypto {
  const { crypto: found } = globalThis as { crypto?: { subtle?: SubtleCrypto } }
  if (found?.subtle) return found.subtle
  throw new TokenError('unsupported', 'encryptedStorage needs WebCrypto: serve the page over https:, or from localhost')
}
