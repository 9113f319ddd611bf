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

/** With nothing in it that a parser takes away, or that leads out of the path: it is where its text says. */
const PLAIN = /^https:(?!.*\.\.)[^%\s]*$/

/**
 * Decides by the parsed URL, never by its text; only where both surely say the same, for a plain URL that begins as a
 * resource does, parsing is spared: it costs as much as all the rest.
 *
 * @see [RFC 6750 section 5.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.3)
 */
export function createAttach(
  settings: Pick<Settings, 'resources' | 'allowHttp'>,
  lifecycle: Pick<Lifecycle, 'baseUrl' | 'origin'>,
): DestinationOf {
  return (text, resource) => {
    const areas = settings.resources ?? [lifecycle.origin()].map((own): Area => [own, `${own}/`])
    const areaOf = (place: string): Area | undefined =>
      areas.find(([name, prefix]) => (resource ?? name) === name && place.startsWith(prefix))
    const prefix = areaOf(text)?.[1]
    if (prefix && PLAIN.test(text)) return { origin: prefix.slice(0, prefix.indexOf('/', 8)), withheld: undefined }

    const url = parseUrl(text, lifecycle.baseUrl())
    return {
      origin: url?.origin ?? 'null',
      withheld:
        !url || !areaOf(`${url.origin}${url.pathname}/`)
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
