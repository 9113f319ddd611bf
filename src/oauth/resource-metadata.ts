import { ownMembers } from '../lib/own.ts'
import { isSecure, parseUrl } from '../lib/url.ts'
import type { ChallengedResource, SourceContext } from '../ports.ts'
import { getJson } from './endpoint.ts'

/**
 * Where a resource says who issues tokens for it. `undefined`: nowhere.
 *
 * @see [RFC 9728 section 3.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-3.1)
 */
export function resourceMetadataUrl(resource: string): string | undefined {
  const url = parseUrl(resource)
  if (!url || !isSecure(url)) return undefined
  const { origin, pathname, search } = url
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`
}

/**
 * Whether a resource that has refused a token takes those of `issuer`, by its metadata, which is fetched anew each time.
 * `undefined`: it does not say, or not in a way that counts. Whom else it names is of no interest: nobody is asked for tokens
 * because a resource says so.
 *
 * @param known The resources that tokens are asked for.
 * @see [RFC 9728 sections 3.3 and 7.6](https://www.rfc-editor.org/rfc/rfc9728.html#section-3.3)
 */
export async function takesTokensOf(
  issuer: string,
  { url, resource = url, metadata }: ChallengedResource,
  known: readonly string[],
  context: SourceContext,
): Promise<boolean | undefined> {
  const identifier = [url, resource, ...known].find((one) => resourceMetadataUrl(one) === metadata)
  if (identifier === undefined) return undefined
  const { ok, body } = await getJson(metadata, context)
  const { resource: named, authorization_servers: servers } = ownMembers(Object(body) as Record<string, unknown>)
  // What another resource says of itself must not be used.
  return ok && named === identifier && Array.isArray(servers) && servers.length ? servers.includes(issuer) : undefined
}
