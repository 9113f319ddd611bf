import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from 'axios'
import type { TokenManager } from 'tokenward'
import { toSnapshot } from '../../src/testing/sim/snapshot.ts'
import type { Entry, EntryOf, Method, Operation, Snapshot } from '../../src/testing/sim/checker/history.ts'

/** Everything that can be seen from around the manager of one page, as the checker of the simulator reads it. */
export interface PageRecord {
  /** In order. Times are epoch milliseconds, with fractions: pages of one machine can be merged by them. */
  readonly entries: Seen[]
  /** From now on what `tokens` and `api` do is seen. */
  watch(tokens: TokenManager<never>, api: AxiosInstance): void
  /** A call of the application. `within` is given its number. */
  call<T>(method: Method, within: (call: number) => Promise<T>): Promise<T>
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
/** Nobody in the page knows its name among the tabs, nor who has sent a message. */
export type Seen = DistributiveOmit<Entry, 'tab'>

const EVENTS = ['signed-in', 'signed-out', 'refreshed', 'refresh-failed', 'degraded', 'alert'] as const

/** Listens to everything that the manager of this page will use: call it before there is one. */
export function recordPage(): PageRecord {
  const entries: Seen[] = []
  let exchanges = 0
  let calls = 0
  let read: () => Snapshot = () => ({ status: 'signed-out', signedIn: false })
  const note = (entry: DistributiveOmit<Entry, 'at' | 'tab'>): void =>
    void entries.push({ at: performance.timeOrigin + performance.now(), ...entry })

  const send = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const operation = /\/(login|refresh|logout)$/.exec(url)?.[1] as Operation | undefined
    if (!operation) return send(input, init)
    const given = JSON.parse((init?.body as string | undefined) ?? '{}') as Record<string, string | undefined>
    const exchange = ++exchanges
    note({ what: 'asked', exchange, operation, presented: given['refresh_token'], url })
    try {
      const response = await send(input, init)
      const body = (await response
        .clone()
        .json()
        .catch(() => ({}))) as Record<string, string | undefined>
      const issued = body['access_token'] !== undefined
      const refused = response.status === 400 || response.status === 401
      note({
        what: 'decided',
        exchange,
        verdict: issued ? 'issued' : refused ? 'refused' : operation === 'logout' ? 'revoked' : 'turned-away',
        access: body['access_token'],
        refresh: body['refresh_token'],
        owner: given['email'],
        expiresAt: Date.now() + Number(body['expires_in']) * 1_000,
      })
      note({ what: 'over', exchange })
      const outcome = issued ? 'tokens' : refused ? 'refusal' : response.ok ? 'done' : 'failure'
      note({ what: 'learned', exchange, outcome, answered: true })
      return response
    } catch (error) {
      note({ what: 'over', exchange })
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
    entries,
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
