import { TokenError } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import type { TokenSource } from '../ports.ts'
import { createSource, type SourceOptions } from './call.ts'

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
  const { body = toDefaultBody } = ownMembers(options)
  return createSource(ownMembers({ ...options, credential: 'token' }), ({ refreshToken, resource, scope }) => {
    // Only a refresh token tells this server which session is meant.
    if (refreshToken === undefined) throw new TokenError('refresh_rejected', 'there is no refresh token')
    const sent = body(refreshToken)
    return typeof sent === 'object' && (resource ?? scope) !== undefined ? { ...sent, resource, scope } : sent
  })
}

function toDefaultBody(refreshToken: string): unknown {
  return { refresh_token: refreshToken }
}
