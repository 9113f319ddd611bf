import type { Exchange, Lifecycle, Ports, TokenResponse, TokenSource } from 'tokenward'
import { createOrigin, type Origin } from './origin.ts'

/** Time that passes only when a test says so, on both clocks. */
export interface World {
  readonly ports: Omit<Ports, 'fetch'>
  /** Lets `ms` pass, running every timer on its way and all that follows from it. */
  pass(ms: number): Promise<void>
  /** Lets a moment pass while `promise` waits for it: long enough for another tab to answer. */
  during<T>(promise: Promise<T>): Promise<T>
  /** Sets the wall clock alone. */
  jump(ms: number): void
  /** The machine sleeps: the wall clock goes on, the monotonic one and all timers stand still. */
  sleep(ms: number): void
  /** A frozen or throttled page: both clocks go on, and no timer fires before the next `pass`. */
  freeze(ms: number): void
  tell(moment: 'wake' | 'online' | 'leave'): Promise<void>
  goOnline(online: boolean): Promise<void>
  now(): number
  readonly timers: () => number[]
  readonly watchers: () => number
  readonly reported: unknown[]
  readonly marks: Map<string, string>
  /** What the tabs of the origin share. Every manager with these ports is a tab of its own. */
  readonly shared: Origin
}

export interface WorldOptions {
  readonly origin?: string
  readonly baseUrl?: string
  readonly random?: () => number
  /** Resolves when nothing more will happen before time passes. A world with a real network needs one of its own. */
  readonly settled?: () => Promise<void>
}

