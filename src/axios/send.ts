import { AxiosError, type AxiosAdapter, type AxiosResponse } from 'axios'
import { anySignal } from '../adapters/any-signal.ts'
import { monotonicMs } from '../adapters/monotonic.ts'
import { tokenErrorOf } from '../errors.ts'
import type { Exchange, SendTarget, TokenSender } from '../flow/exchange.ts'
import { own, settleUrl, type Config } from './config.ts'
import { lend, takeBackHeaders, takeBackRest, type Loan } from './loan.ts'
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
 * Sends a config through a transport with a token. When the send settles, the config is as it was. Every request pays for
 * what is here, in time and, while it waits, in memory: a clock is read only if there is something to measure, and what
 * only the wire needs is made when there is a token.
 */
export function createSend(tokens: TokenSender, refused?: (answer: AxiosAnswer) => boolean): Send {
  const answer: Exchange<Outcome>['answer'] = ({ response }) => answerOf(response, refused)

  return async function send(config, transport) {
    const url = settleUrl(config)
    // An environment variable is a text, and axios takes it.
    const timeout = Number(config.timeout) || undefined
    const endsAt = timeout && monotonicMs() + timeout
    const canceled = config.cancelToken?.toAbortSignal() as (AbortSignal & { unsubscribe(): void }) | undefined
    const gaveUp = anySignal(config.signal as AbortSignal | undefined, canceled)
    let loan: Loan | undefined
    let last: Outcome | undefined

    const exchange: Exchange<Outcome> = {
      repeatable: isRepeatable(config.data),
      answer,
      send(credentials, session) {
        if (loan) {
          drop(last?.response?.data as Body)
          takeBackHeaders(config, loan)
          takeBackRest(config, loan)
        }
        const lent = (loan = lend(config, url, credentials, session, leftMs(endsAt)))
        return call(transport, config).then(
          (response) => (last = arrived(response, config, lent)),
          (reason: unknown) => (last = failed(reason, config, lent)),
        )
      },
    }

    try {
      const asked = own(config, 'tokens')
      const target = { url, method: config.method?.toUpperCase(), waitMs: timeout, signal: gaveUp.signal }
      const wanted = (asked ? { ...asked, ...target } : target) as SendTarget
      const { response, failure } = await tokens.send(wanted, exchange)
      if (failure) throw failure.reason
      return response as AxiosResponse
    } catch (reason) {
      // If the caller has aborted, axios itself turns whatever it is into its `CanceledError`.
      const cause = tokenErrorOf(reason)
      if (!cause) throw reason
      // A timer may fire a little early.
      if (cause.code === 'timeout' && (leftMs(endsAt) ?? Infinity) < 2) {
        const code = config.transitional?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED'
        throw new AxiosError(config.timeoutErrorMessage ?? `timeout of ${timeout}ms exceeded`, code, config, {})
      }
      const { response } = last ?? {}
      const error = new AxiosError(cause.message, 'ERR_TOKEN', config, response?.request, response)
      throw Object.assign(error, { cause })
    } finally {
      canceled?.unsubscribe()
      gaveUp.release()
      // Even at its end it leads to the request that it was piped into.
      const source = config.data as Source
      if (source?.readableEnded) source.unpipe?.()
      if (loan) giveBack(config, loan, last?.response?.data as Body)
    }
  }
}

function giveBack(config: Config, loan: Loan, body: Body | undefined): void {
  takeBackHeaders(config, loan)
  const rest = (): void => takeBackRest(config, loan)
  // Node's adapter looks at `config.signal` once more, when a stream ends, to stop listening to it.
  if (config.responseType !== 'stream' || !body?.once?.('close', rest)) rest()
}

function leftMs(endsAt: number | undefined): number | undefined {
  return endsAt === undefined ? undefined : endsAt - monotonicMs()
}

/** What an adapter throws it might as well have rejected with. */
function call(transport: AxiosAdapter, config: Config): Promise<AxiosResponse> {
  try {
    return transport(config)
  } catch (reason) {
    return Promise.reject(reason)
  }
}

function arrived(response: AxiosResponse | undefined, config: Config, { names }: Loan): Outcome {
  clean(response, config, names)
  return { response, failure: undefined }
}

function failed(reason: unknown, config: Config, { names, timeout }: Loan): Outcome {
  clean(reason, config, names)
  const { message, response } = (reason ?? {}) as Partial<AxiosError>
  // It names the timeout that the application has set, not what the wait has left of it.
  if (typeof message === 'string' && message.startsWith('timeout ')) {
    Reflect.set(reason as object, 'message', message.replace(String(config.timeout), String(timeout)))
  }
  clean(response, config, names)
  return { response, failure: { reason } }
}

/** The answer that is not handed on must not keep its connection. */
function drop(body: Body | undefined): void {
  body?.destroy?.()
  void body?.cancel?.().catch(() => {})
}

/** A stream is spent by the first send: Node's, the platform's, an async iterable, an object of `form-data`. */
function isRepeatable(data: unknown): boolean {
  if (typeof data !== 'object' || !data) return true
  return !('pipe' in data || 'pipeTo' in data || Symbol.asyncIterator in data)
}
