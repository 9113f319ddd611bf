import type { TokenExchange } from './history.ts'
import type { Raise, TokenState } from './token-states.ts'

/** The rules that need more than one token: M6 for changes, and M11 for sessions. */
export function judgeSession(): (exchange: TokenExchange, state: TokenState | undefined, raise: Raise) => void {
  const subjects = new Map<string, string>()
  const algorithms = new Map<string, string>()

  return (exchange, state, raise) => {
    const { header = {}, claims = {} } = exchange.presented?.jwt ?? {}
    const session = exchange.session ?? textOf(claims['sid'])
    const subject = exchange.subject ?? textOf(claims['sub'])
    if (session !== undefined && subject !== undefined) {
      const first = keep(subjects, session, subject)
      if (first !== subject) raise('M11', state, 'The session of this token is that of another user as well.')
    }
    const issuer = textOf(claims['iss'])
    const algorithm = textOf(header['alg'])
    if (issuer === undefined || algorithm === undefined) return
    const kid = textOf(header['kid'])
    const usual = keep(algorithms, issuer, familyOf(algorithm))
    const usualOfKey = kid === undefined ? algorithm : keep(algorithms, `${issuer} ${kid}`, algorithm)
    if (usual !== familyOf(algorithm)) {
      raise('M6', state, `It is signed with ${algorithm}; the tokens of its issuer were ${usual} before.`)
    } else if (usualOfKey !== algorithm) {
      raise('M6', state, `It is signed with ${algorithm}; with this kid it was ${usualOfKey} before.`)
    }
  }
}

/** A key for HMAC that was a public key before is the classic confusion (RFC 8725 section 2.1). */
const familyOf = (algorithm: string): string => (/^HS/i.test(algorithm) ? 'HMAC' : 'signatures')

const MOST = 20_000

/** The first value that `key` had. */
function keep(map: Map<string, string>, key: string, value: string): string {
  const first = map.get(key)
  if (first !== undefined) return first
  if (map.size >= MOST) map.delete(map.keys().next().value ?? '')
  map.set(key, value)
  return value
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
