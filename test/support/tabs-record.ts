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
  /** From now on what `tokens` and `api` do is seen. */
  watch(tokens: TokenManager<never>, api: AxiosInstance): void
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
    const operation = /\/(login|refresh|logout)$/.exec(url)?.[1] as Operation | undefined
    if (!operation) return send(input, init)
    const given = JSON.parse((init?.body as string | undefined) ?? '{}') as Record<string, string | undefined>
    const exchange = ++exchanges
    const byCookie = new URL(url, location.href).pathname.startsWith('/auth/')
    const wire = byCookie ? crypto.randomUUID() : undefined
    note({ what: 'asked', exchange, operation, presented: given['refresh_token'], url, wire, owner: given['email'] })
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
        note({ ...toDecided({ exchange, operation, status: response.status }, body), refresh: body['refresh_token'] })
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
