import { TokenError, type SessionState, type TokenEvents, type TokenManager } from 'tokenward'
import type { TabPlace } from '../../src/testing/sim/simulation.ts'

type Login = { readonly user: string }
interface Body {
  readonly access_token: string
  readonly refresh_token?: string
  readonly expires_in: number
}

/**
 * What the blogs recommend: an interceptor that refreshes at a 401 and sends again, one promise for all who wait, and a
 * BroadcastChannel that tells the other tabs what there is. It has the faults that this is known for.
 */
export function createNaiveManager({ ports }: TabPlace, byCookie: boolean): TokenManager<Login> {
  const { fetch, openChannel, clock } = ports
  const root = byCookie ? '/auth/' : '/json/'
  const listeners = new Set<(state: SessionState) => void>()
  const heard = new Set<{ readonly type: keyof TokenEvents; readonly listener: (event: never) => void }>()
  let state: SessionState = { status: 'signed-out', signedIn: false, reason: 'never-started', elsewhere: false }
  let tokens: Body | undefined
  let refreshing: Promise<void> | undefined
  let sessions = 0

  const channel = openChannel('naive', (message) => {
    const { body, session } = message as { body: Body | undefined; session: string }
    if (body) adopt(body, session)
    else forget(true)
  })

  function set(next: SessionState): void {
    const [before, now] = [state, next].map((one) => (one.signedIn ? one.session : undefined))
    state = next
    for (const listener of listeners) listener(state)
    if (before === now) return
    if (before !== undefined) tell('signed-out', { session: before, reason: 'rejected', elsewhere: false })
    if (now !== undefined) tell('signed-in', { session: now })
  }
  function tell<K extends keyof TokenEvents>(type: K, event: TokenEvents[K]): void {
    for (const one of heard) if (one.type === type) one.listener(event as never)
  }
  function adopt(body: Body, session: string): void {
    tokens = { ...tokens, ...body }
    const expiresAt = clock.now().wall + body.expires_in * 1_000
    set({ status: 'active', signedIn: true, session, expiresAt, scope: [], claims: undefined })
  }
  function forget(elsewhere: boolean): void {
    tokens = undefined
    set({ status: 'signed-out', signedIn: false, reason: 'logout', elsewhere })
  }
  async function post(name: string, body: unknown): Promise<Body> {
    const response = await fetch(root + name, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`the server answered ${String(response.status)}`)
    return (await response.json()) as Body
  }
  async function refresh(): Promise<void> {
    try {
      const body = await post('refresh', { refresh_token: tokens?.refresh_token })
      const session = state.signedIn ? state.session : 'restored'
      adopt(body, session)
      channel.post({ body, session })
    } catch (error) {
      forget(false)
      throw error
    }
  }

  return {
    getState: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    on(type, listener) {
      const one = { type, listener }
      heard.add(one)
      return () => void heard.delete(one)
    },
    async restore() {
      if (byCookie && !tokens) await refresh().catch(() => {})
      return state
    },
    async login(input) {
      const body = await post('login', input)
      const session = `${input.user} ${String(++sessions)}`
      adopt(body, session)
      channel.post({ body, session })
      return state
    },
    startSession: async () => state,
    async logout() {
      await post('logout', { refresh_token: tokens?.refresh_token })
      forget(false)
      channel.post({ body: undefined })
      return { revoked: 'confirmed' }
    },
    touch() {},
    async send(_, exchange) {
      const headers = (): Record<string, string> => (tokens ? { Authorization: `Bearer ${tokens.access_token}` } : {})
      const reply = await exchange.send(headers())
      if (exchange.answer(reply)?.status !== 401) return reply
      refreshing ??= refresh().finally(() => (refreshing = undefined))
      await refreshing
      return exchange.send(headers())
    },
    async getAccessToken() {
      if (!tokens) throw new TokenError('signed_out', 'nobody is signed in')
      return { value: tokens.access_token, tokenType: 'Bearer', expiresAt: undefined }
    },
    dispose: () => channel.close(),
  }
}
