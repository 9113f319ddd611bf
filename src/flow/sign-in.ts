import { TokenError } from '../errors.ts'
import type { Instant } from '../lib/instant.ts'
import type { SessionState } from '../session/snapshot.ts'
import { isSignedIn } from '../session/state.ts'
import { parseTokenResponse, type TokenResponse, type TokenSet } from '../token.ts'
import { untilAborted } from './abort.ts'
import { toTokenError } from './failure.ts'
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

export function createSignIn(parts: Parts, { orphan }: SignOut): SignIn {
  const { store, source, calls, attempts, ports, memory, events, watch, newSession } = parts
  const { clock } = ports

  function begin(tokens: TokenSet, since?: Instant): SessionState {
    return events.batch(() => {
      const before = store.get()
      store.dispatch({ type: 'started', session: newSession(since ?? tokens.obtained), tokens })
      watch.issued(tokens, undefined)
      if (!since) memory?.remember('signed-in', tokens.obtained.wall)
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
      const tokens = parseTokenResponse(await source.login(input, context), asked)
      if (isCurrent()) return begin(tokens)
      if (source.credential === 'token') await orphan(tokens)
      // In the turn of the login itself: later it would end the session of the next one.
      else await source.revoke?.({ refreshToken: undefined, accessTokens: [tokens.accessToken] }, context)
      throw overtaken
    })
  }

  return {
    async login(input, signal) {
      if (!source.login) throw new TokenError('unsupported', 'the token source has no login')
      const work = (isCurrent: () => boolean, flight: Promise<SessionState>): Promise<SessionState> =>
        ask(input, isCurrent).catch((thrown: unknown) => {
          store.dispatch({ type: 'restore-ended', flight })
          // What was typed in must not appear in an error.
          throw toTokenError(thrown, Object.values(Object(input) as object))
        })
      const mine = attempts.start(work, signal)
      // A request that waits for a restore waits on for the login that overtakes it.
      if (store.get().status === 'restoring') store.dispatch({ type: 'restore-started', flight: mine.flight })
      return untilAborted(mine.flight, [mine.signal])
    },

    startSession(response) {
      const tokens = parseTokenResponse(response, clock.now())
      attempts.overtake()
      return begin(tokens)
    },

    begin,
  }
}
