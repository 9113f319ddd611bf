import { TokenError, type TokenErrorCode } from '../errors.ts'
import { parseHttpDate, parseRetryAfter } from '../lib/http-date.ts'
import { ownMembers } from '../lib/own.ts'
import { textOf } from './read.ts'

/** What a server answered. */
export interface SourceAnswer {
  readonly status: number
  /** The JSON value. `undefined`: the body is something else. */
  readonly body: unknown
  /** `null`: there is none, or it cannot be read across origins. */
  header(name: string): string | null
}

/** The same, with what there is to see in every answer of a server of tokens. */
export interface ReadAnswer extends SourceAnswer {
  readonly ok: boolean
  /** Epoch milliseconds of the device. */
  readonly at: number
  /** By the server's own clock. `NaN`: it does not say. */
  readonly serverNow: number
  /** The error code of RFC 6749 section 5.2. `''`: none. */
  readonly error: string
  /** The server has refused what it was asked: no passing trouble, and no page of somebody in between. */
  readonly refused: boolean
}

/** No server may keep us away for longer. */
const MAX_RETRY_AFTER_MS = 3_600_000

// RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707 section 2, RFC 9449 section 8, OpenID Connect Core section 3.1.2.6.
const CONFIGURATION =
  /^(invalid_(request\w*|client|scope|target)|un(authorized_client|supported_\w+_type)|\w+_not_supported|use_dpop_nonce)$/
const INTERACTION = /^((interaction|login|consent|account_selection)_required|(insufficient|unmet)_auth\w+)$/

/** No standard has a code for it: what servers write, in a code of their own or in words. */
const REUSED = /re-?use(?!r)|already.{0,9}used/i

export async function readAnswer(response: Response, now: () => number): Promise<ReadAnswer> {
  const { status, ok } = response
  const header = (name: string): string | null => response.headers.get(name)
  const busy = status >= 500 || [408, 425, 429].includes(status)
  // What such an answer says is in its head.
  const text = (await response.text().catch((error: unknown) => (busy ? '' : Promise.reject(error as Error)))).trim()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    // It is no JSON.
  }
  // Some servers send their JSON, or nothing, as text/html: that is no page of a captive portal.
  const html = body === undefined && /^<|html/i.test(text && text.charAt(0) + String(header('content-type')))
  const passing = html || busy
  const error = textOf(ownMembers(body as { error?: unknown }).error)
  // RFC 6749 section 5.2 says 400 or 401; some servers say it in a 200.
  const refused = !passing && (!ok || error !== '')
  return { status, ok, body, header, at: now(), serverNow: parseHttpDate(header('date')), error, refused }
}

/** What an error code says of the client, or of the user, rather than of what was presented. */
export function toErrorCode(error: string): TokenErrorCode | false {
  return CONFIGURATION.test(error) ? 'configuration' : INTERACTION.test(error) && 'insufficient_authentication'
}

/** @param code What it means. `false`: nothing that lasts. */
export function toError(answer: ReadAnswer, code: TokenErrorCode | false): TokenError {
  const { status, ok, body, header, at, serverNow, error, refused } = answer
  const waitMs = Math.min(parseRetryAfter(header('retry-after'), serverNow || at), MAX_RETRY_AFTER_MS)
  const isReuse = code === 'refresh_rejected' && REUSED.test(JSON.stringify(body))
  return new TokenError(
    code || (status === 504 ? 'timeout' : ok && !refused ? 'malformed_response' : 'refresh_unavailable'),
    `the server answered ${status}${quote(error)}`,
    code ? { ...(isReuse && { reused: true }) } : { transient: true, retryAt: at + waitMs || undefined },
  )
}

/** Only an error of this form: a text might quote what it is about. */
export function quote(error: string): string {
  return /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : ''
}
