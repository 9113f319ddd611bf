import type { ApiSettings, AuthEndpoint, AuthOutcome, AuthSettings, Fault, Gate } from '../../src/testing/index.ts'
import { startBackend } from './backend.ts'
import { startHttp2Front, type Http2Front } from './http2-front.ts'
import { startRecorder, type Recorded, type Recorder } from './recorder.ts'

/** The servers of one test, each an origin of its own on `localhost`. */
export interface LabOrigins {
  readonly auth: string
  readonly api: string
  /** No resource of anybody's. */
  readonly foreign: string
  /** To be listed as a resource too: a server whose answers do not come, and that notices when a client leaves. */
  readonly slow: string
}

/** A request that the API got, as far as a test may know it. */
export interface ApiCall {
  readonly method: string
  readonly path: string
  readonly status: number | undefined
  /** Fingerprint of the token. */
  readonly presented: string | undefined
  /** Without the credential. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly bytes: number
  /** Of the body, with the boundary of a form replaced: it is another one in each send. */
  readonly sha256: string
}

export interface Lab {
  readonly origins: LabOrigins
  readonly methods: LabMethods
  close(): Promise<void>
}

/** What a test can ask of its servers, from wherever it runs: arguments and results are JSON. */
export type LabMethods = ReturnType<typeof methodsOf>

/** An authorization server, an API that trusts it, and two servers that only write down what they are sent. */
export async function startLab(settings: Partial<AuthSettings> = {}): Promise<Lab> {
  const [backend, foreign, slow] = await Promise.all([
    startBackend({
      host: 'localhost',
      auth: { accessTokenMs: 300_000, allowedOrigins: 'any', ...settings },
      api: { allowedOrigins: 'any' },
    }),
    startRecorder(),
    startRecorder(),
  ])
  const fronts: Promise<Http2Front>[] = []
  return {
    origins: { auth: backend.auth.origin, api: backend.api.origin, foreign: foreign.origin, slow: slow.origin },
    methods: methodsOf({ ...backend, foreign, slow, fronts }),
    async close() {
      await Promise.all([backend.close(), foreign.close(), slow.close()])
      await Promise.all(fronts.map(async (front) => (await front).close()))
    },
  }
}

interface Servers extends Pick<Awaited<ReturnType<typeof startBackend>>, 'auth' | 'api'> {
  readonly foreign: Recorder
  readonly slow: Recorder
  readonly fronts: Promise<Http2Front>[]
}

function methodsOf(servers: Servers) {
  const { auth, api, fronts } = servers
  const gates: Gate[] = []
  return {
    settings(forAuth: Partial<AuthSettings>, forApi: Partial<ApiSettings> = {}): void {
      Object.assign(auth.settings, forAuth)
      Object.assign(api.settings, forApi)
    },
    /** What goes wrong with the next `times` calls. */
    next(server: 'auth' | 'api', endpoint: string, fault: Fault, times = 1): void {
      servers[server].faults.next(endpoint, fault, times)
    },
    /** Holds the next call; `arrived` and `release` take what it returns. */
    hold(server: 'auth' | 'api', endpoint: string, when: 'before' | 'after' = 'before'): number {
      return gates.push(servers[server].faults.hold(endpoint, when)) - 1
    },
    arrived: (gate: number): Promise<void> | undefined => gates[gate]?.arrived,
    release: (gate: number): void => gates[gate]?.release(),
    revokeAccessTokens: auth.revokeAccessTokens,
    revokeSessions: auth.revokeSessions,
    count: (endpoint: AuthEndpoint, outcome?: AuthOutcome): number => auth.count(endpoint, outcome),
    liveSessions: (): number => auth.liveFamilies().length,
    /** Every token ever issued. */
    issuedTokens: (): readonly string[] => auth.issuedTokens(),
    calls: (path?: string): ApiCall[] =>
      api.log
        .filter((entry) => path === undefined || entry.path.split('?')[0] === path)
        .map(
          ({ method, path: called, status, presented, bytes, sha256, headers: { authorization: _, ...headers } }) => ({
            ...{ method, path: called, status, presented, headers, bytes, sha256 },
          }),
        ),
    received: (server: 'foreign' | 'slow'): readonly Recorded[] => servers[server].received,
    reached: (server: 'foreign' | 'slow', path: string): Promise<void> => servers[server].arrived(path),
    left: (server: 'foreign' | 'slow', path: string): Promise<void> => servers[server].closed(path),
    /** The API once more, over HTTP/2: browsers send streams over nothing less. Returns its origin. */
    async http2(): Promise<string> {
      const front = startHttp2Front(api.origin)
      fronts.push(front)
      return (await front).origin
    },
  }
}
