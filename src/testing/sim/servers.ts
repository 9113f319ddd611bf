import type { TokenSource } from '../../ports.ts'
import { createApis, type NarrowApi } from './apis.ts'
import { type AuthModel, type AuthModelOptions, createAuthModel } from './auth-model.ts'
import { createSimCrypto } from './crypto.ts'
import { createNetwork, type Network, type NetworkOptions } from './network.ts'
import { createVerifier, type ProofRules } from './proofs.ts'
import { createChance } from './random.ts'
import type { Login } from './proof-source.ts'
import { createSources } from './sources.ts'
import type { SimOrigin, SimTab } from './tab.ts'

export interface ServersOptions
  extends
    Pick<AuthModelOptions, 'lifetimeMs' | 'graceMs' | 'rotate'>,
    Pick<NetworkOptions, 'connectionMs' | 'fateOf' | 'observe'> {
  readonly origin: SimOrigin
  readonly mode: string
  readonly page: string
  readonly seed: number
  /** True wall time at the beginning. */
  readonly start: number
  readonly rules: ProofRules | undefined
  readonly narrow: readonly NarrowApi[]
  readonly allowBearer: boolean
  /** What may change at any time. */
  now(): { readonly legMs: number; readonly retryAfterS: number | undefined; readonly challenges: number }
}

/** Everything that tabs reach over the network, and the source that reaches it. */
export interface Servers {
  readonly server: AuthModel
  readonly network: Network
  sourceOf(tab: SimTab): TokenSource<Login>
}

export function createServers(options: ServersOptions): Servers {
  const { origin, mode, page, seed, start, rules, narrow, allowBearer, now } = options
  const server = createAuthModel({
    ...options,
    now: origin.elapsed,
    spell: (kind, owner, number) =>
      kind === 'access' ? `sim-at-${owner}.${String(number)}` : `sim-rt-${String(number)}`,
  })
  const crypto = createSimCrypto(origin.faults)
  const verifier =
    rules &&
    createVerifier({
      rules,
      crypto,
      chance: createChance(seed),
      now: () => start + origin.elapsed(),
      challenges: () => now().challenges,
    })
  const network = createNetwork({
    ...options,
    model: server,
    apis: createApis(server, narrow, verifier),
    verifier,
    credential: mode === 'cookie' ? 'cookie' : 'token',
    legMs: () => now().legMs,
    retryAfterS: () => now().retryAfterS,
  })
  return { server, network, sourceOf: createSources({ page, mode, crypto: rules && crypto, allowBearer }) }
}
