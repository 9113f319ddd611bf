import type { Presentation, SeenToken, TokenExchange } from './history.ts'
import type { ScanLimits } from './options.ts'
import { parseUrl } from './places.ts'
import { detached } from './triggers.ts'
import type { Raise, TokenState } from './token-states.ts'

/** A token that a request presented, and all that is known of both. */
export interface Use {
  readonly exchange: TokenExchange
  readonly token: SeenToken
  readonly how: Presentation
  readonly state: TokenState
  readonly limits: ScanLimits
  readonly raise: Raise
}

/** The rules about one token at the moment it is presented: M1 to M6 and M9. */
export function judgeUse(use: Use): void {
  const { how, state } = use
  if (how === 'bearer' || how === 'logout') {
    judgeLifetime(use)
    judgeAudience(use)
  }
  if (how !== 'revoke') judgeEnd(use)
  judgeSignature(use)
  judgePlaces(use)
  if (how === 'refresh') judgeReuse(use)
  state.presentations++
}

/** M1 and M9. */
function judgeLifetime({ exchange: { at, status }, token: { jwt }, state, limits, raise }: Use): void {
  const outcome = outcomeOf(status)
  const nbf = jwt?.claims?.['nbf']
  if (state.expiresAt !== undefined && at > state.expiresAt + limits.leewayMs) {
    raise('M1', state, `It was used ${spanOf(at - state.expiresAt)} after its expiry${outcome}.`)
  } else if (typeof nbf === 'number' && at < nbf * 1_000 - limits.leewayMs) {
    raise('M1', state, `It was used ${spanOf(nbf * 1_000 - at)} before it became valid${outcome}.`)
  }
  if (jwt?.claims === undefined || state.kind !== 'access') return
  const { exp, iat, nbf: from } = jwt.claims as { exp?: unknown; iat?: unknown; nbf?: unknown }
  if (typeof exp !== 'number') raise('M9', state, 'It has no exp: it never ends.')
  else {
    const begins = typeof iat === 'number' ? iat : typeof from === 'number' ? from : at / 1_000
    const lifetimeMs = (exp - begins) * 1_000
    if (lifetimeMs > limits.maxLifetimeMs) raise('M9', state, `It lives for ${spanOf(lifetimeMs)}.`)
  }
}

/** M2. */
function judgeEnd({ exchange: { at, status }, how, state, limits, raise }: Use): void {
  const { endedAt, replacedAt } = state
  if (endedAt !== undefined && at > endedAt + REVOCATION_TRAVELS_MS) {
    raise('M2', state, `It was used ${spanOf(at - endedAt)} after it was revoked${outcomeOf(status)}.`)
  } else if (how === 'bearer' && replacedAt !== undefined && at > replacedAt + limits.overlapMs) {
    raise('M2', state, `It was used ${spanOf(at - replacedAt)} after another replaced it${outcomeOf(status)}.`)
  }
}

/** Requests that were on their way when the user logged out. */
const REVOCATION_TRAVELS_MS = 5_000

/** M3: again, after an answer brought another one for it, or when the server says so. */
function judgeReuse({ exchange, state, raise }: Use): void {
  const { status = 0, isReuse } = exchange
  const isRefused = state.presentations > 0 && (status === 400 || status === 401) && hasSucceeded(state)
  if (state.isExchanged || isReuse || isRefused) {
    raise('M3', state, `It was presented again${outcomeOf(status)}.`)
  }
}

const hasSucceeded = ({ steps }: TokenState): boolean =>
  steps.some(({ what, status = 0 }) => what === 'refresh' && isGood(status))

/** M4: another network and another program, at about the same time. */
function judgePlaces({ exchange: { at, ip, userAgent }, state, limits, raise }: Use): void {
  if (ip === undefined || userAgent === undefined) return
  const sighting = { at, network: networkOf(ip), program: programOf(userAgent) }
  const { places } = state
  const other = places.find(
    (one) =>
      one.network !== sighting.network && one.program !== sighting.program && at - one.at <= limits.placesWithinMs,
  )
  if (other) raise('M4', state, `It came from two networks with two programs within ${spanOf(at - other.at)}.`)
  const same = places.findIndex((one) => one.network === sighting.network && one.program === sighting.program)
  if (same !== -1) places.splice(same, 1)
  places.push(sighting)
  if (places.length > 8) places.shift()
}

/** One network: the same IPv4 /24, the same IPv6 /64. Providers and privacy addresses change within it. */
function networkOf(address: string): string {
  const ip = address
    .replace(/^::ffff:/i, '')
    .replace(/^\[|\](?::\d+)?$/g, '')
    .replace(/^(\d+\.[\d.]+):\d+$/, '$1')
  return ip.includes(':') ? ip.split(':').slice(0, 4).join(':') : ip.split('.').slice(0, 3).join('.')
}

/** A program without its version: an update is no theft. */
const programOf = (userAgent: string): string => detached(userAgent.replace(/[\d.]+/g, '').slice(0, 200))

/** M5: only if all its audiences are URLs. What other names mean, only the API knows. */
function judgeAudience({ exchange: { url = '' }, token: { jwt }, state, raise }: Use): void {
  const aud = jwt?.claims?.['aud']
  const audiences = (Array.isArray(aud) ? (aud as readonly unknown[]) : [aud]).map((one) => parseUrl(String(one)))
  const target = parseUrl(url)
  if (target === undefined) return
  const fits = (audience: URL | undefined): boolean =>
    audience === undefined || !/^https?:$/.test(audience.protocol) || audience.host === target.host
  if (!audiences.some(fits)) {
    raise('M5', state, `Its audience is ${audiences.map((one) => one?.host).join(', ')}; it went to ${target.host}.`)
  }
}

/** M6: unsigned, or a key id that is a path or a piece of a query. */
function judgeSignature({ token: { jwt }, state, raise }: Use): void {
  const { alg, kid } = (jwt?.header ?? {}) as { alg?: unknown; kid?: unknown }
  if (typeof alg === 'string' && alg.toLowerCase() === 'none') raise('M6', state, 'It is unsigned: its alg is none.')
  else if (typeof kid === 'string' && /\.\.[/\\]|['"`;|<>]|^\/|\0/.test(kid)) {
    raise('M6', state, 'Its kid is a path, or a piece of a command or query.')
  }
}

/** Whether `status` says yes. */
export const isGood = (status: number): boolean => status >= 200 && status < 400

const outcomeOf = (status: number | undefined): string =>
  status === undefined || status === 0 ? '' : isGood(status) ? ', and accepted' : `, and refused (${String(status)})`

/** A duration in words. */
export function spanOf(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 1) return 'less than a second'
  for (const [unit, size] of UNITS) {
    const count = Math.floor(seconds / size)
    if (count >= 2 || (count >= 1 && size === 1)) return `${String(count)} ${unit}${count === 1 ? '' : 's'}`
  }
  return `${String(seconds)} seconds`
}

const UNITS: readonly (readonly [string, number])[] = [
  ['year', 31_536_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]
