import { RecordingError } from '../errors.ts'
import { toHar } from '../har/check.ts'
import type { ExchangeKind, Har, HarEntry, HarResponse, TokenReference } from '../har/format.ts'
import { placeholdersIn } from '../redact/placeholder.ts'
import { credentialIn, type Credential, isGiven } from './mock-credential.ts'
import { leavesOf } from './mock-template.ts'

/** A recording, read for being served. */
export interface Plan {
  /** The recorded origins; the first is the application's own. */
  readonly origins: readonly string[]
  readonly exchanges: readonly PlannedExchange[]
  readonly tokens: ReadonlyMap<string, TokenReference>
  /** By `METHOD origin/path`. */
  readonly needs: ReadonlyMap<string, Needs>
}

export interface PlannedExchange {
  /** The entry, from 0. */
  readonly index: number
  readonly kind: ExchangeKind | undefined
  readonly principal: string | undefined
  readonly origin: string
  readonly method: string
  /** With placeholders, decoded from the URL. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** The values of the body by their paths. */
  readonly body: Readonly<Record<string, string>>
  /** Where what lets it in was, and what. */
  readonly credential: Credential | undefined
  /** The browser's cookies went along. */
  readonly withCookies: boolean
  readonly response: HarResponse
  /** Epoch milliseconds. */
  readonly at: number
}

/** What a route asks of a request. */
export interface Needs {
  /** What lets a request in, where it was recorded with anything. */
  readonly credential: Credential['kind'] | undefined
  /** All that the recording shows to be needed: what every good token had, or what a refusal named. */
  readonly scope: string
  /** One of these, where there are any. */
  readonly audiences: readonly string[]
  /** Who issued the tokens that were taken. */
  readonly issuers: readonly string[]
}

/**
 * Reads a recording.
 *
 * @param scopes Scopes that are needed, by `METHOD /path` or `METHOD origin/path`, beside what the recording shows.
 * @throws {@link RecordingError} `invalid_har`, `unsupported_version`, `missing_token`; it names the entry.
 */
export function planOf(har: Har, scopes: Readonly<Record<string, string>> = {}): Plan {
  const { entries, _tokens = [] } = toHar(har).log
  const tokens = new Map(_tokens.map((token) => [token.id, token]))
  const exchanges = entries.map((entry, index) => planned(entry, index, tokens))
  const issuing = exchanges.find(({ kind }) => kind !== undefined)?.origin
  const origins = [...new Set(exchanges.map(({ origin }) => origin))]
  const needs = new Map<string, Needs>()
  for (const one of exchanges) {
    const route = routeOf(one)
    if (!needs.has(route)) needs.set(route, needsOf(route, exchanges, tokens, scopes))
  }
  return {
    origins: issuing === undefined ? origins : [issuing, ...origins.filter((origin) => origin !== issuing)],
    exchanges,
    tokens,
    needs,
  }
}

export function routeOf({ method, origin, path }: Pick<PlannedExchange, 'method' | 'origin' | 'path'>): string {
  return `${method} ${origin}${path}`
}

/** Who is asked for a token like this. */
export function issuerOf(token: TokenReference | undefined, exchanges: readonly PlannedExchange[]): string {
  const issuing = exchanges[token?.issuedBy ?? -1]
  return issuing?.origin ?? `${token?.principal ?? 'nobody'}, before the recording`
}

function planned(entry: HarEntry, index: number, tokens: Plan['tokens']): PlannedExchange {
  const { request, response, startedDateTime } = entry
  const url = new URL(request.url)
  const { headers, postData, method } = request
  const mimeType = postData?.mimeType ?? ''
  const credential = credentialIn(request, tokens)
  for (const id of credential ? [credential.id] : []) {
    if (tokens.has(id)) continue
    throw new RecordingError('missing_token', `Entry ${index} was sent with ${id}, which log._tokens does not name.`, {
      entry: index,
    })
  }
  return {
    index,
    kind: entry._exchange ?? (signsIn(entry) ? 'login' : undefined),
    principal: entry._principal ?? (credential && tokens.get(credential.id)?.principal),
    origin: url.origin,
    method: method.toUpperCase(),
    path: decoded(url.pathname),
    query: Object.fromEntries(url.searchParams),
    body: leavesOf(postData?.text ?? '', mimeType),
    credential,
    withCookies: entry._credentials === true || headers.some(({ name }) => name.toLowerCase() === 'cookie'),
    response,
    at: Date.parse(startedDateTime),
  }
}

/** A session that is a cookie and nothing else: no token came, but something for a password. */
function signsIn({ request, response }: HarEntry): boolean {
  const isCookie = ({ name, value }: { name: string; value: string }): boolean =>
    name.toLowerCase() === 'set-cookie' && placeholdersIn(value).some((id) => id.startsWith('cookie_'))
  const asked = placeholdersIn(request.postData?.text ?? '').some((id) => id.startsWith('password_'))
  return asked && response.status < 400 && response.headers.some(isCookie)
}

function needsOf(
  route: string,
  exchanges: readonly PlannedExchange[],
  tokens: Plan['tokens'],
  scopes: Readonly<Record<string, string>>,
): Needs {
  const here = exchanges.filter((one) => routeOf(one) === route && one.kind === undefined)
  const origin = here[0]?.origin
  const isGood = ({ response: { status } }: PlannedExchange): boolean => status > 0 && status < 400
  const isByToken = (one: PlannedExchange): boolean => one.credential?.kind === 'access' && isGood(one)
  const accepted = here.filter(isByToken).map(({ credential }) => tokens.get(credential?.id ?? ''))
  const acceptedAtOrigin = exchanges
    .filter((one) => one.origin === origin && isByToken(one))
    .map(({ credential }) => tokens.get(credential?.id ?? ''))
  const [first = [], ...others] = accepted.map((token) => words(token?.claims['scope']))
  const shown = first.filter((scope) => others.every((other) => other.includes(scope)))
  const named = here.flatMap(({ response }) => (response.status === 403 ? words(namedScope(response)) : []))
  const { [route]: exact, [route.replace(origin ?? '', '')]: short } = scopes
  const isPublic = here.some((one) => !one.credential && isGood(one))
  return {
    credential: isPublic ? undefined : kindNeeded(here),
    scope: exact ?? short ?? [...new Set(named.length > 0 ? named : shown)].join(' '),
    audiences: [...new Set(acceptedAtOrigin.flatMap((token) => audiencesOf(token?.claims['aud'])))],
    issuers: [...new Set(acceptedAtOrigin.map((token) => issuerOf(token, exchanges)))],
  }
}

/** What the requests of a route were let in for. A route that let nobody in asks for a token. */
function kindNeeded(here: readonly PlannedExchange[]): Credential['kind'] | undefined {
  const kinds = here.flatMap(({ credential }) => credential ?? [])
  const kind = (kinds.find(isGiven) ?? kinds[0])?.kind
  return kind ?? (here.some(({ response }) => response.status === 401) ? 'access' : undefined)
}

/** The scope that a challenge asks for. */
function namedScope({ headers }: HarResponse): string | undefined {
  const challenge = headers.find(({ name }) => name.toLowerCase() === 'www-authenticate')?.value ?? ''
  return /error="?insufficient_scope/.test(challenge) ? /scope="([^"]*)"/.exec(challenge)?.[1] : undefined
}

export function audiencesOf(aud: unknown): string[] {
  return [aud].flat().filter((one) => typeof one === 'string')
}

function words(text: unknown): string[] {
  return typeof text === 'string' ? text.split(' ').filter((one) => one !== '') : []
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
