/**
 * What happened, as anybody can see it who stands around the tabs: plain JSON, in the order in which it happened. A
 * simulation writes it, and so can whatever drives real browsers and real servers.
 */
export interface History {
  readonly version: 1
  readonly setup: Setup
  readonly entries: readonly Entry[]
}

/** What everybody had agreed on before it began. */
export interface Setup {
  /** `'cookie'`: the browser holds the refresh credential. `'token'`: JavaScript does. */
  readonly credential: 'cookie' | 'token'
  /** Refresh tokens are kept in the shared record. */
  readonly stored: boolean
  /** Tokens are bound to keys: to send one takes a proof, which takes its time. */
  readonly bound?: boolean | undefined
  /** The application takes tokens that are bound to no key, though it asks for such as are. */
  readonly allowBearer?: boolean | undefined
  readonly requestTimeoutMs: number
  /** Origins, or URLs that end in a slash, that may be sent a token. */
  readonly resources: readonly string[]
  /** Those of them that take tokens of their own alone, and whether each token is good for one request. */
  readonly narrow?: readonly { readonly url: string; readonly once: boolean }[] | undefined
  /** How long a message, a record or a task may take where nothing is wrong: time that nobody is blamed for. */
  readonly slackMs: number
  /** How long all tabs may take to agree once all is well. Without it nobody is asked whether they do. */
  readonly idleMs?: number | undefined
  readonly absoluteMs?: number | undefined
}

/** To the server a restore is a refresh. */
export type Operation = 'login' | 'refresh' | 'logout'
export type Method = 'login' | 'startSession' | 'restore' | 'logout' | 'send' | 'getAccessToken'
export type Medium = 'locks' | 'channel' | 'records' | 'marker' | 'keys'

/** What the application can read of a session. */
export interface Snapshot {
  readonly status: 'restoring' | 'signed-out' | 'active' | 'refreshing' | 'stale'
  readonly signedIn: boolean
  readonly session?: string | undefined
  readonly expiresAt?: number | undefined
  readonly reason?: string | undefined
  readonly elsewhere?: boolean | undefined
  /** The code of the error that made it stale. */
  readonly error?: string | undefined
}

export interface Where {
  /** Milliseconds since the beginning, by a clock that only goes forward. */
  readonly at: number
  /** The task in which it happened, where that is known: what has the same number happened with nothing in between. */
  readonly step?: number | undefined
  /** In which tab. None: at a server, or in the world around. */
  readonly tab?: string | undefined
}

/** What the application does, and comes to know. */
export type ApplicationEntry =
  | {
      readonly what: 'called'
      readonly call: number
      readonly method: Method
      /** The state just before. */
      readonly state: Snapshot
      /** The access token was good just before, by the clocks of the device. */
      readonly fresh?: boolean | undefined
      readonly required?: boolean | undefined
      readonly repeatable?: boolean | undefined
      readonly retry?: boolean | undefined
      readonly ask?: boolean | undefined
      /** It wants more than the token that is there. */
      readonly demanding?: boolean | undefined
      /** It goes to an API that takes tokens of its own. */
      readonly narrow?: boolean | undefined
      /** Called by a listener. */
      readonly within?: boolean | undefined
    }
  | {
      readonly what: 'settled'
      readonly call: number
      readonly ok: boolean
      /** Of the error that it rejected with. */
      readonly code?: string | undefined
      readonly transient?: boolean | undefined
      /** Status or text of what it resolved with, or the text of the error. */
      readonly text?: string | undefined
      readonly state: Snapshot
    }
  | { readonly what: 'aborted'; readonly call: number }
  | { readonly what: 'state'; readonly state: Snapshot }
  | {
      readonly what: 'event'
      readonly type: string
      readonly event: Readonly<Record<string, unknown>>
      readonly reads: Snapshot
    }
  | { readonly what: 'reported' | 'unhandled'; readonly text: string }
  | { readonly what: 'dispose' }

