/** What a request needs of a token. */
export interface TokenRequest {
  /** The `url` of one of the manager's resources. Default: the one that the URL belongs to, else the first. */
  readonly resource?: string
  /** A scope that the token must have. */
  readonly scope?: string
  /**
   * The token must live at least this long, so that expiry does not cut a long operation. Capped at nine tenths of its
   * lifetime: at most one refresh is made for it, and the result counts, however long it lives.
   */
  readonly minTtlMs?: number
  readonly signal?: AbortSignal
}

/** Where a request goes. */
export interface SendTarget extends TokenRequest {
  /** As it will be sent: absolute, or relative to `document.baseURI`. */
  readonly url: string
  /** As on the wire. */
  readonly method?: string
  /** No session, or not a resource: reject (`signed_out`, `destination_refused`) instead of sending without a token. */
  readonly required?: boolean
  /** `false`: never send twice. Default `true`. */
  readonly retry?: boolean
  /** How long the request may wait for a token before it rejects with `timeout`. Default: as long as a refresh may take. */
  readonly waitMs?: number
}

/** What came back, as far as the decision needs it. */
export interface Answer {
  readonly status: number
  /** By lower-case name. */
  header(name: string): string | null
  /** `true`: the application says that this answer means a refused token, whatever its status. */
  readonly refused?: boolean
}

/** One way of putting a request on the wire: axios, fetch, or yours. */
export interface Exchange<Reply> {
  /**
   * Puts the request on the wire with these headers added (none: bare). Called at most twice. `signal` aborts when the
   * session ends: a transport that heeds it is cut off at once; for any other the answer is dropped.
   */
  send(headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Reply>
  /** What came back. `undefined`: no HTTP answer. */
  answer(reply: Reply): Answer | undefined
  /** `false`: the body is spent after the first send (a stream). */
  readonly repeatable: boolean
}

/** All that a binding needs of a manager. */
export interface TokenSender {
  /**
   * Sends one exchange with a token: attaches it if the URL may have it, refreshes it before if it is expired, and, if
   * this very token is refused, refreshes once and sends again. With a fresh token the transport is called in this task.
   *
   * @throws The exchange's own failures as they are; a `TokenError` with any code but `login_failed`.
   */
  send<Reply>(target: SendTarget, exchange: Exchange<Reply>): Promise<Reply>
}
