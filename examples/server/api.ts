import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import { demoAudience } from './auth-server.ts'
import { createFaults, type Faults } from './faults.ts'
import { fingerprint, json, serve, sha256, type Call, type Host, type Reply } from './http.ts'

/** What may be changed while the API runs; the next request sees it. */
export interface ApiSettings {
  /** What `WWW-Authenticate` says when a token is refused. `'none'`: no such header. */
  challenge: 'invalid_token' | 'bare' | 'none' | { readonly text: string }
  allowedOrigins: readonly string[] | 'any'
}

export interface ApiOptions extends Partial<ApiSettings> {
  readonly issuer: string
  /** The issuer's keys, or where they are published. Default: `/jwks` of the issuer. */
  readonly jwks?: JSONWebKeySet | URL
  readonly audience?: string
  /** Default: `127.0.0.1`. */
  readonly host?: Host
  readonly isRevoked?: (claims: JWTPayload) => boolean
  /** Epoch milliseconds. */
  readonly now?: () => number
}

export interface ApiLogEntry {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly headers: Call['headers']
  /** The whole header as it came, for canaries. */
  readonly authorization: string | undefined
  /** Fingerprint of the token in it. */
  readonly presented: string | undefined
  readonly body: string
  status: number | undefined
  end: string | undefined
}

export interface Api {
  readonly origin: string
  readonly settings: ApiSettings
  /** By path: `faults.next('/me', fault.status(503))`. */
  readonly faults: Faults
  /** All that came but preflights, in the order of arrival. */
  readonly log: readonly ApiLogEntry[]
  close(): Promise<void>
}

type Verdict = { readonly claims: JWTPayload } | { readonly refused: Reply }

/** A resource server: takes access tokens of `issuer` for `audience` and believes nothing else. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const {
    issuer,
    jwks = new URL('/jwks', issuer),
    audience = demoAudience,
    isRevoked,
    host = '127.0.0.1',
    now = Date.now,
  } = options
  const settings: ApiSettings = {
    challenge: options.challenge ?? 'invalid_token',
    allowedOrigins: options.allowedOrigins ?? [],
  }
  const keys = jwks instanceof URL ? createRemoteJWKSet(jwks) : createLocalJWKSet(jwks)
  const faults = createFaults()
  const log: ApiLogEntry[] = []

  async function verify({ headers }: Call): Promise<Verdict> {
    const token = bearer(headers.authorization)
    // RFC 6750 section 3.1: no credential, no error code.
    if (token === undefined) return { refused: json(401, { error: 'no_token' }, { 'WWW-Authenticate': 'Bearer' }) }
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        clockTolerance: 0,
        currentDate: new Date(now()),
      })
      if (isRevoked?.(payload) !== true) return { claims: payload }
    } catch {
      // Whatever is wrong with it, the answer is the same.
    }
    return { refused: json(401, { error: 'invalid_token' }, challengeHeaders(settings.challenge)) }
  }

  async function handle(call: Call): Promise<Reply> {
    const { pathname, searchParams } = call.url
    if (pathname === '/public') return json(200, { hello: 'anybody' })
    if (pathname === '/redirect') {
      const status = Number(searchParams.get('status') ?? 302)
      return { status, headers: { Location: searchParams.get('to') ?? '/me' } }
    }
    const verdict = await verify(call)
    if ('refused' in verdict) return verdict.refused
    const { sub, scope } = verdict.claims
    switch (pathname) {
      case '/me':
        return json(200, { email: sub, scope })
      case '/orders':
        return json(200, {
          orders: [
            { id: 1, item: 'Tea', by: sub },
            { id: 2, item: 'Bread', by: sub },
          ],
        })
      case '/echo':
        return json(200, { method: call.method, url: call.url.pathname + call.url.search, ...(await describe(call)) })
      case '/upload':
        return json(201, await describe(call))
      case '/slow':
        await faults.wait(Number(searchParams.get('ms') ?? 1_000))
        return json(200, { email: sub })
      case '/big':
        return json(200, { rows: Array.from({ length: 20_000 }, (_, id) => ({ id, text: 'x'.repeat(32) })) })
      case '/always-401':
        return json(401, { error: 'invalid_token' }, challengeHeaders(settings.challenge))
      case '/admin':
        if (String(scope).split(' ').includes('admin')) return json(200, { admin: sub })
        return json(
          403,
          { error: 'insufficient_scope' },
          { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="admin"' },
        )
      default:
        return json(404, { error: 'not_found' })
    }
  }

  const server = await serve({
    host,
    endpoint: ({ url }) => url.pathname,
    handle,
    watch(call) {
      const { authorization } = call.headers
      const token = bearer(authorization)
      const entry: ApiLogEntry = {
        at: now(),
        method: call.method,
        path: call.url.pathname + call.url.search,
        headers: call.headers,
        authorization,
        presented: token === undefined ? undefined : fingerprint(token),
        body: call.body.toString('latin1'),
        status: undefined,
        end: undefined,
      }
      log.push(entry)
      return (end, status) => Object.assign(entry, { end, status })
    },
    faults,
    now,
    allowedOrigins: () => settings.allowedOrigins,
  })
  return { origin: server.origin, settings, faults, log, close: server.close }
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

function challengeHeaders(challenge: ApiSettings['challenge']): Record<string, string> {
  if (challenge === 'none') return {}
  if (challenge === 'bare') return { 'WWW-Authenticate': 'Bearer' }
  return { 'WWW-Authenticate': challenge === 'invalid_token' ? 'Bearer error="invalid_token"' : challenge.text }
}

/** What came, so that a client can compare it with what it meant to send. Credentials are not sent back. */
async function describe({ headers, body }: Call): Promise<Record<string, unknown>> {
  const { authorization: _credential, cookie: _cookie, ...rest } = headers
  const contentType = headers['content-type']
  const described = { headers: rest, contentType, bytes: body.byteLength, sha256: sha256(body) }
  return contentType?.startsWith('multipart/form-data') === true
    ? { ...described, parts: await parts(contentType, body) }
    : described
}

/** The parts without their boundary, which differs between two encodings of one form. */
async function parts(contentType: string, body: Buffer): Promise<unknown[]> {
  const form = await new Response(new Uint8Array(body), { headers: { 'Content-Type': contentType } }).formData()
  return Promise.all(
    [...form].map(async ([name, value]) =>
      typeof value === 'string'
        ? { name, value }
        : { name, filename: value.name, type: value.type, sha256: sha256(new Uint8Array(await value.arrayBuffer())) },
    ),
  )
}
