import { randomText } from './digest.ts'

/** All refresh tokens that descend from one sign-in. Reuse of a spent one ends them all (RFC 9700 section 4.14). */
export interface Family {
  readonly id: string
  readonly user: string
  readonly scope: string
  /** Thumbprint of the key that the tokens are bound to. */
  readonly jkt: string | undefined
  /** How the user signed in (RFC 9470). */
  readonly acr: string | undefined
  /** Epoch milliseconds. */
  readonly signedInAt: number
  /** Why it ended; `undefined` while it lives. */
  readonly ended: 'logout' | 'reuse' | 'revoked' | undefined
  readonly current: { readonly token: string; readonly expiresAt: number }
}

export interface FamilyRules {
  /** The life of each refresh token. */
  refreshTokenMs: number
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
  begin(grant: Pick<Family, 'user' | 'scope' | 'jkt' | 'acr'>): Family
  /** Spends a refresh token. */
  present(token: string): Presented
  /** The family of any refresh token it ever had. */
  find(token: string): Family | undefined
  get(id: string): Family | undefined
  end(family: Family, why: NonNullable<Family['ended']>): void
  all(): readonly Family[]
  isLive(family: Family): boolean
  /** Every refresh token ever issued. */
  issued(): readonly string[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function createFamilies(rules: FamilyRules, now: () => number): Families {
  const byId = new Map<string, Mutable<Family>>()
  const byToken = new Map<string, { readonly family: Mutable<Family>; spentAt: number | undefined }>()

  function issue(): Family['current'] {
    return { token: randomText(32), expiresAt: now() + rules.refreshTokenMs }
  }

  function isLive(family: Family): boolean {
    return family.ended === undefined && family.current.expiresAt > now()
  }

  return {
    begin(grant) {
      const family: Family = { ...grant, id: randomText(16), signedInAt: now(), ended: undefined, current: issue() }
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
    get: (id) => byId.get(id),
    end(family, why) {
      const entry = byId.get(family.id)
      if (entry) entry.ended ??= why
    },
    all: () => [...byId.values()],
    isLive,
    issued: () => [...byToken.keys()],
  }
}
