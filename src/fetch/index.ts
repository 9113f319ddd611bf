import { anySignal } from '../adapters/any-signal.ts'
import { platformFetch } from '../adapters/fetch.ts'
import { tokenErrorOf } from '../errors.ts'
import type { Exchange, SendTarget, TokenSender } from '../flow/exchange.ts'
import { checkBound } from '../lib/bind.ts'
import { isMadeOfStream, isStream } from './body.ts'

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

/** What became of one send. */
interface Outcome {
  readonly sent: Promise<Response>
  readonly response: Response | undefined
  readonly refused: boolean
}

/**
 * A `fetch` that sends every request with a token, refreshes the token when it is refused, and sends the request once
 * more. It fails as `fetch` does, or with a `TokenError`; one that asks for step-up carries the answer as `response`.
 *
 * @example
 *   const request = createFetch(tokens)
 *   await request('https://api.example.com/orders')
 *   await request('https://api.example.com/news', { tokens: false })
 *
 * @throws `TypeError` when `tokens` is no token manager, or `refused` no function.
 */
export function createFetch(tokens: TokenSender, options: CreateFetchOptions = {}): typeof fetch {
  const { refused, fetch: transport = platformFetch } = options
  checkBound('createFetch', tokens, refused)

  return async function fetchWithTokens(input, init = {}) {
    // A request in the place of options, as for another URL: its members are not its own, so they cannot be spread.
    if (isRequest(init)) return fetchWithTokens(new Request(input, init))
    const wanted = Object.hasOwn(init, 'tokens') ? init.tokens : undefined
    const request = isRequest(input) ? input : undefined
    // A URL object may be changed while the request waits.
    const url = request?.url ?? (input as string | URL).toString()
    // Whose body is sent. One that is spent already: `fetch` itself says so.
    const source = init.body === undefined ? request : undefined
    const headers = new Headers(init.headers ?? request?.headers)
    if (wanted === false || headers.has('authorization') || source?.bodyUsed) return transport(input, init)

    const { method = request?.method ?? 'GET', signal = request?.signal } = init
    const repeatable = !(source ? isMadeOfStream(source.body) : isStream(init.body))
    const isCopied = source && source.body !== null && repeatable && wanted?.retry !== false
    // Beside options, the platform forgets these two of a request.
    const kept = request && { referrer: request.referrer, referrerPolicy: request.referrerPolicy }
    let next: RequestInfo = request ?? url
    let last: Response | undefined

    const exchange: Exchange<Outcome> = {
      repeatable,
      answer: ({ response, refused: isRefused }) =>
        response?.status
          ? { status: response.status, header: (name) => response.headers.get(name), refused: isRefused }
          : undefined,
      async send(credentials, session) {
        void last?.body?.cancel().catch(() => {})
        const both = anySignal(signal, session)
        const all = new Headers(headers)
        for (const [name, value] of Object.entries(credentials)) all.set(name, value)
        const now = next
        // Only a copy made before the body is read can be sent again.
        if (isCopied) next = (now as Request).clone()
        const sent = (async () => transport(now, { ...kept, ...init, headers: all, signal: both.signal ?? null }))()
        last = await sent.catch(() => undefined)
        const outcome = { sent, response: last, refused: await isRefused(last) }
        // The caller can still abort the body that is being read.
        both.release(signal)
        return outcome
      },
    }

    // As the platform puts it on the wire: other methods stay as they are written.
    const sentAs = /^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method
    const target = { ...wanted, url, method: sentAs, signal: signal ?? undefined }
    try {
      const { sent } = await tokens.send(target as SendTarget, exchange)
      return await sent
    } catch (reason) {
      if (signal?.aborted) throw signal.reason
      const failure = tokenErrorOf(reason)
      // What this answer led to. Other failures are shared by all the requests that waited.
      if (last && /^insufficient|retryable/.test(failure?.code ?? '')) {
        Object.defineProperty(failure, 'response', { value: last, configurable: true })
      }
      throw reason
    }
  }

  async function isRefused(response: Response | undefined): Promise<boolean> {
    try {
      if (!refused || !response) return false
      const { status, headers } = response
      const isJson = /[/+]json\b/i.test(headers.get('content-type') ?? '')
      const data: unknown = isJson
        ? await response
            .clone()
            .json()
            .catch(() => {})
        : undefined
      return refused({ status, headers: Object.fromEntries(headers), data })
    } catch {
      return false
    }
  }
}

/** Also one of another realm; a polluted prototype makes none. */
function isRequest(value: unknown): value is Request {
  return Object.prototype.toString.call(value) === '[object Request]'
}
