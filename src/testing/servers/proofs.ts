import { digest, randomText } from './digest.ts'
import type { Call } from './http.ts'
import { parseJws, thumbprint, type PublicJwk } from './jwt.ts'

export interface ProofRules {
  /** Whether a proof must carry a nonce of this server. */
  nonces: boolean
  /** For how long a nonce is accepted. */
  nonceMs: number
}

export type ProofVerdict =
  | { readonly outcome: 'proven'; readonly jkt: string }
  | { readonly outcome: 'use_dpop_nonce' }
  | { readonly outcome: 'invalid_dpop_proof'; readonly why: string }

export interface Proofs {
  /**
   * Judges the proof of a request. `undefined`: it has none. A proof is good once.
   *
   * @param accessToken The token that came with the request, where one did.
   */
  judge(call: Call, accessToken?: string): Promise<ProofVerdict | undefined>
  /** A nonce for the next proof. `undefined`: this server wants none. */
  nextNonce(): string | undefined
}

/** How far the `iat` of a proof may lie from the server's time. */
const ACCEPTED_MS = 60_000

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * What a server checks in a DPoP proof, all of it.
 *
 * @see [RFC 9449 section 4.3](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.3)
 */
export function createProofs(rules: ProofRules, now: () => number): Proofs {
  const seen = new Map<string, number>()
  const nonces = new Map<string, number>()

  function isSpent(jkt: string, jti: string): boolean {
    const at = now()
    for (const [one, until] of seen) if (until <= at) seen.delete(one)
    const id = `${jkt} ${jti}`
    if (seen.has(id)) return true
    seen.set(id, at + 2 * ACCEPTED_MS)
    return false
  }

  async function judge({ method, url, headers }: Call, accessToken?: string): Promise<ProofVerdict | undefined> {
    const text = headers['dpop']
    if (text === undefined) return undefined
    const bad = (why: string): ProofVerdict => ({ outcome: 'invalid_dpop_proof', why })
    const jws = parseJws(text)
    if (!jws) return bad('it is no JWT, or there are several')
    const { header, claims } = jws
    if (header['typ'] !== 'dpop+jwt') return bad('typ is not dpop+jwt')
    const key = header['jwk']
    if (typeof key !== 'object' || key === null) return bad('it names no key')
    if (PRIVATE.some((name) => Object.hasOwn(key, name))) return bad('it holds a private key')
    const jkt = thumbprint(key as PublicJwk)
    if (jkt === undefined || !(await jws.isSignedBy(key as PublicJwk))) return bad('the signature is wrong')
    const { jti, htm, htu, iat, ath, nonce } = claims
    if (typeof jti !== 'string' || jti === '') return bad('there is no jti')
    if (htm !== method) return bad('htm is another method')
    if (!isSameUri(htu, url)) return bad('htu is another URI')
    if (typeof iat !== 'number' || Math.abs(iat * 1_000 - now()) > ACCEPTED_MS) return bad('iat is too far off')
    if (ath !== (accessToken === undefined ? undefined : digest(accessToken))) return bad('ath is of another token')
    if (rules.nonces && !((nonces.get(String(nonce)) ?? 0) > now())) return { outcome: 'use_dpop_nonce' }
    if (isSpent(jkt, jti)) return bad('the proof was seen before')
    return { outcome: 'proven', jkt }
  }

  return {
    judge,
    nextNonce() {
      if (!rules.nonces) return undefined
      const at = now()
      for (const [one, until] of nonces) if (until <= at) nonces.delete(one)
      const nonce = randomText(16)
      nonces.set(nonce, at + rules.nonceMs)
      return nonce
    },
  }
}

/** Without query and fragment, after the normalisation that every URL parser makes. */
function isSameUri(htu: unknown, url: URL): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false
  const { origin, pathname } = new URL(htu)
  return origin === url.origin && pathname === url.pathname
}
