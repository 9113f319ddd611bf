import { tokenErrorOf } from '../../errors.ts'
import { ownMembers } from '../../lib/own.ts'
import type { TokenSender } from '../../flow/exchange.ts'
import type { TokenManager } from '../../manager.ts'
import { readTokenResponse } from '../../sources/read.ts'
import { clock } from '../../adapters/clock.ts'
import type { TokenReference } from '../har/format.ts'
import { environment } from '../node.ts'

/** What a token should be like, if it should not be good. */
export type TokenVariant = 'expired' | 'not-yet-valid' | 'wrong-audience' | 'wrong-issuer' | 'no-scope'

export interface TokenWanted {
  /** The one given before was refused, or is too old. */
  readonly renew?: boolean
  /** A token that is wrong in this way. A provider that cannot make one gives `undefined`. */
  readonly variant?: TokenVariant
}

/** Gives what stands for the placeholders of a recording: tokens, and what was given for tokens. */
export interface TokenProvider {
  /** `undefined`: it has no such thing. */
  token(reference: TokenReference, wanted: TokenWanted): Promise<string | undefined>
  /** Sends a request with its token itself: one that is bound to a key, or that it renews when it is refused. */
  send?(reference: TokenReference, target: SendingTarget, transport: Transport): Promise<Response>
}

export interface SendingTarget {
  readonly url: string
  readonly method: string
  /** Whether it may be sent again with a new token. */
  readonly retry: boolean
}

/** Puts a request on the wire with these headers added. */
export type Transport = (headers: Readonly<Record<string, string>>) => Promise<Response>

/** The parts of a manager that hand out tokens. */
export type TokenGiver = Pick<TokenManager, 'getAccessToken'> & TokenSender

/**
 * Takes access tokens from a manager that is signed in, or from one for each principal. Where the manager's `resources` cover
 * the place of the replay, requests go through it: with a proof if the token is bound, and once more after a refresh if it
 * is refused.
 *
 * @example
 *   import { fromManager, replay, type Har } from 'tokenward/testing'
 *
 *   export async function check(har: Har): Promise<void> {
 *     const { ok, text } = await replay(har, { tokens: fromManager({ p1: tokens }) })
 *     if (!ok) throw new Error(text)
 *   }
 */
export function fromManager(managers: TokenGiver | Readonly<Record<string, TokenGiver>>): TokenProvider {
  const giverOf = ({ principal }: TokenReference): TokenGiver | undefined =>
    'getAccessToken' in managers ? (managers as TokenGiver) : ownMembers(managers)[principal]
  return {
    async token(reference, { renew = false, variant }) {
      if (reference.kind !== 'access' || variant !== undefined) return undefined
      // As much of its life as can be asked for: it is refreshed once.
      return (await giverOf(reference)?.getAccessToken(renew ? { minTtlMs: Number.MAX_SAFE_INTEGER } : {}))?.value
    },
    async send(reference, target, transport) {
      const giver = giverOf(reference)
      if (giver === undefined) return transport({})
      try {
        return await giver.send(
          { ...target, required: true },
          {
            repeatable: true,
            send: transport,
            answer: ({ status, headers }) => ({ status, header: (name) => headers.get(name) }),
          },
        )
      } catch (reason) {
        // The manager does not know the place that is replayed against; its token was asked for.
        if (tokenErrorOf(reason)?.code === 'destination_refused') return transport({})
        throw reason
      }
    },
  }
}

/** What a login gives: a token, or a token response in whatever spelling. */
export type LoginResult = string | object | undefined

/**
 * Takes tokens from a function that signs a principal in: once for each, and again when its token is refused.
 *
 * @example
 *   import { fromLogin } from 'tokenward/testing'
 *
 *   const provider = fromLogin(async (principal) => {
 *     const email = principal === 'p1' ? 'ann@example.com' : 'bob@example.com'
 *     const response = await fetch('https://id.example.com/login', { method: 'POST', body: JSON.stringify({ email }) })
 *     return response.json()
 *   })
 */
export function fromLogin(
  login: (principal: string, reference: TokenReference) => Promise<LoginResult>,
): TokenProvider {
  const sessions = new Map<string, Promise<Readonly<Record<string, string | undefined>>>>()

  async function signIn(reference: TokenReference): Promise<Readonly<Record<string, string | undefined>>> {
    const result = await login(reference.principal, reference)
    if (typeof result === 'string') return { access: result }
    const { access_token, refresh_token, id_token } =
      readTokenResponse(result, { at: clock.now().wall, serverNow: NaN }) ?? {}
    return { access: access_token, refresh: refresh_token, id: id_token }
  }

  return {
    async token(reference, { renew = false, variant }) {
      const { kind, principal } = reference
      if (variant !== undefined || (kind !== 'access' && kind !== 'refresh' && kind !== 'id')) return undefined
      const session = (renew ? undefined : sessions.get(principal)) ?? signIn(reference)
      sessions.set(principal, session)
      // A login that failed may be tried again.
      session.catch(() => sessions.delete(principal))
      return (await session)[kind]
    },
  }
}

/**
 * Takes tokens, passwords and whatever else from the environment: `access_p1_2` from `TOKEN_ACCESS_P1_2`, or, for every
 * generation, from `TOKEN_ACCESS_P1`; `password_p1_1` from `TOKEN_PASSWORD_P1`.
 *
 * @param variables Default: that of the process, in Node.
 */
export function fromEnv(variables?: Readonly<Record<string, string | undefined>>): TokenProvider {
  return {
    async token({ id }, { variant }) {
      if (variant !== undefined) return undefined
      const all = variables ?? environment()
      const name = `TOKEN_${id.toUpperCase()}`
      const value = all[name] ?? all[name.replace(/_\d+$/, '')]
      return value === '' ? undefined : value
    },
  }
}

/** Asks one provider after another: tokens that are minted, and passwords from the environment. */
export function firstOf(...providers: readonly TokenProvider[]): TokenProvider {
  /** Who gave the token that has to be sent. */
  const giver = new Map<string, TokenProvider>()
  return {
    async token(reference, wanted) {
      for (const provider of providers) {
        const value = await provider.token(reference, wanted)
        if (value === undefined) continue
        giver.set(reference.id, provider)
        return value
      }
      return undefined
    },
    send: async (reference, target, transport) =>
      (await giver.get(reference.id)?.send?.(reference, target, transport)) ?? transport({}),
  }
}
