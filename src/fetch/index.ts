import { anySignal } from '../adapters/any-signal.ts'
import { platformFetch } from '../adapters/fetch.ts'
import { tokenErrorOf } from '../errors.ts'
import type { Answer, Exchange, SendTarget, TokenSender } from '../flow/exchange.ts'
import { isRepeatable } from './body.ts'

export type { Answer, Exchange, SendTarget, TokenRequest, TokenSender } from '../flow/exchange.ts'

/** What one request says about its token. */
export type RequestTokens = Pick<SendTarget, 'resource' | 'scope' | 'minTtlMs' | 'required' | 'retry'>

declare global {
  interface RequestInit {
    /** Read by `createFetch`. `false`: this request carries no token. */
    tokens?: false | RequestTokens | undefined
  }
}

/** Which answers mean that the token was refused, beside those that the standards name. */
export interface FetchAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed, if the answer says that it is JSON. */
  readonly data: unknown
}

export interface CreateFetchOptions {
  /**
   * Says that an answer means a refused token, beside those that the standards name. What it throws counts as `false`.
   *
   * @example
   *   createFetch(tokens, { refused: ({ status }) => status === 419 })
   */
  refused?(answer: FetchAnswer): boolean
  /** What puts requests on the wire. Default: the `fetch` that is in place at that moment. */
  readonly fetch?: typeof fetch
}

/** What became of one send. It never rejects, so that every failure reaches the caller as it came. */
interface Outcome {
  readonly response?: Response
  readonly error?: unknown
  readonly refused?: boolean
}

/**
 * A `fetch` that sends every request with a token, refreshes the token when it is refused, and sends the request once
 * more. It fails as `fetch` does, or with a `TokenError`; one that asks for step-up carries the answer as `response`.
 *
 * @example
 *   const request = createFetch(tokens)
 *   await request('https://api.example.com/orders')
 *   await request('https://api.example.com/news', { tokens: false })
 */
export function createFetch(tokens: TokenSender, options: CreateFetchOptions = {}): typeof fetch {
  const { refused, fetch: transport = platformFetch } = options

  return async function fetchWithTokens(input, init = {}) {
    // A request in the place of options, as for another URL: its members are not its own, so they cannot be spread.
    if ('clone' in init) return fetchWithTokens(new Request(input, init))
    const wanted = Object.hasOwn(init, 'tokens') ? init.tokens : undefined
    const request = typeof input === 'object' && 'clone' in input ? input : undefined
    const headers = new Headers(init.headers ?? request?.headers)
    // A body that is spent already: `fetch` itself says so.
    const spent = request?.bodyUsed === true && init.body === undefined
    if (wanted === false || headers.has('authorization') || spent) return transport(input, init)

    const signal = (init.signal === undefined ? request?.signal : init.signal) ?? undefined
    const method = (init.method ?? request?.method ?? 'GET').toUpperCase()
    const repeatable = isRepeatable(request, init)
    let next = request
    let last: Outcome | undefined

    const exchange: Exchange<Outcome> = {
      repeatable,
      async send(credentials, session) {
        void last?.response?.body?.cancel().catch(() => {})
        const both = anySignal(signal, session)
        const sent = new Headers(headers)
        for (const [name, value] of Object.entries(credentials)) sent.set(name, value)
        const now = next
        // Only a copy made before the body is read can be sent again.
        if (now && repeatable && wanted?.retry !== false && !/^(GET|HEAD)$/.test(method)) next = now.clone()
        const lent = both.signal
        try {
          const response = await transport(now ?? input, { ...init, headers: sent, ...(lent && { signal: lent }) })
          last = { response, refused: await isRefused(response) }
        } catch (error) {
          last = { error }
        }
        // The caller can still abort the body that is being read.
        both.release(signal)
        return last
      },
      answer: ({ response, refused: isRefusedToo = false }): Answer | undefined =>
        response?.status
          ? { status: response.status, header: (name) => response.headers.get(name), refused: isRefusedToo }
          : undefined,
    }

    const target: SendTarget = {
      ...wanted,
      url: request?.url ?? (input as string | URL).toString(),
      method,
      ...(signal && { signal }),
    }
    const { response, error } = await tokens.send(target, exchange).catch((reason: unknown) => {
      throw toError(reason)
    })
    if (response) return response
    throw error

    function toError(reason: unknown): unknown {
      if (signal?.aborted) return signal.reason
      const failure = tokenErrorOf(reason)
      if (failure && last?.response && ofThisAnswer.has(failure.code)) {
        Object.defineProperty(failure, 'response', { value: last.response, configurable: true })
      }
      return reason
    }
  }

  async function isRefused(response: Response): Promise<boolean> {
    if (!refused) return false
    try {
      const { status } = response
      const isJson = /^application\/([^;]+\+)?json\b/i.test(response.headers.get('content-type') ?? '')
      const data: unknown = isJson
        ? await response
            .clone()
            .json()
            .catch(() => {})
        : undefined
      return refused({ status, headers: Object.fromEntries(response.headers), data })
    } catch {
      return false
    }
  }
}

/** What one answer led to. Other failures are shared by all the requests that waited. */
const ofThisAnswer: ReadonlySet<string> = new Set([
  'insufficient_scope',
  'insufficient_authentication',
  'not_retryable',
])
