import { isOne, TokenError } from '../errors.ts'
import { ownMembers } from '../lib/own.ts'
import { isSecure, parseUrl } from '../lib/url.ts'
import type { SourceContext } from '../ports.ts'
import { toError } from '../sources/answer.ts'
import { getJson } from './endpoint.ts'
import type { AuthorizationServer, OAuthSourceOptions } from './options.ts'

/** What is known of the authorization server. */
export interface Metadata {
  /** Fetches it when it is needed first. A failure is not remembered. */
  load(context: SourceContext): Promise<AuthorizationServer>
  /** `undefined`: nobody has needed it yet. */
  known(): AuthorizationServer | undefined
}

export function createMetadata({ issuer, server, scope = '' }: OAuthSourceOptions): Metadata {
  let known = server && ownMembers(server)
  let flight: Promise<AuthorizationServer> | undefined

  return {
    known: () => known,
    async load(context) {
      if (known) return known
      flight ??= discover(issuer as string, isOpenId(scope), context).finally(() => (flight = undefined))
      return (known = await flight)
    },
  }
}

export function isOpenId(scope: string): boolean {
  return scope.split(' ').includes('openid')
}

/**
 * The places of the metadata of `issuer`: inserted before its path, or appended to it, whichever is likelier first.
 *
 * @see [RFC 8414 sections 3.1 and 5](https://www.rfc-editor.org/rfc/rfc8414.html#section-3.1)
 */
export function wellKnownUrls(issuer: string, openId: boolean): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ]
  return openId ? urls.reverse() : urls
}

async function discover(issuer: string, openId: boolean, context: SourceContext): Promise<AuthorizationServer> {
  let failure: unknown
  for (const url of wellKnownUrls(issuer, openId)) {
    try {
      const answer = await getJson(url, context)
      const found = ownMembers(Object(answer.body) as AuthorizationServer)
      if (!answer.ok || typeof found.issuer !== 'string') throw toError(answer, answer.refused && 'configuration')
      // By code points: a document of somebody else is worth nothing (RFC 8414 section 3.3).
      if (found.issuer === issuer) return found
      failure = new TokenError('configuration', `the metadata at ${new URL(url).origin} is that of another issuer`)
      break
    } catch (error) {
      // What is missing at one place may be at the other; if neither has it, trouble that passes says more.
      if (!failure || (isOne(failure) && !failure.transient)) failure = error
      if (context.signal.aborted) break
    }
  }
  throw failure
}

/** An endpoint that credentials, or the user, may be sent to. */
export function endpointOf(server: AuthorizationServer, name: `${string}_endpoint`): URL {
  const value = server[name]
  const url = typeof value === 'string' ? parseUrl(value) : undefined
  if (url && isSecure(url) && url.hash === '') return url
  throw new TokenError('configuration', `the authorization server has no ${name} at an https: URL without fragment`)
}
