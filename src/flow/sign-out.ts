import { withDeadline } from '../lib/deadline.ts'
import type { SourceContext } from '../ports.ts'
import type { OwnedSession } from '../session/session.ts'
import { type EndReason, isSignedIn } from '../session/state.ts'
import type { TokenSet } from '../token.ts'
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

export interface SignOut {
  logout(options?: LogoutOptions): Promise<LogoutReport>
  /** Ends `session` for a reason of our own; does nothing if it is not the current one. */
  end(session: OwnedSession, reason: EndReason): void
  /** Ends the session here if another tab has ended or replaced it. */
  notice(): void
  /** Revokes tokens that nobody holds: the answer to a call whose session has ended meanwhile. */
  orphan(tokens: TokenSet): Promise<unknown>
  /** Repeats a logout that the server had not confirmed when the page was left. */
  repeat(): void
}

export function createSignOut({ store, source, calls, ports, settings, attempts, memory, events }: Parts): SignOut {
  const byCookie = source.credential === 'cookie'
  let orphans: Promise<Revoked>[] = []
  /** The server's part of the last logout, while it runs and once it is confirmed. */
  let settled: Promise<Revoked> | undefined

  /** One task: memory, marker, the call on its way; only then are listeners told. */
  function finish(session: OwnedSession | undefined, reason: EndReason, flying?: Promise<unknown>): void {
    events.batch(() => {
      const state = store.get()
      store.dispatch({ type: 'ended', session, reason, elsewhere: false })
      // After these there is nothing to give back, and what other tabs have is for them to find out.
      const over = /^(rejected|unknown-outcome|replaced)$/.test(reason)
      const asks = source.revoke !== undefined && !over
      if (!over) memory?.remember(asks ? 'unconfirmed' : 'nobody', ports.clock.now().wall)
      settled = asks
        ? giveBack(
            isSignedIn(state) ? state.tokens : undefined,
            flying ?? (state.status === 'refreshing' ? state.flight : undefined),
          )
        : undefined
    })
  }

  /** Waits for the flight too: the tokens that it brings are revoked when they come. */
  function giveBack(tokens: TokenSet | undefined, flight?: Promise<unknown>): Promise<Revoked> {
    orphans = []
    const outcome = Promise.all([revoke(tokens), flight?.catch(() => {})])
      .then(async ([first]) => [first, ...(await Promise.all(orphans))])
      .then((all): Revoked => (all.every((one) => one === 'confirmed') ? 'confirmed' : 'unconfirmed'))
    void outcome.then((revoked) => {
      if (revoked !== 'confirmed') settled = settled === outcome ? undefined : settled
      // Unless somebody has signed in meanwhile.
      else if (memory?.recall()?.what === 'unconfirmed') memory.remember('nobody', ports.clock.now().wall)
    })
    return outcome
  }

  function revoke(tokens: TokenSet | undefined): Promise<Revoked> {
    if (!byCookie && !tokens) return Promise.resolve('confirmed') // there is nothing to give back
    const input = { refreshToken: tokens?.refreshToken, accessTokens: tokens ? [tokens.accessToken] : [] }
    const ask = async (context: SourceContext): Promise<Revoked> => source.revoke?.(input, context) ?? 'not-configured'
    return calls.run(ask, true).catch(() => 'unconfirmed')
  }

  function whereToEnd(): string | undefined {
    try {
      return source.endSessionUrl?.(calls.context)
    } catch {
      return undefined // a logout is no place to fail
    }
  }

  return {
    async logout({ reason = 'logout', timeoutMs = settings.requestTimeoutMs } = {}) {
      const flying = attempts.current()?.over
      attempts.overtake()
      // Signed out already: tokens are gone, but a cookie may be there that nobody has asked about yet.
      if (store.get().status !== 'signed-out' || flying || (byCookie && !settled)) finish(undefined, reason, flying)
      const revoked = await withDeadline(
        settled ?? Promise.resolve('not-configured' as const),
        timeoutMs,
        ports.timer,
        timedOut,
      ).catch(() => 'unconfirmed' as const)
      const endSessionUrl = whereToEnd()
      return { revoked, ...(endSessionUrl !== undefined && { endSessionUrl }) }
    },
    end(session, reason) {
      const state = store.get()
      if (isSignedIn(state) && state.session === session) finish(session, reason)
    },
    notice() {
      const [state, moved] = [store.get(), memory?.moved()]
      if (!moved || !isSignedIn(state)) return
      const reason = moved === 'signed-in' ? 'replaced' : 'logout'
      store.dispatch({ type: 'ended', session: state.session, reason, elsewhere: true })
    },
    async orphan(tokens) {
      // In cookie mode the logout call comes after this answer, and covers it.
      if (!byCookie && source.revoke) await orphans[orphans.push(revoke(tokens)) - 1]
    },
    repeat() {
      void giveBack(undefined)
    },
  }
}
