import { isOne, TokenError } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import type { RefreshInput, RevokeInput, SourceContext } from '../ports.ts'
import { type ReadAnswer, toError, toErrorCode } from '../sources/answer.ts'
import { textOf } from '../sources/read.ts'
import { parseTokenResponse, type TokenResponse } from '../token.ts'
import { type Parameters, post } from './endpoint.ts'
import { checkIdToken, judgeRefreshed } from './id-token.ts'
import { endpointOf } from './metadata.ts'
import type { AuthorizationServer } from './options.ts'
import { loadProtocol, type Protocol } from './protocol.ts'
import type { Setup } from './setup.ts'
import type { Transaction } from './transactions.ts'

/** What an authorization server says on the wire, beyond what the manager reads. */
type Body = Partial<TokenResponse> & { readonly refresh_token_expires_in?: number }

/** For whom only whether a response can be used is of interest. */
const AT_ANY_TIME = { wall: 0, monotonic: 0 }

export interface Grants {
  /** Exchanges the code of a login. */
  exchange(code: string, of: Transaction, protocol: Protocol, context: SourceContext): Promise<TokenResponse>
  refresh(input: RefreshInput, context: SourceContext): Promise<TokenResponse>
  revoke(input: RevokeInput, context: SourceContext): Promise<'confirmed' | 'unconfirmed' | 'not-configured'>
  /** The ID token of the newest sign-in of this page; personal data, kept only where a logout needs it. */
  idToken(): string | undefined
}

export function createGrants({ options, metadata, binding }: Setup): Grants {
  const { clientId, ended } = options
  const [resource] = [options.resource].flat()
  let idToken: string | undefined
  let nonce: string | undefined
  /** The refresh token of that sign-in, as long as it was exchanged here. Another tab may have begun another session since. */
  let newest: string | undefined

  function ask(
    server: AuthorizationServer,
    parameters: Parameters,
    context: SourceContext,
    key: string | undefined,
  ): Promise<ReadAnswer> {
    const url = endpointOf(server, 'token_endpoint')
    return post(url, { ...parameters, client_id: clientId }, { context, binding, key })
  }

  /** `answer`, if there are tokens in it: whatever else is odd, the refresh token in it is the only good one. */
  function tokensIn(answer: ReadAnswer, isLogin: boolean): Body {
    const { status, ok, body, header, error, refused } = answer
    const tokens: Body = ownMembers(Object(body) as Body)
    if (ok && (tokens.access_token || (!isLogin && tokens.refresh_token))) return tokens
    const over = !isLogin && (ended?.({ status, body, header }) ?? (refused && error === 'invalid_grant'))
    throw toError(answer, over ? 'refresh_rejected' : refused && (toErrorCode(error) || (isLogin && 'login_failed')))
  }

  function toResponse(tokens: Body, key: string | undefined, more: Readonly<Record<string, unknown>>): TokenResponse {
    const { authorization_expires_in: announced, refresh_token_expires_in: older } = tokens
    const response = {
      ...tokens,
      // The name in the draft, and the one that vendors had before it.
      authorization_expires_in: announced ?? older,
      // Whatever the answer says: there is no other key here.
      cnf: key === undefined ? undefined : { jkt: key },
      ...more,
    }
    return ownMembers(response) as unknown as TokenResponse
  }

  function keep(server: AuthorizationServer, token: unknown): void {
    if (server.end_session_endpoint !== undefined) idToken = textOf(token) || idToken
  }

  async function revoke(input: RevokeInput, context: SourceContext): ReturnType<Grants['revoke']> {
    const { refreshToken, accessTokens, key } = ownMembers(input)
    const server = await metadata.load(context)
    if (server.revocation_endpoint === undefined) return 'not-configured'
    const url = endpointOf(server, 'revocation_endpoint')
    const giveBack = (token: string, hint: string): Promise<boolean> =>
      // Any success is one, whatever the body says (RFC 7009 section 2.2).
      post(url, { token, token_type_hint: hint, client_id: clientId }, { context, binding, key, keepalive: true }).then(
        ({ ok }) => ok,
        () => false,
      )
    // It takes the access tokens with it; they are given back too, for servers where it does not (section 2.1).
    const whole = refreshToken === undefined ? undefined : await giveBack(refreshToken, 'refresh_token')
    let each = true
    for (const accessToken of accessTokens) each = (await giveBack(accessToken, 'access_token')) && each
    return (whole ?? each) ? 'confirmed' : 'unconfirmed'
  }

  return {
    idToken: () => idToken,
    revoke,

    async exchange(code, { verifier, redirectUri, nonce: sent, maxAge, scope, key }, protocol, context) {
      const server = await metadata.load(context)
      const parameters = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource,
      }
      const answer = await ask(server, parameters, context, key)
      const tokens = tokensIn(answer, true)
      idToken = nonce = undefined
      // What was not asked for, and so cannot be checked, is not used.
      const unasked = sent === undefined && { id_token: undefined }
      const response = toResponse(tokens, key, { scope: textOf(tokens.scope) || scope, ...unasked })
      try {
        parseTokenResponse(response, AT_ANY_TIME, binding)
        if (sent !== undefined) await checkIdToken(answer, sent, maxAge, { server, clientId, protocol })
      } catch (error) {
        // Nothing of it counts, and nobody is to have it (RFC 9700 section 4.5.3.2).
        const { access_token: accessToken, refresh_token: refreshToken } = response
        const accessTokens = [textOf(accessToken)].filter(Boolean)
        await revoke({ refreshToken, accessTokens, ...(key !== undefined && { key }) }, context).catch(() => {})
        throw isOne(error) ? error : new TokenError('malformed_response', 'the ID token is not one for this login')
      }
      nonce = sent
      newest = textOf(tokens.refresh_token)
      keep(server, response.id_token)
      return response
    },

    async refresh(input, context) {
      const { refreshToken, resource: wanted = resource, scope, key } = ownMembers(input)
      if (refreshToken === undefined) throw new TokenError('refresh_rejected', 'there is no refresh token')
      const server = await metadata.load(context)
      const protocol = loadProtocol()
      protocol.catch(() => {}) // it may not be needed
      const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken, resource: wanted, scope }
      const answer = await ask(server, parameters, context, key)
      const tokens = tokensIn(answer, false)
      const isOurs = refreshToken === newest
      if (isOurs) newest = textOf(tokens.refresh_token) || newest
      if (!tokens.id_token) return toResponse(tokens, key, {})
      const verdict = await protocol
        .then((loaded) => judgeRefreshed(answer, isOurs ? nonce : undefined, { server, clientId, protocol: loaded }))
        .catch(() => 'odd' as const)
      // Somebody else's answer has no access token for us. Its refresh token has taken the place of ours all the same.
      if (verdict === 'foreign') return ownMembers({ refresh_token: tokens.refresh_token }) as TokenResponse
      if (verdict === 'odd') return toResponse(tokens, key, { id_token: undefined })
      keep(server, tokens.id_token)
      return toResponse(tokens, key, {})
    },
  }
}
