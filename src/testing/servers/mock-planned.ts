import { RecordingError } from '../errors.ts'
import type { ExchangeKind, HarEntry, HarResponse, TokenReference } from '../har/format.ts'
import { placeholdersIn } from '../redact/placeholder.ts'
import { credentialIn, type Credential } from './mock-credential.ts'
import { leavesOf } from './mock-template.ts'

/** Values by their names, or their paths. */
export type Values = Readonly<Record<string, string>>

/** What has to be known of an entry to decide. The rest stays where the recording has it. */
export interface PlannedExchange {
  /** The entry, from 0. */
  readonly index: number
  readonly kind: ExchangeKind | undefined
  readonly principal: string | undefined
  readonly origin: string
  readonly method: string
  /** With placeholders, decoded from the URL. */
  readonly path: string
  readonly query: Values
  /** The values of the body, if they are few: see `bodyOf`. */
  readonly body: Values | undefined
  /** Where what lets it in was, and what. */
  readonly credential: Credential | undefined
  /** The browser's cookies went along. */
  readonly withCookies: boolean
  /** Something was given for a password. */
  readonly asksPassword: boolean
  readonly status: number
  /** Epoch milliseconds. */
  readonly at: number
}

/** A longer body is looked up when it is asked for. */
const LONG = 2_048
const NONE: Values = {}

/** @throws {@link RecordingError} `missing_token`. */
export function planned(entry: HarEntry, index: number, tokens: ReadonlyMap<string, TokenReference>): PlannedExchange {
  const { request, response, startedDateTime } = entry
  const url = new URL(request.url)
  const { headers, postData, method } = request
  const asksPassword = placeholdersIn(postData?.text ?? '').some((id) => id.startsWith('password_'))
  const credential = credentialIn(request, tokens)
  for (const id of credential ? [credential.id] : []) {
    if (tokens.has(id)) continue
    throw new RecordingError('missing_token', `Entry ${index} was sent with ${id}, which log._tokens does not name.`, {
      entry: index,
    })
  }
  return {
    index,
    kind: entry._exchange ?? (asksPassword && bringsCookie(response) ? 'login' : undefined),
    principal: entry._principal ?? (credential && tokens.get(credential.id)?.principal),
    origin: url.origin,
    method: method.toUpperCase(),
    path: decoded(url.pathname),
    query: url.search === '' ? NONE : Object.fromEntries(url.searchParams),
    body: postData === undefined ? NONE : (postData.text?.length ?? 0) > LONG ? undefined : leavesIn(entry),
    credential,
    withCookies: entry._credentials === true || headers.some(({ name }) => name.toLowerCase() === 'cookie'),
    asksPassword,
    status: response.status,
    at: Date.parse(startedDateTime),
  }
}

export function leavesIn({ request: { postData } }: HarEntry): Values {
  return leavesOf(postData?.text ?? '', postData?.mimeType ?? '')
}

/** A session that is a cookie and nothing else: it came for a password. */
function bringsCookie({ status, headers }: HarResponse): boolean {
  const isCookie = ({ name, value }: { name: string; value: string }): boolean =>
    name.toLowerCase() === 'set-cookie' && placeholdersIn(value).some((id) => id.startsWith('cookie_'))
  return status < 400 && headers.some(isCookie)
}

export function routeOf({ method, origin, path }: Pick<PlannedExchange, 'method' | 'origin' | 'path'>): string {
  return `${method} ${origin}${path}`
}

export function isGood({ status }: PlannedExchange): boolean {
  return status > 0 && status < 400
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
