import type { Apis } from './apis.ts'
import type { AuthModel } from './auth-model.ts'
import type { Operation, WireEntry } from './checker/history.ts'
import type { Fate } from './fates.ts'
import type { TokenResponse } from '../../token.ts'
import { json, type Reply, toResponse } from './reply.ts'
import type { SimOrigin, SimTab } from './tab.ts'
import { createTokenServer, type Exchange, type TokenServerOptions } from './token-server.ts'

export interface NetworkOptions extends Pick<TokenServerOptions, 'lifetimeMs' | 'verifier' | 'retryAfterS'> {
  readonly origin: SimOrigin
  readonly model: AuthModel
  readonly apis: Apis
  readonly credential: 'cookie' | 'token'
  /** After this a connection is dead: its answer does not come any more. */
  readonly connectionMs: number
  fateOf(operation: Operation | 'request', tab: string): Fate
  /** How long one leg takes. */
  legMs(what: Operation | 'request'): number
  observe(tab: string | undefined, entry: WireEntry): void
}

/** A request of the application, as it is put on the wire. */
export interface Outgoing {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The number of the call that it belongs to. */
  readonly call?: number
  readonly signal?: AbortSignal | undefined
}

/** Everything between the tabs and their servers, and the cookie that the browser keeps. */
export interface Network {
  fetchFor(tab: SimTab): typeof fetch
  /** To any server but the source's. */
  request(tab: SimTab, outgoing: Outgoing): Promise<Reply>
  /** A sign-in that does not come through the source. */
  grant(owner: string): TokenResponse
  /** The refresh cookie. */
  readonly cookie: string | undefined
  /** Changes what becomes of a call that is under way. */
  redirect(exchange: number, fate: Fate): void
  /** How many calls are under way. */
  underWay(): number
}

const PATHS: Readonly<Record<string, Operation>> = { login: 'login', refresh: 'refresh', logout: 'logout' }

