import { createBox, type Box } from '../adapters/box.ts'
import { TokenError } from '../errors.ts'
import { parseUrl } from '../lib/url.ts'
import type { SourceContext } from '../ports.ts'
import { toError, toErrorCode } from '../sources/answer.ts'
import { type Parameters, post, toForm } from './endpoint.ts'
import { endpointOf, isOpenId } from './metadata.ts'
import type { AuthorizationServer, OAuthLogin } from './options.ts'
import type { Protocol } from './protocol.ts'
import type { Setup } from './setup.ts'
import type { Transaction } from './transactions.ts'

/** An authorization request that is ready to be made. */
export interface AuthorizationRequest {
  readonly url: string
  readonly state: string
  readonly transaction: Transaction
  /** Of a popup. */
  readonly box: Box | undefined
}

/**
 * Prepares an authorization request: PKCE, a state and a nonce of its own, and pushed where that is wanted.
 *
 * @see [RFC 7636](https://www.rfc-editor.org/rfc/rfc7636.html), [RFC 9126](https://www.rfc-editor.org/rfc/rfc9126.html)
 */
export async function prepare(
  setup: Setup,
  server: AuthorizationServer,
  protocol: Protocol,
  login: OAuthLogin,
  context: SourceContext,
): Promise<AuthorizationRequest> {
  const { options, tag, binding } = setup
  const { clientId, redirectUri, resource, pushed } = options
  const { display, acrValues, maxAge, prompt, loginHint, uiLocales, scope = options.scope ?? '' } = login
  const popup = display === 'popup'
  const verifier = protocol.generateRandomCodeVerifier()
  const nonce = isOpenId(scope) ? protocol.generateRandomNonce() : undefined
  const box = popup ? await createBox() : undefined
  const state = toState(tag, box?.publicKey ?? protocol.generateRandomState(), popup)
  const key = await binding?.create(server.dpop_signing_alg_values_supported, !popup)
  const ours: Parameters = {
    acr_values: acrValues,
    max_age: maxAge,
    prompt,
    login_hint: loginHint,
    ui_locales: uiLocales,
    display: nonce && display,
    resource,
    scope,
    nonce,
    dpop_jkt: key,
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    code_challenge: await protocol.calculatePKCECodeChallenge(verifier),
    // Without it the server would take the challenge for the verifier itself (RFC 7636 section 4.3).
    code_challenge_method: 'S256',
  }
  const wanted = Object.entries(ours).filter(([, value]) => value !== undefined)
  const parameters = { ...options.parameters, ...login.parameters, ...Object.fromEntries(wanted) }
  // What it has of its own is kept (RFC 6749 section 3.1).
  const url = endpointOf(server, 'authorization_endpoint')
  const sent =
    (pushed ?? server.require_pushed_authorization_requests)
      ? { client_id: clientId, request_uri: await push(setup, server, parameters, key, context) }
      : parameters
  toForm(sent).forEach((value, name) => url.searchParams.append(name, value))
  const returnTo = login.returnTo === undefined || popup ? undefined : toPath(login.returnTo, redirectUri)
  const transaction = { verifier, nonce, redirectUri, scope, maxAge, returnTo, key, at: context.now() }
  return { url: url.href, state, transaction, box }
}

/** Says whose login it is, and whether it is that of a popup: of that another page has the rest. */
function toState(tag: string, random: string, popup: boolean): string {
  return `${popup ? 'p' : 'r'}${tag}.${random}`
}

async function push(
  { binding }: Setup,
  server: AuthorizationServer,
  parameters: Parameters,
  key: string | undefined,
  context: SourceContext,
): Promise<string> {
  const url = endpointOf(server, 'pushed_authorization_request_endpoint')
  const answer = await post(url, parameters, { context, binding, key })
  const { request_uri: requestUri } = Object(answer.body) as { request_uri?: unknown }
  if (answer.ok && typeof requestUri === 'string' && requestUri) return requestUri
  throw toError(answer, answer.refused && (toErrorCode(answer.error) || 'login_failed'))
}

/** Where the page may be sent after a login: nowhere but into this origin, however it is spelled. */
function toPath(returnTo: string, redirectUri: string): string {
  const { origin } = new URL(redirectUri)
  const href = parseUrl(returnTo, redirectUri)?.href
  if (href?.startsWith(`${origin}/`)) return href
  throw new TokenError('unsupported', 'returnTo must be a path of this origin')
}
