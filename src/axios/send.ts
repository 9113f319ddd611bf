import { AxiosError, type AxiosAdapter, type AxiosResponse } from 'axios'
import { anySignal } from '../adapters/any-signal.ts'
import { monotonicMs } from '../adapters/monotonic.ts'
import { tokenErrorOf } from '../errors.ts'
import type { Exchange, SendTarget, TokenSender } from '../flow/exchange.ts'
import { own, settleUrl, type Config } from './config.ts'
import { answerOf, clean, type AxiosAnswer } from './outcome.ts'

/** What became of one send. Whatever `validateStatus` says, a refused token is seen. */
interface Outcome {
  readonly response: AxiosResponse | undefined
  /** What the transport failed with, if it did. */
  readonly failure: { readonly reason: unknown } | undefined
}

type Body = { destroy?(): void; cancel?(): Promise<void>; once?(event: 'close', task: () => void): object } | null
/** What a request sends, if it is a stream of Node. */
type Source = { readonly readableEnded?: boolean; unpipe?(): void } | undefined

export type Send = (config: Config, transport: AxiosAdapter) => Promise<AxiosResponse>

/**
 * Sends a config through a transport with a token. What a send needs is lent to the config itself, because a copy of it
 * is a quarter of the cost of a request; when the send settles, the config is as it was.
 */
export function createSend(tokens: TokenSender, refused?: (answer: AxiosAnswer) => boolean): Send {
  return async function send(config, transport) {
    const url = settleUrl(config)
    const { headers, beforeRedirect, timeout: given } = config
    // An environment variable is a text, and axios takes it.
    const timeout = Number(given)
    // Every request pays for what is here: a clock is read only if there is something to measure.
    const startedAt = timeout ? monotonicMs() : 0
    const signal = config.signal as AbortSignal | undefined
    const canceled = config.cancelToken?.toAbortSignal() as (AbortSignal & { unsubscribe(): void }) | undefined
    const gaveUp = anySignal(signal, canceled)
    const leftMs = (): number => startedAt + timeout - monotonicMs()
    let heard = gaveUp
    let names: string[] = []
    let response: AxiosResponse | undefined

    const exchange: Exchange<Outcome> = {
      repeatable: isRepeatable(config.data),
      answer: (outcome) => answerOf(outcome.response, refused),
      async send(credentials, session) {
        if (response) {
          // The answer that is not handed on must not keep its connection.
          const body = response.data as Body
          body?.destroy?.()
          void body?.cancel?.().catch(() => {})
        }
        names = Object.keys(credentials)
        Object.assign(headers, credentials)
        heard = anySignal(signal, session)
        config.signal = heard.signal as AbortSignal
        if (timeout) config.timeout = Math.max(1, Math.ceil(leftMs()))
        let failure: Outcome['failure']
        try {
          response = await transport(config)
        } catch (reason) {
          failure = { reason }
          clean(reason, config, names)
          const error = reason as Partial<AxiosError> | undefined
          const told = error?.message
          // It names the timeout that the application has set, not what the wait has left of it.
          if (typeof told === 'string' && told.startsWith('timeout ')) {
            Reflect.set(reason as object, 'message', told.replace(String(config.timeout), String(timeout)))
          }
          response = error?.response
        }
        clean(response, config, names)
        return { response, failure }
      },
    }

    // XHR and fetch do so by themselves; Node's adapter keeps the header for a subdomain.
    config.beforeRedirect = (...details) => {
      const { href, headers: next } = details[0] as { href: string; headers: object }
      for (const name of names) if (new URL(href).origin !== new URL(url).origin) Reflect.deleteProperty(next, name)
      beforeRedirect?.(...details)
    }

    try {
      const asked = own(config, 'tokens')
      const target = { url, method: config.method?.toUpperCase(), waitMs: timeout || undefined, signal: gaveUp.signal }
      const wanted = (asked ? { ...asked, ...target } : target) as SendTarget
      const { response: last, failure } = await tokens.send(wanted, exchange)
      if (failure) throw failure.reason
      return last as AxiosResponse
    } catch (reason) {
      // If the caller has aborted, axios itself turns whatever it is into its `CanceledError`.
      const cause = tokenErrorOf(reason)
      if (!cause) throw reason
      // A timer may fire a little early.
      if (cause.code === 'timeout' && timeout && leftMs() < 2) {
        const code = config.transitional?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED'
        throw new AxiosError(config.timeoutErrorMessage ?? `timeout of ${timeout}ms exceeded`, code, config, {})
      }
      const error = new AxiosError(cause.message, 'ERR_TOKEN', config, response?.request, response)
      throw Object.assign(error, { cause })
    } finally {
      // As an operator: what was added last is taken away without a trace, and the object stays a fast one.
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
      for (const name of names) delete headers[name]
      canceled?.unsubscribe()
      gaveUp.release()
      // Even at its end it leads to the request that it was piped into.
      const source = config.data as Source
      if (source?.readableEnded) source.unpipe?.()
      // Node's adapter looks at `config.signal` once more, when a stream ends, to stop listening to it.
      const stream = response?.data as Body
      if (config.responseType !== 'stream' || !stream?.once?.('close', giveBack)) giveBack()
    }

    function giveBack(): void {
      heard.release()
      restore(config, 'signal', signal)
      restore(config, 'beforeRedirect', beforeRedirect)
      if (timeout) config.timeout = given as number
    }
  }
}

/** What was absent before a send is absent after it. Last added, first taken away, as an operator: see above. */
function restore<K extends keyof Config>(config: Config, key: K, value: Config[K]): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
  if (value === undefined) delete config[key]
  else config[key] = value
}

/** A stream is spent by the first send: Node's, the platform's, an async iterable, an object of `form-data`. */
function isRepeatable(data: unknown): boolean {
  if (typeof data !== 'object' || !data) return true
  return !('pipe' in data || 'pipeTo' in data || Symbol.asyncIterator in data)
}
