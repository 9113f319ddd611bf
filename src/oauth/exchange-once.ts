import { TokenError } from '../errors.ts'
import type { Timer } from '../ports.ts'

interface Flight<T> {
  readonly result: Promise<T>
  asked: number
}

// Of the whole page: an application may have made two sources of the same client, or two managers of one source, and each of
// them is shown the same URL. Keys hold a `state`, which nobody else can have.
const flights = new Map<string, Flight<unknown>>()
const arrivals = new Map<string, string>()
/** How long an answer that was taken out of the URL waits for who took it. */
const ARRIVAL_MS = 1_000

/**
 * Runs `work` once for all who ask while it runs. What comes of it is given to who has asked last: two sessions must not begin
 * with the same tokens.
 *
 * @throws `session_changed` for the others.
 */
export async function once<T>(key: string, work: () => Promise<T>): Promise<T> {
  const flight = (flights.get(key) ?? { result: work(), asked: 0 }) as Flight<T>
  flights.set(key, flight)
  const mine = ++flight.asked
  try {
    const result = await flight.result
    if (mine !== flight.asked) throw taken()
    return result
  } finally {
    flights.delete(key)
  }
}

/** The answer to somebody's login is, or was, with somebody else: another tab, another manager, a later call. */
export function taken(): TokenError {
  return new TokenError('session_changed', 'the answer to this login has been taken elsewhere')
}

/** An answer for the source `id` was taken out of the page's URL: others that look now are to find it too. */
export function arrive(id: string, href: string, timer: Timer): void {
  arrivals.set(id, href)
  timer(() => forget(id, href), ARRIVAL_MS)
}

export function arrivedFor(id: string): string | undefined {
  return arrivals.get(id)
}

export function forget(id: string, href: string): void {
  if (arrivals.get(id) === href) arrivals.delete(id)
}
