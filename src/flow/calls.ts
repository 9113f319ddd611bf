import { TokenError } from '../errors.ts'
import { patiently } from '../lib/deadline.ts'
import { elapsedMs } from '../lib/instant.ts'
import { skewOf } from '../lib/skew.ts'
import { isSecure, parseUrl } from '../lib/url.ts'
import type { Settings } from '../options.ts'
import type { Ports, SourceContext, TokenSource } from '../ports.ts'

/** The calls to the source. */
export interface Calls {
  /**
   * Makes a call; rejects with `timeout` when it takes too long, or with what `task` throws. `task` may go on after that:
   * a late answer is its business. In cookie mode it is made in turn.
   */
  run<T>(task: (context: SourceContext, free: Free) => Promise<T>, options?: TurnOptions): Promise<T>
  /**
   * Gives `task` its turn: one after another over all tabs, each begun when the one before it is over. It is over when it
   * has settled, and the call that it has made too, or is lost. The cookie that an answer carries must not be lost, so
   * that nothing sent is ever taken back.
   */
  inTurn<T>(task: (call: Call, free: Free) => Promise<T>, options?: TurnOptions): Promise<T>
  /**
   * Settles as `promise` does, or rejects with `timeout` when it takes longer than so many calls may; what a page that was
   * frozen meanwhile finds is not late.
   */
  within<T>(calls: number, promise: Promise<T>): Promise<T>
  /** What a source is given for what is no call, or goes on after one. Made anew for each. */
  readonly context: SourceContext
}

export type Task<T> = (context: SourceContext) => Promise<T>
/** Lets the lock go, if there is one: listeners are told of what came when no tab has to wait for them. */
export type Free = () => Promise<void>
/** Makes one call, as `run` does. */
export type Call = <T>(task: Task<T>) => Promise<T>

export interface TurnOptions {
  /** Begin at once if the page is left while the call waits for its turn. */
  readonly hurry?: boolean
  /** How long a lock may take, in times of a call. Default: as long as the turn before may. */
  readonly patience?: number
  /** Is given what gives up the turn, if it has not come; returns what forgets about it. */
  readonly until?: (giveUp: () => void) => () => void
}

export interface CallOptions extends Pick<Settings, 'name' | 'requestTimeoutMs' | 'allowHttp'> {
  /** Aborts when the manager is disposed of. */
  readonly life: AbortSignal
  /** Something does not work here. */
  degraded(what: string, why: unknown): void
  /** The clock of whoever has answered is ahead of the device's by so much, see {@link skewOf}. */
  skewed(skewMs: number): void
}

/** How long a turn may take, the wait for it included, in times of one call. */
export const LONGEST_TURN = 3
/** How long a call in cookie mode may be under way: after that it is lost. */
const LONGEST_CALL = 2
/** How long an answer may be late before it is taken back; the mark of its presentation keeps others away for longer. */
const LATE = 0.25
/** How long a page that was frozen waits for what has come meanwhile, and is delivered after its timers. */
const GRACE_MS = 500

