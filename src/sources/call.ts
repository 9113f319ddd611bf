import { readCookie } from '../adapters/cookies.ts'
import { TokenError } from '../errors.ts'
import { parseHttpDate, parseRetryAfter } from '../lib/http-date.ts'
import { ownMembers } from '../lib/own.ts'
import type { SourceContext } from '../ports.ts'
import type { TokenResponse } from '../token.ts'
import { own, readTokenResponse } from './read.ts'

/** What both first-party sources can be told. */
export interface SourceOptions {
  /** The URL that takes what `login` is given. */
  readonly login?: string
  /** The URL that gives new tokens. */
  readonly refresh: string
  /** The URL that ends the session at the server. */
  readonly logout?: string
  /** Reads the JSON body of a good answer, where the server spells it in a way of its own. */
  readonly read?: (body: unknown) => TokenResponse
  /** Sent with every call, beside our own. A function is asked for each call. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>)
  /**
   * Whether an answer to a refresh that holds no tokens means that the session is over. `undefined`: decide as if this
   * option were not there (a 401 that is not HTML; a 4xx with the error code `invalid_grant` or `invalid_token`).
   */
  readonly ended?: (answer: SourceAnswer) => boolean | undefined
}

/** What a server answered. */
export interface SourceAnswer {
  readonly status: number
  /** The JSON value. `undefined`: the body is something else. */
  readonly body: unknown
  /** `null`: there is none, or it cannot be read across origins. */
  header(name: string): string | null
}

/** Where a call goes, and what it is for. */
export interface Call {
  readonly url: string
  readonly payload: unknown
  /** A 4xx means that the credentials are wrong, not that a session is over. */
  readonly login: boolean
}

export interface Calls {
  /** The name of the source: whom it asks, without a secret. */
  readonly id: string
  obtain(call: Call, context: SourceContext): Promise<TokenResponse>
  /** Never rejects. */
  revoke(call: Call, context: SourceContext): Promise<'confirmed' | 'unconfirmed'>
}

/** How a source calls, beside what its options say. */
export interface Calling {
  readonly credential: 'cookie' | 'token'
  readonly csrf: { readonly cookie: string; readonly header: string } | undefined
}

interface Received extends SourceAnswer {
  readonly ok: boolean
  readonly html: boolean
}

/** No server may keep us away for longer. */
const MAX_RETRY_AFTER_MS = 3_600_000

// RFC 6749 section 5.2, RFC 8707 section 2, OpenID Connect Core section 3.1.2.6.
const SESSION_OVER = /^invalid_(grant|token)$/
const CONFIGURATION = /^(invalid_(request|client|scope|target)|unauthorized_client|unsupported_grant_type)$/
const INTERACTION = /^((interaction|login|consent)_required|insufficient_authorization)$/

/** The HTTP of both first-party sources: each call is one `POST` of JSON, made once. */
export function createCalls(options: SourceOptions, { credential, csrf }: Calling): Calls {
  const { refresh, headers, read, ended } = options
  for (const name of ['login', 'refresh', 'logout']) {
    const url = own(options, name)
    if (url === undefined ? name === 'refresh' : typeof url !== 'string' || url === '') {
      throw new TypeError(`${name} must be a URL, e.g. ${name}: '/auth/${name}'.`)
    }
  }
  for (const name of ['read', 'ended', 'body']) {
    const given = typeof own(options, name)
    if (given !== 'undefined' && given !== 'function') throw new TypeError(`${name} must be a function.`)
  }

  async function post({ url, payload }: Call, keepalive: boolean, context: SourceContext): Promise<Received> {
    const { fetch, signal } = context
    const sent = new Headers(typeof headers === 'function' ? headers() : headers)
    sent.set('Accept', 'application/json')
    sent.set('Content-Type', 'application/json')
    // No form of another site can send it (CSRF).
    sent.set('X-Requested-With', 'tokenward')
    const token = csrf && readCookie(csrf.cookie)
    if (csrf && token !== undefined && /^[!-~]+$/.test(token)) sent.set(csrf.header, token)
    const response = await fetch(
      url,
      ownMembers<RequestInit>({
        method: 'POST',
        headers: sent,
        body: JSON.stringify(payload),
        credentials: credential === 'cookie' ? 'include' : 'omit',
        cache: 'no-store',
        redirect: 'error',
        keepalive,
        signal,
      }),
    )
    const header = (name: string): string | null => response.headers.get(name)
    const text = (await response.text()).trim()
    const body = parseJson(text)
    // Some servers send their JSON, or nothing, as text/html: that is no page of a captive portal.
    const html =
      body === undefined && text !== '' && (text.startsWith('<') || /html/i.test(header('content-type') ?? ''))
    return { status: response.status, ok: response.ok, body, html, header }
  }

  function tokensOf({ ok, body, header }: Received, now: number): TokenResponse | undefined {
    if (!ok || body === undefined) return undefined
    if (read === undefined) return readTokenResponse(body, { date: header('date'), now })
    try {
      const response = read(body)
      return own(response, 'access_token') === undefined ? undefined : response
    } catch {
      // It stumbled over a body that it was not made for, and what it says of it may quote the body.
      return undefined
    }
  }

  function failureOf(answer: Received, login: boolean, now: number): TokenError {
    const { status, ok, body, html, header } = answer
    const error = own(body, 'error')
    const code = typeof error === 'string' ? error : ''
    const passing = html || status >= 500 || [408, 425, 429].includes(status)
    // RFC 6749 section 5.2 says 400 or 401; some servers say it in a 200.
    const refused = !passing && (code !== '' || !ok)
    const over = refused && (SESSION_OVER.test(code) || (status === 401 && code !== 'invalid_client'))
    // Only a code of this form: a text might quote what it is about.
    const message = `the server answered ${status}${/^[a-z_]{1,40}$/.test(code) ? ` (${code})` : ''}`

    const final = login
      ? refused && 'login_failed'
      : (ended?.(answer) ?? over)
        ? 'refresh_rejected'
        : refused && codeFor(code)
    if (final) return new TokenError(final, message)

    const waitMs = parseRetryAfter(header('retry-after'), parseHttpDate(header('date'), now) ?? now)
    return new TokenError(
      status === 504 ? 'timeout' : ok && !refused ? 'malformed_response' : 'refresh_unavailable',
      ok ? `${message}, without an access token` : message,
      { transient: true, retryAt: waitMs === undefined ? waitMs : now + Math.min(waitMs, MAX_RETRY_AFTER_MS) },
    )
  }

  return {
    // Without what may be secret: userinfo, query, fragment.
    id: `${credential} ${refresh.replace(/^([^/?#]*\/\/)[^/?#]*@|[?#].*/gs, '$1')}`,

    async obtain(call, context) {
      const answer = await post(call, credential === 'cookie', context)
      const tokens = tokensOf(answer, context.now())
      if (tokens === undefined) throw failureOf(answer, call.login, context.now())
      return tokens
    },

    async revoke(call, context) {
      try {
        const answer = await post(call, true, context)
        // A session that the server does not know is over as well (RFC 7009 section 2.2).
        const over = answer.ok || failureOf(answer, false, context.now()).code === 'refresh_rejected'
        return over ? 'confirmed' : 'unconfirmed'
      } catch {
        return 'unconfirmed'
      }
    },
  }
}

function codeFor(error: string): 'configuration' | 'insufficient_authentication' | false {
  return CONFIGURATION.test(error) ? 'configuration' : INTERACTION.test(error) && 'insufficient_authentication'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
