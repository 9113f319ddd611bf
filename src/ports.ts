import type { Instant } from './lib/instant.ts'
import type { TokenResponse } from './token.ts'

/**
 * What the outside world does for the manager. Each port is a function or a few methods; a test or an unusual
 * environment replaces any of them through `options.ports`. The default ports read globals when they are used, never
 * before.
 */
export interface Ports {
  readonly clock: Clock
  readonly timer: Timer
  readonly random: Random
  readonly fetch: typeof fetch
  readonly lifecycle: Lifecycle
  readonly marker: Marker
  readonly locks: Locks
  readonly openChannel: OpenChannel
  readonly records: Records
  readonly newAbort: NewAbort
  readonly report: Report
}

export interface Clock {
  now(): Instant
}

/**
 * Runs `task` once, `delayMs` from now or later; returns what stops it. `delayMs` lies in [0, 2^31 - 1]. A timer is a
 * hint: it may fire hours late, or, for a frozen page, never.
 */
export type Timer = (task: () => void, delayMs: number) => () => void

/** A number in [0, 1). Used for jitter and for the opaque session name, never for a secret. */
export type Random = () => number

/** The page around us. */
export interface Lifecycle {
  /** What relative URLs are resolved against: `document.baseURI` in a page. `undefined` where there is none (Node). */
  baseUrl(): string | undefined
  /** The page's own origin. `undefined` where there is none, or an opaque one. */
  origin(): string | undefined
  /** `false` only when the device surely has no network. */
  online(): boolean
  /**
   * Calls `listener` when the page may have missed something (`'wake'`: shown again, resumed, back from the
   * back/forward cache, or another tab has written a marker), when the network came back (`'online'`), and when the page is being left (`'leave'`). Returns
   * what stops it.
   */
  watch(listener: (moment: 'wake' | 'online' | 'leave') => void): () => void
}

/** One short text per session name, written at once (before the page can navigate away) and readable at once. */
export interface Marker {
  /** `undefined`: there is none, or it cannot be read. Never throws. */
  read(name: string): string | undefined
  /** Throws where it cannot be kept: storage may be forbidden, or full. */
  write(name: string, text: string): void
}

/**
 * Runs `task` while no other tab of the origin holds `name`, and is over when the promise of `task` is. Rejects without
 * having run it when `signal` aborts before, or when there are no locks here. It may hang: whoever waits is patient for
 * a while, and then goes on without the lock. It makes a refresh cheap; the record makes it safe.
 */
export type Locks = (name: string, task: () => Promise<unknown>, signal: AbortSignal) => Promise<unknown>

/**
 * Messages to the other tabs of the origin. They are hints: each may be lost, doubled, or late.
 *
 * @param listener Is called with what other tabs post, never with what this one does.
 * @throws When there are no channels here.
 */
export type OpenChannel = (name: string, listener: (message: unknown) => void) => Channel

export interface Channel {
  post(message: object): void
  close(): void
}

/**
 * One value for each session name, shared by all tabs of the origin. Puts what `change` makes of the value in its place,
 * with nothing in between; resolves when that is durable. May fail or hang.
 */
export type Records = (name: string, change: (stored: unknown) => unknown) => Promise<unknown>

/** Makes an abort controller that may have a listener for each of many requests at once. */
export type NewAbort = () => AbortController

/** Takes an exception that a listener of the application threw: it is the application's, and must not break us. */
export type Report = (error: unknown) => void

/**
 * Where tokens come from and where they are given back: a first-party server (`jsonSource`, `cookieSource`), or yours.
 *
 * A source that throws a `TokenError` decides what the failure means; any other throw counts as "no answer came"
 * (transient). It makes every call once: whether and when to try again is the manager's business.
 */
export interface TokenSource<Login = unknown> {
  /** Says who is asked: endpoints, or issuer and client. No secret. The default name of the session. */
  readonly id: string
  /** `'cookie'`: the browser holds the refresh credential, JavaScript does not. */
  readonly credential: 'cookie' | 'token'
  login?(input: Login, context: SourceContext): Promise<TokenResponse>
  /**
   * Prepares a login that the user takes part in, at another page or in another window, within the time of a call. `login` is
   * given what comes of the user's part, instead of what the application passed. Called in the task of the manager's `login`,
   * so that a window may be opened.
   */
  authorize?(input: Login, context: SourceContext): Promise<UsersPart>
  /**
   * What `login` is to be given because this page is the answer to a login that has left it. Takes it out of the page's URL, in
   * this task. `undefined`: it is none. When another tab, or another manager here, has the same answer, `login` rejects with
   * `session_changed`, and the session that comes of it is waited for.
   */
  returned?(): unknown
  /** Asks whether the browser already has a session (a cookie). `undefined`: it has none. */
  restore?(context: SourceContext): Promise<TokenResponse | undefined>
  refresh(current: RefreshInput, context: SourceContext): Promise<TokenResponse>
  /** `'not-configured'`: the server turns out to have nothing to ask. */
  revoke?(tokens: RevokeInput, context: SourceContext): Promise<'confirmed' | 'unconfirmed' | 'not-configured'>
  /** Where to send the browser to end the provider's session too (OpenID Connect RP-Initiated Logout). */
  endSessionUrl?(context: SourceContext): string | undefined
  /**
   * Whether a resource that has refused a token takes tokens of this source at all. `undefined`: nobody knows. Asked only where
   * the resource says where to look (RFC 9728), once for each answer.
   */
  serves?(challenged: ChallengedResource, context: SourceContext): Promise<boolean | undefined>
  /** What binds the tokens of this source to a key. Not together with `credential: 'cookie'`. */
  readonly binding?: Binding
}

