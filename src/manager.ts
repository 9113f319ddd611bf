import { browserPorts } from './adapters/browser.ts'
import { TokenError } from './errors.ts'
import { throwIfAborted, untilAborted } from './flow/abort.ts'
import { createAttach } from './flow/attach.ts'
import { createAttempts } from './flow/attempts.ts'
import { createCalls } from './flow/calls.ts'
import type { TokenRequest, TokenSender } from './flow/exchange.ts'
import { describe } from './flow/failure.ts'
import type { Parts } from './flow/parts.ts'
import { createProbation } from './flow/probation.ts'
import { createRefresh } from './flow/refresh.ts'
import { createRestore } from './flow/restore.ts'
import { createSchedule } from './flow/schedule.ts'
import { createSender } from './flow/send.ts'
import { createSiblings } from './flow/siblings.ts'
import { createSignIn } from './flow/sign-in.ts'
import { createSignOut, type LogoutOptions, type LogoutReport } from './flow/sign-out.ts'
import { createWatch } from './flow/watch.ts'
import { createEmitter } from './lib/emitter.ts'
import { ownMembers } from './lib/own.ts'
import { endAll } from './lib/waiters.ts'
import { parseOptions, type TokenManagerOptions } from './options.ts'
import type { TokenEvents } from './session/events.ts'
import { insides } from './session/insides.ts'
import { createNarrow } from './session/narrow.ts'
import { createSession } from './session/session.ts'
import type { SessionState } from './session/snapshot.ts'
import { heldIn, isSignedIn, type State } from './session/state.ts'
import { createSessionStore } from './session/store.ts'
import { createEpochs } from './tabs/epochs.ts'
import type { Message } from './tabs/messages.ts'
import { createSealing } from './tabs/sealing.ts'
import { createShare } from './tabs/share.ts'
import type { TokenResponse } from './token.ts'

/** An access token, for what no binding covers. */
export interface AccessToken {
  readonly value: string
  readonly tokenType: 'Bearer' | 'DPoP'
  /** Device wall time, epoch ms. `undefined`: unknown. */
  readonly expiresAt: number | undefined
}

/**
 * One session: its tokens, and all that may be done with them. Every method may be called at any time, also in a
 * listener; every promise settles; what rejects, rejects with a {@link TokenError}.
 */
export interface TokenManager<Login = unknown> extends TokenSender {
  /**
   * What the application may know. The same frozen object until something changes, here or in another tab. Never a token.
   * A tab that follows a sign-in of another tab is signed in before it has the token.
   */
  getState(): SessionState
  /** Calls `listener` after every change of the state. Returns what stops it. */
  subscribe(listener: (state: SessionState) => void): () => void
  /** Calls `listener` with every event of this name. Returns what stops it. What it throws is reported, and harms nobody. */
  on<K extends keyof TokenEvents>(type: K, listener: (event: TokenEvents[K]) => void): () => void

  /**
   * Finds the session that this origin already has: another tab's, a stored one, the cookie's, in this order. Idempotent.
   * Resolves with the state, signed in or not. Another tab gets up to 250 ms to hand over its token. From now on this tab
   * goes along with what happens in the others.
   *
   * `ask`: ask the server even if it is remembered that nobody is signed in (after a sign-in elsewhere on the site).
   *
   * @throws `refresh_unavailable` when nothing is known and the server cannot be reached; `configuration`,
   *   `insufficient_authentication`, `aborted`.
   */
  restore(options?: { readonly ask?: boolean; readonly signal?: AbortSignal }): Promise<SessionState>
  /**
   * Runs the source's login and begins a session. A later login or logout overtakes an earlier one (`aborted`). A session
   * that was there ends in every tab as `'replaced'`, and is revoked where JavaScript holds its tokens; the other tabs go on
   * in the new one.
   *
   * @throws `login_failed` when the credentials were refused; `refresh_unavailable`, `timeout`, `malformed_response`,
   *   `configuration`, `unsupported`, `aborted`.
   */
  login(input: Login, options?: { readonly signal?: AbortSignal }): Promise<SessionState>
  /** The same, with a token response obtained elsewhere. The other tabs follow. */
  startSession(response: TokenResponse): Promise<SessionState>
  /**
   * Ends the session here first, in the same task in which the other tabs are told, then at the server. A tab that sleeps
   * sees it before its next request. What is stored is taken away. Never rejects for the network: the report says what the
   * server said.
   */
  logout(options?: LogoutOptions): Promise<LogoutReport>
  /** Counts as activity for `timing.idleMs`, in all tabs. */
  touch(): void

  /**
   * For what no binding covers: a WebSocket, an EventSource polyfill. Call it for each connection.
   *
   * @throws `signed_out`, `session_changed`, `refresh_unavailable`, `refresh_rejected`, `destination_refused`,
   *   `insufficient_scope`, `insufficient_authentication`, `configuration`, `key_lost`, `aborted`.
   */
  getAccessToken(request?: TokenRequest): Promise<AccessToken>

  /**
   * Detaches timers, channel and listeners at once; callers settle (`aborted`); a refresh already sent may still store its
   * result. The session goes on in other tabs and at the server; what only the memory of this tab held is lost.
   */
  dispose(): void
}

/**
 * Makes the one owner of a session's tokens. Starts nothing and asks nobody until it is told to.
 *
 * @example
 *   const tokens = createTokenManager({
 *     source: cookieSource({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' }),
 *     resources: ['https://api.example.com'],
 *   })
 *   await tokens.restore()
 *
 * @throws `TypeError` when an option is wrong; the message names the cure.
 */
