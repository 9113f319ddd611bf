import { createAccessTokens, type IssuedAccessToken } from './access-tokens.ts'
import { createEndpoints, endpointOf, presentedToken } from './auth-endpoints.ts'
import {
  authSettings,
  demoAudience,
  demoUsers,
  type AuthEndpoint,
  type AuthLogEntry,
  type AuthOutcome,
  type AuthServer,
  type AuthServerOptions,
} from './auth-options.ts'
import { fingerprint } from './digest.ts'
import { createFamilies, type Family } from './families.ts'
import { createFaults } from './faults.ts'
import { realTime, type Call } from './http.ts'
import { createProofs } from './proofs.ts'
import { loggedRequest } from './redact.ts'
import { serve } from './serve.ts'

/**
 * An authorization server for a first-party application, in Node, on a loopback port. In two flavours: `/auth/*` keeps
 * the refresh token in an HttpOnly cookie, `/json/*` hands it out in the body. Both rotate it, end the family at its
 * reuse, and revoke it at logout. `/jwks` has the keys of its JWTs, `/revoke` is RFC 7009.
 *
 * Everything can be made to fail (`faults`) and changed (`settings`) while it runs, and it goes by a clock of yours.
 *
 * @throws TypeError Where there is no Node.
 * @example
 *   const clock = createClock()
 *   const auth = await createAuthServer({ clock, accessTokenMs: 5_000 })
 *   const source = jsonSource(auth.endpoints('json'))
 *   auth.faults.next('refresh', fault.lostAnswer())
 *   console.log(auth.count('refresh', 'rotated'), auth.log)
 *   await auth.close()
 */
export async function createAuthServer(options: AuthServerOptions = {}): Promise<AuthServer> {
  const {
    users = demoUsers,
    audience = demoAudience,
    host = '127.0.0.1',
    port = 0,
    clock = realTime,
    ...given
  } = options
  const { now } = clock
  const settings = authSettings(given)
  const families = createFamilies(settings, now)
  const accessTokens = await createAccessTokens(now)
  const faults = createFaults(clock)
  const log: AuthLogEntry[] = []
  const entries = new WeakMap<Call, AuthLogEntry>()

  function note(call: Call, outcome: AuthOutcome, family?: Family): void {
    const entry = entries.get(call)
    if (entry !== undefined) Object.assign(entry, { outcome, family: family?.id })
  }

  const server = await serve({
    host,
    port,
    endpoint: endpointOf,
    handle: createEndpoints({
      settings,
      users,
      audience,
      families,
      accessTokens,
      proofs: createProofs(settings, now),
      now,
      issuer: () => server.origin,
      note,
    }),
    watch(call, endpoint) {
      const token = presentedToken(call)
      const entry: AuthLogEntry = {
        at: now(),
        endpoint: endpoint as AuthEndpoint,
        ...loggedRequest(call),
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
    clock,
    allowedOrigins: () => settings.allowedOrigins,
  })

  const isLiveSession = (id: unknown): boolean => {
    const family = families.get(String(id))
    return family !== undefined && families.isLive(family)
  }
  const isLive = ({ claims, revoked, expiresAt }: IssuedAccessToken): boolean =>
    !revoked && expiresAt > now() && isLiveSession(claims.sid)

  return {
    origin: server.origin,
    audience,
    jwks: accessTokens.jwks,
    settings,
    faults,
    log,
    count: (endpoint, outcome) =>
      log.filter((entry) => entry.endpoint === endpoint && (outcome === undefined || entry.outcome === outcome)).length,
    endpoints: (flavour) => ({
      login: `${server.origin}/${flavour}/login`,
      refresh: `${server.origin}/${flavour}/refresh`,
      logout: `${server.origin}/${flavour}/logout`,
    }),
    liveFamilies: () => families.all().filter(families.isLive),
    liveRefreshTokens: () =>
      families
        .all()
        .filter(families.isLive)
        .map(({ current }) => current.token),
    liveAccessTokens: () =>
      accessTokens
        .all()
        .filter(isLive)
        .map(({ value }) => value),
    issuedTokens: () => [...accessTokens.all().map(({ value }) => value), ...families.issued()],
    introspect(value) {
      const token = accessTokens.find(value)
      return token && isLive(token) ? token.claims : undefined
    },
    isRevoked: ({ sid, jti }) => !isLiveSession(sid) || accessTokens.named(jti)?.revoked === true,
    revokeAccessTokens() {
      for (const token of accessTokens.all()) token.revoked = true
    },
    revokeSessions() {
      for (const family of families.all()) families.end(family, 'revoked')
    },
    close: server.close,
  }
}
