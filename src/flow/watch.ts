import type { Emitter } from '../lib/emitter.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import { decodeJwt } from '../lib/jwt.ts'
import { ownMembers } from '../lib/own.ts'
import type { TokenEvents, WithholdReason } from '../session/events.ts'
import { isB64Token, type TokenSet } from '../token.ts'

/** Tells what deserves attention, and tells it once: a page that polls must not flood its monitoring. */
export interface Watch {
  withheld(origin: string, why: WithholdReason): void
  challenged(event: TokenEvents['challenged']): void
  alert(rule: 'token-in-url' | 'fresh-token-refused' | 'other-issuer' | 'used-after-end', origin: string): void
  /** What has been seen of the device's clock, by that of the token server. */
  clock(aheadMs: number): void
  /** Tokens came out of a sign-in (`before` is undefined) or a refresh. */
  issued(tokens: TokenSet, before: TokenSet | undefined): void
}

/** More refreshes than this within a minute are a storm. */
const MOST_REFRESHES = 30
/** Clocks that are further apart make trouble with lifetimes, proofs and ID tokens. */
const FAR_MS = 300_000
/** No clock is that far off: what looks like it is a claim in milliseconds. */
const TOO_FAR_MS = 1e14

export function createWatch({ emit }: Emitter<TokenEvents>): Watch {
  const told = new Set<string>()
  let refreshes: Instant[] = []

  function once<K extends keyof TokenEvents>(type: K, event: TokenEvents[K]): void {
    const text = JSON.stringify(event)
    if (!told.has(text)) emit(type, event)
    told.add(text)
  }

  function clock(aheadMs: number): void {
    const byMs = Math.abs(aheadMs)
    // Whole minutes: told again only when it has become another one.
    if (byMs > FAR_MS && byMs < TOO_FAR_MS)
      once('alert', { rule: 'clock-off', aheadMs: Math.round(aheadMs / 60_000) * 60_000 })
  }

  return {
    clock,
    withheld: (origin, why) => once('withheld', { origin, why }),
    challenged: (event) => emit('challenged', event),
    alert: (rule, origin) => once('alert', { rule, origin }),
    issued({ accessToken, scope, obtained }, before) {
      if (!isB64Token(accessToken)) once('alert', { rule: 'odd-token' })
      // A new token that is not valid yet, or not any more. A session may be started with one that is not new.
      const { iat, exp } = ownMembers(decodeJwt(accessToken) ?? {})
      const since = (edge: unknown): number => obtained.wall - Number(edge || NaN) * 1_000
      clock(Math.min(0, since(iat)))
      if (!before) return
      clock(Math.max(0, since(exp)))
      if (before.scope[0] && scope.some((item) => !before.scope.includes(item))) {
        emit('alert', { rule: 'scope-grew', scope })
      }
      refreshes.push(obtained)
      if (refreshes.length > MOST_REFRESHES && elapsedMs(refreshes.shift() ?? obtained, obtained) < 60_000) {
        refreshes = []
        emit('alert', { rule: 'refresh-storm' })
      }
    },
  }
}