export function createCalls(
  { credential }: Pick<TokenSource, 'credential'>,
  ports: Ports,
  { name, requestTimeoutMs, allowHttp, life, degraded, skewed }: CallOptions,
): Calls {
  const { clock, lifecycle, locks, timer, newAbort } = ports
  const byCookie = credential === 'cookie'
  let last: Promise<unknown> | undefined

  function contextFor(signal: AbortSignal): SourceContext {
    const began = clock.now()
    return {
      async fetch(input, init) {
        const text = typeof input === 'object' && 'url' in input ? input.url : String(input)
        const url = parseUrl(text, lifecycle.baseUrl())
        // No element of the page decides who gets to see a refresh token.
        const { origin } = parseUrl(text, lifecycle.origin()) ?? url ?? {}
        if (!url || url.origin !== origin || (!allowHttp && !isSecure(url))) {
          throw new TokenError('configuration', `no token goes to ${url?.origin}: only to an absolute https: URL`)
        }
        // A page that has slept must not present once more what another may have spent meanwhile.
        const sent = clock.now()
        if (elapsedMs(began, sent) > requestTimeoutMs) throw timedOut()
        const response = await ports.fetch(input, init)
        // The browser may have kept what is asked for with GET for as long as it liked, and does not say so.
        if (init?.method !== 'POST') return response
        const { headers } = response as { headers?: Partial<Headers> } // some stand-ins have none
        const header = (name: string): string | null => headers?.get?.(name) ?? null
        const times = { sentMs: sent.wall, receivedMs: clock.now().wall }
        skewed(skewOf({ ...times, date: header('date'), age: header('age') })?.skewMs ?? 0)
        return response
      },
      signal,
      now: () => clock.now().wall,
    }
  }

  function run<T>(task: Task<T>): Promise<T> {
    const controller = newAbort()
    const answer = task(contextFor(controller.signal))
    return within(1, answer).catch((error: unknown) => {
      // A cookie must arrive even if nobody waits for it any more. Any other answer may be here, and not have been read
      // yet, in a page that has slept: its deadline comes first.
      if (!byCookie) {
        const stop = timer(() => controller.abort(error), LATE * requestTimeoutMs)
        answer.finally(stop).catch(nothing)
      }
      throw error
    })
  }

  function within<T>(calls: number, promise: Promise<T>): Promise<T> {
    return patiently(promise, [calls * requestTimeoutMs, GRACE_MS], ports, timedOut)
  }

  function inTurn<T>(
    task: (call: Call, free: Free) => Promise<T>,
    { hurry = false, patience = LONGEST_CALL, until }: TurnOptions = {},
  ): Promise<T> {
    const before = last
    const waiting = newAbort()
    let begin = (): void => {}
    let giveUp = (): void => {}
    const begun = new Promise<void>((resolve, reject) => {
      begin = resolve
      giveUp = () => {
        reject(timedOut())
        waiting.abort()
      }
    })
    let made: Promise<unknown> | undefined
    let isHeld = false
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const free: Free = async () => {
      release()
      // It may be one that is let go, and does not say so.
      if (isHeld) await within(LATE, lock).catch(nothing)
    }
    const result = begun.then(() => task((ask) => run((context) => (made = ask(context))), free))
    const over = result.then(nothing, nothing).then(async () => {
      if (made) await within(byCookie ? 1 : 2 * LATE, made).then(nothing, nothing)
    })
    // Of what is over nothing is kept.
    last = Promise.all([before, over]).then(nothing)
    const forget = until?.(giveUp)
    // What a logout has to say is said all the same.
    const hurrying =
      hurry &&
      lifecycle.watch((moment) => {
        if (moment === 'leave') begin()
      })
    if (hurrying) void over.then(hurrying)
    else life.addEventListener('abort', giveUp)
    void over.then(() => {
      forget?.()
      life.removeEventListener('abort', giveUp)
    })
    const lock = Promise.resolve(before)
      .then(() => {
        // The lock makes it cheap, not safe: whatever keeps it for so long, the record says whether somebody is at work.
        const stop = timer(begin, patience * requestTimeoutMs)
        void over.then(stop)
        return locks(
          name,
          () => {
            isHeld = true
            begin()
            return Promise.race([released, over])
          },
          waiting.signal,
        )
      })
      .catch((error: unknown) => {
        if (!waiting.signal.aborted) degraded('locks', error)
        begin()
      })
    return within(LONGEST_TURN, result)
  }

  return {
    run: (task, options) =>
      byCookie
        ? inTurn((call, free) => call((context) => task(context, free)), options)
        : run((context) => task(context, async () => {})),
    inTurn,
    within,
    get context() {
      return contextFor(newAbort().signal)
    },
  }
}

function nothing(): void {}

export function timedOut(): TokenError {
  return new TokenError('timeout', 'no answer came in time', { transient: true })
}
