import { TokenError, type TokenErrorCode } from '../errors.ts'
import { parseUrl } from '../lib/url.ts'
import { quote, toErrorCode } from '../sources/answer.ts'
import type { AuthorizationServer } from './options.ts'
import type { Protocol, ServerMetadata } from './protocol.ts'

/** A URL that answers an authorization request. */
export interface Callback {
  readonly parameters: URLSearchParams
  /** `''`: there is none, or more than one. */
  readonly state: string
  /** The URL without the answer. */
  readonly cleanUrl: string
}

// RFC 6749 section 4.1.2, RFC 9207, OpenID Connect Session Management; and what no answer to us may hold.
const OURS = ['code', 'state', 'iss', 'session_state', 'error', 'error_description', 'error_uri', 'response']
const TOKENS = ['access_token', 'id_token', 'token_type', 'expires_in']
const ANSWERS = ['code', 'error', 'response', ...TOKENS]

/** Reads a URL as an answer that comes to `redirectUri`. `undefined`: it is none. */
export function parseCallback(href: string, redirectUri: string): Callback | undefined {
  const url = parseUrl(href)
  const home = new URL(redirectUri)
  if (!url || url.origin !== home.origin || url.pathname !== home.pathname) return undefined
  const { searchParams: parameters } = url
  const fragment = new URLSearchParams(url.hash.slice(1))
  const isAnswer = (place: URLSearchParams): boolean => place.has('state') && ANSWERS.some((name) => place.has(name))
  // We never ask for an answer in the fragment: one that comes there is refused like tokens in the query.
  if (isAnswer(fragment)) {
    url.hash = ''
    fragment.forEach((value, name) => parameters.append(name, value))
  } else if (!isAnswer(parameters)) return undefined
  const all = new URLSearchParams(parameters)
  for (const name of [...OURS, ...TOKENS]) parameters.delete(name)
  const [state = '', ...more] = all.getAll('state')
  return { parameters: all, state: more.length > 0 ? '' : state, cleanUrl: url.href }
}

/**
 * The authorization code of an answer.
 *
 * @throws What the answer says instead, or what is wrong with it.
 * @see [RFC 6749 section 4.1.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2),
 *   [RFC 9207 section 2.4](https://www.rfc-editor.org/rfc/rfc9207.html#section-2.4)
 */
export function codeIn(
  { parameters, state }: Callback,
  server: AuthorizationServer,
  clientId: string,
  protocol: Protocol,
): string {
  for (const name of OURS) if (parameters.getAll(name).length > 1) throw refused('has a parameter twice')
  if (TOKENS.some((name) => parameters.has(name))) throw refused('holds tokens')
  try {
    protocol.validateAuthResponse(server as ServerMetadata, { client_id: clientId }, parameters, state)
  } catch (error) {
    const { error: code } = error as { error?: unknown }
    if (typeof code !== 'string') throw refused('is not of the issuer, or of the login, that was asked')
    throw toAuthorizationError(code)
  }
  const code = parameters.get('code')
  if (!code) throw refused('has no code')
  return code
}

/** @see [OpenID Connect Core section 3.1.2.6](https://openid.net/specs/openid-connect-core-1_0.html#AuthError) */
function toAuthorizationError(error: string): TokenError {
  const transient = /^(server_error|temporarily_unavailable)$/.test(error)
  const code: TokenErrorCode = transient ? 'refresh_unavailable' : toErrorCode(error) || 'login_failed'
  return new TokenError(code, `the authorization server has not signed the user in${quote(error)}`, { transient })
}

export function refused(why: string): TokenError {
  return new TokenError('login_failed', `the answer of the authorization server ${why}`)
}
