import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  AuthorizationServer,
  DateInterval,
  type OAuthAuthCode,
  type OAuthClient,
  type OAuthScope,
  type OAuthToken,
  type ResponseInterface,
} from '@jmondi/oauth2-server'
import { handleVanillaError, requestFromVanilla } from '@jmondi/oauth2-server/vanilla'

export interface SecondServer {
  readonly origin: string
  /** Every request with a body, and what became of it. */
  readonly log: { readonly path: string; readonly body: URLSearchParams; readonly status: number }[]
  close(): Promise<void>
}

function toResponse({ status, headers, body }: ResponseInterface): Response {
  const text = status < 300 || status >= 400 ? JSON.stringify(body) : null
  return new Response(text, {
    status,
    headers: { ...(headers as Record<string, string>), 'content-type': 'application/json' },
  })
}

const random = (): string => randomBytes(24).toString('base64url')

/**
 * An authorization server that is not of the author of the first one, nor of oauth4webapi: `@jmondi/oauth2-server`, which refuses
 * requests without PKCE S256, and rotates refresh tokens. It has no OpenID Connect, no metadata, and no `iss`. Its HTTP, and a
 * memory for its tokens, are here.
 */
export async function startSecondServer({
  redirectUris,
  accessTokenTtl = '5m',
}: {
  readonly redirectUris: () => string[]
  readonly accessTokenTtl?: string
}): Promise<SecondServer> {
  const log: SecondServer['log'] = []
  const client = (): OAuthClient => ({
    id: 'spa',
    name: 'The application',
    redirectUris: redirectUris(),
    allowedGrants: ['authorization_code', 'refresh_token'],
    scopes: [{ name: 'orders' }, { name: 'profile' }],
  })
  const codes = new Map<string, OAuthAuthCode & { revoked?: boolean }>()
  const tokens = new Set<OAuthToken & { revoked?: boolean }>()
  const find = (name: 'accessToken' | 'refreshToken', value: string): OAuthToken & { revoked?: boolean } => {
    const found = [...tokens].find((token) => token[name] === value)
    if (!found) throw new Error(`there is no such ${name}`)
    return found
  }
  const authorization = new AuthorizationServer(
    {
      getByIdentifier: async () => client(),
      isClientValid: async (grantType, { allowedGrants }) => allowedGrants.includes(grantType),
    },
    {
      issueToken: async (of, scopes, user) => ({
        accessToken: random(),
        accessTokenExpiresAt: new DateInterval(accessTokenTtl).getEndDate(),
        client: of,
        scopes,
        user: user ?? null,
      }),
      issueRefreshToken: async (token) =>
        Object.assign(token, { refreshToken: random(), refreshTokenExpiresAt: new DateInterval('1h').getEndDate() }),
      persist: async (token) => void tokens.add(token),
      revoke: async (token) => void Object.assign(token, { revoked: true }),
      isRefreshTokenRevoked: async (token) => (token as { revoked?: boolean }).revoked === true,
      getByRefreshToken: async (value) => find('refreshToken', value),
      getByAccessToken: async (value) => find('accessToken', value),
    },
    {
      getAllByIdentifiers: async (names) => names.map((name): OAuthScope => ({ name })),
      finalize: async (scopes) => scopes,
    },
    random(),
    { authenticateRevoke: false, useOpaqueAuthorizationCodes: true, useOpaqueRefreshTokens: true },
  )
  authorization.enableGrantTypes(
    [
      {
        grant: 'authorization_code',
        userRepository: { getUserByCredentials: async (id) => ({ id }) },
        authCodeRepository: {
          getByIdentifier: async (code) => codes.get(code) ?? Promise.reject(new Error('there is no such code')),
          issueAuthCode: (of, user, scopes) => ({
            code: random(),
            expiresAt: new DateInterval('1m').getEndDate(),
            client: of,
            user: user ?? null,
            scopes,
          }),
          persist: async (code) => void codes.set(code.code, code),
          isRevoked: async (code) => codes.get(code)?.revoked ?? !codes.has(code),
          revoke: async (code) => void Object.assign(codes.get(code) ?? {}, { revoked: true }),
        },
      },
      new DateInterval(accessTokenTtl),
    ],
    ['refresh_token', new DateInterval(accessTokenTtl)],
  )

  async function answer(request: Request, path: string): Promise<Response> {
    const asked = await requestFromVanilla(request)
    try {
      if (path === '/authorize') {
        const wanted = await authorization.validateAuthorizationRequest(asked)
        // Who is named is signed in: this is no server of pages.
        wanted.user = { id: new URL(request.url).searchParams.get('login_hint') ?? 'ann' }
        wanted.isAuthorizationApproved = true
        return toResponse(await authorization.completeAuthorizationRequest(wanted))
      }
      if (path === '/token') return toResponse(await authorization.respondToAccessTokenRequest(asked))
      if (path === '/revoke') return toResponse(await authorization.revoke(asked))
      return new Response(null, { status: 404 })
    } catch (error) {
      return toResponse(handleVanillaError(error))
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request
    const cors = { 'Access-Control-Allow-Origin': headers.origin ?? '*', Vary: 'Origin' }
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { pathname: path } = new URL(url, origin)
    const asked = new Request(new URL(url, origin), {
      method,
      headers: { 'content-type': headers['content-type'] ?? 'text/plain' },
      ...(method === 'POST' && { body: text }),
    })
    const given = await answer(asked, path)
    if (method === 'POST') log.push({ path, body: new URLSearchParams(text), status: given.status })
    response.writeHead(given.status, { ...Object.fromEntries(given.headers), ...cors })
    response.end(await given.text())
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    origin,
    log,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
