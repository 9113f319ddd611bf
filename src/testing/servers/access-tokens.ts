import { randomText } from './digest.ts'
import type { Family } from './families.ts'
import { createSigner, type Claims, type Jwks } from './jwt.ts'

export interface IssuedAccessToken {
  readonly value: string
  readonly claims: Claims & { readonly jti: string; readonly sid: string }
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** Taken back before its expiry; the session goes on. */
  revoked: boolean
}

export interface AccessTokenRequest {
  readonly family: Family
  readonly issuer: string
  readonly audience: string
  readonly scope: string
  readonly lifetimeMs: number
  /** `'opaque'`: the value says nothing, and the API has to ask. */
  readonly format: 'jwt' | 'opaque'
}

export interface AccessTokens {
  readonly jwks: Jwks
  issue(request: AccessTokenRequest): Promise<IssuedAccessToken>
  find(value: string): IssuedAccessToken | undefined
  /** By its `jti`. */
  named(jti: unknown): IssuedAccessToken | undefined
  /** Every access token ever issued. */
  all(): readonly IssuedAccessToken[]
}

/** Access tokens as RFC 9068 writes them, signed with a key made for this run; or opaque ones. */
export async function createAccessTokens(now: () => number): Promise<AccessTokens> {
  const { jwks, sign } = await createSigner()
  const issued = new Map<string, IssuedAccessToken>()
  const byId = new Map<unknown, IssuedAccessToken>()
  return {
    jwks,
    async issue({ family, issuer, audience, scope, lifetimeMs, format }) {
      // `exp` has whole seconds: rounded up, so that no token dies before the `expires_in` that went with it.
      const exp = Math.ceil(now() / 1_000) + Math.ceil(lifetimeMs / 1_000)
      const claims = {
        iss: issuer,
        sub: family.user,
        aud: audience,
        iat: Math.floor(now() / 1_000),
        exp,
        jti: randomText(16),
        sid: family.id,
        scope,
        auth_time: Math.floor(family.signedInAt / 1_000),
        ...(family.acr !== undefined && { acr: family.acr }),
        ...(family.jkt !== undefined && { cnf: { jkt: family.jkt } }),
      }
      const value = format === 'jwt' ? await sign(claims, 'at+jwt') : randomText(32)
      const token: IssuedAccessToken = { value, claims, expiresAt: exp * 1_000, revoked: false }
      issued.set(value, token)
      byId.set(claims.jti, token)
      return token
    },
    find: (value) => issued.get(value),
    named: (jti) => byId.get(jti),
    all: () => [...issued.values()],
  }
}
