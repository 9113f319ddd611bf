import { clock } from '../../adapters/clock.ts'
import { platformFetch } from '../../adapters/fetch.ts'
import { toHar } from '../har/check.ts'
import type { Har, HarEntry } from '../har/format.ts'
import type { FakeClock } from '../servers/clock.ts'
import type { Assertions } from './compare.ts'
import { plan } from './plan.ts'
import { createPlayer } from './player.ts'
import type { TokenProvider } from './providers.ts'
import type { BaseUrl } from './request.ts'
import { type ReplayReport, type ReplayResult, toReport } from './report.ts'
import { createValues } from './values.ts'

export interface ReplayOptions {
  /** Where tokens come from that no replayed answer brings. See `fromManager`, `fromLogin`, `fromEnv`, `mint`, `firstOf`. */
  readonly tokens: TokenProvider
  /** Where the API is now: one URL for everything, or one for each recorded origin. Default: where it was. */
  readonly baseUrl?: BaseUrl
  /** Passwords and the like, by the id of their placeholder: `{ password_p1_1: 'demo' }`. */
  readonly secrets?: Readonly<Record<string, string>>
  /**
   * When a token is refused that was not refused in the recording: `'renew'` gets a new one, once for each request, and sends
   * the request again; `'fail'` takes the answer as it is. Default `'renew'`.
   */
  readonly onExpired?: 'renew' | 'fail'
  readonly assert?: Assertions
  /** What puts requests on the wire. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
  /** How many requests may be under way at once. Those about tokens are always alone. Default 1. */
  readonly concurrency?: number
  /** How long one request may take. Default 30 000. */
  readonly timeoutMs?: number
  /** How long to wait for a token to expire that had expired in the recording. Default 10 000. */
  readonly waitMs?: number
  /**
   * The time that the servers go by, if it is a test that lets it pass (`createClock`): instead of waiting for a token to
   * expire, the replay advances it. Default: real time.
   */
  readonly clock?: Pick<FakeClock, 'now' | 'advance'>
  /** Which entries are replayed. Default: all. */
  readonly only?: (entry: HarEntry, index: number) => boolean
  readonly onProgress?: (result: ReplayResult, done: number, total: number) => void
  readonly signal?: AbortSignal
}

/**
 * Sends what was recorded once more, at any time later, with tokens that live: logins, refreshes and logouts in their order,
 * each placeholder filled with what the answers bring now, or with what the provider gives. The result says what is not as
 * it was.
 *
 * @example
 *   import { fromEnv, readHar, replay } from 'tokenward/testing'
 *
 *   const har = await readHar(await (await fetch('/recordings/orders.har')).text())
 *   const { ok, text } = await replay(har, { baseUrl: 'https://staging.example.com', tokens: fromEnv() })
 *   if (!ok) throw new Error(text)
 *
 * @throws {@link RecordingError} `missing_token`, before anything is sent: nobody has what a request needs. `invalid_har`.
 */
export async function replay(har: Har, options: ReplayOptions): Promise<ReplayReport> {
  const { tokens, secrets = {}, only = () => true, concurrency = 1, onProgress, signal } = options
  const recording = toHar(har)
  const { entries } = recording.log
  const values = createValues(recording)
  const steps = await plan(recording, { values, tokens, secrets, only })
  const player = createPlayer(recording, {
    values,
    tokens,
    baseUrl: options.baseUrl,
    renews: options.onExpired !== 'fail',
    assert: { ...options.assert, noise: [...(recording.log._noise ?? []), ...(options.assert?.noise ?? [])] },
    fetch: options.fetch ?? platformFetch,
    timeoutMs: options.timeoutMs ?? 30_000,
    waitMs: options.waitMs ?? 10_000,
    clock: options.clock,
    signal,
  })

  const results: ReplayResult[] = []
  let done = 0
  const playOne = async (index: number): Promise<void> => {
    signal?.throwIfAborted()
    const entry = entries[index] as HarEntry
    const startedAt = clock.now().monotonic
    const played = await player.play(entry, index, steps[index] ?? { skip: 'not planned' })
    const result: ReplayResult = {
      entry: index,
      method: entry.request.method,
      url: entry.request.url.replace(/[?#].*/s, ''),
      expected: { status: entry.response.status },
      durationMs: Math.round(clock.now().monotonic - startedAt),
      ...played,
    }
    results[index] = result
    onProgress?.(result, ++done, entries.length)
  }

  for (const batch of batchesOf(entries, Math.max(1, concurrency))) await Promise.all(batch.map(playOne))
  return toReport(results)
}

/** What is about tokens is alone: what follows needs what it brings. */
function batchesOf(entries: readonly HarEntry[], size: number): number[][] {
  const batches: number[][] = []
  let open: number[] | undefined
  for (const [index, entry] of entries.entries()) {
    const isAlone = entry._exchange !== undefined || entry.response.status === 401
    if (isAlone || !open || open.length >= size) batches.push((open = [index]))
    else open.push(index)
    if (isAlone) open = undefined
  }
  return batches
}
