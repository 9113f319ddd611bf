import * as webCrypto from '../adapters/signing.ts'
import type { SigningAlg } from '../adapters/signing.ts'
import { TokenError } from '../errors.ts'
import { patiently } from '../lib/deadline.ts'
import type { Instant } from '../lib/instant.ts'
import { skewOf } from '../lib/skew.ts'
import { parseUrl } from '../lib/url.ts'
import type { Binding, Timer } from '../ports.ts'
import { type Attempt, createNonces } from './nonces.ts'
import { hashOf, makeProof, type Prover, type Signing, thumbprintOf, toProver, toPublicJwk } from './proof.ts'

export interface BindingOptions {
  readonly alg: SigningAlg
  readonly allowBearer: boolean
  readonly keys: Keys
  readonly timer: Timer
  /** Default: WebCrypto. */
  readonly signing?: Signing
  now(): Instant
  warn(message: string): void
}

/** Where keys are kept, by name. */
export interface Keys {
  write(name: string, kept: object): Promise<void>
  read(name: string, touch: (kept: object) => object): Promise<unknown>
  remove(name: string): Promise<void>
  sweep(isOld: (kept: unknown) => boolean): Promise<void>
}

/** What is kept of a key. */
interface Kept {
  readonly alg: SigningAlg
  readonly privateKey: CryptoKey
  readonly jwk: JsonWebKey
  /** When a page has used it first, device wall time: of a sign-in that was given up nobody removes the key. */
  readonly at: number
}

/** How long a store may take, much longer than one does; and how long once more in a page that was frozen meanwhile. */
const PATIENCE_MS = 1_000
/** No session lives on without a visit for longer than this, as no cookie does. */
const OLD_MS = 400 * 86_400_000
/** Attempts whose answers are waited for. */
const MOST_PENDING = 1_000

export function createBinding(options: BindingOptions): Binding {
  const { alg, allowBearer, keys, timer, signing = webCrypto, now, warn } = options
  const { generateSigningKey, isSigningKey } = signing
  const provers = new Map<string, Promise<Prover>>()
  const nonces = createNonces(() => now().monotonic, timer)
  const pending = new Map<string, { readonly attempt: Attempt; readonly origin: string; readonly wall: number }>()
  /** By origin. Of a server that does not say: what the last one said that did. */
  const skews = new Map<string, number>()
  let lastSkew = 0
  let lastHash: { readonly of: string; readonly hash: Promise<string> } | undefined

  const within = <T>(task: Promise<T>): Promise<T> =>
    patiently(task, [PATIENCE_MS, PATIENCE_MS], { clock: { now }, timer })

  async function load(name: string): Promise<Prover> {
    let found: unknown
    try {
      found = await within(keys.read(name, (kept) => ({ ...kept, at: now().wall })))
    } catch (cause) {
      throw new TokenError('refresh_unavailable', 'no answer of the key store', { transient: true, cause })
    }
    const { alg: itsAlg, privateKey, jwk } = Object(found) as Kept
    // There are browsers that store a key as an empty object.
    if (!isSigningKey(privateKey)) throw new TokenError('key_lost', 'the key that the session was bound to is lost')
    return toProver(itsAlg, privateKey, jwk)
  }

  function proverOf(name: string): Promise<Prover> {
    const known = provers.get(name)
    if (known) return known
    const loading = load(name)
    provers.set(name, loading)
    loading.catch(() => provers.delete(name))
    return loading
  }

  /** Requests with the same token follow each other. */
  function hashOfToken(accessToken: string): Promise<string> {
    if (lastHash?.of !== accessToken) lastHash = { of: accessToken, hash: hashOf(accessToken, signing) }
    return lastHash.hash
  }

  function generate(
    taken: readonly string[] | undefined,
  ): Promise<{ readonly alg: SigningAlg; privateKey: CryptoKey; jwk: JsonWebKey }> {
    const make = async (one: SigningAlg) => ({ alg: one, ...(await generateSigningKey(one)) })
    // Not every browser has Ed25519, nor every server.
    return make(taken?.includes(alg) === false ? 'ES256' : alg).catch(() => make('ES256'))
  }

  return {
    allowBearer,

    async create(taken, leaving) {
      const { alg: made, privateKey, jwk } = await generate(taken)
      const name = await thumbprintOf(jwk, signing)
      provers.set(name, Promise.resolve(toProver(made, privateKey, jwk)))
      const at = now().wall
      try {
        const kept: Kept = { alg: made, privateKey, jwk: toPublicJwk(jwk), at }
        await within(keys.write(name, kept))
        const found = await within(keys.read(name, (found) => found))
        if (!isSigningKey((Object(found) as Kept).privateKey)) throw new Error()
      } catch (cause) {
        if (leaving) throw new TokenError('unsupported', 'the key cannot be stored: sign in by a popup', { cause })
        // It signs as long as this page lives.
        warn('the DPoP key cannot be stored: the session ends with this page, and no other tab can join it')
      }
      const isOld = (kept: unknown): boolean => !(at - (Object(kept) as Kept).at < OLD_MS)
      void within(keys.sweep(isOld)).catch(() => {})
      return name
    },

    async prove({ key, method, url, accessToken }) {
      const prover = await proverOf(key)
      const { origin, pathname } = parseUrl(url) ?? { origin: 'null', pathname: '' }
      const ath = accessToken === undefined ? undefined : await hashOfToken(accessToken)
      // An authorization server and an API may share an origin, but not what they ask for.
      const attempt = await nonces.begin(ath === undefined ? `${origin} tokens` : origin)
      const { wall } = now()
      const claims = {
        htm: method,
        htu: origin + pathname,
        iat: Math.floor((wall + (skews.get(origin) ?? lastSkew)) / 1_000),
        ath,
        nonce: attempt.nonce,
      }
      const proof = await makeProof(prover, claims, signing)
      pending.set(proof, { attempt, origin, wall })
      // No answer came to the oldest.
      const [oldest] = pending.keys()
      if (pending.size > MOST_PENDING && oldest !== undefined) pending.delete(oldest)
      return proof
    },

    learn(proof, header) {
      const sent = pending.get(proof)
      if (!sent) return false
      pending.delete(proof)
      const { attempt, origin, wall } = sent
      const skew = skewOf({ sentMs: wall, receivedMs: now().wall, date: header('date'), age: header('age') })
      if (skew) skews.set(origin, (lastSkew = skew.skewMs))
      if (header('www-authenticate')?.includes('use_dpop_nonce') && header('dpop-nonce') === null) {
        warn(`${origin} asks for a DPoP nonce that cannot be read: Access-Control-Expose-Headers must list DPoP-Nonce`)
      }
      return nonces.learn(attempt, header)
    },

    async forget(key) {
      provers.delete(key)
      await within(keys.remove(key)).catch(() => {})
    },
  }
}
