import * as webCrypto from '../adapters/signing.ts'
import type { SigningAlg } from '../adapters/signing.ts'
import { toBase64url } from '../lib/base64url.ts'

/** What makes keys, hashes and signatures: WebCrypto, but for tests. */
export type Signing = Pick<typeof webCrypto, 'generateSigningKey' | 'isSigningKey' | 'newId' | 'sha256' | 'sign'>

/** A key and what is said about it in every proof. */
export interface Prover {
  readonly alg: SigningAlg
  readonly privateKey: CryptoKey
  /** The encoded header: it is the same in every proof. */
  readonly header: string
}

/** What a proof says. */
export interface Claims {
  readonly htm: string
  readonly htu: string
  /** Epoch seconds, by the server's clock as far as it is known. */
  readonly iat: number
  readonly ath?: string | undefined
  readonly nonce?: string | undefined
}

/** Of a public key, only what makes it up: no other member may travel in a proof. */
export function toPublicJwk({ kty, crv, x, y }: JsonWebKey): JsonWebKey {
  // In the order of RFC 7638 section 3.2. What is undefined is left out when this becomes text.
  return { crv, kty, x, y } as JsonWebKey
}

/**
 * The name of a key.
 *
 * @see [RFC 7638 section 3](https://www.rfc-editor.org/rfc/rfc7638.html#section-3)
 */
export async function thumbprintOf(jwk: JsonWebKey, signing?: Signing): Promise<string> {
  return hashOf(JSON.stringify(toPublicJwk(jwk)), signing)
}

export function toProver(alg: SigningAlg, privateKey: CryptoKey, jwk: JsonWebKey): Prover {
  return { alg, privateKey, header: encode({ typ: 'dpop+jwt', alg, jwk: toPublicJwk(jwk) }) }
}

/**
 * A proof: a JWT of its own for each attempt, also for a retry.
 *
 * @see [RFC 9449 section 4.2](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.2)
 */
export async function makeProof(
  { alg, privateKey, header }: Prover,
  claims: Claims,
  { newId, sign }: Signing = webCrypto,
): Promise<string> {
  const signed = `${header}.${encode({ jti: newId(), ...claims })}`
  return `${signed}.${toBase64url(await sign(alg, privateKey, bytesOf(signed)))}`
}

/** The hash of an access token, as `ath` has it, or of any other text. */
export async function hashOf(text: string, { sha256 }: Signing = webCrypto): Promise<string> {
  return toBase64url(await sha256(bytesOf(text)))
}

function encode(value: object): string {
  return toBase64url(bytesOf(JSON.stringify(value)))
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
