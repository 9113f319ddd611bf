import { withDeadline } from '../lib/deadline.ts'
import type { SourceContext } from '../ports.ts'
import type { OwnedSession } from '../session/session.ts'
import { type EndReason, heldIn, isSignedIn, type Refreshing } from '../session/state.ts'
import type { Epoch, Meaning } from '../tabs/epochs.ts'
import { type Stored, type TabRecord, toEpoch } from '../tabs/record.ts'
import { isGoingOn, type TokenSet, userOf } from '../token.ts'
import { timedOut } from './calls.ts'
import type { Parts } from './parts.ts'

/** What the server said of a revocation: done, not asked for, or not known. */
export type Revoked = 'confirmed' | 'not-configured' | 'unconfirmed'

/** What became of a logout. The local part is always done. */
export interface LogoutReport {
  readonly revoked: Revoked
  /** Where to send the browser to end the provider's session too (OpenID Connect RP-Initiated Logout). */
  readonly endSessionUrl?: string
}

export interface LogoutOptions {
  /** Why, when the server or an administrator has ended the session (`'password-reset'`, `'revoked'`). Default `'logout'`. */
  readonly reason?: EndReason
  /** How long to wait for the server's confirmation. The call itself goes on. Default `timing.requestTimeoutMs`. */
  readonly timeoutMs?: number
}

/** What can be given back. */
export type Credential = Partial<Pick<TokenSet, 'refreshToken' | 'accessToken' | 'key'>>

export interface SignOut {
  logout(options?: LogoutOptions): Promise<LogoutReport>
  /**
   * Ends `session` for a reason of our own; does nothing if it is not the current one.
   *
   * @param local Only here: for the other tabs it goes on.
   */
  end(session: OwnedSession, reason: EndReason, local?: boolean): void
  /** From now on this tab takes part: it hears the others, and goes where they go. */
  meet(): void
  /** Sees what another tab has done: ends the session that it has ended or replaced, and takes part in the one it began. */
  notice(): void
  /** Ends the session that is here because its cookie is no longer its own. */
  loseCookie(): void
  /** A new epoch: the marker, then the other tabs, in this very task. */
  announce(what: Meaning, reason: EndReason): number
  /** The session of an epoch that this tab has not begun. */
  recall(known: Epoch): OwnedSession
  /**
   * Puts a new epoch into the record; resolves with what was stored there for the one before, unless the same user goes
   * on: see `isGoingOn`.
   */
  supersede(epoch: number, stored?: Stored): Promise<Credential>
  /** Gives back a refresh token, and what belongs to it. */
  revoke(credential: Credential, narrow?: readonly string[]): Promise<Revoked>
  /** The same for what this tab has of a session, and for what is stored of it. */
  revokeAll(tokens?: TokenSet, stored?: Promise<Credential>, narrow?: readonly string[]): Promise<Revoked>[]
  /**
   * Revokes tokens that nobody holds: the answer to a call whose session has ended meanwhile. Unless the same user goes on:
   * see `isGoingOn`.
   */
  orphan(tokens: TokenSet, narrow?: readonly string[]): Promise<unknown>
  /** Repeats a logout that the server had not confirmed when the page was left. */
  repeat(): void
}

/** How long the tab that has signed in may take to tell who. */
const FOLLOW_MS = 1_000
const WORST_FIRST: readonly Revoked[] = ['unconfirmed', 'not-configured']

