import type { Place } from './findings.ts'
import { bearerOf } from './history-of-har.ts'
import {
  bareExchange,
  isRecord,
  issuedBy,
  isLogout,
  presentedInBody,
  type Identify,
  type SeenToken,
  type TokenExchange,
} from './history.ts'

/** What a line of a log tells of tokens, or `undefined` if that is nothing, or the line says not when. */
export function exchangeOfLine(line: string, where: Place, identify: Identify): TokenExchange | undefined {
  if (line.startsWith('{')) return exchangeOfRecord(line, where, identify)
  return exchangeOfAccessLog(line, where, identify) ?? exchangeOfKeycloak(line, where)
}

const ACCESS_LOG =
  /^(\S{1,64}) \S{1,128} \S{1,128} \[([^\]]{1,64})\] "([A-Z]{1,20}) (\S{1,8192}) [^"]{1,20}" (\d{3}) \S{1,20} "[^"]{0,8192}" "([^"]{0,2048})"/
const BEARER = /\b(?:bearer|dpop) ([\w\-.~+/]{1,8192}={0,2})/i

/** The combined format of Apache and nginx, with the token anywhere after it. */
function exchangeOfAccessLog(line: string, where: Place, identify: Identify): TokenExchange | undefined {
  const [, ip, time = '', method = '', url = '', status, userAgent] = ACCESS_LOG.exec(line) ?? []
  const token = BEARER.exec(line)?.[1]
  const at = timeOfAccessLog(time)
  if (token === undefined || Number.isNaN(at)) return undefined
  return {
    ...bareExchange(at, where),
    presented: identify(token, 'access'),
    how: isLogout(method, url) ? 'logout' : 'bearer',
    status: Number(status),
    url,
    ip,
    userAgent,
  }
}

/** `24/Nov/2026:08:12:01 +0000`. */
function timeOfAccessLog(text: string): number {
  const [, day, month = '', year, hours, minutes, seconds, sign, offsetHours, offsetMinutes] = CLF.exec(text) ?? []
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -1 : 1)
  const at = Date.UTC(Number(year), MONTHS.indexOf(month), Number(day), Number(hours), Number(minutes), Number(seconds))
  return at - offset * 60_000
}

const CLF = /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The events that Keycloak logs have the ids of the tokens, not the tokens. */
function exchangeOfKeycloak(line: string, where: Place): TokenExchange | undefined {
  if (!line.includes('type="REFRESH_TOKEN')) return undefined
  const fields = new Map([...line.matchAll(/\b(\w{1,64})="([^"]{0,512})"/g)].map(([, name, value]) => [name, value]))
  const at = Date.parse(line.slice(0, 23).replace(',', '.').replace(' ', 'T') + 'Z')
  const presented = fields.get('refresh_token_id')
  if (presented === undefined || Number.isNaN(at)) return undefined
  const next = fields.get('updated_refresh_token_id')
  const failed = fields.get('error') !== undefined
  return {
    ...bareExchange(at, where),
    presented: named(presented, 'refresh'),
    how: 'refresh',
    issued:
      next === undefined
        ? undefined
        : { access: undefined, refresh: named(next, 'refresh'), expiresInS: undefined, scope: undefined },
    status: failed ? 400 : 200,
    ip: fields.get('ipAddress'),
    subject: fields.get('userId'),
    isReuse: failed && /reuse/i.test(fields.get('reason') ?? ''),
  }
}

/** A line of JSON: pino, Envoy, Caddy, gateways. The same thing has many names. */
function exchangeOfRecord(line: string, where: Place, identify: Identify): TokenExchange | undefined {
  const record = parse(line)
  if (record === undefined) return undefined
  const at = timeOf(record)
  if (Number.isNaN(at)) return undefined
  if (/reused? refresh token|refresh token reuse/i.test(textAt(record, 'description', 'msg') ?? '')) {
    const family = textAt(record, 'details.familyId', 'family_id') ?? 'unknown'
    return {
      ...bareExchange(at, where),
      presented: named(family, 'refresh'),
      how: 'refresh',
      status: 400,
      isReuse: true,
    }
  }
  const path = textAt(record, 'req.url', 'request.uri', 'request.url', 'url', 'path', 'uri') ?? ''
  const host = textAt(record, 'req.host', 'req.headers.host', 'request.host', 'authority', 'host')
  const url = /^[a-z]+:\/\//i.test(path) || host === undefined ? path : `https://${host}${path}`
  const method = textAt(record, 'req.method', 'request.method', 'method') ?? ''
  const bearer = bearerOf(
    textAt(
      record,
      'req.headers.authorization',
      'request.headers.Authorization.0',
      'headers.authorization',
      'authorization',
    ),
  )
  const token = bearer === undefined ? tokenOfRecord(record) : identify(bearer, 'access')
  const inBody = presentedInBody(url, valueAt(record, 'req.body') ?? valueAt(record, 'body'), identify)
  const issued = issuedBy(valueAt(record, 'res.body'), identify)
  if (token === undefined && inBody === undefined && issued === undefined) return undefined
  const status = Number(textAt(record, 'res.statusCode', 'response_code', 'statusCode', 'status'))
  return {
    ...bareExchange(at, where),
    ...(token === undefined ? {} : { presented: token, how: isLogout(method, url) ? 'logout' : 'bearer' }),
    ...inBody,
    issued,
    status: Number.isNaN(status) ? undefined : status,
    url,
    ip: textAt(
      record,
      'req.remoteAddress',
      'request.remote_ip',
      'client_ip',
      'remote_ip',
      'ip',
      'clientIp',
      'downstream_remote_address',
    ),
    userAgent: textAt(record, 'req.headers.user-agent', 'user_agent', 'userAgent'),
    session: textAt(record, 'session_id', 'sessionId', 'sid'),
    subject: textAt(record, 'sub', 'user_id', 'userId'),
  }
}

/** A log that is as it should be has a hash, an id or the claims of the token. */
function tokenOfRecord(record: Readonly<Record<string, unknown>>): SeenToken | undefined {
  const claims = valueAt(record, 'jwt_payload') ?? valueAt(record, 'claims')
  const id = textAt(record, 'token_hash', 'tokenHash', 'token_fingerprint', 'tokenFingerprint', 'token_id', 'jti')
  if (isRecord(claims)) {
    const name = id ?? textAt(claims, 'jti') ?? `${String(claims['sub'])} ${String(claims['iat'])}`
    // The algorithm is not in the payload, and nothing is said about it.
    return { id: name, kind: 'access', jwt: { header: {}, claims } }
  }
  return id === undefined ? undefined : named(id, 'access')
}

const named = (id: string, kind: SeenToken['kind']): SeenToken => ({ id, kind, jwt: undefined })

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function timeOf(record: Readonly<Record<string, unknown>>): number {
  const time = ['time', 'ts', 'timestamp', '@timestamp', 'start_time', 'date'].map((name) => record[name]).find(Boolean)
  if (typeof time === 'string') return Date.parse(time)
  // Seconds until the year 5138, milliseconds since 1973.
  return typeof time === 'number' ? (time < 1e11 ? time * 1_000 : time) : NaN
}

function valueAt(record: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    if (Array.isArray(value)) return (value as readonly unknown[])[Number(name)]
    return isRecord(value) ? value[name] : undefined
  }, record)
}

function textAt(record: unknown, ...paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const value = valueAt(record, path)
    if (typeof value === 'string' || typeof value === 'number') return String(value)
  }
  return undefined
}
