import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet } from 'jose'
import type { Family } from './families.ts'

export interface IssuedAccessToken {
  readonly value: string
  readonly jti: string
  readonly sid: string
  readonly expiresAt: number
  /** Taken back before its expiry; the session goes on. */
  revoked: boolean
}

export interface AccessTokens {
  readonly jwks: JSONWebKeySet
  issue(family: Family, issuer: string, ttlS: number): Promise<IssuedAccessToken>
  /** Every access token ever issued. */
  all(): readonly IssuedAccessToken[]
}

/** Signs access tokens with a key made for this run. */
export async function createAccessTokens(audience: string, now: () => number): Promise<AccessTokens> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const kid = randomUUID()
  const issued: IssuedAccessToken[] = []
  return {
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] },
    async issue({ id: sid, user, scope }, issuer, ttlS) {
      const jti = randomUUID()
      // `exp` has whole seconds: rounded up, so that no token dies before the `expires_in` that went with it.
      const exp = Math.ceil(now() / 1_000) + ttlS
      const value = await new SignJWT({ sid, scope })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
        .setIssuer(issuer)
        .setSubject(user)
        .setAudience(audience)
        .setIssuedAt(Math.floor(now() / 1_000))
        .setExpirationTime(exp)
        .setJti(jti)
        .sign(privateKey)
      const token = { value, jti, sid, expiresAt: exp * 1_000, revoked: false }
      issued.push(token)
      return token
    },
    all: () => issued,
  }
}
