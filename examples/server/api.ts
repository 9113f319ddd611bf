import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose'

/** What a token is good for. */
export interface Access {
  readonly user: string
  readonly audience: string
  readonly scope: string
  /** The key that it is bound to. */
  readonly jkt: string | undefined
  readonly acr: string | undefined
}

export interface ApiOptions {
  readonly origin: string
  readonly issuer: string
  readonly applications: readonly string[]
  nonces(): boolean
  look(token: string): Promise<Access | undefined>
}

/** What a stronger sign-in is called: one with a code. Any code will do. */
export const STRONG = 'urn:example:strong'

/** What is asked for beyond a token that is good. */
const DEMANDS: Readonly<Record<string, { readonly scope?: string; readonly acr?: string }>> = {
  write: { scope: 'write' },
  strong: { acr: STRONG },
}
const METADATA = '/.well-known/oauth-protected-resource'

/**
 * Three APIs, `/opaque`, `/jwt` and `/once`, which takes each token once. Below each of them `write` wants a scope, and `strong` a
 * stronger sign-in.
 *
 * Not `createApiServer` of the test kit, whose servers are one API each: these three share an origin with the provider whose tokens
 * they take, and the provider says of a token what it is good for.
 */
export function createApi(options: ApiOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { origin, issuer, applications, nonces, look } = options
  const given = new Set<unknown>()
  const spent = new Set<string>()

  /** The key that has proved this request (RFC 9449 section 4.3); or what is wrong with the proof. */
  async function prover(
    { headers, method }: IncomingMessage,
    htu: string,
    token: string,
  ): Promise<{ readonly jkt: string } | { readonly error: string }> {
    const checked = await jwtVerify(String(headers['dpop']), EmbeddedJWK, { typ: 'dpop+jwt' }).catch(() => undefined)
    if (!checked) return { error: 'invalid_dpop_proof' }
    const { payload, protectedHeader } = checked
    const ath = createHash('sha256').update(token).digest('base64url')
    const isGood = payload['htm'] === method && payload['htu'] === htu && payload['ath'] === ath
    if (!isGood) return { error: 'invalid_dpop_proof' }
    if (nonces() && !given.delete(payload['nonce'])) return { error: 'use_dpop_nonce' }
    return { jkt: await calculateJwkThumbprint(protectedHeader.jwk as JWK) }
  }

  /** What is wrong with the token, or who it lets in. */
  async function judge(
    request: IncomingMessage,
    path: string,
  ): Promise<{ readonly access: Access } | { readonly status: number; readonly challenge: string }> {
    const [, resource = '', demand = ''] = path.split('/')
    const [, scheme = 'Bearer', token] = /^(Bearer|DPoP) (.+)$/.exec(request.headers.authorization ?? '') ?? []
    const refuse = (status: number, error: string): { readonly status: number; readonly challenge: string } => ({
      status,
      challenge: `${scheme} error="${error}", resource_metadata="${origin}${METADATA}${path}"`,
    })
    if (token === undefined) return { status: 401, challenge: 'Bearer' }
    const proved = scheme === 'DPoP' ? await prover(request, `${origin}${path}`, token) : { jkt: undefined }
    if ('error' in proved) return refuse(401, proved.error)
    const access = await look(token)
    const isGood = access?.audience === `${origin}/${resource}` && access.jkt === proved.jkt && !spent.has(token)
    if (!isGood) return refuse(401, 'invalid_token')
    const { scope, acr } = DEMANDS[demand] ?? {}
    if (scope !== undefined && !access.scope.split(' ').includes(scope))
      return refuse(403, `insufficient_scope", scope="${scope}`)
    if (acr !== undefined && access.acr !== acr)
      return refuse(401, `insufficient_user_authentication", acr_values="${acr}`)
    if (resource === 'once') spent.add(token)
    return { access }
  }

  return async (request, response) => {
    const from = request.headers.origin ?? ''
    const { pathname } = new URL(request.url ?? '/', origin)
    const reply = (status: number, headers: object, body?: object): void => {
      response.writeHead(status, {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        'Access-Control-Allow-Origin': applications.includes(from) ? from : applications[0],
        'Access-Control-Allow-Headers': 'authorization, dpop, content-type',
        'Access-Control-Expose-Headers': 'www-authenticate, dpop-nonce, date',
        Vary: 'Origin',
        ...headers,
      })
      response.end(body && JSON.stringify(body))
    }
    if (request.method === 'OPTIONS') return reply(204, {})
    if (pathname.startsWith(METADATA)) {
      const resource = `${origin}${pathname.slice(METADATA.length)}`
      return reply(200, {}, { resource, authorization_servers: [issuer] })
    }
    const nonce = nonces() ? randomUUID() : undefined
    const verdict = await judge(request, pathname)
    given.add(nonce)
    const next = nonce !== undefined && { 'DPoP-Nonce': nonce }
    if ('access' in verdict) {
      // What nobody would say in earnest: the first letters of a hash, to tell one token from another.
      const token = createHash('sha256').update(String(request.headers.authorization)).digest('hex').slice(0, 6)
      return reply(200, { ...next }, { ...verdict.access, token })
    }
    reply(verdict.status, { 'WWW-Authenticate': verdict.challenge, ...next }, { error: 'unauthorized' })
  }
}
