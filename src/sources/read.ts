import { parseHttpDate } from '../lib/http-date.ts'
import { decodeJwt } from '../lib/jwt.ts'
import type { TokenResponse } from '../token.ts'

/** Where servers put the access token, and what they wrap it in. What is meant for nothing else goes first. */
const ACCESS_TOKENS = ['access_token', 'accessToken', 'jwt', 'token']
const WRAPPERS = ['data', 'result', 'session', 'tokens', 'token']
const MAX_PLACES = 16

/** When the answer was given. */
export interface Given {
  /** Its `Date` header, if it can be read. */
  readonly date: string | null
  /** Epoch milliseconds of the device. */
  readonly now: number
}

/**
 * Reads what a first-party server answers, in whatever spelling, as a token response. `undefined`: it holds no access
 * token. Instants become durations by the clock of the server, since the device's may be wrong.
 */
export function readTokenResponse(body: unknown, given: Given): TokenResponse | undefined {
  const places = [body]
  for (const place of places) {
    for (const name of WRAPPERS) {
      const inner = own(place, name)
      if (typeof inner === 'object' && places.length < MAX_PLACES) places.push(inner)
    }
  }
  for (const name of ACCESS_TOKENS) {
    for (const place of places) {
      const accessToken = text(own(place, name))
      if (accessToken !== undefined) return toResponse(accessToken, place, given)
    }
  }
  return undefined
}

/** A member of `value` itself: what is inherited may be a polluted prototype's. */
export function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function toResponse(accessToken: string, place: unknown, { date, now }: Given): TokenResponse {
  const member = (name: string): unknown =>
    own(place, name) ??
    own(
      place,
      name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    )
  const scope = member('scope') ?? own(place, 'scopes')
  const response: Record<string, unknown> = {
    access_token: accessToken,
    expires_in: lifetime(),
    scope: Array.isArray(scope) ? scope.filter(text).join(' ') : scope,
  }
  for (const name of ['token_type', 'refresh_token', 'id_token', 'authorization_expires_in']) {
    response[name] = member(name)
  }
  // An odd value is left to parseTokenResponse, which judges those of every source.
  return response as unknown as TokenResponse

  function lifetime(): number | undefined {
    const claims = decodeJwt(accessToken)
    const issued = seconds(own(claims, 'iat'))
    const expiry = seconds(own(claims, 'exp'))
    const serverNow = (parseHttpDate(date, now) ?? (issued === undefined ? now : issued * 1_000)) / 1_000
    const expiresAt = epochSeconds(member('expires_at'), now) ?? expiry
    // The two claims come from one clock, whichever it is.
    const since = expiresAt === expiry ? (issued ?? serverNow) : serverNow
    return seconds(member('expires_in')) ?? (expiresAt === undefined ? expiresAt : seconds(expiresAt - since))
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A finite number, or one in digits as text. */
function seconds(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?(?:Z|([+-]\d\d):?(\d\d))?$/i

/** Reads epoch seconds, epoch milliseconds, ISO 8601 text or an HTTP-date. */
function epochSeconds(value: unknown, now: number): number | undefined {
  const number = seconds(value)
  // No expiry lies before 2001 (it may be a duration in the wrong place); beyond the year 5138 lie only milliseconds.
  if (number !== undefined) return number < 1e9 ? undefined : number < 1e11 ? number : number / 1_000
  if (typeof value !== 'string') return undefined
  // Without a zone JavaScript would take it for the device's local time; servers that leave it out mean UTC.
  const toStandard = (_: string, day: string, time: string, hours = '+00', minutes = '00'): string =>
    `${day}T${time}${hours}:${minutes}`
  const at = ISO.test(value) ? Date.parse(value.replace(ISO, toStandard)) : parseHttpDate(value, now)
  return seconds(at === undefined ? at : at / 1_000)
}
