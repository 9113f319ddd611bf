/** One sign-in at the server: a line of refresh tokens (or cookies), of which the last is good, and their access tokens. */
export interface Family {
  readonly name: string
  readonly owner: string
  /** The key that its tokens are bound to. */
  readonly key: string | undefined
  readonly access: Access[]
  live: boolean
  /** When the newest credential took the place of the one before it. */
  rotatedAt: number
}

export interface Access {
  readonly value: string
  /** The refresh token, or the cookie, that came with it. */
  readonly credential: string | undefined
  readonly family: Family
  readonly operation: string
  /** What it is for alone. */
  readonly resource: string | undefined
  readonly scope: string | undefined
  /** The key that it is bound to. */
  readonly key: string | undefined
  /** By the server's clock. */
  readonly expiresAt: number
  revoked: boolean
  /** Its answer has reached the client. */
  delivered: boolean
}

/** What is asked for. */
export interface Issuing {
  /** With a refresh credential. Default true. */
  readonly refreshable?: boolean
  readonly resource?: string | undefined
  readonly scope?: string | undefined
  /** At a sign-in: what its tokens are bound to. */
  readonly key?: string | undefined
  /** The access token is bound to nothing all the same. */
  readonly bearer?: boolean
}

export interface AuthModelOptions {
  readonly lifetimeMs: number
  /** By the server's clock. */
  now(): number
  /** For this long after a rotation the credential before it is still good. Default 0. */
  readonly graceMs?: number
  /** False: a refresh keeps the credential. Default true. */
  readonly rotate?: boolean
  /** How values are spelled; the number says how many there were before. */
  readonly spell?: (kind: 'access' | 'refresh', owner: string, count: number) => string
}

/** A server without a network: what it knows, and what it makes of what it is asked. */
export interface AuthModel {
  signIn(owner: string, operation: string, issuing?: Issuing): Access
  /** `undefined`: refused, and if it was spent, its family ends. */
  refresh(presented: string | undefined, operation: string, issuing?: Issuing): Access | undefined
  /** The owner's family ends, if what is presented is its newest; access tokens that are named are taken back. */
  revoke(presented: string | undefined, accessTokens?: readonly string[]): void
  /** Ends the family of this credential, whatever it is. */
  end(presented: string | undefined): void
  /** What an API says to this `Authorization`. */
  judge(authorization: string | undefined): 200 | 401
  /** The access tokens handed out so far are refused from now on; the sessions go on. */
  forgetAccess(): void
  /** The API refuses every token from now on, or stops doing so. */
  refuseAll(yes: boolean): void
  access(value: string): Access | undefined
  familyOf(presented: string | undefined): Family | undefined
  isNewest(presented: string | undefined, family: Family): boolean
  readonly families: readonly Family[]
}

/**
 * A server with everything that matters for races: it rotates the refresh credential at each use, and takes the second
 * use of one, after a grace if there is any, as theft, which ends the whole family. A spent one revokes nothing.
 */
export function createAuthModel(options: AuthModelOptions): AuthModel {
  const { lifetimeMs, now, graceMs = 0, rotate = true } = options
  const { spell = (kind, owner, count) => (kind === 'access' ? `${owner}.${String(count)}` : `r${String(count)}`) } =
    options
  const families: Family[] = []
  const byCredential = new Map<string, Family>()
  const byAccess = new Map<string, Access>()
  let count = 0
  let refusing = false

  function issue(
    family: Family,
    operation: string,
    { credential, resource, scope, bearer }: Issuing & { readonly credential: string | undefined },
  ): Access {
    const value = spell('access', family.owner, count)
    const access: Access = {
      value,
      credential,
      family,
      operation,
      resource,
      scope,
      key: bearer ? undefined : family.key,
      expiresAt: now() + lifetimeMs,
      revoked: false,
      delivered: false,
    }
    family.access.push(access)
    byAccess.set(value, access)
    if (credential !== undefined) byCredential.set(credential, family)
    return access
  }

  const familyOf = (presented: string | undefined): Family | undefined =>
    presented === undefined ? undefined : byCredential.get(presented)
  const newestOf = ({ access }: Family): string | undefined => access.at(-1)?.credential
  const isNewest = (presented: string | undefined, family: Family): boolean => newestOf(family) === presented

  return {
    families,
    familyOf,
    isNewest,
    signIn(owner, operation, issuing = {}) {
      count++
      const family: Family = {
        name: `family ${String(families.length + 1)}`,
        owner,
        key: issuing.key,
        access: [],
        live: true,
        rotatedAt: now(),
      }
      families.push(family)
      const credential = (issuing.refreshable ?? true) ? spell('refresh', owner, count) : undefined
      return issue(family, operation, { ...issuing, credential })
    },
    refresh(presented, operation, issuing = {}) {
      const family = familyOf(presented)
      if (!family) return undefined
      count++
      const newest = isNewest(presented, family)
      const before = family.access.findLast(({ credential }) => credential !== newestOf(family))?.credential
      const within = !newest && presented === before && now() - family.rotatedAt < graceMs
      if (family.live && newest) {
        if (rotate) family.rotatedAt = now()
        const credential = rotate ? spell('refresh', family.owner, count) : presented
        return issue(family, operation, { ...issuing, credential })
      }
      if (family.live && within) return issue(family, operation, { ...issuing, credential: newestOf(family) })
      family.live = false
      return undefined
    },
    revoke(presented, accessTokens = []) {
      const family = familyOf(presented)
      if (family && isNewest(presented, family)) family.live = false
      for (const value of accessTokens) {
        const access = byAccess.get(value)
        if (access) access.revoked = true
      }
    },
    end(presented) {
      const family = familyOf(presented)
      if (family) family.live = false
    },
    judge(authorization) {
      if (authorization === undefined) return 200
      const access = byAccess.get(authorization.replace(/^\S+ /, ''))
      return !refusing && access && !access.revoked && access.family.live && access.expiresAt > now() ? 200 : 401
    },
    forgetAccess() {
      for (const family of families) for (const access of family.access) access.revoked = true
    },
    refuseAll: (yes) => void (refusing = yes),
    access: (value) => byAccess.get(value),
  }
}
