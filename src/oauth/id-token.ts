import { ownMembers } from '../lib/own.ts'
import type { TokenResponse } from '../token.ts'
import type { ReadAnswer } from '../sources/answer.ts'
import type { AuthorizationServer } from './options.ts'
import type { Protocol } from './protocol.ts'

type Judge = Parameters<Protocol['processRefreshTokenResponse']>

export interface Expected {
  readonly server: AuthorizationServer
  readonly clientId: string
  readonly protocol: Protocol
}

// The signature is not checked: the token comes from the token endpoint, over TLS (OpenID Connect Core section 3.1.3.7). So any
// algorithm will do where the server names none, but for "none".
const ALGORITHMS = ['RS', 'PS', 'ES'].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}`))

/**
 * Checks the ID token of a sign-in, which has to be there, before anything else of the answer counts.
 *
 * @throws What is wrong with it.
 * @see [OpenID Connect Core section 3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)
 */
export async function checkIdToken(
  answer: ReadAnswer,
  nonce: string,
  maxAge: number | undefined,
  expected: Expected,
): Promise<void> {
  const options = { expectedNonce: nonce, ...(maxAge !== undefined && { maxAge }) }
  const { protocol } = expected
  await protocol.processAuthorizationCodeResponse(...subject(answer, expected), options)
}

/**
 * Checks the ID token of a refresh, which need not be there. `'foreign'`: it is about another client, server or sign-in, so
 * that nothing in the answer is to be trusted. `'odd'`: something else is wrong with it; it is not to be used.
 *
 * @see [OpenID Connect Core section 12.2](https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse)
 */
export async function judgeRefreshed(
  answer: ReadAnswer,
  nonce: string | undefined,
  expected: Expected,
): Promise<'fine' | 'foreign' | 'odd'> {
  const { protocol } = expected
  try {
    const result = await protocol.processRefreshTokenResponse(...subject(answer, expected))
    const claims = protocol.getValidatedIdTokenClaims(result)
    const isOurs = claims?.nonce === undefined || nonce === undefined || claims.nonce === nonce
    return isOurs ? 'fine' : 'foreign'
  } catch (error) {
    return (error as { code?: unknown }).code === protocol.JWT_CLAIM_COMPARISON ? 'foreign' : 'odd'
  }
}

/** What the library is to judge: the ID token alone. Whatever else is odd in the answer loses no session. */
function subject(
  { body, at, serverNow }: ReadAnswer,
  { server, clientId, protocol }: Expected,
): readonly [Judge[0], Judge[1], Judge[2]] {
  const { id_token: idToken } = ownMembers(body as TokenResponse)
  const judged = { access_token: 'x', token_type: 'bearer', ...(typeof idToken === 'string' && { id_token: idToken }) }
  const skewMs = serverNow - at
  const client = { client_id: clientId, [protocol.clockSkew]: Math.round((skewMs || 0) / 1_000) }
  const { id_token_signing_alg_values_supported: algorithms = [...ALGORITHMS, 'EdDSA', 'Ed25519'] } = server
  const metadata = { ...server, id_token_signing_alg_values_supported: [...algorithms] }
  return [metadata as Judge[0], client, new Response(JSON.stringify(judged))]
}
