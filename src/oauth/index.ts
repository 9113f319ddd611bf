import { openChannel } from '../adapters/broadcast.ts'
import { clock, timer } from '../adapters/clock.ts'
import { page } from '../adapters/page.ts'
import { records } from '../adapters/records.ts'
import type { TokenSource } from '../ports.ts'
import { lazyBinding } from './lazy-binding.ts'
import type { OAuthLogin, OAuthSourceOptions } from './options.ts'
import { createOAuthSource } from './source.ts'

export type { AuthorizationServer, OAuthLogin, OAuthSourceOptions } from './options.ts'

/**
 * An authorization server that speaks OAuth 2.1, and OpenID Connect where it is asked to: authorization code with PKCE, refresh,
 * revocation, and logout at the provider.
 *
 * `login` leaves the page, or opens a window; `restore`, on the page at `redirectUri`, finishes a login that left. Call it before
 * anything that reads the URL or sends it anywhere.
 *
 * @example
 *   const tokens = createTokenManager({
 *     source: oauthSource({
 *       issuer: 'https://login.example.com',
 *       clientId: 'shop',
 *       redirectUri: 'https://shop.example.com/callback',
 *       scope: 'openid profile',
 *     }),
 *     resources: ['https://api.example.com'],
 *   })
 *   const { signedIn } = await tokens.restore()
 *   if (!signedIn) await tokens.login({ returnTo: '/orders' })
 *
 * @throws `TypeError` when an option is wrong; the message names the cure.
 * @see [RFC 10017](https://www.rfc-editor.org/rfc/rfc10017.html)
 */
export function oauthSource(config: OAuthSourceOptions): TokenSource<OAuthLogin> {
  return createOAuthSource(config, { ...page, clock, timer, records, openChannel }, lazyBinding)
}
