import type { ApiServer } from './api-options.ts'
import type { AuthServer } from './auth-options.ts'
import { realTime, bodyMembers, json, type Call, type Reply } from './http.ts'
import { createFaults, fault, type Fault } from './faults.ts'
import { serve, type Host, type Served } from './serve.ts'

export interface ControlServerOptions {
  readonly auth: AuthServer
  readonly api: ApiServer
  /** Everything lives below this path. Default: `/control` */
  readonly path?: string
  /** Default: `127.0.0.1`. */
  readonly host?: Host
  /** Default: a free one. */
  readonly port?: number
}

/** How long a delay lasts, and an outage, where nobody says. */
const DEFAULT_MS = 3_000

/** What can be asked for by name. A number is the milliseconds that were asked for. */
const byName: Readonly<Record<string, (ms: number) => Fault>> = {
  unavailable: () => fault.unavailable(),
  'too-many-requests': (ms) => fault.tooManyRequests(String(Math.ceil(ms / 1_000))),
  'server-error': () => fault.status(500),
  'captive-portal': () => fault.captivePortal(),
  slow: (ms) => fault.delay(ms),
  never: () => fault.silence(),
  reset: () => fault.dropped(),
  'lost-answer': () => fault.lostAnswer(),
  'cut-answer': () => fault.cutAnswer(),
  'truncated-json': () => fault.truncatedJson(),
  'malformed-json': () => fault.malformedJson(),
  empty: () => fault.emptyBody(),
  redirect: () => fault.redirect('/elsewhere'),
  rejected: () => fault.error('invalid_grant', 401),
  'no-cors': () => ({ withoutCors: true }),
}

/** The settings that may be changed from outside, and what they take. */
const settable = {
  auth: {
    accessTokenMs: (value: unknown) => Number.isInteger(value) && Number(value) >= 1_000,
    refreshTokenMs: (value: unknown) => Number.isInteger(value) && Number(value) >= 1_000,
    graceMs: (value: unknown) => Number.isInteger(value) && Number(value) >= 0,
    rotate: (value: unknown) => typeof value === 'boolean',
    dpop: isDpop,
    nonces: (value: unknown) => typeof value === 'boolean',
  },
  api: {
    challenge: (value: unknown) => value === 'invalid_token' || value === 'bare' || value === 'none',
    dpop: isDpop,
    nonces: (value: unknown) => typeof value === 'boolean',
    oneUse: (value: unknown) => typeof value === 'boolean',
  },
} as const

/**
 * Lets a page, or a command line, make an authorization server and an API fail:
 *
 * - `GET /control`: the names of all faults, the settings, how many sessions there are.
 * - `GET /control/log`: what both servers were asked. No credential is in it.
 * - `POST /control/fault`: `{ server, endpoint, fault, times, ms }`; `times: 'always'` until `clear`.
 * - `POST /control/outage`: `{ server, ms }`; every connection is reset.
 * - `POST /control/revoke`: `{ what: 'access-tokens' | 'sessions' }`.
 * - `POST /control/settings`: `{ server, settings }`.
 * - `POST /control/clear`: nothing goes wrong any more.
 *
 * Every `POST` needs `X-Requested-With`, which no page of another site can send. For development only, as the servers
 * are.
 *
 * @throws TypeError Where there is no Node.
 */
export async function createControlServer(options: ControlServerOptions): Promise<Served> {
  const { auth, api, path = '/control', host = '127.0.0.1', port = 0 } = options
  const servers = { auth, api }
  const bad = (message: string): Reply => json(400, { error: 'invalid_request', error_description: message })
  const done: Reply = { status: 204 }

  /** Which server a request means; the authorization server where it says nothing. */
  function serverOf(name: unknown): 'auth' | 'api' | undefined {
    if (name === undefined || name === 'auth') return 'auth'
    return name === 'api' ? 'api' : undefined
  }

  const actions: Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => Reply>> = {
    fault({ server, endpoint = 'refresh', fault: name, times = 1, ms = DEFAULT_MS }) {
      const at = serverOf(server)
      if (!at) return bad('server must be auth or api')
      if (typeof name !== 'string' || !Object.hasOwn(byName, name)) {
        return bad(`fault must be one of ${Object.keys(byName).join(', ')}`)
      }
      if (typeof endpoint !== 'string') return bad('endpoint must be a text, e.g. refresh, /me, *')
      if (!isDuration(ms)) return bad('ms must be a number of milliseconds')
      const made = byName[name]?.(ms) ?? {}
      if (times === 'always') servers[at].faults.always(endpoint, made)
      else if (Number.isInteger(times) && Number(times) > 0) servers[at].faults.next(endpoint, made, Number(times))
      else return bad('times must be a whole number from 1 on, or always')
      return done
    },
    outage({ server, ms = DEFAULT_MS }) {
      const at = serverOf(server)
      if (!at) return bad('server must be auth or api')
      if (!isDuration(ms)) return bad('ms must be a number of milliseconds')
      servers[at].faults.outage(ms)
      return done
    },
    revoke({ what }) {
      if (what === 'access-tokens') auth.revokeAccessTokens()
      else if (what === 'sessions') auth.revokeSessions()
      else return bad('what must be access-tokens or sessions')
      return done
    },
    settings({ server, settings }) {
      const at = serverOf(server)
      if (!at) return bad('server must be auth or api')
      if (typeof settings !== 'object' || settings === null) return bad('settings must be an object')
      const known: Readonly<Record<string, (value: unknown) => boolean>> = settable[at]
      const given = Object.entries(settings)
      for (const [name, value] of given) {
        if (!Object.hasOwn(known, name) || known[name]?.(value) !== true) return bad(`${name} cannot be set to that`)
      }
      Object.assign(servers[at].settings, Object.fromEntries(given))
      return done
    },
    clear() {
      auth.faults.clear()
      api.faults.clear()
      return done
    },
  }

  async function handle(call: Call): Promise<Reply> {
    if (!call.url.pathname.startsWith(path)) return json(404, { error: 'not_found' })
    const name = call.url.pathname.slice(path.length + 1)
    if (call.method === 'GET' && name === '') {
      return json(200, {
        faults: Object.keys(byName),
        settings: { auth: auth.settings, api: api.settings },
        sessions: auth.liveFamilies().length,
      })
    }
    if (call.method === 'GET' && name === 'log') return json(200, { auth: auth.log, api: api.log })
    if (call.method !== 'POST' || !Object.hasOwn(actions, name)) return json(404, { error: 'not_found' })
    if (call.headers['x-requested-with'] === undefined) return json(403, { error: 'forged_request' })
    return actions[name]?.(bodyMembers(call)) ?? done
  }

  return serve({
    host,
    port,
    endpoint: ({ url }) => url.pathname,
    handle,
    watch: () => () => undefined,
    faults: createFaults(),
    clock: realTime,
    allowedOrigins: () => [],
  })
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 3_600_000
}

function isDpop(value: unknown): boolean {
  return value === 'off' || value === 'accepted' || value === 'required'
}
