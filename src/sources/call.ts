import { readCookie } from '../adapters/cookies.ts'
import { ownMembers } from '../lib/own.ts'
import type { RefreshInput, SourceContext, TokenSource } from '../ports.ts'
import type { TokenResponse } from '../token.ts'
import { readAnswer, type SourceAnswer, toError, toErrorCode } from './answer.ts'
import { readTokenResponse, textOf } from './read.ts'

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

/** What either source was told, and which of them it is. */
export interface Calling extends SourceOptions {
  readonly credential: 'cookie' | 'token'
  readonly csrf?: { readonly cookie: string; readonly header: string }
  readonly body?: unknown
}

/**
 * What both first-party sources are: each call is one `POST` of JSON, made once.
 *
 * @param payload What a refresh and a logout send.
 */
export function createSource<Login>(
  options: Calling,
  payload: (tokens: Partial<RefreshInput>) => unknown,
): TokenSource<Login> {
  const { credential, csrf, refresh, headers, read, ended } = options
  const cookie = credential === 'cookie'
  for (const name of ['login', 'refresh', 'logout'] as const) {
    if (!textOf(options[name] ?? (name !== 'refresh' && 'none'))) {
      throw new TypeError(`${name} must be a URL, e.g. ${name}: '/auth/${name}'.`)
    }
  }
  for (const name of ['read', 'ended', 'body'] as const) {
    if (typeof (options[name] ?? textOf) !== 'function') throw new TypeError(`${name} must be a function.`)
  }
  if (csrf && !(csrf.cookie && csrf.header)) {
    throw new TypeError("csrf must be like { cookie: 'XSRF-TOKEN', header: 'X-XSRF-TOKEN' }.")
  }

  /** The HTTP of a method. Resolves with `undefined` where there is no session and this is no failure. */
  const call =
    (name: 'login' | 'refresh' | 'logout') =>
    async (input: unknown, { fetch, signal, now }: SourceContext): Promise<TokenResponse | undefined> => {
      const sent = new Headers(typeof headers === 'function' ? headers() : headers)
      sent.set('Accept', 'application/json')
      sent.set('Content-Type', 'application/json')
      // No form of another site can send it (CSRF).
      sent.set('X-Requested-With', 'tokenward')
      const token = csrf && readCookie(csrf.cookie)
      if (token && /^[!-~]+$/.test(token)) sent.set(csrf.header, token)
      const response = await fetch(
        options[name] as string,
        ownMembers<RequestInit>({
          method: 'POST',
          headers: sent,
          body: JSON.stringify(name === 'login' ? (input ?? {}) : payload(ownMembers(input as RefreshInput))),
          credentials: cookie ? 'include' : 'omit',
          cache: 'no-store',
          redirect: 'error',
          keepalive: cookie || name === 'logout',
          signal,
        }),
      )
      const answer = await readAnswer(response, now)
      const { status, ok, body, header, error, refused } = answer

      let tokens: TokenResponse | undefined
      try {
        if (body !== undefined)
          tokens = ownMembers((read ? read(body) : readTokenResponse(body, answer)) as TokenResponse)
      } catch {
        // `read` stumbled over what it was not made for; what it says of it may quote the body.
      }
      // A refresh token that came without an access token is the only good one all the same.
      const rotated = name === 'refresh' && !refused && tokens?.refresh_token
      if (ok && (tokens?.access_token || rotated || name === 'logout')) return tokens

      const over =
        name !== 'login' &&
        (ended?.({ status, body, header }) ??
          (refused && (/^invalid_(grant|token)$/.test(error) || (status === 401 && error !== 'invalid_client'))))
      // To a restore, which has no input, that is an answer, and so it is to a logout (RFC 7009 section 2.2).
      if (over && (!input || name === 'logout')) return undefined
      throw toError(
        answer,
        over ? 'refresh_rejected' : refused && (name === 'login' ? 'login_failed' : toErrorCode(error)),
      )
    }

  const source: TokenSource<Login> = {
    // Without what may be secret: userinfo, query, fragment.
    id: `${credential} ${refresh.replace(/(\/\/)[^/?#]*@|[?#].*/gs, '$1')}`,
    credential,
    refresh: call('refresh') as TokenSource['refresh'],
  }
  if (cookie) source.restore = (context) => call('refresh')(undefined, context)
  if (options.login) source.login = call('login') as NonNullable<TokenSource<Login>['login']>
  if (options.logout) {
    source.revoke = (tokens, context) =>
      call('logout')(tokens, context).then(
        () => 'confirmed',
        () => 'unconfirmed',
      )
  }
  return source
}
