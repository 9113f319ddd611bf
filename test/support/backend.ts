import { startApi, type Api, type ApiOptions } from '../../examples/server/api.ts'
import { startAuthServer, type AuthServer, type AuthServerOptions } from '../../examples/server/auth-server.ts'

export { type Api } from '../../examples/server/api.ts'
export { type AuthServer } from '../../examples/server/auth-server.ts'
export { fault } from '../../examples/server/faults.ts'
export { fingerprint, sha256 } from '../../examples/server/http.ts'

export interface BackendOptions {
  readonly auth?: Omit<AuthServerOptions, 'now' | 'host'>
  readonly api?: Partial<Omit<ApiOptions, 'issuer' | 'now' | 'host'>>
  /** Epoch milliseconds, for both servers. */
  readonly now?: () => number
  /** For both servers. A page on `localhost` needs `localhost`, or the browser leaves the cookie out. */
  readonly host?: '127.0.0.1' | 'localhost'
}

export interface Backend {
  readonly auth: AuthServer
  readonly api: Api
  /** The three endpoints of a flavour, absolute, as `cookieSource` and `jsonSource` take them. */
  endpoints(flavour: 'auth' | 'json'): { readonly login: string; readonly refresh: string; readonly logout: string }
  close(): Promise<void>
}

/** The servers of the examples, for tests: an authorization server and an API that trusts it, each on its own port. */
export async function startBackend({
  auth: authOptions,
  api: apiOptions,
  now,
  host,
}: BackendOptions = {}): Promise<Backend> {
  const common = { ...(now === undefined ? {} : { now }), ...(host === undefined ? {} : { host }) }
  const auth = await startAuthServer({ ...authOptions, ...common })
  const api = await startApi({
    issuer: auth.origin,
    jwks: auth.jwks,
    isRevoked: auth.isRevoked,
    ...apiOptions,
    ...common,
  })
  return {
    auth,
    api,
    endpoints: (flavour) => ({
      login: `${auth.origin}/${flavour}/login`,
      refresh: `${auth.origin}/${flavour}/refresh`,
      logout: `${auth.origin}/${flavour}/logout`,
    }),
    async close() {
      await Promise.all([auth.close(), api.close()])
    },
  }
}