export function createNetwork(options: NetworkOptions): Network {
  const { origin, model, apis, credential, connectionMs, fateOf, legMs, observe } = options
  const byCookie = credential === 'cookie'
  const server = createTokenServer({
    ...options,
    byCookie,
    decided: (exchange, entry) => observe(undefined, { what: 'decided', exchange, ...entry }),
  })
  const underWay = new Map<number, Exchange>()
  let jar: string | undefined
  let exchanges = 0

  /** What the browser does with the cookie of an answer, whoever is still there to read it. */
  function keepCookie({ operation, fate }: Exchange, { status, body }: Reply): void {
    if (!byCookie || status !== 200) return
    if (operation === 'logout') jar = undefined
    else if (fate !== 'portal') {
      const access = model.access(String((JSON.parse(body) as Record<string, unknown>)['access_token']))
      if (access?.credential !== undefined) jar = access.credential
    }
  }

  async function journey(
    exchange: Exchange,
    body: Readonly<Record<string, unknown>>,
    isGone: () => boolean,
  ): Promise<Reply> {
    const { operation } = exchange
    await origin.delay(legMs(operation), `to ${operation}`)
    // Taken back before it arrived.
    if (exchange.fate === 'unheard' || isGone()) return never()
    if (exchange.fate === 'unreachable' || !origin.online) throw new TypeError('the network is down')
    const reply = server.decide(exchange, body)
    const slow = exchange.fate === 'slow' ? connectionMs / 2 : 0
    await origin.delay(legMs(operation) + slow, `from ${operation}`)
    const { fate, since } = exchange
    if (fate === 'unanswered') return never()
    if (fate === 'lost' || origin.elapsed() - since >= connectionMs) throw new TypeError('the connection broke')
    keepCookie(exchange, reply)
    return fate === 'garbled' ? { ...reply, body: reply.body.slice(0, reply.body.length / 2) } : reply
  }

  function learnedOf(
    { operation }: Exchange,
    reply: Reply | undefined,
    whole: boolean,
  ): Extract<WireEntry, { what: 'learned' }>['outcome'] {
    if (!reply || !whole) return 'failure'
    if (reply.status === 400 && /^{.*invalid_grant.*}$/.test(reply.body)) return 'refusal'
    if (reply.status !== 200 || !reply.body.startsWith('{') || !reply.body.endsWith('}')) return 'failure'
    return operation === 'logout' ? 'done' : 'tokens'
  }

  async function ask(
    tab: SimTab,
    url: string,
    { operation, init }: { operation: Operation; init: RequestInit },
  ): Promise<Response> {
    if (tab.condition === 'dead') return never()
    const sent = init.body
    const body = (
      sent instanceof URLSearchParams ? Object.fromEntries(sent) : JSON.parse((sent as string | undefined) ?? '{}')
    ) as Record<string, unknown>
    const dpop = new Headers(init.headers).get('dpop') ?? undefined
    const presented = byCookie ? jar : (body['refresh_token'] as string | undefined)
    const fate = origin.online ? fateOf(operation, tab.name) : 'unreachable'
    const since = origin.elapsed()
    const exchange: Exchange = { id: ++exchanges, operation, url, presented, dpop, since, fate }
    const { id } = exchange
    const { signal, keepalive } = init
    if (signal?.aborted) throw signal.reason
    underWay.set(id, exchange)
    const resource = body['resource'] as string | undefined
    observe(tab.name, { what: 'asked', exchange: id, operation, presented, url, dpop, resource })
    const isGone = (): boolean => !keepalive && (signal?.aborted === true || tab.condition === 'dead')
    const over = (): void => {
      if (!underWay.delete(id)) return
      observe(undefined, { what: 'over', exchange: id })
    }
    const answer = journey(exchange, body, isGone)
    answer.then(over, over)
    let known = false
    const learned = (reply: Reply | undefined, whole: boolean): void => {
      if (known) return
      known = true
      const wait = Number(reply?.headers['retry-after'])
      const outcome = learnedOf(exchange, reply, whole)
      const more = { ...(wait > 0 && { retryAfterMs: wait * 1_000 }), ...challengeOf(whole ? reply : undefined) }
      observe(tab.name, { what: 'learned', exchange: id, outcome, answered: reply !== undefined, ...more })
    }
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => {
        if (!keepalive) over()
        learned(undefined, false)
        reject(signal.reason as Error)
      }),
    )
    aborted.catch(() => {})
    const unless = <T>(promise: Promise<T>): Promise<T> => (signal ? Promise.race([promise, aborted]) : promise)

    async function read(reply: Reply): Promise<string> {
      const broken = exchange.fate === 'cut'
      const text = tab.arrive(
        broken ? Promise.reject(new TypeError('the connection broke')) : Promise.resolve(reply.body),
      )
      try {
        const whole = await unless(text)
        learned(reply, true)
        return whole
      } catch (error) {
        learned(reply, false)
        throw error
      }
    }

    try {
      const reply = await unless(tab.arrive(answer))
      return toResponse(reply, url, () => read(reply))
    } catch (error) {
      learned(undefined, false)
      throw error
    }
  }

  async function request(tab: SimTab, outgoing: Outgoing): Promise<Reply> {
    if (tab.condition === 'dead') return never()
    const { url, method = 'GET', headers = {}, body = '', call, signal } = outgoing
    const { Authorization: authorization, DPoP: dpop, ...others } = headers
    const rest = JSON.stringify([others, body])
    observe(tab.name, { what: 'sent', call, url, method, authorization, dpop, rest })
    const fate = origin.online ? fateOf('request', tab.name) : 'unreachable'
    const travel = async (): Promise<Reply> => {
      await origin.delay(legMs('request'), 'to an API')
      if (fate === 'unheard') return never()
      if (fate === 'unreachable') throw new TypeError('the network is down')
      const reply = /^\d/.test(fate) ? json(Number(fate), {}) : apis.judge({ url, method, authorization, dpop })
      await origin.delay(legMs('request'), 'from an API')
      if (fate === 'lost') throw new TypeError('the connection broke')
      return reply
    }
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => {
        reject(signal.reason as Error)
      }),
    )
    const outcome = Promise.race([tab.arrive(travel()), aborted])
    outcome.then(
      (reply) => {
        const { status } = reply
        observe(tab.name, { what: 'replied', call, authorization, status, url, ...challengeOf(reply) })
      },
      () => observe(tab.name, { what: 'replied', call, authorization }),
    )
    return outcome
  }

  return {
    fetchFor:
      (tab) =>
      async (input, init = {}) => {
        const url = new URL(
          typeof input === 'object' && 'url' in input ? input.url : input,
          tab.ports.lifecycle.baseUrl(),
        )
        const operation = /^\/(auth|json)\//.test(url.pathname) ? PATHS[url.pathname.split('/')[2] ?? ''] : undefined
        if (operation) return ask(tab, url.href, { operation, init })
        const headers = Object.fromEntries(new Headers(init.headers))
        const { authorization, dpop, ...others } = headers
        const reply = await request(tab, {
          url: url.href,
          method: init.method ?? 'GET',
          headers: {
            ...others,
            ...(authorization !== undefined && { Authorization: authorization }),
            ...(dpop !== undefined && { DPoP: dpop }),
          },
          body: typeof init.body === 'string' ? init.body : '',
          signal: init.signal ?? undefined,
        })
        return toResponse(reply, url.href, () => tab.arrive(Promise.resolve(reply.body)))
      },
    request,
    grant(owner) {
      const { access, response } = server.grant(++exchanges, owner)
      if (byCookie) jar = access.credential
      return response
    },
    get cookie() {
      return jar
    },
    redirect(id, fate) {
      const exchange = underWay.get(id)
      if (exchange) exchange.fate = fate
    },
    underWay: () => underWay.size,
  }
}

function never(): Promise<never> {
  return new Promise<never>(() => {})
}

/** What an answer says of the proof that it was asked with. */
function challengeOf(reply: Reply | undefined): { readonly challenge?: string; readonly nonce?: string } {
  const { headers = {}, body = '' } = reply ?? {}
  const nonce = headers['dpop-nonce']
  const text = headers['www-authenticate'] ?? (reply?.status === 400 ? body : '')
  const challenge = /use_dpop_nonce|invalid_dpop_proof/.exec(text)?.[0]
  return { ...(challenge !== undefined && { challenge }), ...(nonce !== undefined && { nonce }) }
}
