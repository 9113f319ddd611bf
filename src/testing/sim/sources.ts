import { createBinding } from '../../dpop/binding.ts'
import type { TokenSource } from '../../ports.ts'
import { cookieSource } from '../../sources/cookie.ts'
import { jsonSource } from '../../sources/json.ts'
import type { SimCrypto } from './crypto.ts'
import { type Login, proofSource } from './proof-source.ts'
import type { SimTab } from './tab.ts'

/**
 * Makes the source of a tab, which goes with the simulated servers.
 *
 * @param crypto Tokens are bound to keys.
 */
export function createSources({
  page,
  mode,
  crypto,
  allowBearer,
}: {
  readonly page: string
  readonly mode: string
  readonly allowBearer: boolean
  readonly crypto: SimCrypto | undefined
}): (tab: SimTab) => TokenSource<Login> {
  const root = mode === 'cookie' ? '/auth/' : '/json/'
  const endpoints = { login: `${root}login`, refresh: `${root}refresh`, logout: `${root}logout` }
  return (tab) => {
    if (mode === 'cookie') return cookieSource<Login>(endpoints)
    if (!crypto) return jsonSource<Login>(endpoints)
    const { clock, timer } = tab.ports
    const more = { now: () => clock.now(), timer, warn() {} }
    return proofSource(
      new URL(root, page).href,
      createBinding({ alg: 'ES256', allowBearer, ...crypto.for(tab), ...more }),
    )
  }
}
