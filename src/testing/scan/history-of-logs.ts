import type { Place } from './findings.ts'
import { createFacts, parseInstant, readLogfmt, textAt, valueAt } from './record-facts.ts'
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
  if (line.startsWith('{')) return exchangeOfRecord(parse(line), where, identify)
  const known = exchangeOfAccessLog(line, where, identify) ?? exchangeOfKeycloak(line, where)
  return known ?? exchangeOfRecord(readLogfmt(line), where, identify) ?? exchangeOfText(line, where, identify)
}

const ACCESS_LOG =
  /^(\S{1,64}) \S{1,128} \S{1,128} \[([^\]]{1,64})\] "([A-Z]{1,20}) (\S{1,8192}) [^"]{1,20}" (\d{3}) \S{1,20} "[^"]{0,8192}" "([^"]{0,2048})"/
const BEARER = /\b(?:bearer|dpop) ([\w\-.~+/]{1,8192}={0,2})/i

/** The combined format of Apache and nginx, with the token anywhere after it. */
function exchangeOfAccessLog(line: string, where: Place, identify: Identify): TokenExchange | undefined {
  const [, ip, time = '', method = '', url = '', status, userAgent] = ACCESS_LOG.exec(line) ?? []
  const token = BEARER.exec(line)?.[1]
  const at = parseInstant(time)
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

const INSTANT = /^[[(]?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?)[\])]?\s/
const REQUEST = /\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?:"|')?([^\s"',]{1,8192})/
const STATUS = /(?:\bstatus(?:[ _-]?code)?["']?[=: ]{1,3}|(?:->|=>|→) ?|HTTP\/[\d.]{1,3}"? )([1-5]\d{2})\b/i
const ADDRESS =
  /\b(?:client|remote|peer|ip|from|src)(?:[ _-]?(?:ip|addr(?:ess)?))?["']?[=: ]{1,3}["']?([\da-f.:]{7,45})/i

/** A line that begins with an instant and has a token in it: the debug output of a program. */
function exchangeOfText(line: string, where: Place, identify: Identify): TokenExchange | undefined {
  const instant = INSTANT.exec(line)?.[1]
  if (instant === undefined) return undefined
  const token = BEARER.exec(line)?.[1]
  const at = parseInstant(instant)
  if (token === undefined || Number.isNaN(at)) return undefined
  const [, method = '', url = ''] = REQUEST.exec(line) ?? []
  const status = STATUS.exec(line)?.[1]
  return {
    ...bareExchange(at, where),
    presented: identify(token, 'access'),
    how: isLogout(method, url) ? 'logout' : 'bearer',
    status: status === undefined ? undefined : Number(status),
    url,
    ip: ADDRESS.exec(line)?.[1],
  }
}

/** A record: pino, Envoy, Caddy, gateways. The same thing has many names. */
function exchangeOfRecord(
  record: Readonly<Record<string, unknown>> | undefined,
  where: Place,
  identify: Identify,
): TokenExchange | undefined {
  if (record === undefined) return undefined
  const facts = createFacts(record)
  const at = facts.time()
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
  const path = textAt(record, 'req.url', 'request.uri', 'request.url', 'url', 'path', 'uri') ?? facts.get('url') ?? ''
  const host = textAt(record, 'req.host', 'req.headers.host', 'request.host', 'authority', 'host') ?? facts.get('host')
  const url = /^[a-z]+:\/\//i.test(path) || host === undefined ? path : `https://${host}${path}`
  const method = textAt(record, 'req.method', 'request.method', 'method') ?? facts.get('method') ?? ''
  const bearer = bearerOf(facts.get('authorization'))
  const token = bearer === undefined ? tokenOfRecord(record) : identify(bearer, 'access')
  const inBody = presentedInBody(url, firstAt(record, 'req.body', 'request.body', 'body'), identify)
  const issued = issuedBy(firstAt(record, 'res.body', 'response.body'), identify)
  if (token === undefined && inBody === undefined && issued === undefined) return undefined
  const status = Number(
    textAt(record, 'res.statusCode', 'response_code', 'statusCode', 'status') ?? facts.get('status') ?? NaN,
  )
  return {
    ...bareExchange(at, where),
    ...(token === undefined ? {} : { presented: token, how: isLogout(method, url) ? 'logout' : 'bearer' }),
    ...inBody,
    issued,
    status: Number.isNaN(status) ? undefined : status,
    url,
    ip: textAt(record, 'req.remoteAddress', 'request.remote_ip', 'client_ip', 'remote_ip', 'ip') ?? facts.get('ip'),
    userAgent: facts.get('userAgent'),
    session: textAt(record, 'session_id', 'sessionId', 'sid', 'session.id'),
    subject: textAt(record, 'sub', 'user_id', 'userId', 'user.id', 'enduser.id'),
  }
}

function firstAt(record: unknown, ...paths: readonly string[]): unknown {
  return paths.map((path) => valueAt(record, path)).find((value) => value !== undefined)
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
