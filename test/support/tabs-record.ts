import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios'
import type { TokenManager } from 'tokenward'
import { toSnapshot } from '../../src/testing/sim/snapshot.ts'
import type { Entry, EntryOf, Method, Operation, Snapshot } from '../../src/testing/sim/checker/history.ts'

/** Everything that can be seen from around the manager of one page, as the checker of the simulator reads it. */
export interface PageRecord {
  /**
   * What this page has seen, in order, after what the pages have that were in this tab before it. Times are epoch
   * milliseconds, with fractions: pages of one machine can be merged by them.
   */
  readonly pages: readonly (readonly Seen[])[]
  /** From now on what `tokens` does is seen, and what `api` does, if that does not use `fetch`. */
  watch(tokens: TokenManager<never>, api?: AxiosInstance): void
  /** A call of the application. `within` is given its number. */
  call<T>(method: Method, within: (call: number) => Promise<T>): Promise<T>
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
/** Nobody in the page knows its name among the tabs, nor who has sent a message. */
export type Seen = DistributiveOmit<Entry, 'tab'> & {
  /** What the server knows this call to the source by, where only the server sees the cookies. */
  readonly wire?: string | undefined
  /** Who is to be signed in by it. */
  readonly owner?: string | undefined
}

/** Where a page that is left keeps what it has seen for the one after it. */
const KEPT = 'what was seen'
const EVENTS = ['signed-in', 'signed-out', 'refreshed', 'refresh-failed', 'degraded', 'alert'] as const

/** What a server has decided, as its answer tells. */
export function toDecided(
  { exchange, operation, status }: { exchange: number; operation: Operation; status: number },
  { access_token: access, expires_in }: Readonly<Record<string, string | number | undefined>>,
): Omit<EntryOf<'decided'>, 'at'> {
  const refused = status === 400 || status === 401
  const otherwise = refused ? 'refused' : operation === 'logout' ? 'revoked' : 'turned-away'
  return {
    what: 'decided',
    exchange,
    verdict: access === undefined ? otherwise : 'issued',
    ...(access !== undefined && { access: String(access), expiresAt: Date.now() + Number(expires_in) * 1_000 }),
  }
}

/** What a call to the source asks for, of a first-party server or of OAuth. `undefined`: it is none. */
function readCall(
  url: string,
  body: unknown,
): { operation: Operation; presented?: string; code?: string; owner?: string } | undefined {
  const name = /\/(login|refresh|logout|token|revocation)$/.exec(url)?.[1]
  if (!name) return undefined
  const given =
    body instanceof URLSearchParams ? Object.fromEntries(body) : JSON.parse((body as string | undefined) ?? '{}')
  const { refresh_token, grant_type, token, token_type_hint, code, email } = given as Record<string, string | undefined>
  const operations: Readonly<Record<string, Operation>> = {
    token: grant_type === 'refresh_token' ? 'refresh' : 'login',
    revocation: 'logout',
  }
  const presented = token_type_hint === 'refresh_token' ? token : refresh_token
  return {
    operation: operations[name] ?? (name as Operation),
    ...(presented !== undefined && { presented }),
    ...(code !== undefined && { code }),
    ...(email !== undefined && { owner: email }),
  }
}

/** Listens to everything that the manager of this page will use: call it before there is one. */
export function recordPage(): PageRecord {
  const entries: Seen[] = []
  const pages = [...(JSON.parse(sessionStorage.getItem(KEPT) ?? '[]') as Seen[][]), entries]
  let exchanges = 0
  let calls = 0
  let read: () => Snapshot = () => ({ status: 'signed-out', signedIn: false })
  const note = (entry: DistributiveOmit<Seen, 'at'>): void =>
    void entries.push({ at: performance.timeOrigin + performance.now(), ...entry })

  addEventListener('pagehide', () => {
    note({ what: 'killed' })
    sessionStorage.setItem(KEPT, JSON.stringify(pages))
  })

  const send = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const asking = readCall(url, init?.body)
    if (!asking) return sendOut(url, input, init)
    const { operation } = asking
    const exchange = ++exchanges
    const byCookie = new URL(url, location.href).pathname.startsWith('/auth/')
    const wire = byCookie ? crypto.randomUUID() : undefined
    note({ what: 'asked', exchange, ...asking, url, wire })
    try {
      const headers = new Headers(init?.headers)
      if (wire !== undefined) headers.set('X-Exchange', wire)
      const response = await send(input, { ...init, headers })
      const body = (await response
        .clone()
        .json()
        .catch(() => ({}))) as Record<string, string | undefined>
      const issued = body['access_token'] !== undefined
      const refused = response.status === 400 || response.status === 401
      if (!byCookie) {
        const owner =
          body['id_token'] && (JSON.parse(atob(body['id_token'].split('.')[1] ?? '')) as { sub: string }).sub
        const decided = toDecided({ exchange, operation, status: response.status }, body)
        note({ ...decided, refresh: body['refresh_token'], owner })
        note({ what: 'over', exchange })
      }
      const outcome = issued ? 'tokens' : refused ? 'refusal' : response.ok ? 'done' : 'failure'
      note({ what: 'learned', exchange, outcome, answered: true })
      return response
    } catch (error) {
      if (!byCookie) note({ what: 'over', exchange })
      note({ what: 'learned', exchange, outcome: 'failure', answered: false })
      throw error
    }
  }

