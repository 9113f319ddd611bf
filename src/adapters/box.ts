import { toBase64url } from '../lib/base64url.ts'

/** What only its maker can open. */
export interface Box {
  /** For whoever fills it. */
  readonly publicKey: string
  /** Rejects what was not put in for this box. */
  open(filled: unknown): Promise<string>
}

const ECDH = { name: 'ECDH', namedCurve: 'P-256' }
const AES = { name: 'AES-GCM', length: 256 }

export async function createBox(): Promise<Box> {
  const { privateKey, publicKey } = await newPair()
  return {
    publicKey: toBase64url(await exported(publicKey)),
    async open(filled) {
      const { key, iv, data } = Object(filled) as Record<'key' | 'iv' | 'data', Uint8Array<ArrayBuffer>>
      const { subtle } = crypto
      return new TextDecoder().decode(await subtle.decrypt(paramsOf(iv), await agree(privateKey, key), data))
    },
  }
}

/** Puts `text` into the box of `publicKey`, by a pair of keys for it alone, of which the private one is forgotten. */
export async function fillBox(publicKey: string, text: string): Promise<object> {
  const mine = await newPair()
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const theirs = Uint8Array.from(atob(publicKey.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0))
  const key = await agree(mine.privateKey, theirs)
  const data = await crypto.subtle.encrypt(paramsOf(iv), key, new TextEncoder().encode(text))
  return { key: await exported(mine.publicKey), iv, data: new Uint8Array(data) }
}

function newPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ECDH, false, ['deriveKey'])
}

async function exported(key: CryptoKey): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.exportKey('raw', key))
}

async function agree(privateKey: CryptoKey, publicKey: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const { subtle } = crypto
  const theirs = await subtle.importKey('raw', publicKey, ECDH, false, [])
  return subtle.deriveKey({ name: 'ECDH', public: theirs }, privateKey, AES, false, ['encrypt', 'decrypt'])
}

/** Every member there is: a polluted `Object.prototype` must not shorten the tag. */
function paramsOf(iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: new Uint8Array(), tagLength: 128 }
}
