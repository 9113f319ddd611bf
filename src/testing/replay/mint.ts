import { clock } from '../../adapters/clock.ts'
import { webCrypto } from '../../adapters/web-crypto.ts'
import type { TokenReference } from '../har/format.ts'
import { toBase64Url, toBytes } from '../redact/base64.ts'
import type { TokenProvider, TokenVariant } from './providers.ts'

export type SigningAlgorithm = 'HS256' | 'HS384' | 'HS512' | 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA'

export interface MintOptions {
  /** A private key, as the platform has it or as a JWK; for HS256 and its like the secret, as bytes or text. */
  readonly key: CryptoKey | JsonWebKey | Uint8Array | string
  readonly alg: SigningAlgorithm
  /** Claim `iss`. */
  readonly iss?: string
  /** Header `kid`: which of the server's keys. */
  readonly kid?: string
  /** Header `typ`. Default `at+jwt` (RFC 9068). */
  readonly typ?: string
  /** Claims beside, or instead of, what the recording tells of a token (`aud`, `scope`, `client_id`, the lifetime) and `sub`. */
  readonly claims?: (reference: TokenReference) => Readonly<Record<string, unknown>>
  /** Seconds, where the recording does not tell the lifetime. Default 300. */
  readonly ttlS?: number
  /** Epoch milliseconds. Default: the device's clock. */
  readonly now?: () => number
}

/**
 * Makes tokens like those of the recording: the same audience, scope and lifetime, for the same subject if the recording
 * tells it (`redact.claims` with `sub`), else for `p1`, `p2`. For servers that can be given a key of the test's.
 *
 * @example
 *   import { mint } from 'tokenward/testing'
 *
 *   const provider = mint({ key: 'a secret of the test server, 32 bytes', alg: 'HS256', iss: 'https://id.example.com' })
 *
 * @see [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068.html)
 */
export function mint(options: MintOptions): TokenProvider {
  const { key, alg, iss, kid, typ = 'at+jwt', claims, ttlS = 300, now = () => clock.now().wall } = options
  const signing = ALGORITHMS[alg]
  let imported: Promise<CryptoKey> | undefined
  const given = new Map<string, { readonly value: string; readonly expiresAtS: number }>()

  async function make(
    reference: TokenReference,
    variant: TokenVariant | undefined,
  ): Promise<{ value: string; expiresAtS: number }> {
    imported ??= importKey(key, signing)
    const { ttl, ...told } = reference.claims
    const lifetimeS = typeof ttl === 'number' && ttl > 0 ? ttl : ttlS
    const iat = Math.floor(now() / 1_000)
    const payload: Record<string, unknown> = {
      iss,
      sub: reference.principal,
      ...told,
      iat,
      exp: iat + lifetimeS,
      jti: webCrypto().randomUUID(),
      ...claims?.(reference),
    }
    if (variant !== undefined) spoil(payload, variant, lifetimeS)
    const header = { alg, ...(kid === undefined ? {} : { kid }), typ }
    const input = [header, payload].map((part) => toBase64Url(toBytes(JSON.stringify(part)))).join('.')
    const signature = await webCrypto().subtle.sign(signing, await imported, toBytes(input))
    return { value: `${input}.${toBase64Url(new Uint8Array(signature))}`, expiresAtS: Number(payload['exp']) }
  }

  return {
    async token(reference, { renew = false, variant }) {
      if (reference.kind !== 'access' && reference.kind !== 'id') return undefined
      if (variant !== undefined) return (await make(reference, variant)).value
      // The same token is the same token, as long as it lives.
      const before = given.get(reference.id)
      if (before && !renew && before.expiresAtS - 1 > now() / 1_000) return before.value
      const made = await make(reference, undefined)
      given.set(reference.id, made)
      return made.value
    },
  }
}

function spoil(payload: Record<string, unknown>, variant: TokenVariant, lifetimeS: number): void {
  const iat = Number(payload['iat'])
  // Beyond what servers forgive because clocks differ.
  const awayS = 3_600
  const changes: Record<TokenVariant, Record<string, unknown>> = {
    expired: { iat: iat - awayS - lifetimeS, exp: iat - awayS },
    'not-yet-valid': { nbf: iat + awayS, iat, exp: iat + awayS + lifetimeS },
    'wrong-audience': { aud: 'urn:tokenward:another-audience' },
    'wrong-issuer': { iss: 'https://another-issuer.invalid' },
    'no-scope': { scope: '' },
  }
  Object.assign(payload, changes[variant])
}

type Signing = HmacImportParams | (RsaHashedImportParams & RsaPssParams) | (EcKeyImportParams & EcdsaParams) | Algorithm

const hmac = (hash: string): Signing => ({ name: 'HMAC', hash })
const ALGORITHMS: Readonly<Record<SigningAlgorithm, Signing>> = {
  HS256: hmac('SHA-256'),
  HS384: hmac('SHA-384'),
  HS512: hmac('SHA-512'),
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', saltLength: 0 },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  EdDSA: { name: 'Ed25519' },
}

async function importKey(key: MintOptions['key'], signing: Signing): Promise<CryptoKey> {
  const { subtle } = webCrypto()
  if (typeof key === 'string') return subtle.importKey('raw', toBytes(key), signing, false, ['sign'])
  if (key instanceof Uint8Array) return subtle.importKey('raw', key.slice(), signing, false, ['sign'])
  if ('algorithm' in key) return key
  const { key_ops: _ops, use: _use, ...bare } = key
  return subtle.importKey('jwk', bare, signing, false, ['sign'])
}
