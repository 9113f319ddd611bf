import { ownMembers } from '../lib/own.ts'
import type { Answer } from './exchange.ts'

/**
 * One challenge of a `WWW-Authenticate` header.
 *
 * @see [RFC 9110 section 11.3](https://www.rfc-editor.org/rfc/rfc9110.html#section-11.3)
 */
export interface Challenge {
  /** Lower-case. */
  readonly scheme: string
  /** By lower-case name, unescaped. Untrusted text. Of a name that occurs twice, the first value. */
  readonly params: ReadonlyMap<string, string>
  /** The names that occurred more than once. */
  readonly duplicates: ReadonlySet<string>
  readonly token68?: string
}

export interface Challenges {
  /** `false`: the header is malformed, and `challenges` holds what was complete before the error. */
  readonly complete: boolean
  readonly challenges: readonly Challenge[]
}

const GAP = /[\t ,]*/y
const SPACES = /[\t ]+/y
const TOKEN = /[\w!#$%&'*+.^`|~-]+/y
const EQUALS = /[\t ]*=[\t ]*/y
const QUOTED = /"[\t !#-[\]-~\x80-\uffff]*(?:\\[\t -~\x80-\uffff][\t !#-[\]-~\x80-\uffff]*)*"/y
const TOKEN68 = /[\w.~+/-]+=*(?=[\t ]*(?:,|$))/y

/**
 * Reads a `WWW-Authenticate` header, also several of them joined by commas. Never throws, and takes linear time.
 *
 * @see [RFC 9110 section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110.html#section-11.6.1)
 */
export function parseChallenges(header: string): Challenges {
  const challenges: Challenge[] = []
  let at = 0
  let separated = true
  let open: { params: Map<string, string>; duplicates: Set<string> } | undefined
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const text = pattern.exec(header)?.[0] ?? ''
    at += text.length
    return text
  }
  for (;;) {
    if (take(GAP).includes(',')) separated = true
    if (at === header.length) return { complete: true, challenges }
    const name = take(TOKEN).toLowerCase()
    if (name !== '' && take(EQUALS) !== '') {
      const value = take(TOKEN) || take(QUOTED)
      // The first parameter follows its scheme without a comma.
      if (value === '' || !open || !(separated || open.params.size === 0)) break
      if (open.params.has(name)) open.duplicates.add(name)
      else open.params.set(name, value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value)
    } else {
      if (name === '' || !separated) break
      open = { params: new Map(), duplicates: new Set() }
      // After "Basic," no parameter can belong to Basic; after "Basic ," one can.
      const closed = take(SPACES) === ''
      const token68 = closed ? '' : take(TOKEN68)
      challenges.push({ scheme: name, ...open, ...(token68 && { token68 }) })
      if (closed || token68) open = undefined
    }
    separated = false
  }
  return { complete: false, challenges: open || !separated ? challenges.slice(0, -1) : challenges }
}

/** What to do about an answer. */
export type Action =
  /** Hand it to the caller as it is. */
  | 'propagate'
  /** The token was refused: see that there is a newer one (at most one refresh), and send once more. */
  | 'refresh-retry'
  /** Nothing was sent, but there is a token for this URL: send once more, with it. */
  | 'retry-current'
  /** Nothing was sent, and there is nothing to send. */
  | 'login'
  /** The token lacks scope, and a refresh cannot widen it (RFC 6749 section 6). */
  | 'request-scope'
  /** The user has to authenticate again, or better (RFC 9470). */
  | 'step-up'
  /** Send once more with the nonce of the answer (RFC 9449 section 9). */
  | 'nonce-retry'
  /** Send once more with a new proof. */
  | 'proof-retry'

export interface Verdict {
  readonly action: Action
  /** The error code of the challenge. This and the next two are untrusted text: visible ASCII and spaces. */
  readonly error?: string | undefined
  readonly scope?: string | undefined
  readonly acrValues?: string | undefined
  /** Seconds. */
  readonly maxAge?: number | undefined
}

/** How the request was sent that was answered. */
export interface Attempt {
  /** The token type that was used. `null`: it went bare. */
  readonly sent: 'Bearer' | 'DPoP' | null
  /** For a bare request: whether there is a token for its URL now. `undefined`: none may ever be sent there. */
  readonly held?: boolean | undefined
  /** What was done for this request before. None is done twice. */
  readonly tried?: readonly Action[]
}

const PROPAGATE: Verdict = Object.freeze({ action: 'propagate' })

/**
 * Decides what an answer means for the token that was sent: by the error code of its challenge first, by its status
 * second.
 *
 * @see [RFC 6750 section 3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 * @see [RFC 9470 section 3](https://www.rfc-editor.org/rfc/rfc9470.html#section-3)
 */
export function judge(answer: Answer, attempt: Attempt): Verdict {
  const { status } = answer
  const refused = Object.hasOwn(answer, 'refused') && answer.refused
  if (status !== 401 && status !== 403 && refused !== true) return PROPAGATE
  const verdict = refused === true ? ({ action: 'refresh-retry' } as const) : judgeDenial(answer, attempt)
  return ownMembers(attempt).tried?.includes(verdict.action) ? { ...verdict, action: 'propagate' } : verdict
}

function judgeDenial(answer: Answer, { sent, held }: Attempt): Verdict {
  if (sent === null) {
    if (answer.status === 403 || held === undefined) return PROPAGATE
    return { action: held ? 'retry-current' : 'login' }
  }
  const { complete, challenges } = parseChallenges(answer.header('www-authenticate') ?? '')
  const ours = challenges.filter(({ scheme }) => scheme === sent.toLowerCase())
  // A challenge for another scheme says nothing about this token. In a header that breaks off, ours may have been lost.
  if (complete && challenges.length > 0 && ours.length === 0) return PROPAGATE
  const params = (ours.find((challenge) => challenge.params.has('error')) ?? ours[0])?.params
  const error = params?.get('error')
  return {
    action: actionFor(error, answer, sent),
    error: printable(error),
    scope: printable(params?.get('scope')),
    acrValues: printable(params?.get('acr_values')),
    maxAge: toSeconds(params?.get('max_age')),
  }
}

function actionFor(error: string | undefined, answer: Answer, sent: 'Bearer' | 'DPoP'): Action {
  if (error === 'invalid_token') return 'refresh-retry'
  if (error === 'insufficient_scope') return 'request-scope'
  if (error === 'insufficient_user_authentication') return 'step-up'
  if (error === 'invalid_request') return 'propagate'
  if (sent === 'DPoP') {
    // Across origins the nonce can be read only if the server exposes it (RFC 9449 section 8).
    if (error === 'use_dpop_nonce') return answer.header('dpop-nonce') === null ? 'propagate' : 'nonce-retry'
    if (error === 'invalid_dpop_proof') return 'proof-retry'
  }
  return answer.status === 401 ? 'refresh-retry' : 'propagate'
}

// What RFC 6750 section 3 allows. Anything else is not worth repairing, and may be meant to harm who displays it.
function printable(text = ''): string | undefined {
  return /^[ !#-[\]-~]+$/.test(text) ? text : undefined
}

function toSeconds(text = ''): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
