import { parseHttpDate } from '../lib/http-date.ts'

/** When an attempt was sent and its answer came, by the device, and what the answer says of the time. */
export interface Dated {
  readonly sentMs: number
  readonly receivedMs: number
  readonly date: string | null
  /** The `Age` header: there is one if a cache has answered. */
  readonly age: string | null
}

/** How much the clock of the server is ahead of the device's. */
export interface Skew {
  readonly skewMs: number
  readonly uncertaintyMs: number
}

/** `undefined`: the answer does not tell. What is less than the uncertainty is no skew. */
export function skewOf({ sentMs, receivedMs, date, age }: Dated): Skew | undefined {
  const at = parseHttpDate(date)
  if (Number.isNaN(at) || age !== null) return undefined
  // The header tells whole seconds, which have begun half a second ago on average.
  const skewMs = at + 500 - (sentMs + receivedMs) / 2
  const uncertaintyMs = (receivedMs - sentMs) / 2 + 500
  return { skewMs: Math.abs(skewMs) > uncertaintyMs ? skewMs : 0, uncertaintyMs }
}
