import { isSecure, isWithin, parseUrl } from '../lib/url.ts'
import type { Settings } from '../options.ts'
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

/** Few requests go to many different paths; a bounded memory keeps those that do from filling the heap. */
const MOST_REMEMBERED = 500

/**
 * Decides by the parsed URL, never by its text.
 *
 * @see [RFC 6750 section 5.3](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.3)
 */
export function createAttach(
  { resources, allowHttp }: Pick<Settings, 'resources' | 'allowHttp'>,
  lifecycle: Pick<Lifecycle, 'baseUrl' | 'origin'>,
): DestinationOf {
  const remembered = new Map<string, Destination>()
  let base: string | undefined

  function decide(text: string, name: string | undefined): Destination {
    const url = parseUrl(text, base)
    if (!url) return { origin: 'null', withheld: 'not-a-resource' }
    const { origin } = url
    if (!allowed(name).some((resource) => isWithin(url, resource))) return { origin, withheld: 'not-a-resource' }
    if (!isSecure(url) && !allowHttp) return { origin, withheld: 'insecure' }
    // Userinfo turns into an Authorization header of its own.
    return { origin, withheld: url.username || url.password ? 'own-credentials' : undefined }
  }

  function allowed(name: string | undefined): readonly URL[] {
    if (resources && name === undefined) return [...resources.values()]
    const one = resources ? resources.get(name ?? '') : parseUrl(name ?? lifecycle.origin() ?? '')
    return one && (resources ?? one.origin === lifecycle.origin()) ? [one] : []
  }

  return function destinationOf(url, resource) {
    const now = lifecycle.baseUrl()
    if (now !== base || remembered.size > MOST_REMEMBERED) remembered.clear()
    base = now
    // Neither a query nor a fragment changes where a request goes, unless what is before it is not plain.
    const text = /^[!"$->@-~]+(?=[?#])/.exec(url)?.[0] ?? url
    const key = resource === undefined ? text : `${resource} ${text}`
    let destination = remembered.get(key)
    if (!destination) remembered.set(key, (destination = decide(text, resource)))
    return destination
  }
}
