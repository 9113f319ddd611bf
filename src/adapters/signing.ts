import { TokenError } from '../errors.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** What can be asked for: the name of the algorithm in a JWS. */
export type SigningAlg = 'ES256' | 'Ed25519'

/** Every member there is: a polluted `Object.prototype` must add none. */
const PARAMS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
} as const

/** A key that signs and can be stored, but never read, and the public key that belongs to it. */
export async function generateSigningKey(alg: SigningAlg): Promise<{ privateKey: CryptoKey; jwk: JsonWebKey }> {
  const { privateKey, publicKey } = (await subtle().generateKey(PARAMS[alg], false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair
  return { privateKey, jwk: await subtle().exportKey('jwk', publicKey) }
}

/** Whether `value` is such a key. By its tag: there is no class `CryptoKey` on `http:`. */
export function isSigningKey(value: unknown): value is CryptoKey {
  return Object.prototype.toString.call(value) === '[object CryptoKey]' && !(value as CryptoKey).extractable
}

export async function sign(alg: SigningAlg, key: CryptoKey, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle().sign(PARAMS[alg], key, bytes))
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await subtle().digest('SHA-256', bytes))
}

/** 122 random bits. */
export const newId = (): string => crypto.randomUUID()

function subtle(): SubtleCrypto {
  const { crypto: found } = globalThis as { crypto?: { subtle?: SubtleCrypto } }
  if (found?.subtle) return found.subtle
  throw new TokenError('unsupported', 'DPoP needs WebCrypto: serve the page over https:, or from localhost')
}
