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

const OPTIONS = ['source', 'resources', 'name', 'timing', 'dangerouslyAllowHttp', 'ports']
const TIMING = ['leewayMs', 'background', 'requestTimeoutMs', 'idleMs', 'absoluteMs', 'warnMs']

/** Fills in the defaults. Throws a `TypeError` that names the cure for whatever is wrong. */
export function parseOptions(options: TokenManagerOptions<never>): Settings {
  knownOnly(options, OPTIONS, 'createTokenManager')
  const { source, resources, name = source.id, timing = {}, dangerouslyAllowHttp: allowHttp = false } = options
  checkSource(source)
  if (typeof name !== 'string' || name === '') wrong('name must be a text that is not empty: it names the session')
  knownOnly(timing, TIMING, 'timing')
  const ms = (key: keyof TimingOptions, least: number): number | undefined => {
    const value = timing[key]
    if (value === undefined) return undefined
    if (typeof value === 'number' && value >= least && value < Infinity) return value
    return wrong(`timing.${key} must be milliseconds, ${String(least)} or more`)
  }
  return {
    name,
    resources: resources && parseResources(resources, allowHttp),
    allowHttp,
    limits: { idleMs: ms('idleMs', 1), absoluteMs: ms('absoluteMs', 1), warnMs: ms('warnMs', 0) ?? 60_000 },
    leewayMs: ms('leewayMs', 0) ?? 60_000,
    background: timing.background ?? true,
    requestTimeoutMs: ms('requestTimeoutMs', 1) ?? 10_000,
  }
}

function parseResources(list: readonly (string | Resource)[], allowHttp: boolean): ReadonlyMap<string, URL> {
  if (!(list instanceof Array)) wrong('resources must be a list, such as ["https://api.example.com"]')
  if (list.length === 0) wrong('resources is empty, so no request would carry a token: list your API, or leave it out')
  return new Map(list.map((item, index) => parseResource(item, `resources[${String(index)}]`, allowHttp)))
}

function parseResource(item: string | Resource, where: string, allowHttp: boolean): readonly [string, URL] {
  const {
    url: text,
    resource,
    scope,
    reuse = 'until-expiry',
  } = typeof item === 'string' ? ({ url: item } as Resource) : item
  const url = typeof text === 'string' ? parseUrl(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) {
    return wrong(`${where} must be an absolute URL, such as "https://api.example.com"`)
  }
  if (url.username || url.password || url.search || url.hash) {
    wrong(`${where} must be an origin with at most a path: take away userinfo, query and fragment`)
  }
  if (!isSecure(url) && !allowHttp) {
    wrong(`${where} is http:, where anyone can read the token: use https:, or dangerouslyAllowHttp while developing`)
  }
  if (resource !== undefined || scope !== undefined || reuse !== 'until-expiry') {
    wrong(
      `${where}: resource, scope and reuse 'once' are not supported yet; leave them out to send the session's token`,
    )
  }
  return [text, url]
}

function checkSource(source: TokenSource<never>): void {
  const { id, credential, refresh } = (source as TokenSource<never> | undefined) ?? {}
  if (
    typeof id !== 'string' ||
    id === '' ||
    typeof refresh !== 'function' ||
    !/^(cookie|token)$/.test(String(credential))
  ) {
    wrong('source must be a token source: use cookieSource(...), jsonSource(...), or { id, credential, refresh }')
  }
}

function knownOnly(options: object, known: readonly string[], what: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) wrong(`${what} has no option "${unknown}"; it has ${known.join(', ')}`)
}

function wrong(message: string): never {
  throw new TypeError(`tokenward: ${message}`)
}
