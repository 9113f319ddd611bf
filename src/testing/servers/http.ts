import type { ServerClock } from './clock.ts'
import { clock as platformClock } from '../../adapters/clock.ts'

/** A request, read to its end. */
export interface Call {
  readonly method: string
  /** Path and query as they came; the origin is the server's, or what the `Host` header says. */
  readonly url: URL
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

/** An answer. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}

export const realTime: ServerClock = { now: () => platformClock.now().wall }

export function json(status: number, body: unknown, headers: Reply['headers'] = {}): Reply {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

export function textOf(body: Uint8Array | string | undefined): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}

/** The members of a JSON object or of a form in the body; none for anything else. */
export function bodyMembers({ body, headers }: Pick<Call, 'body' | 'headers'>): Readonly<Record<string, unknown>> {
  const text = textOf(body)
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text))
  }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export function cookieOf({ headers }: Pick<Call, 'headers'>, name: string): string | undefined {
  for (const pair of (headers['cookie'] ?? '').split(';')) {
    const [key, ...rest] = pair.trim().split('=')
    if (key === name) return rest.join('=')
  }
  return undefined
}

/** The credential of an `Authorization` header, and its scheme in lower case. */
export function credentialOf(
  authorization: string | undefined,
): { readonly scheme: string; readonly token: string } | undefined {
  const [, scheme, token] = /^([!#$%&'*+.^_`|~\w-]+) +(\S+)$/.exec(authorization ?? '') ?? []
  return scheme === undefined || token === undefined ? undefined : { scheme: scheme.toLowerCase(), token }
}
