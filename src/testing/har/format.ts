/** The version of what a recording says beyond HAR, in `log._tokenward`. */
export const RECORDING_VERSION = 1

/**
 * A recording: HAR 1.2, so that every tool that reads HAR reads it. What HAR has no place for is in members that begin
 * with an underscore. It holds no secret: where one was, there is a placeholder such as `{{access_p1_1}}`, whose entry in
 * `log._tokens` says whose it is, who issued it and what it was refreshed from.
 *
 * @see [HAR 1.2](http://www.softwareishard.com/blog/har-12-spec/)
 */
export interface Har {
  readonly log: HarLog
}

export interface HarLog {
  readonly version: string
  readonly creator: HarCreator
  readonly comment?: string
  /** The version of our own members. Absent: the file was made by something else. */
  readonly _tokenward?: number
  /** What stood where the placeholders are. Comes before the entries, for whoever reads the file as a stream. */
  readonly _tokens?: readonly TokenReference[]
  /** What differs from one run to the next: found by recording twice, see `findNoise`. */
  readonly _noise?: readonly Noise[]
  readonly entries: readonly HarEntry[]
}

export interface HarCreator {
  readonly name: string
  readonly version: string
}

/** One request and its answer. */
export interface HarEntry {
  /** ISO 8601. */
  readonly startedDateTime: string
  /** Milliseconds. */
  readonly time: number
  readonly request: HarRequest
  readonly response: HarResponse
  readonly cache: object
  readonly timings: HarTimings
  readonly comment?: string
  /** Who asks: `p1`, `p2`, in the order of their appearance. Absent: nobody in particular. */
  readonly _principal?: string
  /** What this exchange does with tokens. Absent: it is a request of the application. */
  readonly _exchange?: ExchangeKind
  /** The browser was asked to send its cookies along. */
  readonly _credentials?: boolean
  /** No answer came: why, as a code (`ERR_NETWORK`, `ECONNABORTED`, `AbortError`). The status is 0. */
  readonly _error?: string
}

/** `login`: tokens for something that a user or a client has; `refresh`: new tokens for old ones; `logout`: tokens are given back. */
export type ExchangeKind = 'login' | 'refresh' | 'logout'

export interface HarTimings {
  readonly send: number
  readonly wait: number
  readonly receive: number
}

export interface HarRequest {
  readonly method: string
  /** Absolute. A placeholder in it is percent-encoded: `%7B%7Baccess_p1_1%7D%7D`. */
  readonly url: string
  readonly httpVersion: string
  readonly cookies: readonly HarPair[]
  readonly headers: readonly HarPair[]
  readonly queryString: readonly HarPair[]
  readonly postData?: HarPostData
  readonly headersSize: number
  readonly bodySize: number
}

export interface HarPair {
  readonly name: string
  readonly value: string
}

export interface HarPostData {
  readonly mimeType: string
  /** Absent for multipart bodies, whose parts are `params`, and for what was left out. */
  readonly text?: string
  /** The parts of a form. */
  readonly params?: readonly HarParam[]
  /** `text` is base64 of a binary body. */
  readonly _encoding?: 'base64'
  /** Why there is no body here. */
  readonly _omitted?: Omission
}

export interface HarParam {
  readonly name: string
  readonly value?: string
  readonly fileName?: string
  readonly contentType?: string
}

/**
 * Why a body is not in a recording: it is a stream that only the application may read, it is larger than the limit, its
 * reading failed or is not over, or it is binary and a secret is in it.
 */
export type Omission = 'stream' | 'too-large' | 'unread' | 'secret'

export interface HarResponse {
  /** 0: no answer came. */
  readonly status: number
  readonly statusText: string
  readonly httpVersion: string
  readonly cookies: readonly HarPair[]
  readonly headers: readonly HarPair[]
  readonly content: HarContent
  readonly redirectURL: string
  readonly headersSize: number
  readonly bodySize: number
}

export interface HarContent {
  readonly size: number
  readonly mimeType: string
  readonly text?: string
  /** `text` is base64 of a binary body. */
  readonly encoding?: string
  readonly _omitted?: Omission
}

/**
 * What a placeholder stands for. `access`, `refresh` and `id` are tokens; `code`, `verifier`, `password` and the others
 * are what was given for them; `encoded` is a piece of base64 or hex with a placeholder in it.
 */
export type SecretKind =
  | 'access'
  | 'refresh'
  | 'id'
  | 'code'
  | 'verifier'
  | 'password'
  | 'assertion'
  | 'proof'
  | 'cookie'
  | 'csrf'
  | 'secret'
  | 'encoded'

/** Says of a placeholder what may be known: never anything that was derived from the secret itself. */
export interface TokenReference {
  /** Kind, principal and generation: `access_p1_2` is the second access token of the first principal. */
  readonly id: string
  readonly kind: SecretKind
  readonly principal: string
  /** Those that were allowed (`aud`, `scope`, `client_id`, ...), and `ttl`: the lifetime in seconds, if it is known. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The entry whose answer brought it, from 0. `null`: it was there before, or did not come by HTTP. */
  readonly issuedBy: number | null
  /** The token of the same kind that it took the place of. */
  readonly refreshedFrom: string | null
  /** How it travels. Only of access tokens. */
  readonly tokenType?: 'Bearer' | 'DPoP'
  /** Only of tokens: whether it is a JWT, and how it was signed. */
  readonly format?: 'jwt' | 'opaque'
  readonly alg?: string
  /** Only of `encoded`: what is encoded, with placeholders, and how. */
  readonly template?: string
  readonly encoding?: 'base64' | 'base64url' | 'hex'
}

/** A place whose value differs from one run to the next. */
export interface Noise {
  /** The entry, from 0. Absent: every entry. */
  readonly entry?: number
  /** `body.orders.*.at`, `header.date`: a member, `*` for every member or item. */
  readonly path: string
}
