import { ownMembers } from '../lib/own.ts'
import { isSecure, parseUrl } from '../lib/url.ts'
import type { Binding } from '../ports.ts'
import type { SourceAnswer } from '../sources/answer.ts'

/** What an authorization server says of itself, in the names of RFC 8414 and OpenID Connect Discovery. */
export interface AuthorizationServer {
  readonly issuer: string
  readonly authorization_endpoint?: string
  readonly token_endpoint?: string
  readonly revocation_endpoint?: string
  readonly end_session_endpoint?: string
  readonly pushed_authorization_request_endpoint?: string
  readonly require_pushed_authorization_requests?: boolean
  /** Whether every answer names its issuer (RFC 9207): one that does not is refused then. */
  readonly authorization_response_iss_parameter_supported?: boolean
  readonly id_token_signing_alg_values_supported?: readonly string[]
  /** What keys of {@link OAuthSourceOptions.dpop} may be. */
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly [other: string]: unknown
}

/** Exactly one of `issuer` and `server` says where the authorization server is. */
export interface OAuthSourceOptions {
  /**
   * The issuer identifier of the authorization server. Its metadata is fetched when it is first needed, and has to name this
   * very issuer (RFC 8414, OpenID Connect Discovery).
   */
  readonly issuer?: string
  /** Its metadata, where it has none to be fetched, or to save the call. */
  readonly server?: AuthorizationServer
  /** The name of this client, a public one: a browser keeps no client secret. */
  readonly clientId: string
  /** Where the authorization server sends the user back to: a page of this origin, registered there exactly so. */
  readonly redirectUri: string
  /** What is asked for at sign-in, separated by spaces. With `openid` the answer has to hold an ID token. */
  readonly scope?: string
  /** The resources that the tokens are for (RFC 8707). The first is that of the first access token. */
  readonly resource?: string | readonly string[]
  /** Where a logout at the authorization server leads back to, registered there. */
  readonly postLogoutRedirectUri?: string
  /** Pushes every authorization request (RFC 9126). Default: where the server requires it. */
  readonly pushed?: boolean
  /** Further parameters of the authorization request, such as `audience`. None of ours can be replaced. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Binds the tokens to a key. `true` loads `tokenward/dpop` when it is first needed; `dpop()` is there from the start. */
  readonly dpop?: true | Binding
  /**
   * Whether an answer to a refresh that holds no tokens means that the session is over. `undefined`: decide as if this
   * option were not there (an error `invalid_grant`).
   */
  readonly ended?: (answer: SourceAnswer) => boolean | undefined
}

/** What the application may say of one login. */
export interface OAuthLogin {
  /** `'popup'`: in a window beside this one. Call `login` in the task of a click, or the browser blocks it. Default `'page'`. */
  readonly display?: 'page' | 'popup'
  /** Where in this origin the page is to be when the user is back: path, query and fragment. Default: at `redirectUri`. */
  readonly returnTo?: string
  /** Instead of that of the source. */
  readonly scope?: string
  /** The authentication that a resource has asked for (RFC 9470), in order of preference. */
  readonly acrValues?: string
  /** The user has to have authenticated within as many seconds. The ID token has to show it. */
  readonly maxAge?: number
  /** `'login'`, `'consent'`, `'select_account'`, `'none'` (OpenID Connect Core section 3.1.2.1). */
  readonly prompt?: string
  readonly loginHint?: string
  readonly uiLocales?: string
  /** Beside those of the source. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Only this: finishes the login whose answer this is, for a router that has read the URL before `restore()` could. */
  readonly callbackUrl?: string
}

/** What there is, each with what it has to be. */
const OPTIONS: Readonly<Record<keyof OAuthSourceOptions, (value: never) => boolean>> = {
  issuer: isEndpoint,
  server: (value: AuthorizationServer) => isEndpoint(value.issuer),
  clientId: isText,
  redirectUri: (value: string) => parseUrl(value)?.hash === '' && !value.includes('#'),
  scope: (value: string) => /^[!#-[\]-~]+( [!#-[\]-~]+)*$/.test(value),
  resource: (value: string | readonly string[]) => [value].flat().every((one) => parseUrl(one) && !one.includes('#')),
  postLogoutRedirectUri: (value: string) => parseUrl(value) !== undefined,
  pushed: (value: unknown) => typeof value === 'boolean',
  parameters: (value: object) => Object.values(value).every(isText),
  dpop: (value: true | Partial<Binding>) => value === true || typeof value.prove === 'function',
  ended: (value: unknown) => typeof value === 'function',
}

const CURES: Partial<Record<keyof OAuthSourceOptions, string>> = {
  issuer: 'an https: URL without query and fragment, exactly as the server spells it',
  server: 'metadata with an issuer, as in RFC 8414',
  redirectUri: 'the absolute URL of a page, without fragment',
  scope: 'like "openid profile"',
  resource: 'absolute URIs without fragment (RFC 8707)',
  postLogoutRedirectUri: 'an absolute URL',
  dpop: 'true, or dpop() of tokenward/dpop',
}

/** Throws a `TypeError` that names the cure for whatever is wrong. */
export function parseOAuthOptions(given: OAuthSourceOptions): OAuthSourceOptions & { readonly issuer: string } {
  const options = ownMembers(given)
  for (const [name, value] of Object.entries(options) as [keyof OAuthSourceOptions, unknown][]) {
    if (!Object.hasOwn(OPTIONS, name)) throw wrong(`has no "${name}", only ${Object.keys(OPTIONS).join(', ')}`)
    if (value !== undefined && !isRight(OPTIONS[name], value as never))
      throw wrong(`${name} must be ${CURES[name] ?? 'set'}`)
  }
  const { issuer, server, clientId, redirectUri } = options
  if ((issuer === undefined) === (server === undefined)) throw wrong('needs either issuer or server')
  if (!isText(clientId) || !isText(redirectUri)) throw wrong('needs clientId and redirectUri')
  return { ...options, issuer: server ? server.issuer : (issuer as string) }
}

function isRight(rule: (value: never) => boolean, value: never): boolean {
  try {
    return rule(value)
  } catch {
    return false
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** An issuer identifier, or an endpoint that has no query. */
function isEndpoint(value: string): boolean {
  const url = parseUrl(value)
  return url !== undefined && isSecure(url) && !/[?#]/.test(value)
}

function wrong(message: string): TypeError {
  return new TypeError(`tokenward: oauthSource ${message}`)
}
