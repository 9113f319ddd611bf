import { decideExchange } from './mock-exchange.ts'
import { decideRequest } from './mock-request.ts'
import type { Ask, Deciding, Decision } from './mock-rules.ts'
import { matchTemplate } from './mock-template.ts'

/**
 * What a server that was recorded would do with a request. A function of its arguments: the same for a server in Node
 * and for handlers in a browser.
 */
export function decide(deciding: Deciding, ask: Ask): Decision {
  const { plan, state } = deciding
  const { call, origin } = ask
  const path = decodedPath(call.url)
  const isRecorded = (asked: string): boolean =>
    plan.exchanges.some((one) => one.origin === origin && one.method === asked && matchTemplate(one.path, path))
  const called = call.method.toUpperCase()
  // RFC 9110 section 9.3.2: what is sent for GET, without its body. Whoever serves it leaves that out.
  const method = called === 'HEAD' && !isRecorded(called) ? 'GET' : called
  const candidates = plan.exchanges.filter(
    (one) => one.origin === origin && one.method === method && matchTemplate(one.path, path),
  )
  const [first] = candidates
  if (!first) return { outcome: 'not_recorded', state }
  return first.kind === undefined ? decideRequest(deciding, ask, candidates) : decideExchange(deciding, ask, candidates)
}

function decodedPath({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return pathname
  }
}