export function createTokenManager<Login = unknown>(options: TokenManagerOptions<Login>): TokenManager<Login> {
  const settings = parseOptions(options, browserPorts)
  const { source, ports } = settings
  const { clock } = ports
  const life = ports.newAbort()
  const events = createEmitter<TokenEvents & { readonly state: SessionState }>(ports.report)
  const store = createSessionStore(onChange)
  const probation = createProbation()
  const narrow = createNarrow(() => clock.now())
  const told = new Set<string>()
  /** What the application was told last. */
  let shown: SessionState | undefined
  const degraded = (what: string, why: unknown): void => {
    if (told.size < told.add(what).size)
      events.emit('degraded', { what, why: why instanceof Error ? describe(why, []) : 'unknown' })
  }
  const share = createShare({
    name: settings.name,
    patienceMs: Math.min(1_000, settings.requestTimeoutMs / 2),
    ports,
    hear,
    learn: (epoch) => parts.epochs.hear(epoch),
    degraded,
  })
  const parts: Parts = {
    source,
    ports,
    settings,
    store,
    events,
    calls: createCalls(source, ports, {
      ...settings,
      life: life.signal,
      degraded,
      skewed: (skewMs) => parts.watch.clock(-skewMs),
    }),
    attempts: createAttempts(() => signOut.notice()),
    epochs: createEpochs(settings.name, ports, degraded),
    share,
    siblings: createSiblings(store, share, ports, {
      probation,
      narrow,
      isHolder: ({ tokens }) => !settings.storage && tokens?.refreshToken !== undefined,
      replaced(session) {
        events.emit('alert', { rule: 'subject-changed' })
        signOut.end(session, 'replaced')
      },
    }),
    sealing: settings.storage && createSealing(settings.storage, { ...settings, timer: ports.timer, degraded }),
    watch: createWatch(events),
    probation,
    narrow,
    by: ports.random().toString(36).slice(2),
    life: life.signal,
    newSession: (epoch, started) => createSession(epoch, started, ports.newAbort()),
    hasCredential: ({ tokens }) =>
      source.credential === 'cookie' ||
      tokens?.refreshToken !== undefined ||
      settings.storage !== undefined ||
      (!tokens && source.restore !== undefined),
    canRefresh: (held) => parts.hasCredential(held) || (held.tokens?.elsewhere ?? true),
  }
  const destinationOf = createAttach(settings, ports.lifecycle)
  const signOut = createSignOut(parts)
  const signIn = createSignIn(parts, signOut)
  const refresh = createRefresh(parts, signOut)
  const restore = createRestore(parts, signOut, signIn, refresh)
  const schedule = createSchedule(parts, refresh, signOut)
  const sender = createSender(parts, destinationOf, refresh, schedule, signOut)

  function onChange(state: State, previous: State): void {
    const [now, before] = [state, previous].map((one) => (isSignedIn(one) ? one.session : undefined))
    events.batch(() => {
      if (shown !== store.snapshot()) events.emit('state', (shown = store.snapshot()))
      if (now === before) return
      if (before) {
        const { reason, elsewhere } =
          state.status === 'signed-out' ? state : { reason: 'replaced' as const, elsewhere: false }
        events.emit('signed-out', { session: before.id, reason, elsewhere })
      }
      if (now) events.emit('signed-in', { session: now.id })
    })
    parts.siblings.look()
    schedule.look()
  }

  /** What another tab tells is a hint: what it is about is looked up, and nothing is believed that is older. */
  function hear(message: Message): void {
    parts.epochs.hear(message.epoch)
    signOut.notice()
    const newest = parts.epochs.newest()
    // A page that has just opened may have found nothing but an older session.
    if (message.type === 'wanted' && newest && message.epoch < newest.epoch && !parts.epochs.isKept())
      share.post({ type: 'epoch', epoch: newest.epoch })
    if (message.type === 'used') schedule.heard(message.at)
    const wanted = parts.siblings.hear(message)
    const held = heldIn(store.get())
    if (!wanted || held?.tokens?.refreshToken === undefined || source.credential === 'cookie') return
    share.post({ type: 'coming', epoch: held.session.epoch })
    refresh(wanted, 'requested').catch(() => {})
  }

  /** Settles at once when the manager is disposed of; does not even begin after that, or if the caller gave up before. */
  async function alive<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    throwIfAborted(life.signal, signal)
    return untilAborted(work(), life.signal)
  }

  const manager: TokenManager<Login> = {
    getState: store.snapshot,
    subscribe: (listener) => events.on('state', listener),
    on: events.on,
    restore(request = {}) {
      const { ask = false, signal } = ownMembers(request)
      return alive(() => restore(ask, signal), signal)
    },
    login(input, request = {}) {
      const { signal } = ownMembers(request)
      return alive(() => signIn.login(input as never, signal), signal)
    },
    startSession: (response) => alive(() => signIn.startSession(response)),
    logout: (request = {}) => alive(() => signOut.logout(ownMembers(request))),
    touch: () => schedule.used(clock.now()),
    send: sender.send,
    async getAccessToken(request = {}) {
      const { accessToken, tokenType, lifetimeMs, obtained } = await sender.obtain(request)
      return {
        value: accessToken,
        tokenType,
        expiresAt: lifetimeMs === undefined ? undefined : obtained.wall + lifetimeMs,
      }
    },
    dispose() {
      const disposed = new TokenError('aborted', 'the token manager was disposed of')
      endAll(life, disposed)
      schedule.stop()
      events.clear()
      parts.attempts.overtake(disposed)
      const state = store.get()
      heldIn(state)?.session.end(disposed)
      parts.siblings.look()
      share.close()
    },
  }
  insides.set(manager, parts)
  return manager
}
