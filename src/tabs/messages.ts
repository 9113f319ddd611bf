import { ownMembers } from '../lib/own.ts'
import type { Instant } from '../lib/instant.ts'
import { elapsedMs } from '../lib/instant.ts'
import { SENDABLE, type TokenSet } from '../token.ts'

/** What tabs tell each other, each about one epoch. No message carries a refresh token. */
export type Message = { readonly version: 1; readonly epoch: number } & (
  | { readonly type: 'epoch' }
  /** I need tokens newer than these, for this wish: give me yours, or get some. */
  | { readonly type: 'wanted'; readonly sequence: number; readonly wish?: string | undefined }
  /** I hold the refresh token, and am at it. */
  | { readonly type: 'coming' }
  | { readonly type: 'tokens'; readonly tokens: SharedTokens; readonly wish?: string | undefined }
  /** I have spent the refresh token for another token than the session's own. */
  | { readonly type: 'rotated'; readonly rotation: number }
  /** These were refused right after their refresh: another one is of no use. */
  | { readonly type: 'refused'; readonly sequence: number; readonly wish?: string | undefined }
  | { readonly type: 'used'; readonly at: number }
)

/** Tokens as they travel to a sibling that has asked. */
export type SharedTokens = Omit<TokenSet, 'obtained' | 'refreshToken'> & {
  readonly obtainedAt: number
  readonly ageMs: number
}

export function toShared({ refreshToken, obtained, ...rest }: TokenSet, now: Instant): SharedTokens {
  const elsewhere = rest.elsewhere || refreshToken !== undefined
  return { ...rest, elsewhere, obtainedAt: obtained.wall, ageMs: elapsedMs(obtained, now) }
}

/** Each tab has a monotonic clock of its own. */
export function fromShared({ obtainedAt, ageMs, ...rest }: SharedTokens, now: Instant): TokenSet {
  return Object.freeze({
    ...rest,
    refreshToken: undefined,
    scope: Object.freeze(rest.scope),
    claims: rest.claims && Object.freeze(rest.claims),
    obtained: { wall: obtainedAt, monotonic: now.monotonic - ageMs },
  })
}

/** Any script of the origin can post. `undefined`: it is none of ours, or of another version. */
export function parseMessage(value: unknown): Message | undefined {
  const message = ownMembers(Object(value) as Message)
  const { version, epoch, type } = message
  const { wish = '' } = message as { readonly wish?: unknown }
  if ((version as number) !== 1 || !Number.isFinite(epoch) || typeof wish !== 'string') return undefined
  if (type !== 'tokens') return message
  const { accessToken, sequence, obtainedAt, ageMs, scope } = ownMembers(Object(message.tokens) as SharedTokens)
  const whole = [sequence, obtainedAt, ageMs].every((number) => Number.isFinite(number)) && scope instanceof Array
  return whole && SENDABLE.test(accessToken) ? message : undefined
}
