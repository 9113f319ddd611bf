import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { Ports } from '../ports.ts'
import { fromWish, type Narrow } from '../session/narrow.ts'
import type { OwnedSession } from '../session/session.ts'
import { type Held, heldIn } from '../session/state.ts'
import type { SessionStore } from '../session/store.ts'
import { fromShared, type Message, toShared } from '../tabs/messages.ts'
import type { Share } from '../tabs/share.ts'
import { isSomebodyElse, remainingMs, userOf } from '../token.ts'
import type { Probation } from './probation.ts'

/** The other tabs of this session, and what they have for us. */
export interface Siblings {
  /**
   * Asks them for tokens newer than those of `held`, and for the same. `fromHolder`: only the tab that holds the refresh
   * token can get them.
   */
  want(held: Held, fromHolder?: boolean): void
  /** Gives tokens to those who asked for newer ones than we had, for the same. */
  serve(held: Held | undefined): void
  /** A message about the session that is here. Tells what somebody wants newer tokens for than we have. */
  hear(message: Message): Held | undefined
  /** Another tab that holds the refresh token was at work `withinMs` ago. */
  isComing(withinMs: number): boolean
  /** Newer tokens of the same session and for the same, if they are here. */
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
  readonly narrow: Narrow
  /** Whether this tab presents a refresh token that only it has. */
  isHolder(held: Held): boolean
  /** A sibling has tokens of another user: the cookie is no longer that of `session`. */
  replaced(session: OwnedSession): void
}

export function createSiblings(
  store: SessionStore,
  share: Share,
  { clock, random, timer }: Pick<Ports, 'clock' | 'random' | 'timer'>,
  { probation, narrow, isHolder, replaced }: SiblingOptions,
): Siblings {
  const waiting = new Set<() => void>()
  /** What others have asked for. */
  const asked = new Set<string | undefined>()
  /** Tokens that came from another tab, by when they were obtained. */
  const received = new WeakSet<Instant>()
  let coming: Instant | undefined

  /** What is here for `wish`. */
  function here(wish: string | undefined): Held | undefined {
    const held = heldIn(store.get())
    return held && wish !== undefined
      ? { session: held.session, tokens: narrow.of(held.session, wish).tokens, wish }
      : held
  }

  function newer({ session, tokens, wish }: Held): Held | undefined {
    const held = here(wish)
    return held?.tokens && held.session === session && held.tokens.sequence !== tokens?.sequence ? held : undefined
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

  function serve(held: Held | undefined): void {
    if (!held?.tokens || !asked.delete(held.wish)) return
    const { session, tokens, wish } = held
    share.post({ type: 'tokens', epoch: session.epoch, tokens: toShared(tokens, clock.now()), wish })
  }

  function settled(held: Held, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = timer(() => {
        forget()
        resolve()
      }, ms)
      let forget = (): void => {}
      forget = whenSettled(held, () => {
        stop()
        resolve()
      })
    })
  }

  function look(): void {
    for (const check of [...waiting]) check()
  }

  return {
    want({ session, tokens, wish }, fromHolder = false) {
      // What is used once is for nobody else, unless somebody else has to get it.
      if (isOnce(wish) && !fromHolder) return
      share.post({ type: 'wanted', epoch: session.epoch, sequence: tokens?.sequence ?? 0, wish })
    },
    serve,
    hear(message) {
      const main = heldIn(store.get())
      if (main?.session.epoch !== message.epoch) return undefined
      const { session } = main
      const now = clock.now()
      if (message.type === 'coming') coming = now
      if (message.type === 'rotated' && main.tokens && message.rotation > main.tokens.rotation && !isHolder(main)) {
        const changed = { rotation: message.rotation, refreshToken: undefined, elsewhere: true }
        store.dispatch({ type: 'rotated', session, changed })
      }
      const { wish } = message as { readonly wish?: string }
      const tokens = here(wish)?.tokens
      const sequence = tokens?.sequence ?? 0
      if (message.type === 'refused' && tokens && sequence === message.sequence)
        probation.refused(tokens, tokens.obtained)
      if (message.type === 'tokens') {
        const came = fromShared(message.tokens, now)
        // Whoever has asked for these has them now.
        if (came.sequence >= sequence) asked.delete(wish)
        if (isSomebodyElse(came, userOf(main.tokens))) replaced(session)
        else if (remainingMs(came, now) > 0) {
          received.add(came.obtained)
          if (tokens ?? (wish !== undefined && !isOnce(wish))) probation.begin(came)
          if (wish === undefined) store.dispatch({ type: 'refreshed', session, tokens: came })
          // What is used once is for who waits for it.
          else if (!isOnce(wish) || narrow.of(session, wish).flight) {
            narrow.put(session, wish, came)
            look()
          }
        }
      }
      if (message.type !== 'wanted') return undefined
      asked.add(wish)
      if (sequence <= message.sequence || !tokens || remainingMs(tokens, now) <= 0) return { session, tokens, wish }
      if (!received.has(tokens.obtained)) serve(here(wish))
      else void settled({ session, tokens, wish }, STAGGER_MS * (0.2 + random())).then(() => serve(here(wish)))
      return undefined
    },
    isComing: (withinMs) => coming !== undefined && elapsedMs(coming, clock.now()) < withinMs,
    newer,
    whenSettled,
    settled,
    look,
  }
}

function isOnce(wish: string | undefined): boolean {
  return wish !== undefined && fromWish(wish).once !== undefined
}
