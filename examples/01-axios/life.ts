import type { SessionState, TokenManager } from 'tokenward'
import { element, say } from './dom.ts'

const part = element('life-of-token', HTMLElement)
const life = element('life', HTMLProgressElement)
const left = element('left', HTMLOutputElement)

/** Shows how the access token drains. Its life is what was left of it when it came. */
export function showLife(tokens: TokenManager<never>): void {
  let full: { readonly expiresAt: number; readonly lifeMs: number } | undefined

  function show(): void {
    const state = tokens.getState()
    part.hidden = !state.signedIn
    if (!state.signedIn || state.expiresAt === undefined) {
      say(left, state.signedIn ? 'comes from another tab' : '')
      return
    }
    const leftMs = leftOf(state)
    if (full?.expiresAt !== state.expiresAt) full = { expiresAt: state.expiresAt, lifeMs: Math.max(1, leftMs) }
    life.value = leftMs / full.lifeMs
    say(left, leftMs === 0 ? 'expired; the next call refreshes it' : `${Math.ceil(leftMs / 1_000)} s left`)
  }
  tokens.subscribe(show)
  setInterval(show, 100)
  show()
}

/** How long the access token is good, in milliseconds. */
export function leftOf(state: SessionState): number {
  if (!state.signedIn || state.expiresAt === undefined) return 0
  return Math.max(0, state.expiresAt - Date.now())
}
