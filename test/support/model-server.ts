import { TokenError, type TokenResponse, type TokenSource } from 'tokenward'

/** How one call fares on its way. */
export type Fate =
  /** The server decides, and its answer arrives. */
  | 'answered'
  /** The connection fails before the server hears of it. */
  | 'unreachable'
  /** It gets lost, and nobody tells. */
  | 'unheard'
  /** The server turns it away for now. */
  | 'busy'
  /** The server ends the session, and says so. */
  | 'refused'
  /** The server does it; the connection breaks before the answer. */
  | 'lost'
  /** The server does it; the answer never comes. */
  | 'unanswered'

export type Operation = 'login' | 'refresh' | 'restore' | 'revoke'

/** One sign-in at the server: a line of refresh tokens (or cookies), of which the last is good, and their access tokens. */
export interface Family {
  readonly owner: string
  readonly access: Access[]
  live: boolean
}

export interface Access {
  readonly value: string
  /** The refresh token, or the cookie, that came with it. */
  readonly credential: string | undefined
  readonly family: Family
  readonly operation: Operation | 'granted'
  /** What it is for alone. */
  readonly resource: string | undefined
  readonly scope: string | undefined
  readonly expiresAt: number
  revoked: boolean
  /** Its answer has reached the client. */
  delivered: boolean
}

interface Issuing {
  readonly refreshable?: boolean
  readonly resource?: string
  readonly scope?: string
}

/** A call to the server, from the moment it leaves the client until the client knows its outcome. */
export interface Call {
  readonly operation: Operation
  readonly startedAt: number
  /** The refresh token, or the cookie at that time. */
  readonly presented: string | undefined
}

export interface ModelServerOptions {
  readonly credential: 'cookie' | 'token'
  readonly lifetimeMs: number
  /** After this a connection is dead: its answer does not come any more. */
  readonly connectionMs: number
  now(): number
  /** One leg of a journey. The test decides when it is over. */
  carry(what: string): Promise<void>
  fateOf(operation: Operation): Fate
  /** Whether the source rejects when its signal aborts, as `fetch` does. A cookie source never does. */
  readonly heedsAbort: boolean
  onCall?(call: Call, fate: Fate): void
  /** The client learns what became of a call: new tokens, a definitive refusal, or nothing that it could know. */
  onAnswer?(call: Call, answer: 'success' | 'refusal' | 'failure'): void
}

export interface ModelServer {
  readonly source: TokenSource<string>
  readonly calls: ReadonlySet<Call>
  /** What an API says to this `Authorization`. */
  judge(authorization: string | undefined): 200 | 401
  /** A sign-in that does not come through the source. */
  grant(owner: string, options?: { readonly refreshable: boolean }): TokenResponse
  /** The access tokens handed out so far are refused from now on; the sessions go on. */
  forgetAccess(): void
  /** The API refuses every token from now on, or stops doing so. */
  refuseAll(yes: boolean): void
  access(value: string): Access | undefined
  /** Every access token ever issued. */
  everything(): readonly Access[]
  /** Who signed in with this refresh token, or cookie. */
  ownerOf(credential: string | undefined): string | undefined
  /** What is good at the server, and was handed out: refresh tokens and access tokens, or the cookie in the jar. */
  live(): string[]
}

/**
 * A server with everything that matters for races: it rotates the refresh credential at each use, and takes the second
 * use of one as theft, which ends the whole family. A spent one revokes nothing. In the cookie flavour the jar takes
 * `Set-Cookie` in the order in which answers arrive.
 */
