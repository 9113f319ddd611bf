import { digest, fingerprint } from './digest.ts'
import { credentialOf, type Call } from './http.ts'

/** What a log keeps of a request: everything but its credentials, which are there as fingerprints. */
export interface LoggedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** By lower-case name. `authorization` keeps its scheme; credentials and cookies are fingerprints. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Size of the body. */
  readonly bytes: number
  /** SHA-256 of the body as base64url, with the boundary of a form replaced: it is another one in each send. */
  readonly sha256: string
}

export function loggedRequest({ method, url, headers, body }: Call): LoggedRequest {
  const boundary = /boundary="?([^\s";]+)/.exec(headers['content-type'] ?? '')?.[1]
  return {
    method,
    path: url.pathname + url.search,
    headers: loggedHeaders(headers),
    bytes: body.byteLength,
    sha256: digest(boundary === undefined ? body : latin1(body).replaceAll(boundary, 'boundary')),
  }
}

function loggedHeaders(headers: Call['headers']): Call['headers'] {
  const { authorization, cookie, dpop, ...rest } = headers
  const credential = credentialOf(authorization)
  return {
    ...rest,
    ...(authorization !== undefined && {
      authorization: credential
        ? `${authorization.slice(0, credential.scheme.length)} ${fingerprint(credential.token)}`
        : fingerprint(authorization),
    }),
    ...(cookie !== undefined && {
      cookie: cookie.replace(/=([^;]*)/g, (_, value: string) => `=${fingerprint(value)}`),
    }),
    ...(dpop !== undefined && { dpop: fingerprint(dpop) }),
  }
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 8_192) text += String.fromCharCode(...bytes.subarray(i, i + 8_192))
  return text
}
