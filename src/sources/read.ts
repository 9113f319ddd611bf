import { parseHttpDate } from '../lib/http-date.ts'
import { decodeJwt } from '../lib/jwt.ts'
import { ownMembers } from '../lib/own.ts'
import type { TokenResponse } from '../token.ts'

/** When the answer was given, as epoch milliseconds. */
export interface Given {
  /** By the device. */
  readonly at: number
  /** By the server. `NaN`: it does not say. */
  readonly serverNow: number
}

type Place = Record<string, unknown>

/**
 * Reads what a first-party server answers, in whatever spelling, as a token response. `undefined`: it holds no token; with a
 * refresh token alone the access token is empty. Instants become durations by the clock of the server, since the device's may
 * be wrong.
 */
export function readTokenResponse(body: unknown, given: Given): TokenResponse | undefined {
  const bodies = [body]
  const places: Place[] = []
  for (const inner of bodies) {
    const place = ownMembers(inner as Place)
    places.push(place)
    for (const [name, value] of Object.entries(place)) {
      place[name.replace(/(?=[A-Z])/g, '_').toLowerCase()] ??= value
      if (typeof value === 'object' && /^(data|result|session|tokens?)$/.test(name)) bodies.push(value)
    }
  }
  // What is meant for nothing else goes first.
  for (const name of ['access_token', 'jwt', 'token', 'refresh_token']) {
    for (const place of places) {
      const token = textOf(place[name])
      if (token) return toResponse(name === 'refresh_token' ? '' : token, place, given)
    }
  }
  return undefined
}

function toResponse(token: string, place: Place, { at, serverNow }: Given): TokenResponse {
  const claims = ownMembers(decodeJwt(token) ?? {})
  const issued = seconds(claims['iat'])
  const expiry = seconds(claims['exp'])
  const since = serverNow / 1_000 || issued || at / 1_000
  const response: Place = {
    access_token: token,
    // The two claims come from one clock, whichever it is.
    expires_in: [
      seconds(place['expires_in']),
      epochSeconds(place['expires_at']) - since,
      expiry - (issued || since),
    ].find(Number.isFinite),
    scope: [place['scope'] ?? place['scopes']].flat().filter(textOf).join(' ') || undefined,
  }
  // An odd value is left to parseTokenResponse, which judges those of every source.
  for (const name of ['token_type', 'refresh_token', 'id_token', 'authorization_expires_in']) {
    response[name] = place[name]
  }
  return response as unknown as TokenResponse
}

/** `value` if it is a text, or an empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Reads a number, or one in digits as text. `NaN`: it is none. */
function seconds(value: unknown): number {
  return typeof value === 'number' ? value : /^\d+(\.\d+)?$/.test(textOf(value)) ? Number(value) : NaN
}

const ISO = /^(\d{4}-..-..)[T ]([\d:]+)[.\d]* ?Z?([+-]..)?:?(..)?$/i

/** Reads epoch seconds, epoch milliseconds, ISO 8601 text or an HTTP-date. `NaN`: it is none. */
function epochSeconds(value: unknown): number {
  const number = seconds(value)
  // No expiry lies before 2001 (it may be a duration in the wrong place); beyond the year 5138 lie only milliseconds.
  if (number >= 1e9) return number < 1e11 ? number : number / 1_000
  const text = textOf(value)
  // Without a zone JavaScript would take it for the device's local time; servers that leave it out mean UTC.
  const at = ISO.test(text) ? Date.parse(text.replace(ISO, '$1T$2$3:$4').replace(/:$/, 'Z')) : parseHttpDate(text)
  return at / 1_000
}
