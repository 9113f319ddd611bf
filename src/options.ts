import { ownMembers } from './lib/own.ts'
import { isSecure, parseUrl } from './lib/url.ts'
import type { Ports, TokenSource, TokenStorage } from './ports.ts'
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
  /** Where a refresh token survives a reload. Default: nowhere (memory). Refused together with `cookieSource`. */
  readonly storage?: TokenStorage
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
  /**
   * The indicator by which the token server knows this API, when it is not the url. With any of these three members the
   * API gets tokens of its own, which are sent nowhere else.
   *
   * @see [RFC 8707](https://www.rfc-editor.org/rfc/rfc8707.html)
   */
  readonly resource?: string
  /** The narrowest scope this API needs. */
  readonly scope?: string
  /** `'once'`: each request spends one token of its own; never shared between requests or tabs. */
  readonly reuse?: 'until-expiry' | 'once'
}

export interface TimingOptions {
  /**
   * How early a refresh is started; requests keep using the valid token meanwhile. Never more than half its lifetime.
   * Default 60 000.
   */
  readonly leewayMs?: number
  /**
   * Refresh ahead of expiry, if the current token was used since the last refresh. What was slept through waits until the page is
   * shown again, the network returns, or a request needs it. Default `true`.
   */
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
  /** `undefined`: the page's own origin. */
  readonly resources: readonly Area[] | undefined
  readonly allowHttp: boolean
  readonly limits: Limits
  readonly leewayMs: number
  readonly background: boolean
  readonly requestTimeoutMs: number
}

/**
 * A resource: its URL as the application spells it, what a URL in it begins with when a slash is put after its path, and
 * what its tokens are for, if they are not the session's own.
 */
export type Area = readonly [name: string | undefined, prefix: string, need?: Need | undefined]

export interface Need {
  readonly resource: string
  readonly scope: string
  readonly once: boolean
}

// What there is, each with its default, which also says of what type it has to be. `ANY`: that is checked elsewhere.
const ANY: unknown = undefined
const OPTIONS = {
  source: ANY,
  resources: ANY,
  name: '',
  storage: ANY,
  timing: ANY,
  dangerouslyAllowHttp: false,
  ports: ANY,
}
const RESOURCE = { url: ANY, resource: '', scope: '', reuse: 'until-expiry' }
const TIMING = {
  leewayMs: 60_000,
  background: true,
  requestTimeoutMs: 10_000,
  idleMs: Infinity,
  absoluteMs: Infinity,
  warnMs: 60_000,
}
const CURES = {
  string: 'a text',
  number: 'milliseconds, above 0',
  boolean: 'true or false',
  function: 'a function',
  object: 'an object with the functions ',
}

/** Fills in the defaults. Throws a `TypeError` that names the cure for whatever is wrong. */
export function parseOptions<Login>(
  given: TokenManagerOptions<Login>,
  platform: Ports,
): Settings & Pick<TokenManagerOptions<Login>, 'source' | 'storage'> & { readonly ports: Ports } {
  const options = read(given, 'options', OPTIONS) as typeof OPTIONS & TokenManagerOptions<Login>
  const { resources, storage, timing: times = {}, dangerouslyAllowHttp: allowHttp, ports = {} } = options
  const source = options.source as TokenSource<Login> | null | undefined
  if (!source?.id || !/^(cookie|token)$/.test(source.credential) || typeof source.refresh !== 'function') {
    wrong('source must be cookieSource(...), jsonSource(...), or your own { id, credential, refresh }')
  }
  if (resources && !(resources instanceof Array && resources.length)) {
    wrong('resources must be a list that is not empty, or leave it out')
  }
  if (storage && (source.credential === 'cookie' || typeof storage.seal !== 'function')) {
    wrong('storage must come from tokenward/storage; with a refresh cookie there is nothing to store: leave it out')
  }
  if (source.binding && source.credential === 'cookie') {
    wrong('a source with a cookie cannot bind tokens to a key (DPoP): leave the binding out, or use oauthSource')
  }
  const timing = read(times, 'timing', TIMING)
  return {
    ...timing,
    // Several of it still fit into one timer.
    requestTimeoutMs: Math.min(timing.requestTimeoutMs, 2 ** 29),
    limits: { ...timing },
    source,
    name: options.name || source.id,
    resources: resources?.map((item, index) => parseResource(item, `resources[${index}]`, { allowHttp })),
    allowHttp,
    ...(storage && { storage }),
    ports: read(ports, 'ports', platform),
  }
}

function parseResource(item: string | Resource, what: string, allow: { readonly allowHttp: boolean }): Area {
  const given = (typeof item === 'string' ? { url: item } : Object(item)) as Resource
  const { url: name, resource, scope, reuse } = read(given, what, RESOURCE) as Resource & typeof RESOURCE
  const url = parseUrl(name)
  if (!url || url.href !== url.origin + url.pathname || url.href.includes('*') || !isSecure(url, allow)) {
    wrong(`${what} must be an https: URL without userinfo, query, fragment and "*"; http: needs dangerouslyAllowHttp`)
  }
  const once = reuse === 'once'
  if (!parseUrl(resource || name) || resource.includes('#') || (!once && reuse !== RESOURCE.reuse)) {
    wrong(`${what}: resource must be an absolute URI without fragment, reuse '${RESOURCE.reuse}' or 'once'`)
  }
  const need = resource || scope || once ? { resource: resource || name, scope, once } : undefined
  return [name, url.href.replace(/\/*$/, '/'), need]
}

/** `given` over `known`. Own members only: a polluted prototype supplies no option. */
function read<T extends object>(given: object, what: string, known: T): T {
  const names = Object.keys(known).join(', ')
  if (Object(given) !== given || given instanceof Array) wrong(`${what} must be an object with ${names}`)
  const options = ownMembers(known) as Record<string, unknown>
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    if (!(key in options)) wrong(`${what} has no "${key}", only ${names}`)
    if (value === undefined) continue
    const standard = options[key]
    // What a port can do, if it is no function itself.
    const members = typeof standard === 'object' ? Object.keys(standard as object) : []
    const right =
      typeof value === typeof standard &&
      value !== '' &&
      members.every((name) => typeof (Object(value) as Record<string, unknown>)[name] === 'function') &&
      (typeof value !== 'number' || (value >= (/^(leeway|warn)/.test(key) ? 0 : 1) && value < Infinity))
    if (standard !== undefined && !right) {
      wrong(`${what}.${key} must be ${CURES[typeof standard as keyof typeof CURES]}${members.join(', ')}`)
    }
    options[key] = value
  }
  return options as T
}

function wrong(message: string): never {
  throw new TypeError(`tokenward: ${message}`)
}
