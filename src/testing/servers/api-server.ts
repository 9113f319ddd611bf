import type { ApiLogEntry, ApiServer, ApiServerOptions, ApiSettings } from './api-options.ts'
import { demoRoutes } from './api-routes.ts'
import { createVerifier } from './api-verify.ts'
import { demoAudience } from './auth-options.ts'
import { challengeOf, refusal, type AccessProblem } from './bearer.ts'
import { fingerprint } from './digest.ts'
import { createFaults } from './faults.ts'
import { credentialOf, json, realTime, type Call, type Reply } from './http.ts'
import { createProofs } from './proofs.ts'
import { loggedRequest } from './redact.ts'
import { serve } from './serve.ts'

/**
 * A resource server, in Node, on a loopback port: it takes access tokens of `auth` for its audience, as JWTs or opaque,
 * as Bearer or with a DPoP proof, and believes nothing else. No token, a bad one, too narrow a one and too weak a sign-in
 * are answered as RFC 6750, RFC 9449 and RFC 9470 say.
 *
 * Built in: `/public`, `/redirect?to=&status=`, `/always-401`; and, with a token, `/me`, `/orders`, `/echo`, `/upload`,
 * `/slow?ms=`, `/big`, `/admin` (needs the scope `admin`), `/transfer` (needs `acr` `urn:example:mfa`).
 *
 * @throws TypeError Where there is no Node.
 * @example
 *   const auth = await createAuthServer()
 *   const api = await createApiServer({ auth, routes: { '/tea': { answer: () => ({ status: 418 }) } } })
 *   api.faults.next('/me', fault.unavailable('30'))
 */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const {
    auth,
    audience = demoAudience,
    routes = {},
    path = '',
    host = '127.0.0.1',
    port = 0,
    clock = realTime,
  } = options
  const { now } = clock
  const settings: ApiSettings = {
    challenge: options.challenge ?? 'invalid_token',
    dpop: options.dpop ?? 'off',
    nonces: options.nonces ?? false,
    nonceMs: options.nonceMs ?? 300_000,
    oneUse: options.oneUse ?? false,
    allowedOrigins: options.allowedOrigins ?? [],
  }
  const faults = createFaults(clock)
  const proofs = createProofs(settings, now)
  const verify = createVerifier({ auth, audience, settings, proofs, now })
  const log: ApiLogEntry[] = []
  const entries = new WeakMap<Call, ApiLogEntry>()
  const pathOf = ({ url }: Call): string =>
    url.pathname.startsWith(path) ? url.pathname.slice(path.length) || '/' : url.pathname

  function refuse(problem: AccessProblem, scheme: 'Bearer' | 'DPoP'): Reply {
    const { challenge, dpop } = settings
    const own = challengeOf(problem, { scheme })
    // RFC 9449 section 7.2: who takes both says so.
    const text =
      scheme === 'Bearer' && dpop === 'accepted'
        ? `${own}, ${challengeOf({ error: 'no_token' }, { scheme: 'DPoP' })}`
        : own
    if (problem.error !== 'invalid_token' || challenge === 'invalid_token') return refusal(problem, text)
    return refusal(problem, challenge === 'none' ? undefined : challenge === 'bare' ? 'Bearer' : challenge.text)
  }

  async function handle(call: Call): Promise<Reply> {
    const { searchParams } = call.url
    const name = pathOf(call)
    if (name === '/public') return json(200, { hello: 'anybody' })
    if (name === '/redirect') {
      const status = Number(searchParams.get('status') ?? 302)
      return { status, headers: { Location: searchParams.get('to') ?? '/me' } }
    }
    const route = Object.hasOwn(routes, name)
      ? routes[name]
      : Object.hasOwn(demoRoutes, name)
        ? demoRoutes[name]
        : undefined
    const { claims, ...refused } = await verify(call, route ?? {})
    const entry = entries.get(call)
    if (entry) Object.assign(entry, { subject: claims?.['sub'] })
    if ('scheme' in refused) return refuse(refused.problem, refused.scheme)
    if (name === '/always-401')
      return refuse({ error: 'invalid_token', description: 'No token is good here' }, 'Bearer')
    if (!route || !claims) return json(404, { error: 'not_found' })
    return route.answer({ ...call, claims, wait: faults.wait })
  }

  const server = await serve({
    host,
    port,
    endpoint: pathOf,
    async handle(call) {
      const reply = await handle(call)
      const nonce = settings.dpop === 'off' ? undefined : proofs.nextNonce()
      return nonce === undefined ? reply : { ...reply, headers: { ...reply.headers, 'DPoP-Nonce': nonce } }
    },
    watch(call) {
      const { authorization } = call.headers
      const token = credentialOf(authorization)?.token ?? authorization
      const entry: ApiLogEntry = {
        at: now(),
        ...loggedRequest(call),
        presented: token === undefined ? undefined : fingerprint(token),
        subject: undefined,
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
  return { origin: server.origin, settings, faults, log, close: server.close }
}