/** What leaves a tab for a server, and what comes of it. */
export type WireEntry =
  /** A call to the source leaves. `presented`: the refresh token, or the cookie, that goes with it. */
  | {
      readonly what: 'asked'
      readonly exchange: number
      readonly operation: Operation
      readonly presented?: string | undefined
      readonly url?: string | undefined
      /** An authorization code that goes with it. */
      readonly code?: string | undefined
      /** The proof of possession that goes with it. */
      readonly dpop?: string | undefined
      /** What tokens are asked for alone. */
      readonly resource?: string | undefined
    }
  /** The server has decided. */
  | {
      readonly what: 'decided'
      readonly exchange: number
      readonly verdict: 'issued' | 'refused' | 'revoked' | 'turned-away'
      readonly family?: string | undefined
      readonly owner?: string | undefined
      readonly access?: string | undefined
      readonly refresh?: string | undefined
      readonly expiresAt?: number | undefined
      /** What the access token is for alone. */
      readonly resource?: string | undefined
      /** It is bound to the key of the proof that it was asked for with, and this is its hash. */
      readonly ath?: string | undefined
    }
  /** Nothing of it is under way any more. */
  | { readonly what: 'over'; readonly exchange: number }
  /** The tab knows. `'refusal'`: a definitive one. */
  | {
      readonly what: 'learned'
      readonly exchange: number
      readonly outcome: 'tokens' | 'refusal' | 'failure' | 'done'
      readonly answered: boolean
      readonly retryAfterMs?: number | undefined
      /** The error code, if it was the proof that was refused. */
      readonly challenge?: string | undefined
      /** For the next proof. */
      readonly nonce?: string | undefined
    }
  /** A request of the application leaves. */
  | {
      readonly what: 'sent'
      readonly call?: number | undefined
      readonly url: string
      readonly method: string
      readonly authorization?: string | undefined
      readonly dpop?: string | undefined
      /** Everything else that a second send must repeat. */
      readonly rest?: string | undefined
    }
  /** `undefined`: no answer came. */
  | {
      readonly what: 'replied'
      readonly call?: number | undefined
      readonly authorization?: string | undefined
      readonly status?: number | undefined
      readonly url?: string | undefined
      readonly challenge?: string | undefined
      readonly nonce?: string | undefined
    }

/** What tabs share. */
export type MediumEntry =
  | { readonly what: 'posted'; readonly message: unknown }
  | { readonly what: 'delivered'; readonly message: unknown; readonly from: string }
  | { readonly what: 'marked'; readonly text: string }
  | { readonly what: 'recorded'; readonly before: unknown; readonly after: unknown }
  | { readonly what: 'locked' | 'unlocked' | 'robbed' }
  | { readonly what: 'timer'; readonly delayMs: number }

/** What happens to tabs, and around them. */
export type WorldEntry =
  | { readonly what: 'opened' | 'frozen' | 'thawed' | 'killed' | 'woken' }
  | { readonly what: 'weather'; readonly medium: Medium; readonly condition: string }
  /** Somebody else has put this into the record, or taken it away. */
  | { readonly what: 'tampered'; readonly medium: Medium }
  | { readonly what: 'clock'; readonly how: 'jump' | 'sleep'; readonly ms: number }
  | { readonly what: 'online'; readonly yes: boolean }
  /** From here on no fault; then all have had time to agree; then it is tried out whether all is well. */
  | { readonly what: 'phase'; readonly name: 'calm' | 'agreed' | 'recovery' | 'end' }
  /** What is left in a tab that was disposed of. */
  | {
      readonly what: 'left'
      readonly timers: number
      readonly watchers: number
      readonly channels: number
      readonly locks: number
    }

export type Entry = Where & (ApplicationEntry | WireEntry | MediumEntry | WorldEntry)

/** One entry of a kind. */
export type EntryOf<What extends Entry['what']> = Extract<Entry, { readonly what: What }>
