import type { ApiServerOptions, ApiSettings } from './api-options.ts'
import { judgeClaims, type AccessProblem, type AccessRules } from './bearer.ts'
import { credentialOf, type Call } from './http.ts'
import { parseJws, type Claims, type Jwks, type PublicJwk } from './jwt.ts'
import type { Proofs } from './proofs.ts'

export type Verdict =
  | { readonly claims: Claims; readonly problem?: undefined }
  /** `claims`: of a token whose signature is good all the same. */
  | { readonly claims?: Claims; readonly problem: AccessProblem; readonly scheme: 'Bearer' | 'DPoP' }

export interface Verification {
  readonly auth: ApiServerOptions['auth']
  readonly audience: string
  readonly settings: ApiSettings
  readonly proofs: Proofs
  readonly now: () => number
}

/** Judges a request by its access token, and believes nothing else. */
export function createVerifier({ auth, audience, settings, proofs, now }: Verification) {
  const keysOf = keySet(auth.jwks)
  const spent = new Set<string>()
  const asked = 'introspect' in auth ? auth : undefined

  /** The claims of a token that `auth` has issued. */
  async function claimsOf(token: string): Promise<Claims | undefined> {
    const jws = parseJws(token)
    if (!jws) return asked?.introspect(token)
    // RFC 9068 section 4: an ID token is no access token.
    if (!/^(application\/)?at\+jwt$/i.test(String(jws.header['typ']))) return undefined
    for (const key of await keysOf(jws.header['kid'])) if (await jws.isSignedBy(key)) return jws.claims
    return undefined
  }

  return async function verify(call: Call, needs: Pick<AccessRules, 'scope' | 'acr'>): Promise<Verdict> {
    const { dpop } = settings
    const { authorization } = call.headers
    const credential = credentialOf(authorization)
    const isBearer = /^bearer(\s|$)/i.test(authorization ?? '')
    const isDpop = dpop !== 'off' && credential?.scheme === 'dpop'
    const scheme = isDpop || dpop === 'required' ? 'DPoP' : 'Bearer'
    // RFC 6750 section 2: one way to send a token, and no other beside it.
    if (authorization !== undefined && call.url.searchParams.has('access_token')) {
      return { problem: { error: 'invalid_request', description: 'The request holds no single token' }, scheme }
    }
    if (!isBearer && !isDpop) return { problem: { error: 'no_token' }, scheme }
    if (!credential) {
      return { problem: { error: 'invalid_request', description: 'The request holds no single token' }, scheme }
    }
    const claims = await claimsOf(credential.token)
    const invalid = (description: string): Verdict => ({
      ...(claims && { claims }),
      problem: { error: 'invalid_token', description },
      scheme,
    })
    if (!claims) return invalid('The access token is not of this issuer')
    const jkt = (claims['cnf'] as { readonly jkt?: unknown } | undefined)?.jkt
    if (isDpop) {
      const proof = await proofs.judge(call, credential.token)
      if (proof?.outcome !== 'proven') {
        const error = proof?.outcome ?? 'invalid_dpop_proof'
        return { claims, problem: { error, ...(proof && 'why' in proof && { description: proof.why }) }, scheme }
      }
      if (proof.jkt !== jkt) return invalid('The access token is bound to another key')
    } else if (dpop === 'required' || (dpop === 'accepted' && jkt !== undefined)) {
      // RFC 9449 section 7.2: a bound token is no bearer token.
      return {
        claims,
        problem: { error: 'invalid_token', description: 'The access token needs a proof' },
        scheme: 'DPoP',
      }
    }
    const problem = judgeClaims(claims, { now: now(), issuer: auth.origin, audience, ...needs })
    if (problem?.error === 'invalid_token') return { claims, problem, scheme }
    if (asked?.isRevoked(claims)) return invalid('The access token was revoked')
    if (settings.oneUse && spent.has(credential.token)) return invalid('The access token was used before')
    spent.add(credential.token)
    return problem ? { claims, problem, scheme } : { claims }
  }
}

/** The keys that a `kid` may mean. A remote set is fetched when it is first needed, and again for a key that it lacks. */
function keySet(source: Jwks | URL): (kid: unknown) => Promise<readonly PublicJwk[]> {
  let known: Promise<Jwks> | undefined
  const load = async (url: URL): Promise<Jwks> => {
    const response = await fetch(url)
    return (await response.json()) as Jwks
  }
  return async function keysFor(kid) {
    const pick = ({ keys }: Jwks): readonly PublicJwk[] => keys.filter((key) => kid === undefined || key.kid === kid)
    if (!(source instanceof URL)) return pick(source)
    known ??= load(source)
    const found = pick(await known.catch(() => ({ keys: [] })))
    if (found.length > 0) return found
    known = load(source)
    return pick(await known)
  }
}
