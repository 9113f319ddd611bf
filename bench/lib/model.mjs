// The authorization server and API that every contestant talks to: in process as functions, over loopback behind HTTP.
// Access tokens are JWTs (some contestants read their expiry), unsigned, because nobody here checks a signature.

import { encode } from './jwt.mjs'

export const LIFETIME_S = 3_600
export const ISSUER = 'https://auth.example.com/'
export const CLIENT = 'bench'

/** @param options.rotation each refresh token works once. `reuse`: using one twice ends the session (RFC 9700). */
export function createModel({ rotation = true, reuse = false, shiftMs = 0 } = {}) {
  let number = 0
  let live = new Map()
  let refreshTokens = new Set()
  let spent = new Set()
  let dead = false
  let ended = false
  const now = () => Date.now() + shiftMs
  const counts = { refreshes: 0, wire: 0, refused: 0, refusedRefreshes: 0 }

  function issue(lifetimeS = LIFETIME_S) {
    number += 1
    const at = Math.floor(now() / 1000)
    const claims = {
      iss: ISSUER,
      aud: CLIENT,
      client_id: CLIENT,
      sub: 'ann',
      iat: at,
      exp: at + lifetimeS,
      jti: String(number),
    }
    const jwt = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'k' })}.${encode(claims)}.c2ln`
    live.set(jwt, now() + lifetimeS * 1000)
    const refreshToken = `refresh-${number}`
    refreshTokens.add(refreshToken)
    return {
      access_token: jwt,
      refresh_token: refreshToken,
      token_type: 'Bearer',
      expires_in: lifetimeS,
      expires_at: at + lifetimeS,
      scope: 'openid offline_access',
      id_token: jwt,
      user: { id: 'ann', aud: 'authenticated', email: 'ann@example.com' },
    }
  }

  return {
    counts,
    issue,
    /** Where the server is another process than the client, its clock is another one too. */
    moveClock(ms) {
      shiftMs += ms
    },
    /** The server forgets every access token: what a client holds will be refused though its clock says it is good. */
    refuseAll() {
      live = new Map()
    },
    /** The refresh token will be refused. */
    kill() {
      dead = true
    },
    isEnded: () => ended,
    /**
     * @param request as `tokenRequestOf` reads it; the scope that it asks for is granted
     * @param url some contestants cannot do without an ID token, and check it; at `/oauth/token` there is one
     */
    refresh({ refreshToken, scope }, url) {
      counts.refreshes += 1
      if (reuse && spent.has(refreshToken)) ended = true
      if (dead || ended || !refreshTokens.has(refreshToken)) {
        counts.refusedRefreshes += 1
        return { status: 400, body: { error: 'invalid_grant', error_description: 'the refresh token is not known' } }
      }
      if (rotation) {
        refreshTokens.delete(refreshToken)
        spent.add(refreshToken)
      }
      const { id_token, ...answer } = issue()
      const body = scope ? { ...answer, scope } : answer
      return { status: 200, body: url.includes('/oauth/token') ? { ...body, id_token } : body }
    },
    call(authorization) {
      counts.wire += 1
      const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1]
      const until = live.get(token)
      if (until !== undefined && now() < until && !ended) return { status: 200, body: { ok: true } }
      counts.refused += 1
      return { status: 401, body: { error: 'invalid_token' } }
    },
  }
}

/** What is asked of the token endpoint, in any of the spellings that the contestants use. */
export function tokenRequestOf(text) {
  try {
    const body = JSON.parse(text)
    return { refreshToken: body.refresh_token ?? body.refreshToken ?? body.token, scope: body.scope }
  } catch {
    const body = new URLSearchParams(text)
    return { refreshToken: body.get('refresh_token'), scope: body.get('scope') }
  }
}
