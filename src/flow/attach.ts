import { isSecure, parseUrl } from '../lib/url.ts'
import type { Area, Need, Settings } from '../options.ts'
import type { Lifecycle } from '../ports.ts'
import type { WithholdReason } from '../session/events.ts'

/** Where a request goes, and whether it may carry the token there. */
export interface Destination {
  readonly origin: string
  /** `undefined`: it may. */
  readonly withheld: WithholdReason | undefined
  /** What its tokens are for, if they are not the session's own. */
  readonly need: Need | undefined
}

/** The destination of `url`, which is relative to the page's base URL; of `resource` alone, if that is given. */
export type DestinationOf = (url: string, resource?: string) => Destination

/** With nothing in it that a parser takes away or changes, and no dot segment: its path is what its text says. */
const PLAIN = /^https:[\w\-.~:/?#[\]@!$&'()*+,;=]*$/
const isPlain = (text: string): boolean => PLAIN.test(text) && !text.includes('/.')

/** Whole segments: what follows the prefix is nothing, a query, or a segment of its own. `prefix` ends in a slash. */
function isWithin(place: string, prefix: string): boolean {
  if (place.startsWith(prefix)) return true
  const end = prefix.length - 1
  return place.startsWith(prefix.slice(0, end)) && /^[?#]?$/.test(place.charAt(end))
}

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
  // What is in a smaller area belongs to that.
  const listed = settings.resources && [...settings.resources].sort(([, a], [, b]) => b.length - a.length)
  return (text, resource) => {
    const areas = listed ?? [lifecycle.origin()].map((own): Area => [own, `${own}/`])
    const areaOf = (place: string): Area | undefined =>
      areas.find(([name, prefix]) => (resource === undefined || resource === name) && isWithin(place, prefix))
    const plain = isPlain(text) ? areaOf(text) : undefined
    if (plain) return { origin: plain[1].slice(0, plain[1].indexOf('/', 8)), withheld: undefined, need: plain[2] }

    const url = parseUrl(text, lifecycle.baseUrl())
    const area = url && areaOf(url.origin + url.pathname)
    return {
      origin: url?.origin ?? 'null',
      need: area?.[2],
      withheld: !area
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
