import { setTimeout as delay } from 'node:timers/promises'
import { TokenError } from '../../src/errors.ts'
import type { Exchange, SendTarget, TokenSender } from '../../src/flow/exchange.ts'

/** A manager reduced to what a binding needs of it, in the order in which the real one does it. */
export interface StandIn extends TokenSender {
  /** `undefined`: signed out. */
  token: string | undefined
  refreshes: number
  readonly targets: SendTarget[]
  /** Requests wait for it before their first send. */
  waitFor: Promise<unknown> | undefined
  endSession(): void
}

export interface StandInOptions {
  readonly token?: string
  readonly resources: readonly string[]
  readonly refresh?: () => Promise<string> | string
}

export function createSender({ token = 'first', resources, refresh = () => 'second' }: StandInOptions): StandIn {
  const session = new AbortController()
  const sender: StandIn = {
    token,
    refreshes: 0,
    targets: [],
    waitFor: undefined,
    endSession() {
      sender.token = undefined
      session.abort(new TokenError('signed_out', 'the session has ended'))
    },
    send(target, exchange) {
      sender.targets.push(target)
      const origin = new URL(target.url, globalThis.document?.baseURI).origin
      if (!resources.includes(origin)) {
        if (target.required) return Promise.reject(new TokenError('destination_refused', 'not a resource'))
        return exchange.send({})
      }
      return bounded(target, attempt(target, exchange))
    },
  }
  return sender

  async function attempt<Reply>(target: SendTarget, exchange: Exchange<Reply>): Promise<Reply> {
    if (sender.waitFor) await bounded(target, sender.waitFor, true)
    if (target.signal?.aborted) throw aborted(target.signal)
    const reply = await exchange.send(credentials(), session.signal)
    const answer = exchange.answer(reply)
    const challenge = answer?.header('www-authenticate') ?? ''
    if (challenge.includes('insufficient_scope'))
      throw new TokenError('insufficient_scope', 'step up', { scope: 'pay' })
    if (!answer || (answer.status !== 401 && !answer.refused)) return reply
    sender.refreshes++
    sender.token = await bounded(target, Promise.resolve(refresh()), true)
    if (target.retry === false) return reply
    if (!exchange.repeatable) throw new TokenError('not_retryable', 'the body is spent')
    return exchange.send(credentials(), session.signal)
  }

  function credentials(): Record<string, string> {
    return sender.token === undefined ? {} : { Authorization: `Bearer ${sender.token}` }
  }

  function bounded<T>(target: SendTarget, promise: Promise<T>, timed = false): Promise<T> {
    const { signal, waitMs } = target
    return new Promise<T>((resolve, reject) => {
      const onSignal = (): void => reject(aborted(signal as AbortSignal))
      const onSession = (): void => reject(session.signal.reason)
      const settle = new AbortController()
      signal?.addEventListener('abort', onSignal, { signal: settle.signal })
      session.signal.addEventListener('abort', onSession, { signal: settle.signal })
      if (timed && waitMs !== undefined) {
        delay(waitMs, undefined, { signal: settle.signal }).then(
          () => reject(new TokenError('timeout', 'no token in time', { transient: true })),
          () => {},
        )
      }
      promise.then(resolve, reject).finally(() => settle.abort())
    })
  }
}

function aborted(signal: AbortSignal): TokenError {
  return new TokenError('aborted', 'the caller aborted the request', { cause: signal.reason })
}
