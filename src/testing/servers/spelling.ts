/** How a first-party server spells its token response. RFC 6749 section 5.1 is `'oauth'`; the others are in the field. */
export type Spelling = 'oauth' | 'camel' | 'nested' | 'jwt-only' | 'expires-at-iso' | 'expires-at-s' | 'expires-at-ms'

export interface Grant {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP'
  readonly refreshToken: string | undefined
  readonly expiresInS: number
  readonly scope: string
}

export function spell(spelling: Spelling, grant: Grant, now: number): Record<string, unknown> {
  const { accessToken, tokenType, refreshToken, expiresInS, scope } = grant
  const expiresAt = now + expiresInS * 1_000
  switch (spelling) {
    case 'oauth':
      return {
        access_token: accessToken,
        token_type: tokenType,
        expires_in: expiresInS,
        scope,
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      }
    case 'camel':
      return { accessToken, tokenType, expiresIn: expiresInS, scope, refreshToken }
    case 'nested':
      return { success: true, data: spell('camel', grant, now) }
    case 'jwt-only':
      return { jwt: accessToken, refreshToken }
    case 'expires-at-iso':
      return { token: accessToken, expiresAt: new Date(expiresAt).toISOString(), refreshToken }
    case 'expires-at-s':
      return { token: accessToken, expiresAt: Math.floor(expiresAt / 1_000), refreshToken }
    case 'expires-at-ms':
      return { token: accessToken, expiresAt, refreshToken }
  }
}
