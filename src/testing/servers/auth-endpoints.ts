import type { AccessTokens } from './access-tokens.ts'
import type { AuthEndpoint, AuthOutcome, AuthSettings, User } from './auth-options.ts'
import { randomText } from './digest.ts'
import type { Families, Family } from './families.ts'
import { bodyMembers, cookieOf, json, type Call, type Reply } from './http.ts'
import type { Proofs } from './proofs.ts'
import { spell } from './spelling.ts'

const REFRESH_COOKIE = 'refresh_token'

export interface EndpointParts {
  readonly settings: AuthSettings
  readonly users: Readonly<Record<string, User>>
  readonly audience: string
  readonly families: Families
  readonly accessTokens: AccessTokens
  readonly proofs: Proofs
  readonly now: () => number
  readonly issuer: () => string
  /** Writes down what became of a call. */
  readonly note: (call: Call, outcome: AuthOutcome, family?: Family) => void
}

/** What a narrow token is asked for (RFC 8707), or what a sign-in grants. */
interface Target {
  readonly scope: string
  readonly audience: string
}

/** What the authorization server does at each of its endpoints. */
export function createEndpoints(parts: EndpointParts): (call: Call) => Promise<Reply> {
  const { settings, users, audience, families, accessTokens, proofs, now, issuer, note } = parts

  async function grant(call: Call, family: Family, target: Target & { readonly named: boolean }): Promise<Reply> {
    const { accessTokenMs, refreshTokenMs, spelling, csrf, format } = settings
    const { scope } = target
    const { value } = await accessTokens.issue({
      family,
      issuer: issuer(),
      audience: target.audience,
      scope,
      lifetimeMs: accessTokenMs,
      format,
    })
    const byCookie = isCookieFlavour(call)
    const body = spell(
      spelling,
      {
        accessToken: value,
        tokenType: family.jkt === undefined ? 'Bearer' : 'DPoP',
        refreshToken: target.named && !byCookie ? family.current.token : undefined,
        expiresInS: Math.ceil(accessTokenMs / 1_000),
        scope,
      },
      now(),
    )
    if (!byCookie) return json(200, body)
    const csrfCookie = csrf && `${csrf.cookie}=${randomText(16)}; Path=/; SameSite=Strict`
    const cookies = [setRefreshCookie(family.current.token, refreshTokenMs), ...(csrfCookie ? [csrfCookie] : [])]
    return json(200, body, { 'Set-Cookie': cookies })
  }

  /** The thumbprint of the key that a call proves to have, or the answer to a call that proves nothing. */
  async function proven(call: Call): Promise<{ readonly jkt: string | undefined } | Reply> {
    if (settings.dpop === 'off') return { jkt: undefined }
    const verdict = await proofs.judge(call)
    if (verdict?.outcome === 'proven') return { jkt: verdict.jkt }
    if (!verdict && settings.dpop === 'accepted') return { jkt: undefined }
    note(call, 'refused')
    return json(400, { error: verdict?.outcome ?? 'invalid_dpop_proof' })
  }

  /** What a call asks for within `scope`, or the answer to a call that asks for more. */
  function targetOf(call: Call, scope: string): Target | Reply {
    const { scope: wanted, resource } = bodyMembers(call)
    const granted = scope.split(' ')
    if (typeof wanted === 'string' && !wanted.split(' ').every((one) => granted.includes(one))) {
      return json(400, { error: 'invalid_scope' })
    }
    const { resources } = settings
    if (typeof resource === 'string' && resources !== 'any' && !resources.includes(resource)) {
      return json(400, { error: 'invalid_target' })
    }
    return {
      scope: typeof wanted === 'string' ? wanted : scope,
      audience: typeof resource === 'string' ? resource : audience,
    }
  }

  async function login(call: Call): Promise<Reply> {
    const { email, password, acr_values } = bodyMembers(call)
    const user = typeof email === 'string' && Object.hasOwn(users, email) ? users[email] : undefined
    if (user === undefined || typeof email !== 'string' || user.password !== password) {
      note(call, 'refused')
      return json(401, { error: 'invalid_credentials', error_description: 'Wrong email or password.' })
    }
    const proof = await proven(call)
    if ('status' in proof) return proof
    const target = targetOf(call, user.scope ?? '')
    if ('status' in target) {
      note(call, 'refused')
      return target
    }
    const acr = typeof acr_values === 'string' ? acr_values.split(' ')[0] : undefined
    const family = families.begin({ user: email, scope: user.scope ?? '', jkt: proof.jkt, acr })
    note(call, 'signed-in', family)
    return grant(call, family, { ...target, named: true })
  }

  async function refresh(call: Call): Promise<Reply> {
    const token = presentedToken(call) ?? ''
    const holder = families.find(token)
    // Whatever is wrong with the question, the refresh token is not spent on it.
    if (holder && families.isLive(holder)) {
      const proof = await proven(call)
      if ('status' in proof) return proof
      const target = targetOf(call, holder.scope)
      const problem = holder.jkt !== undefined && proof.jkt !== holder.jkt ? unbound(proof.jkt) : target
      if ('status' in problem) {
        note(call, 'refused', holder)
        return problem
      }
    }
    const { outcome, family } = families.present(token)
    note(call, outcome, family)
    if (outcome === 'rotated' || outcome === 'within-grace' || outcome === 'kept') {
      const target = targetOf(call, family.scope) as Target
      return grant(call, family, { ...target, named: outcome !== 'kept' })
    }
    return json(settings.refusedStatus, {
      error: 'invalid_grant',
      error_description: `The refresh token is ${outcome}.`,
    })
  }

  function logout(call: Call): Reply {
    const family = families.find(presentedToken(call) ?? '')
    if (family !== undefined) families.end(family, 'logout')
    note(call, 'signed-out', family)
    return { status: 204, ...(isCookieFlavour(call) ? { headers: { 'Set-Cookie': setRefreshCookie('', 0) } } : {}) }
  }

  /** RFC 7009: 200 for whatever is no valid token afterwards. */
  function revoke(call: Call): Reply {
    const { token } = bodyMembers(call)
    if (typeof token !== 'string') return json(400, { error: 'invalid_request' })
    const family = families.find(token)
    if (family) families.end(family, 'revoked')
    const access = accessTokens.find(token)
    if (access) access.revoked = true
    note(call, 'revoked', family)
    return { status: 200 }
  }

  /** A page of another site can make the browser send the cookie, but neither this header nor the CSRF value. */
  function isForged(call: Call, endpoint: AuthEndpoint): boolean {
    if (!isCookieFlavour(call)) return false
    if (call.headers['x-requested-with'] === undefined) return true
    const { csrf } = settings
    if (csrf === undefined || endpoint === 'login' || presentedToken(call) === undefined) return false
    const expected = cookieOf(call, csrf.cookie)
    return expected === undefined || call.headers[csrf.header.toLowerCase()] !== expected
  }

  return async function handle(call) {
    const endpoint = endpointOf(call)
    if (endpoint === 'jwks') return json(200, accessTokens.jwks)
    if (endpoint === 'other') return json(404, { error: 'not_found' })
    if (isForged(call, endpoint)) {
      note(call, 'forged')
      return json(403, { error: 'forged_request' })
    }
    const reply = await { login, refresh, logout, revoke }[endpoint](call)
    const nonce = settings.dpop === 'off' ? undefined : proofs.nextNonce()
    return nonce === undefined ? reply : { ...reply, headers: { ...reply.headers, 'DPoP-Nonce': nonce } }
  }
}

