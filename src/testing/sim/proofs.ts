import { hashOf, type SimCrypto } from './crypto.ts'
import type { Chance } from './random.ts'

/** What servers ask of the proofs of possession (DPoP) that they are sent. */
export interface ProofRules {
  /** None at all; one for all, which changes every half minute; or each one good for one request. */
  readonly nonces: 'none' | 'window' | 'single'
  /** They are given with every answer. Otherwise only when a proof had none, or an old one. */
  readonly announced: boolean
  /** How often, of a hundred times, a server wants another nonce all of a sudden. */
  readonly challenges: number
}

/** One attempt that a proof must be about. */
export interface Proven {
  readonly method: string
  readonly url: string
  readonly dpop: string | undefined
  readonly accessToken?: string | undefined
}

export interface ProofVerdict {
  /** The thumbprint of the key. `undefined`: the proof is not accepted. */
  readonly key: string | undefined
  readonly error: 'use_dpop_nonce' | 'invalid_dpop_proof' | undefined
  readonly headers: Readonly<Record<string, string>>
}

export interface VerifierOptions {
  readonly rules: ProofRules
  readonly crypto: SimCrypto
  readonly chance: Chance
  /** True wall time: the servers'. */
  now(): number
  challenges(): number
}

/** The proofs that one server takes. */
export interface Verifier {
  check(server: string, proven: Proven): ProofVerdict
}

interface Nonces {
  good: string[]
  since: number
}

const WINDOW_MS = 30_000
/** How wrong a client's clock may be. */
const CLOCK_MS = 300_000

export function createVerifier({ rules, crypto, chance, now, challenges }: VerifierOptions): Verifier {
  const servers = new Map<string, Nonces>()
  const ids = new Set<string>()
  let given = 0

  /** A nonce that `server` takes from now on. */
  function give(server: string, nonces: Nonces): string {
    const [newest] = nonces.good
    if (rules.nonces === 'window' && newest !== undefined && now() - nonces.since < WINDOW_MS) return newest
    const nonce = `${new URL(server).host}-${String(++given)}`
    nonces.good = [nonce, ...nonces.good.slice(0, rules.nonces === 'window' ? 1 : 100)]
    nonces.since = now()
    return nonce
  }

  function take(nonces: Nonces, nonce: string | undefined): boolean {
    if (nonce === undefined || !nonces.good.includes(nonce)) return false
    if (rules.nonces === 'single') nonces.good = nonces.good.filter((one) => one !== nonce)
    return true
  }

  /** Whether everything but its nonce and its time is as it should be. `undefined`: it is not. */
  function read({ method, url, dpop = '', accessToken }: Proven): { key: string; claims: Claims } | undefined {
    const [head = '', body = '', signature = ''] = dpop.split('.')
    const { typ, jwk = {} } = parse(head) as { typ?: string; jwk?: JsonWebKey }
    const claims = parse(body) as Claims
    const { htm, htu, ath, jti = '' } = claims
    const isNew = jti !== '' && ids.size < ids.add(jti).size
    if (typ !== 'dpop+jwt' || !isNew || htm !== method || htu !== url.replace(/[?#].*/s, '')) return undefined
    if (ath !== (accessToken === undefined ? undefined : hashOf(accessToken))) return undefined
    if (!crypto.isSigned(jwk, `${head}.${body}`, signature)) return undefined
    const { crv, kty, x, y } = jwk
    return { key: hashOf(JSON.stringify({ crv, kty, x, y })), claims }
  }

  return {
    check(server, proven) {
      const date = new Date(now()).toUTCString()
      const refuse = (error: ProofVerdict['error'], headers = {}): ProofVerdict => ({
        key: undefined,
        error,
        headers: { date, ...headers },
      })
      const proof = read(proven)
      if (!proof) return refuse('invalid_dpop_proof')
      const { key, claims } = proof
      if (rules.nonces === 'none') {
        const isTimely = Math.abs(Number(claims.iat) * 1_000 - now()) < CLOCK_MS
        return isTimely ? { key, error: undefined, headers: { date } } : refuse('invalid_dpop_proof')
      }
      const nonces = servers.get(server) ?? { good: [], since: -Infinity }
      servers.set(server, nonces)
      const isOver = rules.nonces === 'window' && now() - nonces.since >= 2 * WINDOW_MS
      if (isOver || chance.percent(`nonce ${server}`, challenges())) nonces.good = []
      if (!take(nonces, claims.nonce)) return refuse('use_dpop_nonce', { 'dpop-nonce': give(server, nonces) })
      const more: Record<string, string> =
        rules.announced || rules.nonces === 'single' ? { 'dpop-nonce': give(server, nonces) } : {}
      return { key, error: undefined, headers: { date, ...more } }
    },
  }
}

interface Claims {
  readonly htm?: string
  readonly htu?: string
  readonly iat?: number
  readonly ath?: string
  readonly jti?: string
  readonly nonce?: string
}

function parse(part: string): object {
  try {
    return JSON.parse(atob(part.replace(/-/g, '+').replace(/_/g, '/'))) as object
  } catch {
    return {}
  }
}
