import { json, type Reply } from './http.ts'
import type { Claims } from './jwt.ts'

/** Why a request with, or without, an access token is turned away. */
export type AccessProblem =
  | { readonly error: 'no_token' }
  | { readonly error: 'invalid_request' | 'invalid_token'; readonly description: string }
  | { readonly error: 'insufficient_scope'; readonly scope: string }
  | { readonly error: 'insufficient_user_authentication'; readonly acrValues: string }
  | { readonly error: 'use_dpop_nonce' | 'invalid_dpop_proof'; readonly description?: string }

export interface AccessRules {
  /** Epoch milliseconds. */
  readonly now: number
  /** Checked where they are given. */
  readonly issuer?: string
  readonly audience?: string
  readonly scope?: string
  /** Authentication context that the request needs (RFC 9470). */
  readonly acr?: string
}

/**
 * Whether a token whose origin is beyond doubt is good for this request.
 *
 * @returns `undefined` if it is.
 * @see [RFC 6750 section 3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 */
export function judgeClaims(claims: Claims, rules: AccessRules): AccessProblem | undefined {
  const { exp, nbf, iss, aud, scope, acr } = claims
  const invalid = (description: string): AccessProblem => ({ error: 'invalid_token', description })
  if (typeof exp === 'number' && exp * 1_000 <= rules.now) return invalid('The access token expired')
  if (typeof nbf === 'number' && nbf * 1_000 > rules.now) return invalid('The access token is not valid yet')
  if (rules.issuer !== undefined && iss !== rules.issuer) return invalid('The access token is of another issuer')
  if (rules.audience !== undefined && ![aud].flat().includes(rules.audience)) {
    return invalid('The access token is for another audience')
  }
  if (rules.acr !== undefined && acr !== rules.acr) {
    return { error: 'insufficient_user_authentication', acrValues: rules.acr }
  }
  const granted = new Set(typeof scope === 'string' ? scope.split(' ') : [])
  const missing = rules.scope?.split(' ').some((one) => one !== '' && !granted.has(one))
  return missing ? { error: 'insufficient_scope', scope: rules.scope ?? '' } : undefined
}

/** What `WWW-Authenticate` looks like. */
export interface ChallengeStyle {
  /** `Bearer`, `DPoP`, `Basic`. */
  readonly scheme: string
  readonly realm?: string
  /** Says why in words, as the examples of RFC 6750 do. */
  readonly describe?: boolean
}

/** The signatures that a proof may have. */
const PROOF_ALGORITHMS = 'ES256 ES384 Ed25519 EdDSA RS256'

/**
 * The challenge for a problem. Without a token it carries no error code: that would tell what a client has not asked.
 *
 * @see [RFC 6750 section 3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3), RFC 9449 section 7.1, RFC 9470
 * section 3
 */
export function challengeOf(problem: AccessProblem, { scheme, realm, describe = false }: ChallengeStyle): string {
  const parameters: [string, string | undefined][] = [
    ['realm', realm],
    ['error', problem.error === 'no_token' ? undefined : problem.error],
    ['error_description', describe && 'description' in problem ? problem.description : undefined],
    ['scope', 'scope' in problem ? problem.scope : undefined],
    ['acr_values', 'acrValues' in problem ? problem.acrValues : undefined],
    ['algs', scheme === 'DPoP' ? PROOF_ALGORITHMS : undefined],
  ]
  const given = parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quoted(value)}`]))
  return given.length === 0 ? scheme : `${scheme} ${given.join(', ')}`
}

const STATUS: Readonly<Partial<Record<AccessProblem['error'], number>>> = {
  invalid_request: 400,
  insufficient_scope: 403,
}

/** The answer to a request that is turned away. `challenge`: the whole header, or none. */
export function refusal(problem: AccessProblem, challenge: string | undefined): Reply {
  const headers: Reply['headers'] = challenge === undefined ? {} : { 'WWW-Authenticate': challenge }
  return json(STATUS[problem.error] ?? 401, { error: problem.error }, headers)
}

/** RFC 9110 section 5.6.4. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