  /** A request of the application, where it goes by `fetch`. */
  async function sendOut(url: string, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { headers, method = 'GET' } = init ?? (input instanceof Request ? input : {})
    const authorization = new Headers(headers).get('Authorization') ?? undefined
    if (authorization === undefined) return send(input, init)
    note({ what: 'sent', url, method, authorization })
    const reply = send(input, init)
    const replied = (status: number | undefined): void => note({ what: 'replied', authorization, status })
    reply.then(
      ({ status }) => replied(status),
      () => replied(undefined),
    )
    return reply
  }

  const Channel = globalThis.BroadcastChannel
  globalThis.BroadcastChannel = class extends Channel {
    constructor(name: string) {
      super(name)
      this.addEventListener('message', ({ data }) => note({ what: 'delivered', message: data, from: '' }))
    }
    override postMessage(message: unknown): void {
      note({ what: 'posted', message })
      super.postMessage(message)
    }
  }

  return {
    pages,
    watch(tokens, api) {
      read = () => toSnapshot(tokens.getState())
      tokens.subscribe((state) => note({ what: 'state', state: toSnapshot(state) }))
      for (const type of EVENTS)
        tokens.on(type, (event) => note({ what: 'event', type, event: { ...event }, reads: read() }))
      if (!api) return
      const transport = axios.getAdapter('xhr')
      api.defaults.adapter = (config: InternalAxiosRequestConfig & { call?: number }) => {
        const { call, method = 'get' } = config
        const authorization = config.headers.get('Authorization')?.toString()
        note({ what: 'sent', call, url: api.getUri(config), method: method.toUpperCase(), authorization, rest: '' })
        const replied = (status: number | undefined): void => note({ what: 'replied', call, authorization, status })
        const reply = transport(config)
        reply.then(
          ({ status }) => replied(status),
          (error: unknown) => replied((error as { response?: { status: number } }).response?.status),
        )
        return reply
      }
    },
    async call(method, within) {
      const call = ++calls
      const state = read()
      note({ what: 'called', call, method, state, fresh: (state.expiresAt ?? 0) > Date.now() })
      const settled = (more: Pick<EntryOf<'settled'>, 'ok' | 'code' | 'text'>): void =>
        note({ what: 'settled', call, ...more, state: read() })
      try {
        const value = await within(call)
        settled({ ok: true, text: String(value) })
        return value
      } catch (error) {
        settled({ ok: false, text: String(error) })
        throw error
      }
    },
  }
}