/** A resource that has refused a token. What it says is not to be trusted. */
export interface ChallengedResource {
  /** What was requested: absolute, without fragment. */
  readonly url: string
  /** The resource that the token was asked for, if it was asked for one. */
  readonly resource?: string | undefined
  /** Where its metadata is said to be (`resource_metadata`). */
  readonly metadata: string
}

/**
 * Binds tokens to keys of this browser, so that whoever steals a token cannot use it elsewhere. A key is named by its
 * RFC 7638 thumbprint; a source says in its token response (`cnf`) which one the tokens are bound to, and is told it again
 * with every call about them.
 *
 * @see [RFC 9449](https://www.rfc-editor.org/rfc/rfc9449.html)
 */
export interface Binding {
  /** Whether a token of the type Bearer is taken too, though a DPoP proof was sent. */
  readonly allowBearer: boolean
  /**
   * Makes a key for a sign-in that begins, and keeps it where every tab, and the page after a redirect, finds it. Resolves
   * with its name, which is the `dpop_jkt` of an authorization request too.
   *
   * @param taken The algorithms that the server takes, if it says so (`dpop_signing_alg_values_supported`).
   * @param leaving The sign-in leaves the page: a key that lives in its memory is of no use.
   * @throws `unsupported` without WebCrypto, or where the key cannot be kept although it has to be.
   */
  create(taken?: readonly string[], leaving?: boolean): Promise<string>
  /**
   * A fresh proof for one attempt: never send one twice.
   *
   * @throws `key_lost` when the key is gone; `refresh_unavailable` (transient) when the browser does not answer.
   */
  prove(attempt: ProofRequest): Promise<string>
  /**
   * Learns nonce and clock from the answer to the attempt that carried `proof`, whatever its status. `true`: the answer
   * brought a nonce, and it is another one than the proof had, so that a refusal of the proof is worth one retry. Of an
   * attempt that was given up before it was sent each header is empty.
   */
  learn(proof: string, header: (name: string) => string | null): boolean
  /** Nothing is bound to the key any more: it is deleted. */
  forget(key: string): Promise<void>
}

/** One attempt to send a request. */
export interface ProofRequest {
  /** The name of the key. */
  readonly key: string
  /** As on the wire. */
  readonly method: string
  /** Absolute, as on the wire. Query and fragment do not matter. */
  readonly url: string
  /** The access token that the request carries. Absent: it carries none (a token request). */
  readonly accessToken?: string
}

/** Takes as long as the user does, or until `signal` aborts: another login or a logout has overtaken it, or nobody waits. */
export type UsersPart = (signal: AbortSignal) => Promise<unknown>

export interface SourceContext {
  /** Refuses `http:` beyond loopback. */
  readonly fetch: typeof fetch
  /** Aborts when the manager stops waiting. For `credential: 'cookie'` it never aborts what was sent. */
  readonly signal: AbortSignal
  /** Epoch milliseconds of the device. */
  now(): number
}

export interface RefreshInput {
  readonly refreshToken: string | undefined
  /** A token for this resource alone (RFC 8707). Absent: the session's own. */
  readonly resource?: string
  /** A token of this scope alone. Absent: all that was granted. */
  readonly scope?: string
  /** The key that the refresh token is bound to, see `TokenSource.binding`. */
  readonly key?: string
}

export interface RevokeInput {
  readonly refreshToken: string | undefined
  readonly accessTokens: readonly string[]
  /** The key that they are bound to, see `TokenSource.binding`. */
  readonly key?: string
}

/**
 * Where a refresh token survives a reload: sealed or plain, one value for each session, replaced whole. Every method may
 * fail or hang: then the session goes on in memory.
 */
export interface TokenStorage {
  /** @param bind What the value belongs to: it must not open for anything else. */
  seal(plain: Uint8Array, bind: string): Promise<unknown>
  /** `undefined`: it cannot be opened, whatever the reason. */
  open(sealed: unknown, bind: string): Promise<Uint8Array | undefined>
  /** The session is over. */
  forget(): Promise<void>
}
