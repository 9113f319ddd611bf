import { isOne } from '../errors.ts'
import { elapsedMs, type Instant } from '../lib/instant.ts'
import type { SourceContext } from '../ports.ts'
import type { RefreshTrigger } from '../session/events.ts'
import { type Held, isSignedIn, type SignedIn } from '../session/state.ts'
import { parseTokenResponse, refreshTokenIn, type TokenSet } from '../token.ts'
import { abortError } from './abort.ts'
import { type FailureFacts, isAnswer, retryInMs, toFailure, toTokenError } from './failure.ts'
import type { Parts } from './parts.ts'
import type { SignOut } from './sign-out.ts'

/**
 * Gets tokens other than `used`, of the same session: newer ones that are here already, the ones being fetched right
 * now, or new ones, in that order. There is no other way to the source's `refresh`.
 *
 * `force`: ask although it is not time yet to try again.
 */
export type Refresh = (used: Held, trigger: RefreshTrigger, force?: boolean) => Promise<Held>

export function createRefresh(parts: Parts, { end, notice, orphan }: SignOut): Refresh {
  const { store, source, calls, ports, settings, events, probation, watch } = parts
  const { clock } = ports

  return function refresh(used, trigger, force = false) {
    notice()
    const state = store.get()
    if (!isSignedIn(state) || state.session !== used.session) return Promise.reject(abortError(used.session.signal))
    if (state.tokens !== used.tokens) return Promise.resolve(state)
    if (state.status === 'refreshing') return state.flight
    if (!force && state.status === 'stale' && retryInMs(state.failure, clock.now()) > 0) {
      return Promise.reject(state.failure.error)
    }
    const flight: Promise<Held> = Promise.resolve().then(() => fly(state, flight, trigger))
    flight.catch(() => {}) // a background refresh has no other listener
    store.dispatch({ type: 'refresh-started', flight })
    return flight
  }

  async function fly(state: SignedIn, flight: Promise<Held>, trigger: RefreshTrigger): Promise<Held> {
    const started = clock.now()
    const before = state.status === 'stale' ? state.failure : undefined
    let from: Held = state
    let sent = false
    let failed = false

    async function ask(context: SourceContext): Promise<Held> {
      // In cookie mode the call has waited for its turn: the one before it may have brought newer tokens, or all may
      // have given up.
      notice()
      const now = store.get()
      if (from.session.signal.aborted || now.status !== 'refreshing' || now.flight !== flight) {
        return newer(from) ?? over(from)
      }
      const asked = clock.now()
      sent = ports.lifecycle.online()
      const response = await source.refresh({ refreshToken: from.tokens?.refreshToken }, context)
      try {
        return await commit(from, parseTokenResponse(response, asked, from.tokens), trigger, started)
      } catch (error) {
        from = spend(from, response)
        throw error
      }
    }
    function failing(thrown: unknown): Held {
      // What came after the deadline has been told as a timeout, unless it decides more than that.
      if (failed && !isFinal(thrown)) throw thrown
      failed = true
      return newer(from) ?? fail(from, flight, thrown, { before, sent, started })
    }
    return calls
      .run((context) => ask(context).catch(failing))
      .catch((thrown: unknown) => {
        if (failed) throw thrown
        return failing(thrown)
      })
  }

  /** Whatever is wrong with an answer: the refresh token in it is the only good one (RFC 6749 section 6). */
  function spend(from: Held, response: unknown): Held {
    const { session, tokens } = from
    const successor = refreshTokenIn(response)
    if (!tokens || !successor || successor === tokens.refreshToken) return from
    const spent = { ...tokens, refreshToken: successor }
    return store.dispatch({ type: 'rotated', from, tokens: spent }) ? { session, tokens: spent } : from
  }

  async function commit(from: Held, tokens: TokenSet, trigger: RefreshTrigger, started: Instant): Promise<Held> {
    const { session } = from
    if (isSomebodyElse(from.tokens, tokens)) {
      events.emit('alert', { rule: 'subject-changed' })
      end(session, 'replaced')
    }
    const adopted = events.batch(() => {
      if (!store.dispatch({ type: 'refreshed', from, tokens })) return false
      probation.begin(tokens)
      events.emit('refreshed', { durationMs: elapsedMs(started, clock.now()), trigger })
      watch.issued(tokens, from.tokens ?? tokens)
      return true
    })
    if (adopted) return { session, tokens }
    const here = newer(from)
    if (here) return here
    // The session is over, and nobody holds these tokens: leave no live credential behind.
    await orphan(tokens)
    return over(from)
  }

  function fail(
    from: Held,
    flight: Promise<Held>,
    thrown: unknown,
    facts: Pick<FailureFacts, 'before' | 'sent' | 'started'>,
  ): never {
    const { session, tokens } = from
    if (session.signal.aborted) over(from)
    const error = toTokenError(thrown, [tokens?.refreshToken, tokens?.accessToken])
    const lost = error.code === 'key_lost'
    const final = isFinal(error)
    const failure = toFailure(error, clock.now(), {
      ...facts,
      answered: isAnswer(thrown),
      timeoutMs: settings.requestTimeoutMs,
      random: ports.random(),
    })
    events.batch(() => {
      if (!final) store.dispatch({ type: 'refresh-failed', flight, failure })
      const { code, transient, retryAt } = failure.error
      events.emit('refresh-failed', { code, transient, retryAt })
      if (final) end(session, lost ? 'key-lost' : facts.before?.unanswered ? 'unknown-outcome' : 'rejected')
    })
    if (final) over(from)
    throw failure.error
  }

  function newer({ session, tokens }: Held): Held | undefined {
    const state = store.get()
    return isSignedIn(state) && state.session === session && state.tokens !== tokens ? state : undefined
  }
}

/** What decides about the session, whenever it comes. */
function isFinal(thrown: unknown): boolean {
  return isOne(thrown) && /^(refresh_rejected|key_lost)$/.test(thrown.code)
}

function over({ session }: Held): never {
  throw abortError(session.signal)
}

// OpenID Connect Core section 12.2: the subject of a refreshed ID token must be the same.
function isSomebodyElse(before: TokenSet | undefined, after: TokenSet): boolean {
  const [was, is] = [before?.claims?.['sub'], after.claims?.['sub']]
  return was !== undefined && is !== undefined && was !== is
}
