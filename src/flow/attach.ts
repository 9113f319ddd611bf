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

/** Whole segments: what follows the prefix is nothing, a query, or a segment of its own. `prefix` ends in a slash. */
function isWithin(place: string, prefix: string): boolean {
  if (place.startsWith(prefix)) return true
  const end = prefix.length - 1
  return place.startsWith(prefix.slice(0, end)) && /^[?#]?$/.test(place.charAt(end))
}

/** A resource: `to` is where what is in it goes; `isAll`: it is all of an origin, and the only one. */
type Place = readonly [name: string | undefined, prefix: string, to: Destination, isAll: boolean]

function toPlace([name, prefix, need]: Area, _index: number, { length }: readonly Area[]): Place {
  const origin = prefix.slice(0, prefix.indexOf('/', 8))
  return [name, prefix, { origin, withheld: undefined, need }, length < 2 && /^https:..[^/]+.$/.test(prefix)]
}

/** With nothing in it that a parser takes away or changes, and no dot segment: its path is what its text says. */
const PLAIN = /^https:[\w\-.~:/?#[\]@!$&'()*+,;=]*$/
const isPlain = (text: string): boolean => PLAIN.test(text) && !text.includes('/.')

/**
 * Decides by the parsed URL, never by its text; only where both surely say the same, parsing is spared: it costs as much
 * as all the rest.
 *
 * @see [RFC 6750 section 5.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.3)
 */
export function createAttach(
  settings: Pick<Settings, 'resources' | 'allowHttp'>,
  lifecycle: Pick<Lifecycle, 'baseUrl' | 'origin'>,
): DestinationOf {
  // What is in a smaller area belongs to that.
  const listed = settings.resources && [...settings.resources].sort(([, a], [, b]) => b.length - a.length).map(toPlace)
  return (text, resource) => {
    const places = listed ?? [lifecycle.origin()].map((own): Area => [own, `${own}/`]).map(toPlace)
    const isIn = (place: Place, what: string): boolean =>
      (resource === undefined || resource === place[0]) && isWithin(what, place[1])
    // Whatever follows a whole origin cannot lead out of it.
    for (const place of places) if (isIn(place, text) && (place[3] || isPlain(text))) return place[2]

    const url = parseUrl(text, lifecycle.baseUrl())
    const area = url && places.find((place) => isIn(place, url.origin + url.pathname))?.[2]
    return {
      origin: url?.origin ?? 'null',
      need: area?.need,
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
