import { TokenError } from '../errors.ts'
import { withDeadline } from '../lib/deadline.ts'
import { isSecure, parseUrl } from '../lib/url.ts'
import type { Settings } from '../options.ts'
import type { Ports, SourceContext, TokenSource } from '../ports.ts'

/** The calls to the source. */
export interface Calls {
  /**
   * Makes a call; rejects with `timeout` when it takes too long, or with what `task` throws. `task` may go on after that:
   * a late answer is its business.
   *
   * In cookie mode calls are strictly serial, because each may change the cookie: the next begins when the one before it
   * is over. The cookie that an answer carries must not be lost, so that nothing sent is ever taken back.
   *
   * @param hurry Begin at once if the page is left while the call waits for its turn.
   */
  run<T>(task: (context: SourceContext) => Promise<T>, hurry?: boolean): Promise<T>
  /** What a source is given for what is no call. */
  readonly context: SourceContext
}

export function createCalls(
  { credential }: Pick<TokenSource, 'credential'>,
  { clock, fetch, lifecycle, timer }: Pick<Ports, 'clock' | 'fetch' | 'lifecycle' | 'timer'>,
  { requestTimeoutMs, allowHttp }: Pick<Settings, 'requestTimeoutMs' | 'allowHttp'>,
): Calls {
  let last: Promise<unknown> | undefined

  const guardedFetch: typeof fetch = async (input, init) => {
    const url = parseUrl(typeof input === 'object' && 'url' in input ? input.url : String(input), lifecycle.baseUrl())
    if (url && !isSecure(url) && !allowHttp) {
      throw new TokenError('configuration', `the token source is at ${url.origin}: tokens travel over https: only`)
    }
    return fetch(input, init)
  }

  const contextFor = (signal: AbortSignal): SourceContext => ({
    fetch: guardedFetch,
    signal,
    now: () => clock.now().wall,
  })

  /** A call is over when it has settled, or is lost: twice the time of a request after it began. */
  function serially<T>(task: () => Promise<T>, hurry: boolean): Promise<T> {
    const before = last
    const turn = hurry && before ? Promise.race([before, left(before)]) : before
    const result = turn ? turn.then(task) : task()
    const over = (): Promise<unknown> => withDeadline(result, 2 * requestTimeoutMs, timer, timedOut)
    const mine = Promise.allSettled([before, turn ? turn.then(over) : over()])
    last = mine
    void mine.then(() => {
      if (last === mine) last = undefined
    })
    return withDeadline(result, (before ? 2 : 1) * requestTimeoutMs, timer, timedOut)
  }

  function left(before: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const stop = lifecycle.watch((moment) => {
        if (moment === 'leave') resolve()
      })
      void before.then(stop)
    })
  }

  return {
    run(task, hurry = false) {
      const controller = new AbortController()
      const context = contextFor(controller.signal)
      if (credential === 'cookie') return serially(() => task(context), hurry)
      return withDeadline(task(context), requestTimeoutMs, timer, timedOut).catch((error: unknown) => {
        controller.abort(error)
        throw error
      })
    },
    context: contextFor(new AbortController().signal),
  }
}

export function timedOut(): TokenError {
  return new TokenError('timeout', 'no answer came in time', { transient: true })
}
