import { base64url, digest, fromBase64url, randomText } from './digest.ts'

/** A public key, or a set of them, as RFC 7517 writes them. */
export interface PublicJwk {
  readonly kty: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
}

export interface Jwks {
  readonly keys: PublicJwk[]
}

export type Claims = Readonly<Record<string, unknown>>

export interface Signer {
  readonly jwks: Jwks
  sign(claims: Claims, typ: string): Promise<string>
}

const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Signs with an ES256 key made for this run. */
export async function createSigner(): Promise<Signer> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ES256, false, ['sign', 'verify'])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const kid = randomText(12)
  const jwk = { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } as PublicJwk
  return {
    jwks: { keys: [jwk] },
    async sign(claims, typ) {
      const input = `${encode({ alg: 'ES256', typ, kid })}.${encode(claims)}`
      const signature = await crypto.subtle.sign(ES256, privateKey, new TextEncoder().encode(input))
      return `${input}.${base64url(new Uint8Array(signature))}`
    },
  }
}

export interface Jws {
  readonly header: Claims
  readonly claims: Claims
  /** Whether `key` made the signature. False, too, for a key that is none and an algorithm that does not fit it. */
  isSignedBy(key: PublicJwk): Promise<boolean>
}

/** A JWT in the compact form (RFC 7515 section 7.1), not yet believed. `undefined`: it is none. */
export function parseJws(text: string): Jws | undefined {
  try {
    const [head = '', payload = '', signature = '', ...more] = text.split('.')
    if (more.length > 0) return undefined
    const header = decode(head)
    const claims = decode(payload)
    const bytes = fromBase64url(signature)
    const input = new TextEncoder().encode(`${head}.${payload}`)
    return {
      header,
      claims,
      async isSignedBy(key) {
        const algorithm = algorithmOf(key)
        if (!algorithm?.names.includes(String(header['alg']))) return false
        try {
          const { kty, crv, x, y, n, e } = key
          const jwk = (kty === 'RSA' ? { kty, n, e } : { kty, crv, x, ...(kty === 'EC' && { y }) }) as JsonWebKey
          const imported = await crypto.subtle.importKey('jwk', jwk, algorithm.params, false, ['verify'])
          return await crypto.subtle.verify(algorithm.params, imported, bytes, input)
        } catch {
          return false
        }
      },
    }
  } catch {
    return undefined
  }
}

interface Algorithm {
  /** RFC 9864 gives Ed25519 a name of its own. */
  readonly names: readonly string[]
  readonly params: EcdsaParams & EcKeyImportParams & RsaHashedImportParams
}

/** The algorithm that a key is for; asymmetric ones alone (RFC 9449 section 4.3, RFC 9068 section 2.1). */
function algorithmOf({ kty, crv }: PublicJwk): Algorithm | undefined {
  const of = (names: readonly string[], params: object): Algorithm => ({ names, params: params as Algorithm['params'] })
  if (kty === 'EC' && crv === 'P-256') return of(['ES256'], ES256)
  if (kty === 'EC' && crv === 'P-384') return of(['ES384'], { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' })
  if (kty === 'OKP' && crv === 'Ed25519') return of(['Ed25519', 'EdDSA'], { name: 'Ed25519' })
  if (kty === 'RSA') return of(['RS256'], { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' })
  return undefined
}

const THUMBPRINT = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] } as const

/**
 * The SHA-256 thumbprint of a public key, for `cnf.jkt`. `undefined`: it is no key of a known type.
 *
 * @see [RFC 7638 section 3](https://www.rfc-editor.org/rfc/rfc7638.html#section-3)
 */
export function thumbprint(key: PublicJwk): string | undefined {
  if (!Object.hasOwn(THUMBPRINT, key.kty)) return undefined
  const names: readonly (keyof PublicJwk)[] = THUMBPRINT[key.kty as keyof typeof THUMBPRINT]
  const members = names.map((name) => [name, key[name]] as const)
  if (members.some(([, value]) => typeof value !== 'string')) return undefined
  return digest(JSON.stringify(Object.fromEntries(members)))
}

function encode(value: unknown): string {
  return base64url(new TextEncoder().encode(JSON.stringify(value)))
}

function decode(text: string): Claims {
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(text)))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('this is no JSON object')
  return value as Claims
}
