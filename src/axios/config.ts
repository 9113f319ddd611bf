import axios, { type InternalAxiosRequestConfig } from 'axios'

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
  // The names of the type parameters must be axios' own.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface AxiosRequestConfig<D, P> {
    /** `false`: this request carries no token. */
    tokens?: false | RequestTokens | undefined
  }
}

export type Config = InternalAxiosRequestConfig

/** Reads what the config itself says: a polluted `Object.prototype` must decide nothing. */
export function own<K extends keyof Config>(config: Config, key: K): Config[K] | undefined {
  return Object.hasOwn(config, key) ? config[key] : undefined
}

/**
 * The URL that axios will make of this config, without its params: they can change neither origin nor path.
 *
 * @see [axios `buildFullPath`](https://github.com/axios/axios/blob/v1.x/lib/core/buildFullPath.js)
 */
export function urlOf(config: Config): string {
  // Old adapters read through the prototype chain: what this decision is made of must be what they find.
  const baseURL = (config.baseURL = own(config, 'baseURL') ?? '')
  const url = (config.url = own(config, 'url') ?? '')
  const allowed = (config.allowAbsoluteUrls = own(config, 'allowAbsoluteUrls') !== false)
  if (!baseURL) return url
  if (/^([a-z][a-z\d+\-.]*:)?\/\//i.test(url)) {
    // The adapters of 1.8.0 and 1.8.1 do not know the option; of 1.8.2 one does: no URL of it can be vouched for.
    if (allowed || /^1\.8\.[01]$/.test(axios.VERSION)) return url
    if (axios.VERSION === '1.8.2') return 'data:,'
  }
  return url ? `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}` : baseURL
}