export function createWorld(options: WorldOptions = {}): World {
  const { settled = settle } = options
  let wall = Date.UTC(2026, 10, 22)
  let monotonic = 1_000
  let online = true
  let ids = 0
  const timers = new Map<number, { at: number; task: () => void }>()
  const watchers = new Set<Parameters<Lifecycle['watch']>[0]>()
  const marks = new Map<string, string>()
  const shared = createOrigin()
  const reported: unknown[] = []

  async function tell(moment: 'wake' | 'online' | 'leave'): Promise<void> {
    for (const watcher of [...watchers]) watcher(moment)
    await settled()
  }

  async function pass(ms: number): Promise<void> {
    const end = monotonic + ms
    await settled()
    for (;;) {
      const next = [...timers].sort(([, a], [, b]) => a.at - b.at)[0]
      if (!next || next[1].at > end) break
      wall += Math.max(0, next[1].at - monotonic)
      monotonic = Math.max(monotonic, next[1].at)
      timers.delete(next[0])
      next[1].task()
      await settled()
    }
    wall += end - monotonic
    monotonic = end
    await settled()
  }

  return {
    ports: {
      clock: { now: () => ({ wall, monotonic }) },
      timer(task, delayMs) {
        if (!(delayMs >= 0 && delayMs <= 2 ** 31 - 1))
          throw new Error(`a timer of ${String(delayMs)} ms would fire at once`)
        const id = ++ids
        // As platforms do: a fraction of a millisecond would be no time at all.
        timers.set(id, { at: monotonic + Math.ceil(delayMs), task })
        return () => void timers.delete(id)
      },
      random: options.random ?? (() => 0.5),
      lifecycle: {
        baseUrl: () => options.baseUrl ?? `${options.origin ?? 'https://app.example.com'}/`,
        origin: () => options.origin ?? 'https://app.example.com',
        online: () => online,
        watch(listener) {
          watchers.add(listener)
          return () => void watchers.delete(listener)
        },
      },
      marker: {
        read: (name) => marks.get(name),
        write: (name, text) => void marks.set(name, text),
      },
      locks: shared.locks,
      openChannel: shared.openChannel,
      records: shared.records,
      newAbort: () => new AbortController(),
      report: (error) => void reported.push(error),
    },
    pass,
    async during(promise) {
      await Promise.all([promise.catch(() => {}), pass(300)])
      return promise
    },
    jump: (ms) => void (wall += ms),
    sleep: (ms) => void (wall += ms),
    freeze(ms) {
      wall += ms
      monotonic += ms
    },
    tell,
    async goOnline(now) {
      online = now
      if (now) await tell('online')
    },
    now: () => wall,
    timers: () => [...timers.values()].map(({ at }) => at - monotonic),
    watchers: () => watchers.size,
    reported,
    marks,
    shared,
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

/** What a source was asked, and how a test answers: at once, or when it chooses. */
export interface Desk {
  readonly source: TokenSource<string>
  /** `refresh r1`, `login ann`, `revoke r1 ann.1` ... in the order of arrival. */
  readonly asked: string[]
  /** The next answers to `refresh`: a response, an error to throw, or a promise of either. Default: a rotated pair. */
  answer(...answers: (Partial<TokenResponse> | Error | Promise<Partial<TokenResponse>>)[]): void
  answerLogin(...answers: (Partial<TokenResponse> | Error | Promise<Partial<TokenResponse>>)[]): void
  answerRevoke(...answers: ('confirmed' | 'unconfirmed' | Error | Promise<'confirmed' | 'unconfirmed'>)[]): void
  answerRestore(
    ...answers: (Partial<TokenResponse> | undefined | Error | Promise<Partial<TokenResponse> | undefined>)[]
  ): void
}

export function createDesk(options: { credential?: 'cookie' | 'token'; expiresIn?: number } = {}): Desk {
  const { credential = 'token', expiresIn = 300 } = options
  const asked: string[] = []
  const queues = { refresh: [] as unknown[], login: [] as unknown[], revoke: [] as unknown[], restore: [] as unknown[] }
  let count = 0
  let user = 'ann'

  function issue(over: Partial<TokenResponse> = {}): TokenResponse {
    count++
    return {
      access_token: `${user}.${String(count)}`,
      expires_in: expiresIn,
      ...(credential === 'token' && { refresh_token: `r${String(count)}` }),
      ...over,
    }
  }
  async function reply<T>(queue: unknown[], standard: (over?: object) => T): Promise<T> {
    if (queue.length === 0) return standard()
    const next: unknown = await queue.shift()
    if (next instanceof Error) throw next
    return next === undefined || typeof next === 'string' ? (next as T) : standard(next as object)
  }

  return {
    asked,
    answer: (...answers) => void queues.refresh.push(...answers),
    answerLogin: (...answers) => void queues.login.push(...answers),
    answerRevoke: (...answers) => void queues.revoke.push(...answers),
    answerRestore: (...answers) => void queues.restore.push(...answers),
    source: {
      id: 'desk',
      credential,
      async login(input) {
        asked.push(`login ${input}`)
        return reply(queues.login, (over) => {
          user = input
          return issue(over)
        })
      },
      async refresh({ refreshToken }) {
        asked.push(`refresh ${refreshToken ?? 'cookie'}`)
        return reply(queues.refresh, issue)
      },
      async revoke({ refreshToken, accessTokens }) {
        asked.push(`revoke ${refreshToken ?? 'cookie'} ${accessTokens.join(' ')}`.trim())
        return reply(queues.revoke, () => 'confirmed' as const)
      },
      ...(credential === 'cookie' && {
        async restore() {
          asked.push('restore')
          return reply<TokenResponse | undefined>(queues.restore, issue)
        },
      }),
    },
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** An API that answers what `decide` says of the Authorization it got, and keeps what it got. */
export function createApiStub(
  decide: (authorization: string | undefined) => number | Reply | Promise<number | Reply> = () => 200,
): {
  readonly seen: (string | undefined)[]
  exchange(options?: { repeatable?: boolean; heedsAbort?: boolean }): Exchange<Reply>
} {
  const seen: (string | undefined)[] = []
  return {
    seen,
    exchange: ({ repeatable = true } = {}) => ({
      repeatable,
      async send(headers) {
        seen.push(headers['Authorization'])
        const reply = await decide(headers['Authorization'])
        return typeof reply === 'number' ? { status: reply, headers: {} } : reply
      },
      answer: ({ status, headers }) => ({ status, header: (name) => headers[name] ?? null }),
    }),
  }
}
