import type { Emitter } from '../lib/emitter.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { TokenEvents, WithholdReason } from '../session/events.ts'
import { isB64Token, type TokenSet } from '../token.ts'

/** Tells what deserves attention, and tells it once: a page that polls must not flood its monitoring. */
export interface Watch {
  withheld(origin: string, why: WithholdReason): void
  challenged(event: TokenEvents['challenged']): void
  alert(rule: 'token-in-url' | 'fresh-token-refused', origin: string): void
  /** Tokens came out of a sign-in (`before` is undefined) or a refresh. */
  issued(tokens: TokenSet, before: TokenSet | undefined): void
}

const STORM = { refreshes: 30, withinMs: 60_000 }

export function createWatch(events: Emitter<TokenEvents>): Watch {
  const told = new Set<string>()
  let refreshes: Instant[] = []

  function once(key: string, tell: () => void): void {
    if (told.has(key)) return
    told.add(key)
    tell()
  }

  return {
    withheld(origin, why) {
      once(`${why} ${origin}`, () => events.emit('withheld', { origin, why }))
    },
    challenged(event) {
      events.emit('challenged', event)
    },
    alert(rule, origin) {
      once(`${rule} ${origin}`, () => events.emit('alert', { rule, origin }))
    },
    issued(tokens, before) {
      if (!isB64Token(tokens.accessToken)) once('odd', () => events.emit('alert', { rule: 'odd-token' }))
      if (!before) return
      const { scope, obtained } = tokens
      if (before.scope.length > 0 && scope.some((item) => !before.scope.includes(item))) {
        events.emit('alert', { rule: 'scope-grew', scope })
      }
      refreshes = [...refreshes.filter((at) => elapsedMs(at, obtained) < STORM.withinMs), obtained]
      if (refreshes.length > STORM.refreshes) {
        refreshes = []
        events.emit('alert', { rule: 'refresh-storm' })
      }
    },
  }
}
