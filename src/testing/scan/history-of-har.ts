import type { Place } from './findings.ts'
import {
  bareExchange,
  isRecord,
  issuedBy,
  isLogout,
  presentedInBody,
  type Identify,
  type TokenExchange,
} from './history.ts'

/** What an entry of a recording tells of tokens, or `undefined` if that is nothing. */
export function exchangeOfEntry(entry: unknown, where: Place, identify: Identify): TokenExchange | undefined {
  if (!isRecord(entry) || !isRecord(entry['request']) || !isRecord(entry['response'])) return undefined
  const { request, response } = entry as { request: Record<string, unknown>; response: Record<string, unknown> }
  const at = Date.parse(String(entry['startedDateTime']))
  const url = typeof request['url'] === 'string' ? request['url'] : ''
  const post = isRecord(request['postData']) ? request['postData'] : {}
  const content = isRecord(response['content']) ? response['content'] : {}
  const inBody = presentedInBody(url, post['text'], identify)
  const bearer = bearerOf(headerOf(request, 'authorization'))
  const issued = issuedBy(content['text'], identify)
  if (inBody === undefined && bearer === undefined && issued === undefined) return undefined
  return {
    ...bareExchange(at, where),
    ...(bearer === undefined
      ? {}
      : { presented: identify(bearer, 'access'), how: isLogout(String(request['method']), url) ? 'logout' : 'bearer' }),
    ...inBody,
    issued,
    status: typeof response['status'] === 'number' ? response['status'] : undefined,
    url,
    userAgent: headerOf(request, 'user-agent'),
    // A recording is of one client, or says whose requests they are.
    client: typeof entry['_principal'] === 'string' ? entry['_principal'] : 'recording',
  }
}

/** The token of an Authorization header. */
export const bearerOf = (header: string | undefined): string | undefined =>
  /^\s*(?:bearer|dpop)\s+(\S+)/i.exec(header ?? '')?.[1]

function headerOf(request: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const headers: readonly unknown[] = Array.isArray(request['headers']) ? request['headers'] : []
  const header = headers.find((one) => isRecord(one) && String(one['name']).toLowerCase() === name)
  return isRecord(header) ? String(header['value']) : undefined
}
