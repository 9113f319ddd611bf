import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose'

/** Which nonces a server takes: none are asked for; one for all; any that it has given, once; only the last that it has given. */
export type NonceRule = 'none' | 'constant' | 'once' | 'latest'

/** What may be changed while the server runs. */
export interface DpopSettings {
  /** Of the API. */
  nonce: NonceRule
  /** Of the token endpoints. */
  tokenNonce: NonceRule
  /** How far the clock of this server is ahead, in milliseconds. */
  aheadMs: number
  tokenType: 'DPoP' | 'Bearer'
  expiresInS: number
  /** Asks for a nonce whatever it gets. */
  insatiable: boolean
  /** What a page of another origin may read. */
  exposed: string
}

/** A request, as far as it was checked. */
export interface DpopCall {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly proof: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
  readonly jkt: string | undefined
  status: number
  /** What was wrong with the proof. */
  error: string | undefined
}

export interface DpopServer {
  readonly origin: string
  readonly settings: DpopSettings
  readonly log: readonly DpopCall[]
  /** The calls of the API alone. */
  api(): readonly DpopCall[]
  count(path: string): number
  /** The API takes none of the tokens that it has given out so far. */
  forget(): void
  close(): Promise<void>
}

interface Session {
  readonly jkt: string
  refreshToken: string
  live: boolean
}

interface Issued {
  readonly session: Session
  readonly resource: string | undefined
  good: boolean
  readonly expiresAt: number
}

/**
 * A server that binds tokens to keys, and an API that holds every proof against RFC 9449 section 4.3.
 *
 * Not the servers of the test kit: those are of the authors of the proofs, and may be wrong in the same way. This one checks
 * with `jose`, and asks for nonces as no good server does: each good once, only the last, or never satisfied.
 */
export async function startDpopServer(given: Partial<DpopSettings> = {}): Promise<DpopServer> {
  const settings: DpopSettings = {
    nonce: 'none',
    tokenNonce: 'none',
    aheadMs: 0,
    tokenType: 'DPoP',
    expiresInS: 300,
    insatiable: false,
    exposed: 'DPoP-Nonce, WWW-Authenticate',
    ...given,
  }
  const log: DpopCall[] = []
  const seen = new Set<unknown>()
  const nonces = { api: new Set<unknown>(), token: new Set<unknown>() }
  const sessions: Session[] = []
  const issued = new Map<string, Issued>()
  const now = (): number => Date.now() + settings.aheadMs

  function newNonce(of: 'api' | 'token', rule: NonceRule): string {
    if (rule === 'constant') return `the-nonce-of-${of}`
    if (rule === 'latest') nonces[of].clear()
    const nonce = randomUUID()
    nonces[of].add(nonce)
    return nonce
  }

  function takesNonce(of: 'api' | 'token', rule: NonceRule, nonce: unknown): boolean {
    if (settings.insatiable) return false
    if (rule === 'none') return true
    return rule === 'constant' ? nonce === `the-nonce-of-${of}` : nonces[of].delete(nonce)
  }

  /** What is wrong with the proof. */
  async function check(
    call: DpopCall,
    request: IncomingMessage,
    rule: [of: 'api' | 'token', rule: NonceRule],
  ): Promise<string | undefined> {
    const { dpop } = request.headers
    if (typeof dpop !== 'string' || dpop.includes(',')) return 'there must be one proof'
    const { payload, protectedHeader } = await jwtVerify(dpop, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256', 'Ed25519'],
      clockTolerance: 1e9,
    })
    const jwk = protectedHeader.jwk as JWK
    Object.assign(call, { proof: dpop, claims: payload, jkt: await calculateJwkThumbprint(jwk) })
    if ('d' in jwk) return 'the key is private'
    if (payload['htm'] !== request.method) return 'htm'
    if (payload['htu'] !== `http://${String(request.headers.host)}${call.path}`) return 'htu'
    if (Math.abs((payload.iat ?? 0) * 1_000 - now()) > 5_000) return 'iat'
    if (typeof payload.jti !== 'string' || seen.has(payload.jti)) return 'jti'
    seen.add(payload.jti)
    const token = call.authorization?.split(' ')[1]
    const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
    if (payload['ath'] !== ath) return 'ath'
    return takesNonce(rule[0], rule[1], payload['nonce']) ? undefined : 'nonce'
  }

  function issue(session: Session, resource?: string): object {
    const token = randomUUID()
    session.refreshToken = randomUUID()
    issued.set(token, { session, resource, good: true, expiresAt: Date.now() + settings.expiresInS * 1_000 })
    return {
      access_token: token,
      token_type: settings.tokenType,
      expires_in: settings.expiresInS,
      refresh_token: session.refreshToken,
    }
  }

  async function tokens(call: DpopCall, body: Readonly<Record<string, string>>): Promise<[number, object]> {
    if (call.path === '/login') {
      const session = { jkt: call.jkt ?? '', refreshToken: '', live: true }
      sessions.push(session)
      return [200, issue(session)]
    }
    const session = sessions.find(({ refreshToken }) => refreshToken === body['refresh_token'])
    if (!session?.live || session.jkt !== call.jkt) return [400, { error: 'invalid_grant' }]
    if (call.path === '/refresh') return [200, issue(session, body['resource'])]
    session.live = false
    return [200, {}]
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://server.invalid')
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, DPoP, Content-Type')
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE')
    response.setHeader('Access-Control-Expose-Headers', settings.exposed)
    response.setHeader('Date', new Date(now()).toUTCString())
    response.setHeader('Cache-Control', 'no-store')
    if (request.method === 'OPTIONS') return void response.writeHead(204).end()
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const call: DpopCall = {
      method: request.method ?? '',
      path: url.pathname,
      authorization: request.headers.authorization,
      proof: undefined,
      claims: {},
      jkt: undefined,
      status: 0,
      error: undefined,
    }
    log.push(call)
    const isApi = !/^\/(login|refresh|revoke)$/.test(call.path)
    const [of, rule] = isApi ? (['api', settings.nonce] as const) : (['token', settings.tokenNonce] as const)
    const location = url.searchParams.get('to')
    if (location !== null) return void response.writeHead(307, { Location: location }).end()
    const [scheme, token = ''] = call.authorization?.split(' ') ?? []
    const access = issued.get(token)
    call.error =
      scheme === 'Bearer' && settings.tokenType === 'Bearer'
        ? undefined
        : await check(call, request, [of, rule]).catch(() => 'signature')
    if (rule !== 'none' || settings.insatiable) response.setHeader('DPoP-Nonce', newNonce(of, rule))
    const refuse = (error: string): void => {
      call.status = isApi ? 401 : 400
      if (isApi) response.setHeader('WWW-Authenticate', `${settings.tokenType} error="${error}"`)
      response.writeHead(call.status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error }))
    }
    if (call.error !== undefined) return refuse(call.error === 'nonce' ? 'use_dpop_nonce' : 'invalid_dpop_proof')
    if (isApi) {
      const isBound = scheme === settings.tokenType && (scheme === 'Bearer' || access?.session.jkt === call.jkt)
      if (!access?.good || !access.session.live || !isBound || access.expiresAt < Date.now())
        return refuse('invalid_token')
      call.status = 200
      return void response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"orders":[]}')
    }
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, string>
    const [status, json] = await tokens(call, body)
    call.status = status
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    settings,
    log,
    api: () => log.filter(({ path }) => !/^\/(login|refresh|revoke)$/.test(path)),
    count: (path) => log.filter((call) => call.path === path).length,
    forget() {
      for (const one of issued.values()) one.good = false
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
