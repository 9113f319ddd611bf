import { randomBytes } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import { createAccessTokens } from './access-tokens.ts'
import { createFamilies, type Family, type Presented } from './families.ts'
import { createFaults, type Faults } from './faults.ts'
import { cookie, fingerprint, json, jsonBody, serve, type Call, type Host, type Reply } from './http.ts'
import { spell, type Spelling } from './spelling.ts'

export interface User {
  readonly password: string
  readonly scope?: string
}

/** What may be changed while the server runs; the next request sees it. */
export interface AuthSettings {
  accessTokenTtlS: number
  /** The life of each refresh token. */
  refreshTtlS: number
  /** False: a refresh keeps the refresh token, and the answer names none. */
  rotate: boolean
  /** For this long after a rotation the token before it is still accepted. 0: any reuse ends the family. */
  graceMs: number
  spelling: Spelling
  /** Double submit: the value of this cookie must come back in this header at refresh and logout. */
  csrf: { readonly cookie: string; readonly header: string } | undefined
  allowedOrigins: readonly string[] | 'any'
}

export interface AuthServerOptions extends Partial<AuthSettings> {
  readonly users?: Readonly<Record<string, User>>
  readonly audience?: string
  /** Default: `127.0.0.1`. */
  readonly host?: Host
  /** Epoch milliseconds. */
  readonly now?: () => number
}

export type AuthEndpoint = 'login' | 'refresh' | 'logout' | 'jwks' | 'other'

export type AuthOutcome = Presented['outcome'] | 'signed-in' | 'signed-out' | 'refused' | 'forged'

export interface AuthLogEntry {
  readonly at: number
  readonly endpoint: AuthEndpoint
  readonly method: string
  readonly path: string
  readonly headers: Call['headers']
  /** Fingerprint of the refresh token that came. */
  presented: string | undefined
  /** What the server did; `undefined` while it has done nothing. */
  outcome: AuthOutcome | undefined
  family: string | undefined
  status: number | undefined
  /** How it ended on the wire: `'answered'`, `'answered wrongly'`, `'dropped'`, `'cut'`, `'silence'`. */
  end: string | undefined
}

export interface AuthServer {
  readonly origin: string
  readonly jwks: JSONWebKeySet
  readonly settings: AuthSettings
  readonly faults: Faults
  /** All that came, in the order of arrival. */
  readonly log: readonly AuthLogEntry[]
  /** How many calls of `endpoint` came; with `outcome`, how many ended so. */
  count(endpoint: AuthEndpoint, outcome?: AuthOutcome): number
  liveFamilies(): readonly Family[]
  liveRefreshTokens(): readonly string[]
  liveAccessTokens(): readonly string[]
  /** Every token ever issued, to search for in places where none may be. */
  issuedTokens(): readonly string[]
  /** What the API asks about a token that is well signed and not expired. */
  isRevoked(claims: { readonly sid?: unknown; readonly jti?: unknown }): boolean
  /** Takes all access tokens back; sessions go on. The API refuses them from now on. */
  revokeAccessTokens(): void
  /** Ends all sessions, as an administrator does. */
  revokeSessions(): void
  close(): Promise<void>
}

const demoUsers: Readonly<Record<string, User>> = {
  'demo@example.com': { password: 'demo', scope: 'orders:read' },
  'admin@example.com': { password: 'admin', scope: 'orders:read admin' },
}

export const demoAudience = 'urn:example:api'

const refreshCookie = 'refresh_token'

/**
 * An authorization server for a first-party SPA, in two flavours: `/auth/*` keeps the refresh token in an HttpOnly
 * cookie, `/json/*` hands it out in the body. Both rotate it, end the family at its reuse, and revoke it at logout.
 */
