import type { TokenReference } from '../har/format.ts'
import type { TokenProvider, TokenVariant } from '../replay/providers.ts'

/** A way in which a request should not be answered. */
export type AuthCase =
  | 'none'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-audience'
  | 'wrong-issuer'
  | 'no-scope'
  | 'tampered'
  | 'unsigned'
  | 'other-principal'
  | 'after-logout'
  | 'rotated'

/** What a case sends in place of the token, or why it cannot. */
export type Attempt =
  | { readonly skip: string }
  /** `undefined`: no token at all. */
  | { readonly skip: undefined; readonly token: string | undefined }

/** The statuses that a server may answer. */
export const EXPECTED: Readonly<Record<AuthCase, readonly number[]>> = {
  none: [401],
  expired: [401],
  'not-yet-valid': [401],
  'wrong-audience': [401],
  'wrong-issuer': [401],
  'no-scope': [403],
  tampered: [401],
  unsigned: [401],
  // That there is such a thing at all may be the secret (RFC 9110 section 15.5.4).
  'other-principal': [403, 404],
  'after-logout': [401],
  rotated: [400, 401],
}

export const CASES: readonly AuthCase[] = Object.keys(EXPECTED) as AuthCase[]

const VARIANTS: Partial<Record<AuthCase, TokenVariant>> = {
  expired: 'expired',
  'not-yet-valid': 'not-yet-valid',
  'wrong-audience': 'wrong-audience',
  'wrong-issuer': 'wrong-issuer',
  'no-scope': 'no-scope',
}

/** The token of a case that needs nothing but the token. */
export async function attemptOf(one: AuthCase, { reference, value, others, tokens }: Given): Promise<Attempt> {
  const variant = VARIANTS[one]
  if (variant !== undefined) {
    if (variant === 'no-scope' && reference.claims['scope'] === undefined) return { skip: 'the token has no scope' }
    const token = await tokens.token(reference, { variant })
    return token === undefined ? { skip: 'needs tokens that are minted' } : { skip: undefined, token }
  }
  switch (one) {
    case 'none':
      return { skip: undefined, token: undefined }
    case 'tampered':
      return { skip: undefined, token: tamper(value) }
    case 'unsigned': {
      const token = withoutSignature(value)
      return token === undefined ? { skip: 'the token is opaque' } : { skip: undefined, token }
    }
    case 'other-principal': {
      const other = others.find(({ principal }) => principal !== reference.principal)
      return other ? { skip: undefined, token: other.value } : { skip: 'the recording has no other principal' }
    }
    case 'after-logout':
    case 'rotated':
    case 'expired':
    case 'not-yet-valid':
    case 'wrong-audience':
    case 'wrong-issuer':
    case 'no-scope':
      return { skip: 'is about exchanges' }
  }
}

export interface Given {
  readonly reference: TokenReference
  readonly value: string
  /** The access tokens of everybody. */
  readonly others: readonly { readonly principal: string; readonly value: string }[]
  readonly tokens: TokenProvider
}

/** The same token, with one character of its signature (or of its middle, if it is opaque) changed. */
function tamper(token: string): string {
  const from = token.lastIndexOf('.') + 1
  // Not at the end: the last character of base64 may have bits that nobody reads.
  const at = from + Math.floor((token.length - from) / 2)
  return `${token.slice(0, at)}${token.charAt(at) === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

/**
 * The same claims, and no signature.
 *
 * @see [RFC 8725 section 2.1](https://www.rfc-editor.org/rfc/rfc8725.html#section-2.1)
 */
function withoutSignature(token: string): string | undefined {
  const [header, payload, signature, ...more] = token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined
  return `${btoa('{"alg":"none","typ":"JWT"}').replace(/=+$/, '')}.${payload}.`
}
