import type { TokenExchange } from './history.ts'
import type { ScanLimits } from './options.ts'
import { createWindow, type Raise, type TokenState, type Window } from './token-states.ts'

/** The rules about how often: M7 and M8. */
export function judgeRate(
  limits: ScanLimits,
): (exchange: TokenExchange, state: TokenState | undefined, raise: Raise) => void {
  const refusals = new Map<string, Refusals>()
  const refreshes = new Map<string, Window>()

  return (exchange, state, raise) => {
    const { at, how, status } = exchange
    if (state === undefined) return
    // In a recording all tokens are one client's; in a log only a token itself tells who it is.
    const client = exchange.client ?? state.id
    if (how === 'bearer' && state.requests.count(at, MINUTE_MS) > limits.requestsPerMinute) {
      raise('M7', state, `It made more than ${String(limits.requestsPerMinute)} requests in a minute.`)
    }
    if (how === 'refresh') {
      const window = remembered(refreshes, client, () => createWindow(limits.refreshesPerMinute + 1))
      if (window.count(at, MINUTE_MS) > limits.refreshesPerMinute) {
        raise('M8', state, `More than ${String(limits.refreshesPerMinute)} refreshes in a minute.`)
        window.count(Infinity, 0)
      }
    }
    if (how === 'bearer' && status === 401) {
      const rounds = remembered(refusals, client, createRefusals).add(at)
      if (rounds === limits.refusals) {
        raise('M8', state, `It was refused ${String(rounds)} times on end, and tried again.`)
      }
    } else if (how === 'bearer' && status !== undefined && status !== 0) refusals.delete(client)
  }
}

const MINUTE_MS = 60_000

/** Refusals on end. A burst of requests that meet one expiry together is one round. */
interface Refusals {
  add(at: number): number
}

function createRefusals(): Refusals {
  let rounds: number[] = []
  return {
    add(at) {
      if (at - (rounds.at(-1) ?? -Infinity) >= ROUND_MS) rounds = [...rounds.filter((one) => at - one <= 120_000), at]
      return rounds.length
    },
  }
}

const ROUND_MS = 500
const MOST_CLIENTS = 20_000

function remembered<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  if (map.size >= MOST_CLIENTS) map.delete(map.keys().next().value ?? '')
  const made = create()
  map.set(key, made)
  return made
}
