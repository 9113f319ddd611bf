import { TokenError } from '../errors.ts'
import type { Instant } from '../lib/instant.ts'
import type { SourceContext } from '../ports.ts'
import type { SessionState } from '../session/snapshot.ts'
import { isSignedIn } from '../session/state.ts'
import { parseTokenResponse, type TokenResponse, type TokenSet } from '../token.ts'
import { isAnswer, toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { SignOut } from './sign-out.ts'

export interface SignIn {
  login(input: never, signal: AbortSignal | undefined): Promise<SessionState>
  startSession(response: TokenResponse): SessionState
  /**
   * Begins a session with `tokens`, in place of the one that was there.
   *
   * @param since When the user signed in, if that was before this page: then it is no new sign-in.
   */
  begin(tokens: TokenSet, since?: Instant): SessionState
}

export function createSignIn(parts: Parts, { end, orphan }: SignOut): SignIn {
  const { store, source, calls, attempts, ports, memory, events, watch, newSession } = parts
  const { clock } = ports
  const byCookie = source.credential === 'cookie'

  function begin(tokens: TokenSet, since?: Instant): SessionState {
    return events.batch(() => {
      const before = store.get()
      if (since) memory?.adopt()
      else memory?.remember('signed-in', tokens.obtained.wall)
      store.dispatch({ type: 'started', session: newSession(since ?? tokens.obtained), tokens })
      watch.issued(tokens, undefined)
      // The cookie of the session that was there has been replaced; its tokens can still be given back.
      if (isSignedIn(before) && before.tokens) void orphan(before.tokens)
      return store.snapshot()
    })
  }

  /** Asks for tokens and begins a session with them, unless nobody wants them any more. */
  function ask(input: never, isCurrent: () => boolean): Promise<SessionState> {
    return calls.run(async (context) => {
      const overtaken = new TokenError('aborted', 'the login was overtaken')
      if (!isCurrent() || !source.login) throw overtaken
      const asked = clock.now()
      let tokens: TokenSet
      try {
        tokens = parseTokenResponse(await source.login(input, context), asked)
      } catch (thrown) {
        if (byCookie && !isAnswer(thrown)) loseCookie()
        throw thrown
      }
      if (isCurrent()) return begin(tokens)
      if (!byCookie) await orphan(tokens)
      else await giveBackCookie(tokens, context)
      throw overtaken
    })
  }

  /** In the turn of the login itself: later it would end the session of the next one. */
  async function giveBackCookie({ accessToken }: TokenSet, context: SourceContext): Promise<void> {
    loseCookie()
    const revoked = await source.revoke?.({ refreshToken: undefined, accessTokens: [accessToken] }, context)
    if (revoked === 'confirmed' && !isSignedIn(store.get())) memory?.remember('nobody', clock.now().wall)
  }

  /** The cookie is that of another sign-in now, or may be: the session that was there must not refresh with it. */
  function loseCookie(): void {
    const state = store.get()
    if (!isSignedIn(state)) return
    end(state.session, 'replaced')
    memory?.remember('unconfirmed', clock.now().wall)
  }

  return {
    async login(input, signal) {
      if (!source.login) throw new TokenError('unsupported', 'the token source has no login')
      const work = (isCurrent: () => boolean, flight: Promise<SessionState>): Promise<SessionState> =>
        ask(input, isCurrent).catch((thrown: unknown) => {
          store.dispatch({ type: 'restore-ended', flight })
          // What was typed in must not appear in an error.
          throw toTokenError(thrown, input)
        })
      const mine = attempts.start(work, signal)
      // A request that waits for a restore waits on for the login that overtakes it.
      if (store.get().status === 'restoring') store.dispatch({ type: 'restore-started', flight: mine.flight })
      const release = (): void => void store.dispatch({ type: 'restore-ended', flight: mine.flight })
      signal?.addEventListener('abort', release)
      void mine.over.then(() => signal?.removeEventListener('abort', release))
      return mine.flight
    },

    startSession(response) {
      const tokens = parseTokenResponse(response, clock.now())
      attempts.overtake()
      return begin(tokens)
    },

    begin,
  }
}
