import { TokenError } from '../errors.ts'
import type { SessionState } from '../session/snapshot.ts'
import { type Held, heldIn, isSignedIn } from '../session/state.ts'
import { toEntered, toEntering } from '../tabs/record.ts'
import { isGoingOn, parseTokenResponse, type TokenResponse, type TokenSet, userOf } from '../token.ts'
import { untilAborted } from './abort.ts'
import { isAnswer, toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { SignOut } from './sign-out.ts'

export interface SignIn {
  /** `returned`: `input` is what came back of a login that has left the page. */
  login(input: never, signal: AbortSignal | undefined, returned?: boolean): Promise<SessionState>
  startSession(response: TokenResponse): Promise<SessionState>
  /** Begins a session with `tokens`, in place of the one that was there. */
  begin(tokens: TokenSet): SessionState
}

export function createSignIn(
  parts: Parts,
  { meet, orphan, announce, loseCookie, supersede, revoke, revokeAll }: SignOut,
): SignIn {
  const {
    store,
    source,
    calls,
    attempts,
    ports,
    settings,
    epochs,
    share,
    sealing,
    events,
    watch,
    narrow,
    newSession,
    by,
  } = parts
  const { clock } = ports
  const byCookie = source.credential === 'cookie'
  /** Is asked for what is known to be there. */
  const asker = source as Required<typeof source>

  /** Each has a name of its own: what comes of one says nothing of another. */
  let asks = 0
  /** What a sign-in leaves for the other tabs, and for the time after a reload. */
  let saved: Promise<unknown> | undefined

  async function save(
    { refreshToken, key }: TokenSet,
    user: unknown,
    epoch: number,
    left: TokenSet | undefined,
    unspent: readonly string[] | undefined,
  ): Promise<void> {
    const sealed = await sealing?.seal(refreshToken, epoch)
    const replaced = supersede(epoch, { sealed, key, user })
    // Of the session that was there, whatever tab it was refreshed in last.
    if (sealing) void revokeAll(left, replaced, unspent)
    await replaced
    if (!sealing) return
    // Ended before it could be stored: nobody else knows of it.
    if (epochs.newest()?.epoch !== epoch) void revoke({ refreshToken, key })
  }

  /** What a storage keeps is kept before anybody is told that he is signed in. */
  async function stored(state: SessionState): Promise<SessionState> {
    if (sealing) await saved
    return state
  }

  function begin(tokens: TokenSet): SessionState {
    return events.batch(() => {
      const before = heldIn(store.get())
      const user = userOf(tokens)
      const epoch = announce('signed-in', 'replaced')
      store.dispatch({ type: 'started', session: newSession(epoch, tokens.obtained), tokens })
      watch.issued(tokens, undefined)
      // The cookie of the session that was there has been replaced; its tokens can still be given back.
      const left = isGoingOn(userOf(before?.tokens), user) ? undefined : before?.tokens
      const unspent = left && narrow.drain((before as Held).session, true)
      if (left && !sealing) void orphan(left, unspent)
      saved = save(tokens, user, epoch, left, unspent)
      return store.snapshot()
    })
  }

  /** What the source's login is given. The user's part is bounded by nothing but the user. */
  async function answerOf(input: never, overtaken: AbortSignal): Promise<never> {
    if (!source.authorize) return input
    const usersPart = await calls.run((context) => asker.authorize(input, context))
    return untilAborted(usersPart(overtaken), overtaken) as Promise<never>
  }

  /** Asks for tokens and begins a session with them, unless it is overtaken: then nobody hears what comes of it. */
  function ask(input: never, isCurrent: () => boolean): Promise<SessionState> {
    return calls.run(async (context, free) => {
      const sign = `${by} ${++asks}`
      // Ahead of the call: should this page not live to hear the answer, the others know whose the cookie may be.
      if (byCookie && isCurrent()) await share.update(toEntering(sign, clock.now().wall, settings.requestTimeoutMs))
      const leave = (): unknown => byCookie && share.update(toEntered(sign))
      if (!isCurrent()) {
        void leave()
        return store.snapshot()
      }
      const asked = clock.now()
      const sent = ports.lifecycle.online()
      const before = epochs.newest()?.epoch
      let tokens: TokenSet
      try {
        tokens = parseTokenResponse(await asker.login(input, context), asked, source.binding)
      } catch (thrown) {
        if (!sent || isAnswer(thrown)) void leave()
        // Whoever has signed in since then has a cookie of his own.
        else if (byCookie) {
          await free()
          if (epochs.newest()?.epoch === before) loseCookie()
        }
        throw thrown
      }
      if (isCurrent()) await free()
      if (isCurrent()) return begin(tokens)
      if (!byCookie) await orphan(tokens)
      else await giveBackCookie(tokens)
      return store.snapshot()
    })
  }

  /** In the turn of the login itself: later it would end the session of the next one. However late its answer has come. */
  async function giveBackCookie({ accessToken }: TokenSet): Promise<void> {
    loseCookie()
    const revoked = await source.revoke?.({ refreshToken: undefined, accessTokens: [accessToken] }, calls.context)
    const newest = epochs.newest()
    // Whoever was signed in has lost his cookie to this one, unless he had signed out.
    if (revoked === 'confirmed' && !isSignedIn(store.get()))
      epochs.begin('nobody', newest?.what === 'unconfirmed' ? newest.reason : 'replaced', clock.now().wall)
  }

  return {
    async login(input, signal, returned = false) {
      if (!source.login) throw new TokenError('unsupported', 'the token source has no login')
      meet()
      const work = (isCurrent: () => boolean, overtaken: AbortSignal): Promise<SessionState> =>
        (returned ? Promise.resolve(input) : answerOf(input, overtaken))
          .then((answer) => ask(answer, isCurrent))
          .then(stored)
          .catch((thrown: unknown) => {
            // What was typed in must not appear in an error.
            throw toTokenError(thrown, input)
          })
      const { flight } = attempts.start(work, signal)
      // A request that waits for a restore waits on for the login that overtakes it.
      if (returned || store.get().status === 'restoring')
        store.dispatch({ type: 'restore-started', flight, session: undefined })
      flight.catch(() => store.dispatch({ type: 'restore-ended', flight }))
      return flight
    },

    async startSession(response) {
      const tokens = parseTokenResponse(response, clock.now(), source.binding)
      meet()
      attempts.overtake()
      return stored(begin(tokens))
    },

    begin,
  }
}
