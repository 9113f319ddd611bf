import { TokenError } from '../errors.ts'
import { type Held, heldIn } from '../session/state.ts'
import { claim, type Claimed, type Claiming } from '../tabs/record.ts'
import { remainingMs } from '../token.ts'
import { abortError } from './abort.ts'
import { timedOut } from './calls.ts'
import type { Parts } from './parts.ts'
import type { SignOut } from './sign-out.ts'

/** The right to present the refresh credential, which one tab has at a time. */
export interface Turn {
  readonly claiming: Claiming
  /** Somebody has presented it before, and got no answer. */
  readonly doubtful: boolean
  /** A sign-in that nobody has heard the end of may have changed whose the cookie is. */
  readonly entered: boolean
  readonly refreshToken: string | undefined
  /** The key that it is bound to. */
  readonly key: string | undefined
}

export interface Turns {
  /**
   * Waits until the credential may be presented, and writes the mark that says so. `undefined`: there is no need any
   * more, see `isDue`.
   */
  take(from: Held, flight: Promise<Held>, force: boolean): Promise<Turn | undefined>
  /** Whether it is still for this flight to do: the session goes on, there are no newer tokens, and nobody has given it up. */
  isDue(from: Held, flight: Promise<Held>): boolean
  /** What the tab that holds the refresh token gets for the others. When it is gone, they live until their tokens expire. */
  fromHolder(from: Held): Promise<Held>
}

/** How long a sibling may take to hand over tokens that it surely has. */
export const HANDOVER_MS = 250
/** How long the tab that holds the refresh token may take to say that it is at work. */
const ANSWER_MS = 1_000

export function createTurns(parts: Parts, { end, notice }: SignOut): Turns {
  const { store, ports, settings, share, siblings, sealing, narrow, by } = parts
  const { clock } = ports
  const { requestTimeoutMs } = settings
  const { newer } = siblings

  function isDue(from: Held, flight: Promise<Held>): boolean {
    notice()
    const { session, wish } = from
    const flying = wish === undefined ? (store.get() as { flight?: unknown }) : narrow.of(session, wish)
    return !session.signal.aborted && flying.flight === flight && !newer(from)
  }

  /** The tab that has signed in may have stored its refresh token after this one has looked for it. */
  async function isSealed(epoch: number): Promise<boolean> {
    if (!sealing) return false
    const record = await share.update()
    return record?.epoch === epoch && (await sealing.open(record.sealed, epoch)) !== undefined
  }

  return {
    isDue,

    async take(from, flight, force) {
      const { epoch } = from.session
      let sequence = 0
      let waited = false
      while (isDue(from, flight)) {
        const tokens = heldIn(store.get())?.tokens
        sequence = Math.max(sequence, tokens?.rotation ?? 0)
        let marked: [Claiming, Claimed] | undefined
        const known = sequence
        await share.update((record) => {
          // No sooner: what another tab has written meanwhile would seem to come from a clock that was set back since.
          const now = clock.now().wall
          const claiming = { epoch, sequence: known, by, now, until: now + 1.5 * requestTimeoutMs, force }
          const claimed = claim(record, claiming)
          marked = [claiming, claimed]
          return claimed.next
        })
        if (!marked) throw timedOut()
        const [claiming, claimed] = marked
        const { now } = claiming
        const opened = claimed.verdict === 'mine' ? await sealing?.open(claimed.sealed, epoch) : undefined
        // Frozen meanwhile: what is left of the mark is not enough for the call.
        if (Math.abs(clock.now().wall - now) > requestTimeoutMs / 2) continue
        if (claimed.verdict === 'early') throw unavailable(claimed.until)
        // Whoever is at work may not have been there when this tab asked first.
        if (claimed.verdict === 'busy' || claimed.verdict === 'newer') siblings.want(from)
        if (claimed.verdict === 'busy') await siblings.settled(from, claimed.until - now)
        if (claimed.verdict === 'newer') {
          await siblings.settled(from, HANDOVER_MS)
          sequence = claimed.sequence
        }
        if (claimed.verdict !== 'mine') continue
        if (share.isAlone() && !waited) {
          // Only a message tells what came of the turn before this one, and it may be on its way.
          waited = true
          await siblings.settled(from, HANDOVER_MS)
          continue
        }
        // What this tab remembers is spent if there have been newer ones.
        const remembered = sequence === tokens?.rotation ? tokens.refreshToken : undefined
        const { doubtful, entered } = claimed
        return { claiming, doubtful, entered, refreshToken: opened ?? remembered, key: tokens?.key ?? claimed.key }
      }
      return undefined
    },

    async fromHolder(from) {
      const finding = store.get().status === 'restoring'
      const { session, tokens, wish } = from
      if (wish !== undefined) siblings.want(from, true)
      await siblings.settled(from, finding ? HANDOVER_MS : ANSWER_MS)
      if (!newer(from) && siblings.isComing(ANSWER_MS)) await siblings.settled(from, requestTimeoutMs)
      const kept = await isSealed(session.epoch)
      const here = newer(from)
      if (here) return here
      if (
        wish === undefined &&
        !kept &&
        !siblings.isComing(2 * requestTimeoutMs) &&
        !(tokens && remainingMs(tokens, clock.now()) > 0)
      ) {
        end(session, 'expired', true)
        over(from)
      }
      throw unavailable()
    },
  }
}

/** No fresh token now; `retryAt`: nor before that. */
export function unavailable(retryAt?: number): TokenError {
  return new TokenError('refresh_unavailable', 'no fresh token can be had now', { transient: true, retryAt })
}

/** The session of `held` is over, or the flight that asks has been given up. */
export function over({ session }: Held): never {
  throw abortError(session.signal)
}
