import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Ports } from '../ports.ts'
import type { OwnedSession } from '../session/session.ts'
import { type Held, heldIn } from '../session/state.ts'
import type { SessionStore } from '../session/store.ts'
import { fromShared, type Message, toShared } from '../tabs/messages.ts'
import type { Share } from '../tabs/share.ts'
import { isSomebodyElse, remainingMs, type TokenSet } from '../token.ts'
import type { Probation } from './probation.ts'

/** The other tabs of this session, and what they have for us. */
export interface Siblings {
  /** Asks them for tokens newer than those of `held`. */
  want(held: Held): void
  /** Gives our tokens to those who asked for newer ones than we had. */
  serve(): void
  /** A message about the session that is here. `true`: somebody wants newer tokens than we have. */
  hear(message: Message): boolean
  /** Another tab that holds the refresh token was at work `withinMs` ago. */
  isComing(withinMs: number): boolean
  /** Newer tokens of the same session, if they are here. */
  newer(held: Held): Held | undefined
  /** Calls `task` once, when there are newer tokens than those of `held`, or its session is over. Returns what stops it. */
  whenSettled(held: Held, task: () => void): () => void
  /** Resolves then, or after `ms`. */
  settled(held: Held, ms: number): Promise<void>
  /** Something has changed. */
  look(): void
}

/** Who got the tokens answers at once; the others wait whether it still does, and answer one after another. */
const STAGGER_MS = 100

export interface SiblingOptions {
  readonly probation: Probation
  /** A sibling has tokens of another user: the cookie is no longer that of `session`. */
  replaced(session: OwnedSession): void
}

export function createSiblings(
  store: SessionStore,
  share: Share,
  { clock, random, timer }: Pick<Ports, 'clock' | 'random' | 'timer'>,
  { probation, replaced }: SiblingOptions,
): Siblings {
  const waiting = new Set<() => void>()
  let asked = false
  /** Tokens that came from another tab. */
  let received: TokenSet | undefined
  let coming: Instant | undefined

  function newer({ session, tokens }: Held): Held | undefined {
    const held = heldIn(store.get())
    return held?.tokens && held.session === session && held.tokens !== tokens ? held : undefined
  }

  function whenSettled(held: Held, task: () => void): () => void {
    const check = (): void => {
      if (!newer(held) && !held.session.signal.aborted) return
      waiting.delete(check)
      task()
    }
    waiting.add(check)
    check()
    return () => void waiting.delete(check)
  }

  function serve(): void {
    const held = heldIn(store.get())
    if (!asked || !held?.tokens) return
    asked = false
    share.post({ type: 'tokens', epoch: held.session.epoch, tokens: toShared(held.tokens, clock.now()) })
  }

  return {
    want: ({ session, tokens }) =>
      share.post({ type: 'wanted', epoch: session.epoch, sequence: tokens?.sequence ?? 0 }),
    serve,
    hear(message) {
      const held = heldIn(store.get())
      if (held?.session.epoch !== message.epoch) return false
      const { session, tokens } = held
      const sequence = tokens?.sequence ?? 0
      const now = clock.now()
      if (message.type === 'coming') coming = now
      if (message.type === 'tokens') {
        const came = fromShared(message.tokens, now)
        // Whoever has asked for these has them now.
        if (came.sequence >= sequence) asked = false
        if (isSomebodyElse(came, tokens)) replaced(session)
        else if (came.sequence > sequence && remainingMs(came, now) > 0) {
          received = came
          if (tokens) probation.begin(came)
          store.dispatch({ type: 'refreshed', from: { session, tokens }, tokens: came })
        }
      }
      if (message.type !== 'wanted') return false
      asked = true
      if (sequence <= message.sequence || !tokens || remainingMs(tokens, now) <= 0) return true
      if (tokens === received) timer(serve, STAGGER_MS * (0.2 + random()))
      else serve()
      return false
    },
    isComing: (withinMs) => coming !== undefined && elapsedMs(coming, clock.now()) < withinMs,
    newer,
    whenSettled,
    settled: (held, ms) =>
      new Promise((resolve) => {
        const stop = timer(() => {
          forget()
          resolve()
        }, ms)
        let forget = (): void => {}
        forget = whenSettled(held, () => {
          stop()
          resolve()
        })
      }),
    look() {
      for (const check of [...waiting]) check()
    },
  }
}