export function createModelServer(options: ModelServerOptions): ModelServer {
  const { credential, lifetimeMs, connectionMs, now, carry, fateOf, onCall, onAnswer } = options
  const families: Family[] = []
  const calls = new Set<Call>()
  const byCookie = credential === 'cookie'
  let jar: string | undefined
  let count = 0
  let refusing = false

  function open(owner: string): Family {
    const family: Family = { owner, access: [], live: true }
    families.push(family)
    return family
  }

  function issue(
    family: Family,
    operation: Access['operation'],
    { refreshable = true, resource, scope }: Issuing = {},
  ): Access {
    const number = String(++count)
    const access: Access = {
      value: `${family.owner}.${number}`,
      credential: refreshable ? `r${number}` : undefined,
      family,
      operation,
      resource,
      scope,
      expiresAt: now() + lifetimeMs,
      revoked: false,
      delivered: false,
    }
    family.access.push(access)
    return access
  }

  function deliver(access: Access): TokenResponse {
    const { credential: fresh } = access
    access.delivered = true
    if (byCookie) jar = fresh
    return {
      access_token: access.value,
      expires_in: lifetimeMs / 1_000,
      id_token: `e30.${Buffer.from(JSON.stringify({ issued: access.value })).toString('base64url')}.`,
      ...(!byCookie && fresh !== undefined && { refresh_token: fresh }),
      ...(access.scope !== undefined && { scope: access.scope }),
    }
  }

  function rotate(presented: string | undefined, operation: Operation, issuing?: Issuing): Access {
    const family = familyOf(presented)
    if (family?.live && isNewest(presented, family)) return issue(family, operation, issuing)
    if (family) family.live = false
    throw new TokenError('refresh_rejected', 'the server does not know this session')
  }

  function familyOf(presented: string | undefined): Family | undefined {
    if (presented === undefined) return undefined
    return families.find(({ access }) => access.some(({ credential: one }) => one === presented))
  }

  function isNewest(presented: string | undefined, { access }: Family): boolean {
    return access.at(-1)?.credential === presented
  }

  function revoke(presented: string | undefined, accessTokens: readonly string[]): void {
    const family = familyOf(presented)
    if (family && isNewest(presented, family)) family.live = false
    for (const access of families.flatMap((one) => one.access)) {
      if (!byCookie && accessTokens.includes(access.value)) access.revoked = true
    }
  }

  /** Takes a call to the server and back. `decide` is what the server does; `arrive` what its answer does here. */
  async function call<T, R>(
    { operation, presented, signal }: { operation: Operation; presented: string | undefined; signal: AbortSignal },
    decide: () => T,
    arrive: (answer: T) => R,
  ): Promise<R> {
    const heeded = options.heedsAbort && !byCookie
    if (heeded) signal.throwIfAborted()
    const one: Call = { operation, startedAt: now(), presented }
    const fate = fateOf(operation)
    onCall?.(one, fate)
    calls.add(one)
    const given = (): boolean => !(heeded && signal.aborted)

    async function journey(): Promise<R> {
      await carry(`${operation} arrives`)
      if (fate === 'unheard') return never()
      if (fate === 'unreachable') throw new TypeError('the network is down')
      const answer = attempt(() => {
        if (fate === 'busy') throw new TokenError('refresh_unavailable', 'the server is busy', { transient: true })
        if (fate !== 'refused') return decide()
        const family = familyOf(presented)
        if (family) family.live = false
        throw new TokenError(operation === 'login' ? 'login_failed' : 'refresh_rejected', 'the server refuses')
      })
      if (fate === 'unanswered') return never()
      await carry(`${operation} is answered`)
      if (fate === 'lost' || now() - one.startedAt >= connectionMs) throw new TypeError('the connection broke')
      return given() ? arrive(answer()) : never()
    }

    try {
      const result = await (heeded ? Promise.race([journey(), untilAborted(signal)]) : journey())
      onAnswer?.(one, 'success')
      return result
    } catch (error) {
      const definitive = error instanceof TokenError && error.code === 'refresh_rejected'
      onAnswer?.(one, definitive ? 'refusal' : 'failure')
      throw error
    } finally {
      calls.delete(one)
    }
  }

  const source: TokenSource<string> = {
    id: 'model',
    credential,
    login: (owner, { signal }) => {
      const presented = byCookie ? jar : undefined
      return call(
        { operation: 'login', presented, signal },
        () => {
          revoke(presented, [])
          return issue(open(owner), 'login')
        },
        deliver,
      )
    },
    refresh: ({ refreshToken, ...issuing }, { signal }) => {
      const presented = byCookie ? jar : refreshToken
      return call({ operation: 'refresh', presented, signal }, () => rotate(presented, 'refresh', issuing), deliver)
    },
    revoke: ({ refreshToken, accessTokens }, { signal }) => {
      const presented = byCookie ? jar : refreshToken
      return call(
        { operation: 'revoke', presented, signal },
        () => revoke(presented, accessTokens),
        () => {
          if (byCookie) jar = undefined
          return 'confirmed' as const
        },
      )
    },
    ...(byCookie && {
      restore: async ({ signal }) => {
        const presented = jar
        const decide = (): Access | undefined => {
          try {
            return rotate(presented, 'restore')
          } catch {
            return undefined
          }
        }
        return call({ operation: 'restore', presented, signal }, decide, (issued) => issued && deliver(issued))
      },
    }),
  }

  const find = (value: string): Access | undefined =>
    families.flatMap((family) => family.access).find((access) => access.value === value)

  return {
    source,
    calls,
    judge(authorization) {
      if (authorization === undefined) return 200
      const access = find(authorization.replace('Bearer ', ''))
      return !refusing && access && isGood(access) && access.expiresAt > now() ? 200 : 401
    },
    grant: (owner, options) => deliver(issue(open(owner), 'granted', options)),
    forgetAccess() {
      for (const family of families) for (const access of family.access) access.revoked = true
    },
    refuseAll: (yes) => void (refusing = yes),
    access: find,
    everything: () => families.flatMap((family) => family.access),
    ownerOf: (presented) => familyOf(presented)?.owner,
    live() {
      if (byCookie) return familyOf(jar)?.live && jar !== undefined ? [jar] : []
      return families.flatMap((family) => {
        const held = family.access.findLast(({ delivered }) => delivered)
        if (!held || !family.live) return []
        const spent = held.credential === undefined || !isNewest(held.credential, family)
        return [...(spent ? [] : [held.credential]), ...(held.revoked ? [] : [held.value])]
      })
    },
  }
}

function isGood({ revoked, family }: Access): boolean {
  return !revoked && family.live
}

function never(): Promise<never> {
  return new Promise<never>(() => {})
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

/** What `task` gives or throws, for later. */
function attempt<T>(task: () => T): () => T {
  try {
    const value = task()
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}
