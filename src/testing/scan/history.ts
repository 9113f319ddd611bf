import type { SecretKind } from '../har/format.ts'
import type { Place } from './findings.ts'
import type { JwtParts } from './jwt-parts.ts'

/** A token as it was seen in an exchange. */
export interface SeenToken {
  /** The same token has the same name everywhere: a fingerprint, a placeholder's id, or what the log calls it. */
  readonly id: string
  readonly kind: SecretKind
  readonly jwt: JwtParts | undefined
  /** Whose it is, where the placeholder says so. */
  readonly principal?: string | undefined
}

/** What was done with the token that a request presented. */
export type Presentation = 'bearer' | 'refresh' | 'revoke' | 'logout'

/** What an answer brought. */
export interface Issued {
  readonly access: SeenToken | undefined
  readonly refresh: SeenToken | undefined
  readonly expiresInS: number | undefined
  readonly scope: string | undefined
}

/** One request and its answer, as far as tokens are concerned: what every rule of misuse looks at. */
export interface TokenExchange {
  /** Epoch milliseconds. */
  readonly at: number
  readonly where: Place
  readonly presented: SeenToken | undefined
  readonly how: Presentation | undefined
  readonly issued: Issued | undefined
  /** The refresh asked for a narrower token, so that what it brings replaces nothing. */
  readonly isNarrowed: boolean
  /** 0: no answer came. `undefined`: not told. */
  readonly status: number | undefined
  /** Absolute, or only its path and host, as far as they are told. */
  readonly url: string | undefined
  readonly ip: string | undefined
  readonly userAgent: string | undefined
  /** What the log calls the session, and its user. */
  readonly session: string | undefined
  readonly subject: string | undefined
  /** Who makes the requests of a recording: all of them are one client's. */
  readonly client: string | undefined
  /** The log itself says that this was a reuse. */
  readonly isReuse: boolean
}

/** How to tell one token from another without keeping it. */
export type Identify = (value: string, kind: SecretKind) => SeenToken

/** An exchange of which nothing is known yet but when and where. */
export const bareExchange = (at: number, where: Place): TokenExchange => ({
  at,
  where,
  presented: undefined,
  how: undefined,
  issued: undefined,
  isNarrowed: false,
  status: undefined,
  url: undefined,
  ip: undefined,
  userAgent: undefined,
  session: undefined,
  subject: undefined,
  client: undefined,
  isReuse: false,
})

/** The fields of a form or JSON body. */
function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== 'string') return isRecord(body) ? body : {}
  if (/^\s*\{/.test(body)) {
    try {
      const value: unknown = JSON.parse(body)
      return isRecord(value) ? value : {}
    } catch {
      return {}
    }
  }
  return body.includes('=') ? Object.fromEntries(new URLSearchParams(body)) : {}
}

/** What a token response brings: under the names of RFC 6749, those of first-party servers, or nested in `data`. */
export function issuedBy(body: unknown, identify: Identify): Issued | undefined {
  const outer = fieldsOf(body)
  const fields = isRecord(outer['data']) ? outer['data'] : outer
  const text = (...names: readonly string[]): string | undefined => {
    const value = names.map((name) => fields[name]).find((one) => typeof one === 'string' && one !== '')
    return typeof value === 'string' ? value : undefined
  }
  const access = text('access_token', 'accessToken', 'token', 'jwt')
  const refresh = text('refresh_token', 'refreshToken')
  if (access === undefined && refresh === undefined) return undefined
  const expiresInS = Number(fields['expires_in'] ?? fields['expiresIn'] ?? NaN)
  return {
    access: access === undefined ? undefined : identify(access, 'access'),
    refresh: refresh === undefined ? undefined : identify(refresh, 'refresh'),
    expiresInS: Number.isFinite(expiresInS) ? expiresInS : undefined,
    scope: Array.isArray(fields['scope']) ? fields['scope'].join(' ') : text('scope'),
  }
}

/** What a request presents in its body, and for what. */
export function presentedInBody(
  url: string,
  body: unknown,
  identify: Identify,
): Pick<TokenExchange, 'presented' | 'how' | 'isNarrowed'> | undefined {
  const fields = fieldsOf(body)
  const path = pathOf(url)
  const refresh = fields['refresh_token'] ?? fields['refreshToken']
  if (/revo(?:ke|cation)/i.test(path) && typeof fields['token'] === 'string') {
    return {
      presented: identify(fields['token'], kindOfHint(fields['token_type_hint'])),
      how: 'revoke',
      isNarrowed: false,
    }
  }
  if (typeof refresh !== 'string' || refresh === '') return undefined
  const how = isLogout('', url) ? 'logout' : 'refresh'
  return {
    presented: identify(refresh, 'refresh'),
    how,
    isNarrowed: how === 'refresh' && (fields['scope'] !== undefined || fields['resource'] !== undefined),
  }
}

/** Whether a session ends by a request: at a path that says so, or because it is deleted. */
export const isLogout = (method: string, url: string): boolean =>
  /\/(?:log|sign)[-_]?out\b/i.test(pathOf(url)) || (method === 'DELETE' && /\/sessions?\/?$/i.test(pathOf(url)))

const pathOf = (url: string): string => /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? ''

const kindOfHint = (hint: unknown): SecretKind => (hint === 'access_token' ? 'access' : 'refresh')

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
