import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, jwtVerify } from 'jose'
// @ts-expect-error It has no types.
import Provider, { interactionPolicy } from 'oidc-provider'
import { type Access, createApi, STRONG } from './api.ts'
import { confirmPage, signInPage } from './provider-pages.ts'

export interface ProviderOptions {
  /** The origins of the applications: each has a page at `/callback`, and one at `/` to come back to after a logout. */
  readonly applications: readonly string[]
  /** Applications that are one page at `/<name>/` of each of these origins; the name is that of their client too. */
  readonly pages?: readonly string[]
  readonly host?: string
  readonly accessTokenTtlS?: number
  readonly refreshTokenTtlS?: number
  /** Only pushed authorization requests are taken. */
  readonly pushedOnly?: boolean
  /** The default pages are for people; a test may have them answered by `login_hint`. Default `true`. */
  readonly trustsHints?: boolean
  /** Whether a proof needs a nonce of the server. */
  readonly requireNonce?: () => boolean
  /** Whether the API wants a nonce of its own in a proof, and takes each once. */
  readonly apiNonces?: () => boolean
  /** Sent with the page that asks who signs in. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface RunningProvider {
  readonly issuer: string
  /** `<api>/opaque`, `<api>/jwt` and `<api>/once` are resources; the token of the one is refused at the other: see `api.ts`. */
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

/** What a refresh token, or a code, knows of the sign-in that it came from. */
interface Origin {
  readonly acr?: string
}

interface Claims {
  readonly scope?: string
  readonly cnf?: { readonly jkt?: string }
  readonly acr?: string
}

interface Wanting {
  readonly oidc: { readonly params: { readonly acr_values?: string }; readonly session: { readonly acr?: string } }
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
  const { pages = [], apiNonces = () => false } = options
  const [server, apiServer] = [createServer(), createServer()]
  const [issuer, api] = await Promise.all([listen(server, host), listen(apiServer, host)])
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256', kid: 'one' }
  const { d: _private, ...publicJwk } = jwk
  const keys = createLocalJWKSet({ keys: [publicJwk] })
  const events: string[] = []
  const log: { path: string; body: URLSearchParams; status: number }[] = []

  const client = (id: string, callback: string, home: string, more: object = {}): object => ({
    client_id: id,
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: applications.map((origin) => `${origin}${callback}`),
    post_logout_redirect_uris: applications.map((origin) => `${origin}${home}`),
    id_token_signed_response_alg: 'ES256',
    ...more,
  })
  const resources: Readonly<Record<string, object>> = {
    [`${api}/opaque`]: { accessTokenFormat: 'opaque' },
    [`${api}/jwt`]: { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } },
    [`${api}/once`]: { accessTokenFormat: 'opaque' },
  }

  const policy = interactionPolicy.base()
  policy.get('login').checks.add(
    new interactionPolicy.Check('acr', 'a stronger sign-in is wanted', ({ oidc }: Wanting) => {
      const wanted = oidc.params.acr_values
      return wanted !== undefined && !wanted.split(' ').includes(String(oidc.session.acr))
    }),
  )

  const provider = new Provider(issuer, {
    clients: [
      client('spa', '/callback', '/'),
      client('spa-dpop', '/callback', '/', { dpop_bound_access_tokens: true }),
      ...pages.map((name) => client(name, `/${name}/`, `/${name}/`)),
    ],
    acrValues: [STRONG],
    // An API can ask for a stronger sign-in only if it sees how strong this one was.
    extraTokenClaims({ oidc }: { readonly oidc: { readonly entities: Readonly<Record<string, Origin | undefined>> } }) {
      const { AuthorizationCode, RefreshToken } = oidc.entities
      return { acr: (AuthorizationCode ?? RefreshToken)?.acr }
    },
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
      policy,
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
      const { params, session } = await provider.interactionDetails(request, response)
      const form = request.method === 'POST' ? new URLSearchParams(await textOf(request)) : undefined
      const user = form?.get('user') ?? (trustsHints ? params.login_hint : undefined)
      const result =
        form?.get('cancel') === 'yes'
          ? { error: 'access_denied', error_description: 'The user said no.' }
          : { login: { accountId: user, ...(params.acr_values && { acr: params.acr_values.split(' ')[0] }) } }
      if (user || form) return await provider.interactionFinished(request, response, result)
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers })
      response.end(params.acr_values && session ? confirmPage(session.accountId) : signInPage)
    } catch (error) {
      response.statusCode = 500
      response.end(String(error))
    }
  }

  const answerApi = createApi({ origin: api, issuer, applications, nonces: apiNonces, look })
  apiServer.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answerApi(request, response).catch((error: unknown) => response.destroy(error as Error))
  })

  /** What `token` is good for, whatever its form. */
  async function look(token: string): Promise<Access | undefined> {
    if (token.includes('.')) {
      const checked = await jwtVerify(token, keys, { issuer }).catch(() => undefined)
      if (!checked) return undefined
      const { sub: user = '', aud, scope, cnf, acr } = checked.payload as JWTPayload & Claims
      return { user, audience: String(aud), scope: scope ?? '', jkt: cnf?.jkt, acr }
    }
    const known = await provider.AccessToken.find(token)
    if (!known?.isValid) return undefined
    const { accountId: user, aud: audience, scope = '', jkt, extra } = known
    return { user, audience, scope, jkt, acr: extra?.acr }
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
