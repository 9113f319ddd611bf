import { TokenError } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import type { TokenSource } from '../ports.ts'
import { createCalls, type SourceOptions } from './call.ts'

export interface JsonSourceOptions extends SourceOptions {
  /** What `refresh` and `logout` send. Default: `{ refresh_token }`. */
  readonly body?: (refreshToken: string) => unknown
}

/**
 * A first-party server that hands out its refresh token in JSON. This lies outside OAuth; `cookieSource`, where the
 * server allows it, keeps the refresh token out of reach of scripts.
 *
 * @example
 *   jsonSource({ login: '/auth/login', refresh: '/auth/refresh', logout: '/auth/logout' })
 */
export function jsonSource<Login = unknown>(options: JsonSourceOptions): TokenSource<Login> {
  const own = ownMembers(options)
  const { login, refresh, logout, body = toDefaultBody } = own
  const calls = createCalls(own, { credential: 'token', csrf: undefined })
  return {
    id: calls.id,
    credential: 'token',
    ...(login !== undefined && {
      login: (input, context) => calls.obtain({ url: login, payload: input ?? {}, login: true }, context),
    }),
    async refresh(current, context) {
      const { refreshToken, resource, scope } = ownMembers(current)
      if (refreshToken === undefined) throw new TokenError('refresh_rejected', 'there is no refresh token')
      const payload = body(refreshToken)
      const narrowed = typeof payload === 'object' && (resource ?? scope) !== undefined
      return calls.obtain(
        { url: refresh, payload: narrowed ? { ...payload, resource, scope } : payload, login: false },
        context,
      )
    },
    ...(logout !== undefined && {
      // Only a refresh token tells this server which session is meant.
      revoke: async ({ refreshToken }, context) =>
        refreshToken === undefined
          ? 'unconfirmed'
          : calls.revoke({ url: logout, payload: body(refreshToken), login: false }, context),
    }),
  }
}

function toDefaultBody(refreshToken: string): unknown {
  return { refresh_token: refreshToken }
}
