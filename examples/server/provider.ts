import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createLocalJWKSet,
  EmbeddedJWK,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  jwtVerify,
} from 'jose'
// @ts-expect-error It has no types.
import Provider, { interactionPolicy } from 'oidc-provider'

export interface ProviderOptions {
  /** The origins of the applications: each has a page at `/callback`, and one at `/` to come back to after a logout. */
  readonly applications: readonly string[]
  readonly host?: string
  readonly accessTokenTtlS?: number
  readonly refreshTokenTtlS?: number
  /** Only pushed authorization requests are taken. */
  readonly pushedOnly?: boolean
  /** The default pages are for people; a test may have them answered by `login_hint`. Default `true`. */
  readonly trustsHints?: boolean
  /** Whether a proof needs a nonce of the server. */
  readonly requireNonce?: () => boolean
  /** Sent with the page that asks who signs in. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface RunningProvider {
  readonly issuer: string
  /** `<api>/opaque` and `<api>/jwt` are resources; the token of the one is refused at the other. */
  readonly api: string
  /** What has happened: `access_token.issued`, `refresh_token.consumed`, `grant.revoked`, `grant.error: invalid_grant`. */
  readonly events: string[]
  /** Every request with a body, and what became of it. */
  readonly log: { readonly path: string; readonly body: URLSearchParams; readonly status: number }[]
  close(): Promise<void>
}

interface Grant {
  addOIDCScope(scope: string): void
  addResourceScope(resource: string, scope: string): void
  save(): Promise<unknown>
}

/** What the provider knows of a request, as far as it matters here. */
interface Facts {
  readonly result?: { readonly consent?: { readonly grantId?: string } }
  readonly session: { readonly accountId: string; grantIdFor(client: string): string | undefined }
  readonly client: { readonly clientId: string }
  readonly provider: {
    readonly Grant: { new (of: object): Grant; find(id: string): Promise<Grant | undefined> }
  }
}

interface Reply {
  type: string
  body: unknown
}

/**
 * A real OpenID provider, and an API behind it. The clients are public: `spa` (Bearer tokens) and `spa-dpop` (bound ones). A
 * refresh token is good for one refresh; a second one ends its grant.
 */