export async function startAuthServer(options: AuthServerOptions = {}): Promise<AuthServer> {
  const { users = demoUsers, audience = demoAudience, host = '127.0.0.1', now = Date.now, ...given } = options
  const settings: AuthSettings = {
    accessTokenTtlS: 15,
    refreshTtlS: 30 * 24 * 3_600,
    rotate: true,
    graceMs: 0,
    spelling: 'oauth',
    csrf: undefined,
    allowedOrigins: [],
    ...given,
  }
  const families = createFamilies(settings, now)
  const accessTokens = await createAccessTokens(audience, now)
  const faults = createFaults()
  const log: AuthLogEntry[] = []
  const entries = new WeakMap<Call, AuthLogEntry>()

  function note(call: Call, outcome: AuthOutcome, family?: Family): void {
    const entry = entries.get(call)
    if (entry !== undefined) Object.assign(entry, { outcome, family: family?.id })
  }

  async function grant(call: Call, family: Family, named: boolean): Promise<Reply> {
    const { accessTokenTtlS, spelling, csrf } = settings
    const { value } = await accessTokens.issue(family, server.origin, accessTokenTtlS)
    const inBody = named && !isCookieFlavour(call)
    const refreshToken = inBody ? family.current.token : undefined
    const body = spell(
      spelling,
      { accessToken: value, refreshToken, expiresInS: accessTokenTtlS, scope: family.scope },
      now(),
    )
    if (!isCookieFlavour(call)) return json(200, body)
    const csrfCookie = csrf && `${csrf.cookie}=${randomBytes(16).toString('base64url')}; Path=/; SameSite=Strict`
    const cookies = [setRefreshCookie(family.current.token, settings.refreshTtlS), ...(csrfCookie ? [csrfCookie] : [])]
    return json(200, body, { 'Set-Cookie': cookies })
  }

  async function login(call: Call): Promise<Reply> {
    const { email, password } = jsonBody(call)
    const user = typeof email === 'string' && Object.hasOwn(users, email) ? users[email] : undefined
    if (user === undefined || typeof email !== 'string' || user.password !== password) {
      note(call, 'refused')
      return json(401, { error: 'invalid_credentials', error_description: 'Wrong email or password.' })
    }
    const family = families.begin(email, user.scope ?? '')
    note(call, 'signed-in', family)
    return grant(call, family, true)
  }

  async function refresh(call: Call): Promise<Reply> {
    const presented = families.present(presentedToken(call) ?? '')
    note(call, presented.outcome, presented.family)
    switch (presented.outcome) {
      case 'rotated':
      case 'within-grace':
        return grant(call, presented.family, true)
      case 'kept':
        return grant(call, presented.family, false)
      case 'reused':
      case 'expired':
      case 'ended':
      case 'unknown':
        return json(401, { error: 'invalid_grant', error_description: `The refresh token is ${presented.outcome}.` })
    }
  }

  function logout(call: Call): Reply {
    const family = families.find(presentedToken(call) ?? '')
    if (family !== undefined) families.end(family, 'logout')
    note(call, 'signed-out', family)
    return { status: 204, ...(isCookieFlavour(call) ? { headers: { 'Set-Cookie': setRefreshCookie('', 0) } } : {}) }
  }

  /** A page of another site can make the browser send the cookie, but neither this header nor the CSRF value. */
  function isForged(call: Call, endpoint: AuthEndpoint): boolean {
    if (!isCookieFlavour(call)) return false
    if (call.headers['x-requested-with'] === undefined) return true
    const { csrf } = settings
    if (csrf === undefined || endpoint === 'login' || presentedToken(call) === undefined) return false
    const expected = cookie(call, csrf.cookie)
    return expected === undefined || call.headers[csrf.header.toLowerCase()] !== expected
  }

  async function handle(call: Call): Promise<Reply> {
    const endpoint = endpointOf(call)
    if (endpoint === 'jwks') return json(200, accessTokens.jwks)
    if (endpoint === 'other') return json(404, { error: 'not_found' })
    if (isForged(call, endpoint)) {
      note(call, 'forged')
      return json(403, { error: 'forged_request' })
    }
    return { login, refresh, logout }[endpoint](call)
  }

  const server = await serve({
    host,
    endpoint: endpointOf,
    handle,
    watch(call, endpoint) {
      const token = presentedToken(call)
      const entry: AuthLogEntry = {
        at: now(),
        endpoint: endpoint as AuthEndpoint,
        method: call.method,
        path: call.url.pathname,
        headers: call.headers,
        presented: token === undefined ? undefined : fingerprint(token),
        outcome: undefined,
        family: undefined,
        status: undefined,
        end: undefined,
      }
      log.push(entry)
      entries.set(call, entry)
      return (end, status) => Object.assign(entry, { end, status })
    },
    faults,
    now,
    allowedOrigins: () => settings.allowedOrigins,
  })

  const isLiveSession = (sid: unknown): boolean =>
    families.all().some((family) => family.id === sid && families.isLive(family))

  return {
    origin: server.origin,
    jwks: accessTokens.jwks,
    settings,
    faults,
    log,
    count: (endpoint, outcome) =>
      log.filter((entry) => entry.endpoint === endpoint && (outcome === undefined || entry.outcome === outcome)).length,
    liveFamilies: () => families.all().filter(families.isLive),
    liveRefreshTokens: () =>
      families
        .all()
        .filter(families.isLive)
        .map(({ current }) => current.token),
    liveAccessTokens: () =>
      accessTokens
        .all()
        .filter(({ sid, revoked, expiresAt }) => !revoked && expiresAt > now() && isLiveSession(sid))
        .map(({ value }) => value),
    issuedTokens: () => [...accessTokens.all().map(({ value }) => value), ...families.issued()],
    isRevoked: ({ sid, jti }) =>
      !isLiveSession(sid) || accessTokens.all().some((token) => token.jti === jti && token.revoked),
    revokeAccessTokens() {
      for (const token of accessTokens.all()) token.revoked = true
    },
    revokeSessions() {
      for (const family of families.all()) families.end(family, 'revoked')
    },
    close: server.close,
  }
}

function endpointOf({ method, url }: Call): AuthEndpoint {
  if (url.pathname === '/jwks') return 'jwks'
  const [, flavour, name] = url.pathname.split('/')
  if (method !== 'POST' || (flavour !== 'auth' && flavour !== 'json')) return 'other'
  return name === 'login' || name === 'refresh' || name === 'logout' ? name : 'other'
}

function isCookieFlavour({ url }: Call): boolean {
  return url.pathname.startsWith('/auth/')
}

function presentedToken(call: Call): string | undefined {
  if (isCookieFlavour(call)) return cookie(call, refreshCookie) || undefined
  const token = jsonBody(call)['refresh_token']
  return typeof token === 'string' ? token : undefined
}

/** No `__Host-` and no `Secure`: the demo runs on http. A server on https wants both. */
function setRefreshCookie(token: string, maxAgeS: number): string {
  return `${refreshCookie}=${token}; Path=/auth; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}`
}
