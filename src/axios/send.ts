import { AxiosError, type AxiosAdapter, type AxiosResponse } from 'axios'
import { anySignal } from '../adapters/any-signal.ts'
import { monotonicMs } from '../adapters/monotonic.ts'
import { tokenErrorOf } from '../errors.ts'
import type { Exchange, TokenSender } from '../flow/exchange.ts'
import { parseUrl } from '../lib/url.ts'
import { own, urlOf, type Config, type RequestTokens } from './config.ts'
import { answerOf, clean, removeHeaders, responseOf, STAND_IN, type AxiosAnswer, type Outcome } from './outcome.ts'

export interface SendOptions {
  readonly transport: AxiosAdapter
  readonly tokens: TokenSender
  readonly wanted: RequestTokens | undefined
  readonly refused: ((answer: AxiosAnswer) => boolean) | undefined
}

/** What a send borrows of the config, beside the headers. */
const LENT = ['signal', 'timeout', 'timeoutErrorMessage', 'beforeRedirect'] as const

type Body = { destroy?(): void; cancel?(): Promise<void>; once?(event: 'close', task: () => void): void } | null

/**
 * Sends `config` through `transport` with a token. What a send needs is lent to the config itself, because a copy of it
 * is a quarter of the cost of a request; when the send settles, the config is as it was.
 */
export function sendWithToken(config: Config, options: SendOptions): Promise<AxiosResponse> {
  const { transport, tokens, wanted, refused } = options
  const startedAt = monotonicMs()
  const url = urlOf(config)
  const { headers } = config
  const borrowed = Object.fromEntries(LENT.map((key) => [key, own(config, key)])) as Pick<Config, (typeof LENT)[number]>
  const { timeout = 0, timeoutErrorMessage = `timeout of ${timeout}ms exceeded` } = borrowed
  const signal = borrowed.signal as AbortSignal | undefined
  // Nothing is allocated for a request without a `cancelToken`.
  const canceled = own(config, 'cancelToken')?.toAbortSignal() as (AbortSignal & { unsubscribe(): void }) | undefined
  const gaveUp = anySignal(signal, canceled)
  let last: Outcome = {}
  let names: string[] = []
  let heard = gaveUp

  const exchange: Exchange<Outcome> = {
    repeatable: isRepeatable(config.data),
    answer: (outcome) => answerOf(outcome, refused),
    async send(credentials, session) {
      // The answer that is not handed on must not keep its connection.
      const body = responseOf(last)?.data as Body
      body?.destroy?.()
      void body?.cancel?.().catch(() => {})

      names = Object.keys(credentials)
      heard = anySignal(signal, session)
      const elapsed = Math.floor(elapsedMs())
      Object.assign(config, { signal: heard.signal, beforeRedirect })
      if (timeout > 0 && elapsed > 0) {
        Object.assign(config, { timeout: Math.max(timeout - elapsed, 1), timeoutErrorMessage })
      }
      headers.set({ ...credentials })
      try {
        last = { response: await transport(config) }
      } catch (error) {
        last = { error }
      }
      headers.delete(names)
      clean(last, config, names)
      const stream = responseOf(last)?.data as Body
      // Node's adapter looks at `config.signal` once more, when the stream ends, to stop listening to it.
      if (stream?.once) stream.once('close', giveBack)
      else giveBack()
      return last
    },
  }

  return tokens
    .send(
      {
        ...wanted,
        url,
        method: (config.method ?? 'get').toUpperCase(),
        ...(timeout > 0 && { waitMs: timeout }),
        ...(gaveUp.signal && { signal: gaveUp.signal }),
      },
      exchange,
    )
    .finally(() => {
      canceled?.unsubscribe()
      gaveUp.release()
    })
    .then(
      (outcome) => {
        if ('error' in outcome) throw outcome.error
        return outcome.response as AxiosResponse
      },
      (reason: unknown) => {
        headers.delete(names)
        giveBack()
        throw toAxiosError(reason)
      },
    )

  function elapsedMs(): number {
    return monotonicMs() - startedAt
  }

  function giveBack(): void {
    heard.release()
    Object.assign(config, borrowed)
    for (const key of LENT) if (config[key] === undefined) Reflect.deleteProperty(config, key)
  }

  /** XHR and fetch do so by themselves; Node's adapter keeps the header for a subdomain. */
  function beforeRedirect(...details: Parameters<NonNullable<Config['beforeRedirect']>>): void {
    const next = details[0] as { href: string; headers: unknown }
    if (parseUrl(next.href)?.origin !== parseUrl(url)?.origin) removeHeaders(next.headers, names)
    borrowed.beforeRedirect?.(...details)
  }

  /** Whatever it is, axios itself turns it into its `CanceledError` if the caller has aborted. */
  function toAxiosError(reason: unknown): unknown {
    const cause = tokenErrorOf(reason)
    if (!cause) return reason
    // A timer may fire a little early.
    if (cause.code === 'timeout' && timeout > 0 && elapsedMs() > timeout - 2) {
      const code = own(config, 'transitional')?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED'
      return new AxiosError(timeoutErrorMessage, code, config, STAND_IN)
    }
    const response = responseOf(last)
    const error = new AxiosError(cause.message, 'ERR_TOKEN', config, response && STAND_IN, response)
    return Object.assign(error, { cause })
  }
}

/** A stream is spent by the first send: Node's, the platform's, an async iterable, an object of `form-data`. */
function isRepeatable(data: unknown): boolean {
  if (typeof data !== 'object' || !data) return true
  return !('pipe' in data || 'getReader' in data || Symbol.asyncIterator in data)
}
