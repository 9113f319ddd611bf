import type { Har } from '../har/format.ts'
import { createFaults, type Faults } from './faults.ts'
import { json, realTime, type Call } from './http.ts'
import { createMockEngine, type MockControl, type MockOptions } from './mock-engine.ts'
import { serve, type Host } from './serve.ts'

export interface MockServerOptions extends MockOptions {
  /** Default: `127.0.0.1`. */
  readonly host?: Host
  /** Of the first origin. Default: a free one. */
  readonly port?: number
  /** The origins that may read answers, with credentials. Default: any. */
  readonly allowedOrigins?: readonly string[] | 'any'
}

export interface MockServer extends MockControl {
  /** Where the application's own origin is served. */
  readonly origin: string
  /** Where each recorded origin is served. */
  readonly origins: Readonly<Record<string, string>>
  /** By path, of whatever origin: `faults.next('/auth/refresh', fault.unavailable())`. */
  readonly faults: Faults
  /** Ends what is in flight too. */
  close(): Promise<void>
}

/**
 * Serves a recording, in Node, and enforces the bearer: no token, an expired one, one of another user or audience, one
 * that was given back or was exchanged gets what a real server says (RFC 6750), not the recorded answer. A recorded login
 * signs in and gives new tokens, a refresh rotates them and notices reuse, a logout ends the session.
 *
 * Each recorded origin has a port of its own (`origins`); a request whose `Host` is a recorded one is taken for that.
 * Answers come in the order in which they were recorded, for each session; the last one stays.
 *
 * @throws TypeError Where there is no Node.
 * @throws {@link RecordingError} `invalid_har`, `unsupported_version`, `missing_token`.
 * @example
 *   const clock = createClock()
 *   const mock = await createMockServer(har, { clock })
 *   await fetch(`${mock.origin}/orders`) // 401, WWW-Authenticate: Bearer
 */
export async function createMockServer(har: Har, options: MockServerOptions = {}): Promise<MockServer> {
  const { host = '127.0.0.1', port = 0, clock = realTime, allowedOrigins = 'any' } = options
  const { plan, control, answer } = createMockEngine(har, options)
  const faults = createFaults(clock)
  const byHost = new Map(plan.origins.map((origin) => [new URL(origin).host, origin]))

  const serveOrigin = (recorded: string, index: number): ReturnType<typeof serve> =>
    serve({
      host,
      port: index === 0 ? port : 0,
      endpoint: ({ url }) => url.pathname,
      async handle(call: Call) {
        const reply = await answer(call, byHost.get(call.url.host) ?? recorded)
        // Not answered: the connection is closed.
        if (reply === 'none') throw new Error('no answer came when this was recorded')
        const { method, url } = call
        return (
          reply ?? json(404, { error: 'not_recorded', error_description: `${method} ${url.pathname}${url.search}` })
        )
      },
      watch: () => () => undefined,
      faults,
      clock,
      allowedOrigins: () => allowedOrigins,
    })

  const served = await Promise.all(plan.origins.map(serveOrigin))
  return {
    ...control,
    origin: served[0]?.origin ?? '',
    origins: Object.fromEntries(plan.origins.map((origin, index) => [origin, served[index]?.origin ?? ''])),
    faults,
    async close() {
      await Promise.all(served.map(({ close }) => close()))
    },
  }
}
