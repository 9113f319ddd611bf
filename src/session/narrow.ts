import { ownMembers } from '../lib/own.ts'
import type { Instant } from '../lib/instant.ts'
import { remainingMs, type TokenSet } from '../token.ts'
import type { Session } from './session.ts'
import type { Failure, Held } from './state.ts'

/** What a token is for, if it is not the session's own. Not for everything: that is what makes it narrow. */
export interface Wish {
  /** The RFC 8707 indicator. */
  readonly resource?: string
  readonly scope?: string
  /** Of a token that is used once: there is another wish for each. */
  readonly once?: string
}

/** What is known of one wish. */
export interface Granted {
  tokens?: TokenSet | undefined
  /** The refresh that is under way for it. */
  flight?: Promise<Held> | undefined
  /** The refresh that failed, since the last one that did not. */
  failure?: Failure | undefined
}

/** A wish as a text: the same wish is the same text in every tab. */
export function toWish({ resource, scope, once }: Wish): string {
  return JSON.stringify([resource, scope, once])
}

/** Never throws: of what no tab of ours has said, nothing is to be had. */
export function fromWish(text: string): Wish {
  try {
    const [resource, scope, once] = JSON.parse(text) as (string | null)[]
    return ownMembers({ ...(resource && { resource }), ...(scope && { scope }), ...(once && { once }) })
  } catch {
    return {}
  }
}

/** The tokens of a session that are not for everything. They end with it. */
export interface Narrow {
  of(session: Session, wish: string): Granted
  /** Keeps `tokens`, unless they are older than what is there. */
  put(session: Session, wish: string, tokens: TokenSet): void
  /** Resolves when all has come, or not, that is being fetched. */
  settled(session: Session): Promise<unknown>
  /** Takes a token away, to be used once. */
  take(session: Session, wish: string): TokenSet | undefined
  /** Takes all that are used once, or all, away, to be revoked. */
  drain(session: Session, all: boolean): readonly string[]
}

/** @param now What is over is forgotten. */
export function createNarrow(now: () => Instant): Narrow {
  const sessions = new WeakMap<Session, Map<string, Granted>>()

  function wishesOf(session: Session): Map<string, Granted> {
    const wishes = sessions.get(session) ?? new Map<string, Granted>()
    sessions.set(session, wishes)
    return wishes
  }

  function of(session: Session, wish: string): Granted {
    const wishes = wishesOf(session)
    const granted = wishes.get(wish) ?? {}
    wishes.set(wish, granted)
    return granted
  }

  return {
    of,
    put(session, wish, tokens) {
      const at = now()
      const wishes = wishesOf(session)
      for (const [other, { tokens: old, flight, failure }] of wishes) {
        if (!flight && !failure && !(old && remainingMs(old, at) > 0)) wishes.delete(other)
      }
      const granted = of(session, wish)
      if ((granted.tokens?.sequence ?? 0) < tokens.sequence) Object.assign(granted, { tokens, failure: undefined })
    },
    settled: (session) =>
      Promise.allSettled([...wishesOf(session).values()].map(({ flight }) => flight as Promise<unknown>)),
    take(session, wish) {
      const { tokens } = of(session, wish)
      wishesOf(session).delete(wish)
      return tokens
    },
    drain(session, all) {
      const found: string[] = []
      for (const [wish, granted] of wishesOf(session)) {
        if (granted.tokens && (all || fromWish(wish).once)) found.push(granted.tokens.accessToken)
        granted.tokens = undefined
      }
      return found
    },
  }
}
