import { randomBytes, randomUUID } from 'node:crypto'

/** All refresh tokens that descend from one sign-in. Reuse of a spent one ends them all (RFC 9700 section 4.14). */
export interface Family {
  readonly id: string
  readonly user: string
  readonly scope: string
  /** Why it ended; `undefined` while it lives. */
  ended: 'logout' | 'reuse' | 'revoked' | undefined
  current: { readonly token: string; readonly expiresAt: number }
}

export interface FamilyRules {
  refreshTtlS: number
  /** False: a refresh keeps the refresh token, and the answer names none. */
  rotate: boolean
  /** For this long after a rotation the token before it is still accepted, and answered with the current one. */
  graceMs: number
}

export type Presented =
  | { readonly outcome: 'rotated' | 'kept' | 'within-grace'; readonly family: Family }
  | { readonly outcome: 'reused' | 'expired' | 'ended'; readonly family: Family }
  | { readonly outcome: 'unknown'; readonly family: undefined }

export interface Families {
  begin(user: string, scope: string): Family
  /** Spends a refresh token. */
  present(token: string): Presented
  /** The family of any refresh token it ever had. */
  find(token: string): Family | undefined
  end(family: Family, why: NonNullable<Family['ended']>): void
  all(): readonly Family[]
  isLive(family: Family): boolean
  /** Every refresh token ever issued. */
  issued(): readonly string[]
}

export function createFamilies(rules: FamilyRules, now: () => number): Families {
  const byId = new Map<string, Family>()
  const byToken = new Map<string, { readonly family: Family; spentAt: number | undefined }>()

  function issue(): Family['current'] {
    return { token: randomBytes(32).toString('base64url'), expiresAt: now() + rules.refreshTtlS * 1_000 }
  }

  function isLive(family: Family): boolean {
    return family.ended === undefined && family.current.expiresAt > now()
  }

  return {
    begin(user, scope) {
      const family: Family = { id: randomUUID(), user, scope, ended: undefined, current: issue() }
      byId.set(family.id, family)
      byToken.set(family.current.token, { family, spentAt: undefined })
      return family
    },
    present(token) {
      const entry = byToken.get(token)
      if (entry === undefined) return { outcome: 'unknown', family: undefined }
      const { family } = entry
      if (family.ended !== undefined) return { outcome: 'ended', family }
      if (entry.spentAt !== undefined) {
        if (now() - entry.spentAt < rules.graceMs) return { outcome: 'within-grace', family }
        family.ended = 'reuse'
        return { outcome: 'reused', family }
      }
      if (!isLive(family)) return { outcome: 'expired', family }
      if (!rules.rotate) return { outcome: 'kept', family }
      entry.spentAt = now()
      family.current = issue()
      byToken.set(family.current.token, { family, spentAt: undefined })
      return { outcome: 'rotated', family }
    },
    find: (token) => byToken.get(token)?.family,
    end(family, why) {
      family.ended ??= why
    },
    all: () => [...byId.values()],
    isLive,
    issued: () => [...byToken.keys()],
  }
}