export async function startProvider(options: ProviderOptions): Promise<RunningProvider> {
  const { applications, host = 'localhost', accessTokenTtlS = 300, refreshTokenTtlS = 3_600 } = options
  const { pushedOnly = false, trustsHints = true, requireNonce = () => false, headers = {} } = options
  const [server, apiServer] = [createServer(), createServer()]
  const [issuer, api] = await Promise.all([listen(server, host), listen(apiServer, host)])
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256', kid: 'one' }
  const { d: _private, ...publicJwk } = jwk
  const keys = createLocalJWKSet({ keys: [publicJwk] })
  const events: string[] = []
  const log: { path: string; body: URLSearchParams; status: number }[] = []

  const client = (id: string, more: object = {}): object => ({
    client_id: id,
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: applications.map((origin) => `${origin}/callback`),
    post_logout_redirect_uris: applications.map((origin) => `${origin}/`),
    id_token_signed_response_alg: 'ES256',
    ...more,
  })
  const resources: Readonly<Record<string, object>> = {
    [`${api}/opaque`]: { accessTokenFormat: 'opaque' },
    [`${api}/jwt`]: { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } },
  }

  const provider = new Provider(issuer, {
    clients: [client('spa'), client('spa-dpop', { dpop_bound_access_tokens: true })],
    jwks: { keys: [jwk] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519'] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    scopes: ['openid', 'offline_access', 'profile'],
    claims: { openid: ['sub'], profile: ['name'] },
    pkce: { required: () => true },
    clientBasedCORS: (_context: unknown, origin: string) => applications.includes(origin),
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, name: id }) }),
    // Without `offline_access` too: this is what a first-party application gets.
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: accessTokenTtlS,
      RefreshToken: refreshTokenTtlS,
      IdToken: 300,
      AuthorizationCode: 60,
      Interaction: 600,
      Session: 3_600,
      Grant: 3_600,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce },
      revocation: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: pushedOnly },
      rpInitiatedLogout: { enabled: true, logoutSource },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context: unknown, _client: unknown, one: string | undefined) => one ?? `${api}/opaque`,
        useGrantedResource: () => true,
        getResourceServerInfo(_context: unknown, resource: string) {
          const found = resources[resource]
          if (found) return { scope: 'read write', audience: resource, accessTokenTTL: accessTokenTtlS, ...found }
          const error = new Error('invalid_target')
          throw Object.assign(error, { error: 'invalid_target', status: 400, statusCode: 400, expose: true })
        },
      },
    },
    // A first-party application asks for no consent.
    async loadExistingGrant({ oidc }: { readonly oidc: Facts }) {
      const id = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(oidc.client.clientId)
      const { accountId } = oidc.session
      const known = id === undefined ? undefined : await oidc.provider.Grant.find(id)
      const grant = known ?? new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId })
      grant.addOIDCScope('openid offline_access profile')
      for (const resource of Object.keys(resources)) grant.addResourceScope(resource, 'read write')
      await grant.save()
      return grant
    },
    interactions: {
      url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}`,
      policy: interactionPolicy.base(),
    },
    renderError(context: Reply, out: object) {
      context.type = 'json'
      context.body = out
    },
  })
  for (const name of ['grant.error', 'authorization.error', 'pushed_authorization_request.error', 'revocation.error']) {
    provider.on(name, (_: unknown, { error, error_detail: detail = '' }: Record<string, string>) =>
      events.push(`${name}: ${error} ${detail}`.trim()),
    )
  }
  for (const name of ['server_error']) provider.on(name, (_: unknown, error: Error) => events.push(`${name}: ${error}`))
  for (const name of ['grant.revoked', 'refresh_token.consumed', 'refresh_token.saved', 'access_token.issued']) {
    provider.on(name, () => events.push(name))
  }

  const answer = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', issuer)
    if (pathname.startsWith('/interaction/')) return void interact(request, response)
    watch(request, response, pathname)
    answer(request, response)
  })

  /** Reads along, and no sooner than the provider does: what is read is gone. */
  function watch(request: IncomingMessage, response: ServerResponse, path: string): void {
    if (request.method !== 'POST') return
    const chunks: Buffer[] = []
    const emit = request.emit.bind(request) as (...event: unknown[]) => boolean
    request.emit = (...event: unknown[]) => {
      if (event[0] === 'data') chunks.push(event[1] as Buffer)
      return emit(...event)
    }
    response.on('finish', () => {
      log.push({ path, body: new URLSearchParams(Buffer.concat(chunks).toString()), status: response.statusCode })
    })
  }

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { params } = await provider.interactionDetails(request, response)
      const form = request.method === 'POST' ? new URLSearchParams(await textOf(request)) : undefined
      const user = form?.get('user') ?? (trustsHints ? params.login_hint : undefined)
      const result =
        form?.get('cancel') === 'yes'
          ? { error: 'access_denied', error_description: 'The user said no.' }
          : { login: { accountId: user } }
      if (user || form) return await provider.interactionFinished(request, response, result)
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers })
      response.end(SIGN_IN)
    } catch (error) {
      response.statusCode = 500
      response.end(String(error))
    }
  }

  apiServer.on('request', (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response).catch((error: unknown) => response.destroy(error as Error))
  })

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin = '', authorization = '' } = request.headers
    const cors = {
      'Access-Control-Allow-Origin': applications.includes(origin) ? origin : applications[0],
      'Access-Control-Allow-Headers': 'authorization, dpop, content-type',
      'Access-Control-Expose-Headers': 'www-authenticate, dpop-nonce, date',
      Vary: 'Origin',
    }
    if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end()
    const resource = `${api}${new URL(request.url ?? '/', api).pathname}`
    const [, scheme = 'Bearer', token] = /^(Bearer|DPoP) (.+)$/.exec(authorization) ?? []
    const jkt = scheme === 'DPoP' ? await prover(request, resource, String(token)) : undefined
    const found = token === undefined ? undefined : await look(resource, token, jkt)
    const status = found ? 200 : 401
    const challenge = token === undefined ? 'Bearer' : `${scheme} error="invalid_token"`
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      ...cors,
      ...(!found && { 'WWW-Authenticate': challenge }),
    })
    response.end(JSON.stringify(found ?? { error: 'unauthorized' }))
  }

  /** Whose token it is, if it is good for `resource`. */
  async function look(resource: string, token: string, jkt?: string): Promise<{ user: string } | undefined> {
    if (resource.endsWith('/jwt')) {
      const checked = await jwtVerify(token, keys, { issuer, audience: resource }).catch(() => undefined)
      const bound = (checked?.payload['cnf'] as { jkt?: string } | undefined)?.jkt
      return checked && bound === jkt ? { user: String(checked.payload.sub) } : undefined
    }
    const known = await provider.AccessToken.find(token)
    return known?.isValid && known.aud === resource && known.jkt === jkt ? { user: known.accountId } : undefined
  }

  /** Whose key has proved this request (RFC 9449 section 4.3). */
  async function prover({ headers, method }: IncomingMessage, htu: string, token: string): Promise<string> {
    const { payload, protectedHeader } = await jwtVerify(String(headers['dpop']), EmbeddedJWK, { typ: 'dpop+jwt' })
    const ath = createHash('sha256').update(token).digest('base64url')
    const isGood = payload['htm'] === method && payload['htu'] === htu && payload['ath'] === ath
    return isGood ? calculateJwkThumbprint(protectedHeader.jwk as JWK) : 'none'
  }

  return {
    issuer,
    api,
    events,
    log,
    async close() {
      for (const one of [server, apiServer]) {
        one.closeAllConnections()
        await new Promise((resolve) => one.close(resolve))
      }
    },
  }
}

const SIGN_IN = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>The provider: sign in</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 22rem; margin: 4rem auto; padding: 0 1rem } input, button { font: inherit; padding: .4rem .6rem }</style>
<h1>Sign in</h1>
<form method="post">
  <p><label for="user">Name</label><br><input id="user" name="user" autocomplete="username" autofocus></p>
  <p><button>Sign in</button> <button name="cancel" value="yes">Cancel</button></p>
</form>
</html>`

/** The default page waits for a click. */
async function logoutSource(context: Reply, form: string): Promise<void> {
  context.body = `<!doctype html><title>Signing out</title>${form}<script>
const [form] = document.forms
form.insertAdjacentHTML('beforeend', '<input type="hidden" name="logout" value="yes">')
form.submit()
</script>`
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

async function listen(server: Server, host: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return `http://${host}:${(server.address() as AddressInfo).port}`
}
