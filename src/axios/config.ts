import type { InternalAxiosRequestConfig } from 'axios'

/** What one request says about its token. */
export interface RequestTokens {
  /** The `url` of one of the manager's resources. Default: the one that the URL belongs to. */
  readonly resource?: string
  /** A scope that the token must have. */
  readonly scope?: string
  /** The token must live at least this long. */
  readonly minTtlMs?: number
  /** No session, or not a resource: reject (`signed_out`, `destination_refused`) instead of sending without a token. */
  readonly required?: boolean
  /** `false`: never send twice. Default `true`. */
  readonly retry?: boolean
}

declare module 'axios' {
  // Without type parameters: axios gives its own defaults, and has had one or two of them. A list has to be the very same.
  interface AxiosRequestConfig {
    /** `false`: this request carries no token. */
    tokens?: false | RequestTokens | undefined
  }
}

export type Config = InternalAxiosRequestConfig

/** Reads what the config itself says: a polluted `Object.prototype` must decide nothing. */
export function own<K extends keyof Config>(config: Config, key: K): Config[K] | undefined {
  return Object.hasOwn(config, key) ? config[key] : undefined
}

/** Whether the application has set it, however it is spelled. What axios itself has for that costs several times more. */
export function hasAuthorization({ headers }: Config): boolean {
  return Object.keys(headers).some(
    (name) => name.length === 13 && /^authorization$/i.test(name) && headers[name] !== undefined,
  )
}

/**
 * The URL that axios makes of `config`, without its params: they can change neither origin nor path. `config` is settled
 * so that every version of axios makes the same of it: adapters up to 1.8.2 ignore `allowAbsoluteUrls`, and old ones
 * read through the prototype chain.
 *
 * @see [axios `buildFullPath`](https://github.com/axios/axios/blob/v1.x/lib/core/buildFullPath.js)
 */
export function settleUrl(config: Config): string {
  // A URL object will do for axios too.
  let url = String((own(config, 'url') as string | URL | undefined) ?? '')
  let baseURL = own(config, 'baseURL') ?? ''
  // As most are: every version does the same, and nothing needs settling.
  if (url.startsWith('/') && url[1] !== '/' && baseURL && !baseURL.endsWith('/')) return baseURL + url
  const allowAbsoluteUrls = own(config, 'allowAbsoluteUrls') ?? true
  const joined = url ? `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : baseURL
  const isAbsolute = /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url)
  if (isAbsolute && baseURL && !allowAbsoluteUrls) {
    url = joined
    baseURL = ''
  }
  Object.assign(config, { url, baseURL, allowAbsoluteUrls })
  return isAbsolute || !baseURL ? url : joined
}
