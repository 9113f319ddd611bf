import { ownMembers } from '../lib/own.ts'
import type { TokenSource } from '../ports.ts'
import { createSource, type SourceOptions } from './call.ts'

export interface CookieSourceOptions extends SourceOptions {
  /** Echoes a cookie that scripts can read as a header (double submit), beside `X-Requested-With`. */
  readonly csrf?: { readonly cookie: string; readonly header: string }
}

/**
 * A first-party server that keeps the refresh token in an `HttpOnly` cookie, out of reach of scripts: a token-mediating
 * backend. The recommended source.
 *
 * @example
 *   cookieSource({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' })
 *
 * @see [RFC 10017 section 6.2](https://www.rfc-editor.org/rfc/rfc10017.html#section-6.2)
 */
export function cookieSource<Login = unknown>(options: CookieSourceOptions): TokenSource<Login> {
  return createSource(ownMembers({ ...options, credential: 'cookie' }), ({ resource, scope }) => ({ resource, scope }))
}
