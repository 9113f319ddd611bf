import { isSecure, parseUrl } from '../lib/url.ts'
import type { Area, Settings } from '../options.ts'
import type { Lifecycle } from '../ports.ts'
import type { WithholdReason } from '../session/events.ts'

/** Where a request goes, and whether it may carry the token there. */
export interface Destination {
  readonly origin: string
  /** `undefined`: it may. */
  readonly withheld: WithholdReason | undefined
}

/** The destination of `url`, which is relative to the page's base URL; of `resource` alone, if that is given. */
export type DestinationOf = (url: string, resource?: string) => Destination

/**
 * Decides by the parsed URL, never by its text.
 *
 * @see [RFC 6750 section 5.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.3)
 */
export function createAttach(
  settings: Pick<Settings, 'resources' | 'allowHttp'>,
  lifecycle: Pick<Lifecycle, 'baseUrl' | 'origin'>,
): DestinationOf {
  return (text, resource) => {
    const url = parseUrl(text, lifecycle.baseUrl())
    const own = lifecycle.origin()
    const areas = settings.resources ?? [[own, `${own}/`]]
    const isIn = ([name, prefix]: Area): boolean =>
      (resource ?? name) === name && `${url?.origin}${url?.pathname}/`.startsWith(prefix)
    return {
      origin: url?.origin ?? 'null',
      withheld:
        !url || !areas.some(isIn)
          ? 'not-a-resource'
          : !isSecure(url, settings)
            ? 'insecure'
            : // Userinfo turns into an Authorization header of its own.
              url.username || url.password
              ? 'own-credentials'
              : undefined,
    }
  }
}
