import { createHash } from 'node:crypto'
import {
  createApiServer,
  createAuthServer,
  type ApiServer,
  type ApiServerOptions,
  type AuthServer,
  type AuthServerOptions,
} from '../../src/testing/index.ts'

export interface BackendOptions {
  readonly auth?: Omit<AuthServerOptions, 'clock' | 'host'>
  readonly api?: Partial<Omit<ApiServerOptions, 'auth' | 'clock' | 'host'>>
  /** Epoch milliseconds, for both servers. */
  readonly now?: () => number
  /** For both servers. A page on `localhost` needs `localhost`, or the browser leaves the cookie out. */
  readonly host?: '127.0.0.1' | 'localhost'
}

export interface Backend extends Pick<AuthServer, 'endpoints'> {
  readonly auth: AuthServer
  readonly api: ApiServer
  close(): Promise<void>
}

/** The servers of the test kit: an authorization server and an API that trusts it, each on its own port. */
export async function startBackend({ auth: forAuth, api: forApi, now, host }: BackendOptions = {}): Promise<Backend> {
  const common = { ...(now && { clock: { now } }), ...(host && { host }) }
  const auth = await createAuthServer({ ...forAuth, ...common })
  const api = await createApiServer({ auth, ...forApi, ...common })
  return {
    auth,
    api,
    endpoints: auth.endpoints,
    async close() {
      await Promise.all([auth.close(), api.close()])
    },
  }
}

/** By another implementation than the servers have. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url')
}
