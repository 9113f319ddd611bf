import { ownMembers } from './lib/own.ts'
import { isSecure, parseUrl } from './lib/url.ts'
import type { Ports, TokenSource } from './ports.ts'
import type { Limits } from './session/lifetime.ts'

export interface TokenManagerOptions<Login> {
  /** Where tokens come from and where they are given back. */
  readonly source: TokenSource<Login>
  /**
   * Where tokens may be sent: exact origins, optionally with a path prefix that matches whole segments. Default: the
   * page's own origin.
   */
  readonly resources?: readonly (string | Resource)[]
  /** Names the session on this origin. Default: the source's id, so that two applications do not meet. */
  readonly name?: string
  readonly timing?: TimingOptions
  /** Allows `http:` beyond loopback. For development networks; named so that reviews find it. */
  readonly dangerouslyAllowHttp?: boolean
  /** Everything the outside world does. Default: the browser's. */
  readonly ports?: Partial<Ports>
}

/** Where tokens may be sent, with what is special about it. */
export interface Resource {
  /** `'https://api.example.com/v1/'` */
  readonly url: string
  /** The RFC 8707 indicator, when it is not the url. Not supported yet. */
  readonly resource?: string
  /** The narrowest scope this API needs. Not supported yet. */
  readonly scope?: string
  /** `'once'`: each request spends one token of its own. Not supported yet. */
  readonly reuse?: 'until-expiry' | 'once'
}

export interface TimingOptions {
  /**
   * How early a refresh is started; requests keep using the valid token meanwhile. Never more than half its lifetime.
   * Default 60 000.
   */
  readonly leewayMs?: number
  /** Refresh ahead of expiry, if the current token was used since the last refresh. Default `true`. */
  readonly background?: boolean
  /** One request to the source. Default 10 000. */
  readonly requestTimeoutMs?: number
  /** End the session this long after the last request or `touch()`. Default: never. */
  readonly idleMs?: number
  /** End it this long after sign-in. Default: never, or what the server says. */
  readonly absoluteMs?: number
  /** Raise `'session-ending'` this long before either. Default 60 000. */
  readonly warnMs?: number
}

/** Options with every default filled in. */
export interface Settings {
  readonly name: string
  /** By the name under which the application listed them. `undefined`: the page's own origin. */
  readonly resources: ReadonlyMap<string, URL> | undefined
  readonly allowHttp: boolean
  readonly limits: Limits
  readonly leewayMs: number
  readonly background: boolean
  readonly requestTimeoutMs: number
}

const PORTS = ['clock', 'timer', 'random', 'fetch', 'lifecycle', 'marker', 'newAbort', 'report']
const DURATIONS = {
  leewayMs: 60_000,
  requestTimeoutMs: 10_000,
  idleMs: undefined,
  absoluteMs: undefined,
  warnMs: 60_000,
}

/** Fills in the defaults. Throws a `TypeError` that names the cure for whatever is wrong. */
export function parseOptions<Login>(
  given: TokenManagerOptions<Login>,
): Settings & Pick<TokenManagerOptions<Login>, 'source' | 'ports'> {
  const options = members(given, 'options', ['source', 'resources', 'name', 'timing', 'dangerouslyAllowHttp', 'ports'])
  const source = checkSource(options.source)
  const { name = source.id, resources } = options
  if (typeof name !== 'string' || !name) wrong('name must be a text that is not empty: it names the session')
  const { timing: times = {}, ports = {} } = options
  const timing = members(times, 'timing', [...Object.keys(DURATIONS), 'background'])
  const [leewayMs, requestTimeoutMs, idleMs, absoluteMs, warnMs] = Object.entries(DURATIONS).map(([key, standard]) => {
    const value: unknown = timing[key as keyof typeof DURATIONS]
    const least = /^(leeway|warn)Ms$/.test(key) ? 0 : 1
    if (value === undefined) return standard
    if (typeof value === 'number' && value >= least && value < Infinity) return value
    return wrong(`timing.${key} must be milliseconds, at least ${String(least)}`)
  }) as [number, number, number | undefined, number | undefined, number]
  const allowHttp = flag(options.dangerouslyAllowHttp, false, 'dangerouslyAllowHttp')
  return {
    source,
    name,
    resources: resources && parseResources(resources, allowHttp),
    allowHttp,
    limits: { idleMs, absoluteMs, warnMs },
    leewayMs,
    background: flag(timing.background, true, 'timing.background'),
    requestTimeoutMs,
    ports: members(ports, 'ports', PORTS),
  }
}

function parseResources(list: readonly (string | Resource)[], allowHttp: boolean): ReadonlyMap<string, URL> {
  if (!(list instanceof Array)) wrong('resources must be a list, such as ["https://api.example.com"]')
  if (!list.length) wrong('resources is empty, so no request would carry a token: list your API, or leave it out')
  return new Map(list.map((item, index) => parseResource(item, `resources[${String(index)}]`, allowHttp)))
}

function parseResource(item: string | Resource, where: string, allowHttp: boolean): readonly [string, URL] {
  const given = (typeof item === 'object' ? Object(item) : { url: item }) as Resource
  const { url: text, ...rest } = members(given, where, ['url', 'resource', 'scope', 'reuse'])
  const url = typeof text === 'string' ? parseUrl(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    return wrong(`${where} must be an absolute URL, such as https://api.example.com`)
  }
  if (url.username || url.password || url.search || url.hash) {
    wrong(`${where} must be an origin with at most a path: take away userinfo, query and fragment`)
  }
  if (!isSecure(url) && !allowHttp) {
    wrong(`${where} must be https:, or anyone on the way can read the token; else set dangerouslyAllowHttp`)
  }
  if ((Object.values(rest) as unknown[]).some((value) => value !== undefined && value !== 'until-expiry')) {
    wrong(`${where}: resource, scope and reuse are not supported yet; leave them out to send the session's token`)
  }
  return [text, url]
}

function checkSource<Login>(source: TokenSource<Login> | null | undefined): TokenSource<Login> {
  if (source?.id && /^(cookie|token)$/.test(source.credential) && typeof source.refresh === 'function') return source
  return wrong('source must be cookieSource(...), jsonSource(...), or your own { id, credential, refresh }')
}

/** The own members of `value`: a polluted prototype supplies no option. */
function members<T extends object>(value: T, what: string, known: readonly string[]): T {
  const given: unknown = value
  if (typeof given !== 'object' || !given || given instanceof Array) {
    wrong(`${what} must be an object, with ${known.join(', ')}`)
  }
  const stranger = Object.keys(given).find((key) => !known.includes(key))
  if (stranger !== undefined) wrong(`${what} has no "${stranger}"; there is ${known.join(', ')}`)
  return ownMembers(value)
}

function flag(value: unknown, standard: boolean, what: string): boolean {
  return typeof value === 'boolean' ? value : value === undefined ? standard : wrong(`${what} must be true or false`)
}

function wrong(message: string): never {
  throw new TypeError(`tokenward: ${message}`)
}