export function createSignOut(parts: Parts): SignOut {
  const { store, source, calls, ports, settings, attempts, epochs, share, siblings, sealing, events, narrow } = parts
  const { life, newSession } = parts
  const { clock } = ports
  const byCookie = source.credential === 'cookie'
  /** What is being given back since the last logout. */
  let revocations: Promise<Revoked>[] = []
  /** The server's part of the last logout, while it runs and once it is confirmed. */
  let settled: Promise<Revoked> | undefined
  /** The newest epoch that this tab has gone along with. `undefined`: it does not take part yet. */
  let met: number | undefined

  function announce(what: Meaning, reason: EndReason): number {
    meet()
    met = epochs.begin(what, reason, clock.now().wall)
    share.post({ type: 'epoch', epoch: met })
    return met
  }

  /** One task: memory, marker, message, the call on its way; only then are listeners told. */
  function finish(reason: EndReason, flying?: Promise<unknown>): void {
    events.batch(() => {
      const state = store.get()
      const held = heldIn(state)
      const known = source.revoke !== undefined && !/rejected|unknown-outcome|replaced/.test(reason)
      // What another tab holds in memory only it can give back, and nobody hears whether it has.
      const isUnheld = !byCookie && !sealing && !held?.tokens && epochs.newest()?.what === 'signed-in'
      // First, so that nobody who looks finds the session that is over.
      const epoch = announce(known ? 'unconfirmed' : 'nobody', reason)
      store.dispatch({ type: 'ended', reason, elsewhere: false })
      const kept = supersede(epoch)
      // Unless somebody has signed in meanwhile.
      void kept.then(() => reason !== 'replaced' && epochs.newest()?.what !== 'signed-in' && sealing?.forget())
      settled = undefined
      if (!known) {
        forget(held?.tokens)
        return
      }
      const flight = flying ?? (Object.hasOwn(state, 'flight') ? (state as Refreshing).flight : undefined)
      const flights = Promise.allSettled([flight, held && narrow.settled(held.session)])
      const all = revokeAll(held?.tokens, sealing && kept, held && narrow.drain(held.session, true))
      if (isUnheld) all.push(Promise.resolve('unconfirmed'))
      settled = giveBack(all, flights)
    })
  }

  async function supersede(epoch: number, stored?: Stored): Promise<Credential> {
    let before: TabRecord | undefined
    await share.update((record) => {
      before = record
      return toEpoch(epoch, clock.now().wall, stored)(record)
    })
    if (!before || before.epoch >= epoch || isGoingOn(before.user, stored?.user)) return {}
    return { refreshToken: await sealing?.open(before.sealed, before.epoch), key: before.key }
  }

  /** Waits for the flights too: the tokens that they bring are revoked when they come, and count if the rest takes longer. */
  function giveBack(all: Promise<Revoked>[], flights?: Promise<unknown>): Promise<Revoked> {
    const asked = epochs.newest()?.epoch
    revocations = all
    const outcome = Promise.resolve(flights).then(async () => {
      const answers = await Promise.all(all).then(() => Promise.all(all))
      // Where no marker can be kept only the record tells that somebody has signed in meanwhile.
      if (!epochs.isKept()) await share.update()
      return WORST_FIRST.find((one) => answers.includes(one)) ?? 'confirmed'
    })
    void outcome.then((revoked) => {
      const newest = epochs.newest()
      if (revoked === 'unconfirmed') settled = settled === outcome ? undefined : settled
      // Unless somebody has signed in or out meanwhile. A tab that has slept still reads why.
      else if (newest && newest.epoch === asked) announce('nobody', newest.reason)
    })
    return outcome
  }

  function revokeAll(tokens?: TokenSet, kept?: Promise<Credential>, more?: readonly string[]): Promise<Revoked>[] {
    if (kept && tokens && tokens.refreshToken === undefined)
      return [kept.then((stored) => revoke(stored.key === tokens.key ? { ...tokens, ...stored } : tokens, more))]
    const all = [revoke(tokens ?? {}, more)]
    // What is stored may be newer: another tab may have got it last. Above: or of the session before, by its key.
    const isSame = (stored: Credential): boolean => stored.refreshToken === tokens?.refreshToken
    return kept ? [...all, kept.then((stored) => (isSame(stored) ? 'confirmed' : revoke(stored)))] : all
  }

  function revoke({ refreshToken, accessToken, key }: Credential, more: readonly string[] = []): Promise<Revoked> {
    const accessTokens = accessToken === undefined ? more : [accessToken, ...more]
    if (!byCookie && !accessTokens[0] && refreshToken === undefined) return Promise.resolve('confirmed') // there is nothing to give back
    const input = { refreshToken, accessTokens, ...(key && { key }) }
    const ask = async (context: SourceContext): Promise<Revoked> => {
      // Somebody has signed in while this waited: the cookie is his. A source that is none of ours may say anything.
      const isLate = byCookie && epochs.newest()?.what === 'signed-in'
      const said = isLate || (source.revoke ? await source.revoke(input, context) : 'not-configured')
      return said === 'confirmed' || said === 'not-configured' ? said : 'unconfirmed'
    }
    return calls
      .run(ask, { hurry: true })
      .catch(() => 'unconfirmed' as const)
      .finally(() => forget({ key }))
  }

  /** The session is over, and what was bound to its key has been given back. */
  function forget(bound: Credential | undefined): void {
    if (bound?.key !== undefined) void source.binding?.forget(bound.key).catch(() => {})
  }

  function whereToEnd(): string | undefined {
    try {
      return source.endSessionUrl?.(calls.context)
    } catch {
      return undefined // a logout is no place to fail
    }
  }

  function recall({ epoch, at }: Epoch): OwnedSession {
    const { wall, monotonic } = clock.now()
    const ageMs = Math.max(wall - at, 0)
    return newSession(epoch, { wall: wall - ageMs, monotonic: monotonic - ageMs })
  }

  function meet(): void {
    share.open()
    // Whether there is a record decides how long a lock is waited for: better known before it matters.
    if (met === undefined) void share.update()
    met ??= 0
  }

  function notice(): void {
    const newest = epochs.newest()
    if (life.aborted || met === undefined || !newest) return
    const state = store.get()
    const held = heldIn(state)
    const begun = newest.what === 'signed-in'
    if (held?.session.epoch === newest.epoch) {
      // While it is being found it may still turn out to be none.
      if (isSignedIn(state)) met = newest.epoch
      return
    }
    if (held) {
      const { session, tokens } = held
      store.dispatch({ type: 'ended', reason: begun ? 'replaced' : newest.reason, elsewhere: true })
      // Nobody else can give back what only this tab holds.
      const unspent = narrow.drain(session, false)
      if (!byCookie && (!sealing || share.isAlone()) && tokens?.refreshToken !== undefined) {
        void (begun ? unlessGoingOn : revoke)(tokens, unspent)
      } else if (!byCookie && source.revoke && unspent[0]) void revoke({ key: tokens?.key }, unspent)
    }
    // A listener that was told may have gone on, and further than this.
    if (newest.epoch <= met) return
    // A sign-in of this tab decides about itself when its answer comes.
    if (begun && attempts.current()) return
    met = newest.epoch
    if (!begun) return
    const session = recall(newest)
    store.dispatch({ type: 'started', session, tokens: undefined })
    siblings.want({ session, tokens: undefined })
  }

  /** Gives back the tokens of the session before, when it has turned out who is signed in now, or that nobody tells. */
  async function unlessGoingOn(tokens: TokenSet, unspent?: readonly string[]): Promise<void> {
    const user = userOf(tokens)
    if (user !== undefined) {
      await Promise.resolve()
      const held = heldIn(store.get())
      if (held && !held.tokens) await siblings.settled(held, FOLLOW_MS)
    }
    if (!isGoingOn(user, userOf(heldIn(store.get())?.tokens))) await revoke(tokens, unspent)
  }

  function end(session: OwnedSession, reason: EndReason, local = false): void {
    // What another tab has done comes first: the session that it began is not to be ended for this one.
    if (!local) notice()
    const state = store.get()
    if (heldIn(state)?.session !== session) return
    if (!local) finish(reason)
    // It was never here: nothing has ended.
    else if (state.status === 'restoring') {
      met = session.epoch
      store.dispatch({ type: 'restore-ended', flight: state.flight })
    } else store.dispatch({ type: 'ended', reason, elsewhere: false })
  }

  /** The cookie is that of another sign-in now, or may be: the session that was there must not refresh with it. */
  function loseCookie(): void {
    const state = store.get()
    if (!isSignedIn(state)) return
    end(state.session, 'replaced')
    announce('unconfirmed', 'replaced')
  }

  return {
    async logout({ reason = 'logout', timeoutMs = settings.requestTimeoutMs } = {}) {
      const flying = attempts.current()?.over
      attempts.overtake()
      const newest = epochs.newest()
      const isElsewhere = newest?.what === 'signed-in' && newest.epoch > (met ?? 0)
      // Signed out already: tokens are gone, but there may be a session that this page has not looked for, or a cookie that
      // nobody has asked about yet. A session that has just begun in place of the one that was here is not meant.
      const isLeft = isElsewhere ? met === undefined : byCookie && !settled
      if (store.get().status !== 'signed-out' || flying || isLeft) finish(reason, flying)
      const left = source.revoke && epochs.newest()?.what === 'unconfirmed'
      const revoked = await withDeadline(
        settled ?? Promise.resolve<Revoked>(left ? 'unconfirmed' : 'not-configured'),
        timeoutMs,
        ports.timer,
        timedOut,
      ).catch(() => 'unconfirmed' as const)
      const endSessionUrl = whereToEnd()
      return { revoked, ...(endSessionUrl !== undefined && { endSessionUrl }) }
    },
    end,
    meet,
    notice,
    loseCookie,
    announce,
    recall,
    supersede,
    revoke,
    revokeAll,
    async orphan(tokens, more) {
      // In cookie mode the logout call comes after this answer, and covers it.
      if (byCookie || !source.revoke) return
      notice() // who was here may have been replaced
      if (epochs.newest()?.what === 'signed-in') await unlessGoingOn(tokens, more)
      else await revocations[revocations.push(revoke(tokens, more)) - 1]
    },
    repeat() {
      void giveBack(revokeAll())
    },
  }
}
