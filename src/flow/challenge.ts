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
}

export interface Challenges {
  /** `false`: the header is malformed, and `challenges` holds what was complete before the error. */
  readonly complete: boolean
  readonly challenges: readonly Challenge[]
}

// What separates it; its name; the value of a parameter, as a token or quoted, or what follows a scheme (a token68).
const ELEMENT =
  /([\s,]+)(?:([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:([\w!#$%&'*+.^`|~-]+)|"([^"\\\0]*(?:\\[^\0][^"\\\0]*)*)")|\s+([\w.~+/-]+=*)(?=\s*,))?(?=[\s,])|$)/gy

/**
 * Reads a `WWW-Authenticate` header, also several of them joined by commas. Never throws, and takes linear time.
 *
 * @see [RFC 9110 section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110.html#section-11.6.1)
 */
export function parseChallenges(header: string): Challenges {
  const challenges: Challenge[] = []
  let open: Map<string, string> | undefined
  // With a comma at both ends every element has one before and behind it.
  for (const [, gap = '', text, token, quoted, token68] of `,${header},`.matchAll(ELEMENT)) {
    if (!text) return { complete: true, challenges }
    const name = text.toLowerCase()
    const value = token ?? quoted?.replace(/\\(.)/gs, '$1')
    const separated = gap.includes(',')
    // After "Basic," no parameter can belong to Basic; after "Basic ," one can.
    if (!open?.size && gap.startsWith(',')) open = undefined
    if (value === undefined) {
      if (!separated) break
      challenges.push({ scheme: name, params: (open = new Map<string, string>()) })
      if (token68) open = undefined
    } else {
      // The first parameter follows its scheme without a comma.
      if (!open || (open.size && !separated)) break
      if (!open.has(name)) open.set(name, value)
    }
  }
  if (open) challenges.pop()
  return { complete: false, challenges }
}

/** What to do about an answer. */
export type Action =
  /** Hand it to the caller as it is. */
  | 'propagate'
  /** The token was refused: see that there is a newer one (at most one refresh), and send once more. */
  | 'refresh-retry'
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
  /** Where the resource says what it is (RFC 9728). */
  readonly metadata?: string | undefined
}

/** How the request was sent that was answered. */
export interface Attempt {
  /** The token type that was used. */
  readonly sent: 'Bearer' | 'DPoP'
  /** What was done for this request before. None is done twice. */
  readonly tried?: readonly Action[]
}

const PROPAGATE: Verdict = { action: 'propagate' }

const ACTIONS = ownMembers<Record<string, Action>>({
  invalid_token: 'refresh-retry',
  insufficient_scope: 'request-scope',
  insufficient_user_authentication: 'step-up',
  invalid_request: 'propagate',
  use_dpop_nonce: 'nonce-retry',
  invalid_dpop_proof: 'proof-retry',
})

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
  if (status < 400 && !refused) return PROPAGATE
  const { sent, tried } = ownMembers(attempt)
  let verdict = PROPAGATE
  if (refused) verdict = { action: 'refresh-retry' }
  else if (status === 401 || status === 403) verdict = judgeDenial(answer, sent)
  return tried?.includes(verdict.action) ? { ...verdict, action: 'propagate' } : verdict
}

function judgeDenial({ status, header }: Answer, sent: 'Bearer' | 'DPoP'): Verdict {
  const { complete, challenges } = parseChallenges(header('www-authenticate') ?? '')
  const ours = challenges.filter(({ scheme }) => scheme === sent.toLowerCase())
  // A challenge for another scheme says nothing about this token. In a header that breaks off, ours may have been lost.
  if (complete && challenges[0] && !ours[0]) return PROPAGATE
  const params = (ours.find((challenge) => challenge.params.has('error')) ?? ours[0])?.params
  // What RFC 6750 section 3 allows. Anything else is not worth repairing, and may be meant to harm who displays it.
  const read = (name: string, allowed = /^[ !#-[\]-~]+$/): string | undefined =>
    allowed.exec(params?.get(name) ?? '')?.[0]
  const error = read('error')
  const action = ACTIONS[error ?? ''] ?? (status === 401 ? 'refresh-retry' : 'propagate')
  const maxAge = read('max_age', /^\d{1,15}$/)
  return {
    // Across origins the nonce can be read only if the server exposes it (RFC 9449 section 8).
    action: action === 'nonce-retry' && header('dpop-nonce') === null ? 'propagate' : action,
    error,
    scope: read('scope'),
    acrValues: read('acr_values'),
    metadata: read('resource_metadata'),
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
  }
}
