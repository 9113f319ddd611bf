import { fromWish, toWish } from '../session/narrow.ts'
import type { Session } from '../session/session.ts'
import type { Held } from '../session/state.ts'
import type { TokenSet } from '../token.ts'
import type { Parts } from './parts.ts'
import type { Refresh } from './refresh.ts'

/** Tokens that are used once. Whoever takes one is the only one who has it. */
export interface Pool {
  /** One for the wish of `held`, if one is here that `isReady`. */
  take(held: Held, isReady: (tokens: TokenSet) => boolean): Held | undefined
  /** The next one that comes. `wait` gives up when whoever asks does. */
  next(held: Held, wait: (arrival: Promise<void>) => Promise<void>): Promise<Held>
}

/** What is kept ready for one wish, once it was asked for. */
interface Stock {
  /** The wishes of the tokens that are here, oldest first. */
  readonly spare: string[]
  /** Those who wait for the next one to come, and how many of them have not given up. */
  readonly waiting: { resolve(): void; reject(error: unknown): void }[]
  wanted: number
  isFetching: boolean
}

/** How many are fetched ahead, so that a request rarely waits. */
const AHEAD = 2

export function createPool({ narrow, ports, settings }: Parts, refresh: Refresh): Pool {
  const sessions = new WeakMap<Session, Map<string, Stock>>()

  function stockOf({ session, wish = '' }: Held): Stock {
    const stocks = sessions.get(session) ?? new Map<string, Stock>()
    sessions.set(session, stocks)
    const stock = stocks.get(wish) ?? { spare: [], waiting: [], wanted: 0, isFetching: false }
    stocks.set(wish, stock)
    return stock
  }

  async function fetchOne({ session, wish = '' }: Held): Promise<string> {
    const mine = toWish({ ...fromWish(wish), once: ports.random().toString(36).slice(2) })
    const one = narrow.of(session, mine)
    one.failure = narrow.of(session, wish).failure
    try {
      await refresh({ session, tokens: undefined, wish: mine }, 'requested')
      narrow.of(session, wish).failure = undefined
      return mine
    } catch (error) {
      // Not kept over the refresh: what holds nothing is forgotten.
      narrow.of(session, wish).failure = one.failure
      narrow.take(session, mine)
      throw error
    }
  }

  /** One after another: each spends the refresh token. */
  async function fill(held: Held, stock: Stock): Promise<void> {
    if (stock.isFetching) return
    stock.isFetching = true
    try {
      while (stock.spare.length < stock.wanted + (settings.background ? AHEAD : 0)) {
        stock.spare.push(await fetchOne(held))
        for (const { resolve } of stock.waiting.splice(0)) resolve()
      }
    } catch (error) {
      for (const { reject } of stock.waiting.splice(0)) reject(error)
    }
    stock.isFetching = false
  }

  function take(held: Held, isReady: (tokens: TokenSet) => boolean): Held | undefined {
    const stock = stockOf(held)
    const { session } = held
    // What does not live long enough counts for nothing; it stays where it is revoked at the end.
    for (let wish; (wish = stock.spare.shift()) !== undefined;) {
      const { tokens } = narrow.of(session, wish)
      if (!tokens || !isReady(tokens)) continue
      narrow.take(session, wish)
      void fill(held, stock)
      return { session, tokens, wish }
    }
    return undefined
  }

  return {
    take,
    async next(held, wait) {
      const stock = stockOf(held)
      for (;;) {
        const arrival = new Promise<void>((resolve, reject: (error: unknown) => void) => {
          stock.waiting.push({ resolve, reject })
        })
        stock.wanted++
        void fill(held, stock)
        await wait(arrival).finally(() => stock.wanted--)
        // However long it lives.
        const next = take(held, () => true)
        if (next) return next
      }
    },
  }
}