export function endpointOf({ method, url }: Call): AuthEndpoint {
  if (url.pathname === '/jwks') return 'jwks'
  if (method !== 'POST') return 'other'
  if (url.pathname === '/revoke') return 'revoke'
  const [, flavour, name] = url.pathname.split('/')
  if (flavour !== 'auth' && flavour !== 'json') return 'other'
  return name === 'login' || name === 'refresh' || name === 'logout' ? name : 'other'
}

/** The refresh token, or the token to revoke. */
export function presentedToken(call: Call): string | undefined {
  if (isCookieFlavour(call)) return cookieOf(call, REFRESH_COOKIE) || undefined
  const members = bodyMembers(call)
  const token = call.url.pathname === '/revoke' ? members['token'] : members['refresh_token']
  return typeof token === 'string' ? token : undefined
}

function isCookieFlavour({ url }: Call): boolean {
  return url.pathname.startsWith('/auth/')
}

function unbound(jkt: string | undefined): Reply {
  return json(400, { error: jkt === undefined ? 'invalid_dpop_proof' : 'invalid_grant' })
}

/** No `__Host-` and no `Secure`: this server speaks http. One on https wants both. */
function setRefreshCookie(token: string, maxAgeMs: number): string {
  return `${REFRESH_COOKIE}=${token}; Path=/auth; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(maxAgeMs / 1_000)}`
}
