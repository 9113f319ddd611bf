import { tokenErrorOf } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import type { TokenSource } from '../ports.ts'
import { createCalls, type SourceOptions } from './call.ts'

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
  const own = ownMembers(options)
  const { login, refresh, logout, csrf } = own
  if (csrf && !(csrf.cookie && csrf.header)) {
    throw new TypeError("csrf must be like { cookie: 'XSRF-TOKEN', header: 'X-XSRF-TOKEN' }.")
  }
  const calls = createCalls(own, { credential: 'cookie', csrf })
  return {
    id: calls.id,
    credential: 'cookie',
    ...(login !== undefined && {
      login: (input, context) => calls.obtain({ url: login, payload: input ?? {}, login: true }, context),
    }),
    async restore(context) {
      try {
        return await calls.obtain({ url: refresh, payload: {}, login: false }, context)
      } catch (error) {
        // The server's way of saying that there is no session.
        if (tokenErrorOf(error)?.code === 'refresh_rejected') return undefined
        throw error
      }
    },
    refresh(current, context) {
      const { resource, scope } = ownMembers(current)
      return calls.obtain({ url: refresh, payload: { resource, scope }, login: false }, context)
    },
    ...(logout !== undefined && {
      revoke: (_, context) => calls.revoke({ url: logout, payload: {}, login: false }, context),
    }),
  }
}
