import { toHar } from '../har/check.ts'
import type { Har, HarEntry, HarResponse, TokenReference } from '../har/format.ts'
import { type Credential, isGiven } from './mock-credential.ts'
import { isGood, leavesIn, planned, type PlannedExchange, routeOf, type Values } from './mock-planned.ts'
import { unseenIn, type Unseen } from './mock-unseen.ts'

/** A recording, read for being served. */
export interface Plan {
  /** The recorded origins; the first is the application's own. */
  readonly origins: readonly string[]
  readonly exchanges: readonly PlannedExchange[]
  readonly tokens: ReadonlyMap<string, TokenReference>
  /** By `METHOD origin/path`. */
  readonly needs: ReadonlyMap<string, Needs>
  /** The recorded answer. It stays where the recording has it, which may be a file. */
  responseOf(exchange: PlannedExchange): HarResponse
  /** The values of the recorded body by their paths. */
  bodyOf(exchange: PlannedExchange): Values
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
  const found = entries.map((entry, index) => planned(entry, index, tokens))
  const unseen = unseenIn(found)
  const exchanges = found.map((one) => (unseen.logins.has(one.index) ? { ...one, kind: 'login' as const } : one))
  const entryOf = ({ index }: PlannedExchange): HarEntry => entries[index] as HarEntry
  const responseOf = (exchange: PlannedExchange): HarResponse => entryOf(exchange).response
  const issuing = exchanges.find(({ kind }) => kind !== undefined)?.origin
  const origins = [...new Set(exchanges.map(({ origin }) => origin))]
  const needs = needsOfAll(exchanges, { tokens, scopes, responseOf, unseen })
  return {
    origins: issuing === undefined ? origins : [issuing, ...origins.filter((origin) => origin !== issuing)],
    exchanges,
    tokens,
    needs,
    responseOf,
    bodyOf: (exchange) => exchange.body ?? leavesIn(entryOf(exchange)),
  }
}

/** Who is asked for a token like this. */
export function issuerOf(token: TokenReference | undefined, exchanges: readonly PlannedExchange[]): string {
  const issuing = exchanges[token?.issuedBy ?? -1]
  return issuing?.origin ?? `${token?.principal ?? 'nobody'}, before the recording`
}

/** In one pass over the exchanges: a large recording has thousands of routes. */
function needsOfAll(
  exchanges: readonly PlannedExchange[],
  {
    tokens,
    scopes,
    responseOf,
    unseen: { within },
  }: Pick<Plan, 'tokens' | 'responseOf'> & { readonly scopes: Values; readonly unseen: Unseen },
): Map<string, Needs> {
  const requests = exchanges.filter(({ kind }) => kind === undefined)
  const at = new Map(
    [...grouped(exchanges, ({ origin }) => origin)].map(([origin, all]) => {
      const accepted = all.filter(isByToken).map(({ credential }) => tokens.get(credential?.id ?? ''))
      const audiences = [...new Set(accepted.flatMap((token) => audiencesOf(token?.claims['aud'])))]
      return [origin, { audiences, issuers: [...new Set(accepted.map((token) => issuerOf(token, exchanges)))] }]
    }),
  )
  const routes = grouped(requests, routeOf)
  const nowhere = { audiences: [], issuers: [] }
  return new Map(
    [...grouped(exchanges, routeOf)].map(([route, [first]]) => {
      const origin = first?.origin ?? ''
      const { [route]: exact, [route.replace(origin, '')]: short } = scopes
      const here = routes.get(route) ?? []
      const isPublic = here.some((one) => !one.credential && isGood(one) && !within.has(one.index))
      return [
        route,
        {
          credential: isPublic ? undefined : kindNeeded(here, within),
          scope: exact ?? short ?? scopeShown(here, { tokens, responseOf }),
          ...(at.get(origin) ?? nowhere),
        },
      ]
    }),
  )
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

function isByToken(one: PlannedExchange): boolean {
  return one.credential?.kind === 'access' && isGood(one)
}

/** What a refusal named, or else what every good token of the route had. */
function scopeShown(
  here: readonly PlannedExchange[],
  { tokens, responseOf }: Pick<Plan, 'tokens' | 'responseOf'>,
): string {
  const named = here.flatMap((one) => (one.status === 403 ? words(namedScope(responseOf(one))) : []))
  const [first = [], ...others] = here
    .filter(isByToken)
    .map(({ credential }) => words(tokens.get(credential?.id ?? '')?.claims['scope']))
  const shown = first.filter((scope) => others.every((other) => other.includes(scope)))
  return [...new Set(named.length > 0 ? named : shown)].join(' ')
}

/** What the requests of a route were let in for. A route that let nobody in asks for a token. */
function kindNeeded(here: readonly PlannedExchange[], within: ReadonlySet<number>): Credential['kind'] | undefined {
  const kinds = here.flatMap(({ credential }) => credential ?? [])
  const kind = (kinds.find(isGiven) ?? kinds[0])?.kind
  if (kind !== undefined || here.length === 0) return kind
  if (here.some(({ index }) => within.has(index))) return 'cookie'
  return here.some(({ status }) => status === 401) ? 'access' : undefined
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
