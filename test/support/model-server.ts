import { TokenError, type TokenResponse, type TokenSource } from 'tokenward'
import { createAuthModel, type Access, type Issuing } from '../../src/testing/sim/auth-model.ts'

export type { Access } from '../../src/testing/sim/auth-model.ts'

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
 * The model of a server behind a source: how calls travel there and back. In the cookie flavour the jar takes `Set-Cookie`
 * in the order in which answers arrive.
 */
export function createModelServer(options: ModelServerOptions): ModelServer {
  const { credential, lifetimeMs, connectionMs, now, carry, fateOf, onCall, onAnswer } = options
  const model = createAuthModel({ lifetimeMs, now })
  const calls = new Set<Call>()
  const byCookie = credential === 'cookie'
  let jar: string | undefined

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
    const access = model.refresh(presented, operation, issuing)
    if (!access) throw new TokenError('refresh_rejected', 'the server does not know this session')
    return access
  }

  function revoke(presented: string | undefined, accessTokens: readonly string[]): void {
    model.revoke(presented, byCookie ? [] : accessTokens)
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
        model.end(presented)
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
          return model.signIn(owner, 'login')
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
        const decide = (): Access | undefined => model.refresh(presented, 'restore')
        return call({ operation: 'restore', presented, signal }, decide, (issued) => issued && deliver(issued))
      },
    }),
  }

  return {
    source,
    calls,
    judge: model.judge,
    grant: (owner, options) => deliver(model.signIn(owner, 'granted', options)),
    forgetAccess: model.forgetAccess,
    refuseAll: model.refuseAll,
    access: model.access,
    everything: () => model.families.flatMap((family) => family.access),
    ownerOf: (presented) => model.familyOf(presented)?.owner,
    live() {
      if (byCookie) return model.familyOf(jar)?.live && jar !== undefined ? [jar] : []
      return model.families.flatMap((family) => {
        const held = family.access.findLast(({ delivered }) => delivered)
        if (!held || !family.live) return []
        const spent = held.credential === undefined || !model.isNewest(held.credential, family)
        return [...(spent ? [] : [held.credential]), ...(held.revoked ? [] : [held.value])]
      })
    },
  }
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
