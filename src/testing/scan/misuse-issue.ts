import type { SeenToken, TokenExchange } from './history.ts'
import { isGood, spanOf } from './misuse-use.ts'
import type { ScanLimits } from './options.ts'
import type { Family, Raise, TokenState, TokenStates } from './token-states.ts'

/** What an answer brings, and what was presented for it. */
export interface Issue {
  readonly exchange: TokenExchange
  readonly states: TokenStates
  readonly state: TokenState | undefined
  readonly limits: ScanLimits
  readonly raise: Raise
}

/**
 * Follows tokens from one to the next: which was revoked, which replaced which, what the family of them may do and whose
 * it is. The rules M9 to M11 at the moment of issue are here. Gives the tokens that were issued.
 */
export function followIssue(issue: Issue): TokenState[] {
  const { exchange, states, state } = issue
  const { issued, how, at, status = 0 } = exchange
  if (!isGood(status)) return []
  if (state && (how === 'revoke' || how === 'logout')) end(state, at)
  if (issued === undefined) return []
  const family = (how === 'refresh' ? state?.family : undefined) ?? createFamily()
  const access = issued.access && states.of(issued.access)
  const refresh = issued.refresh && states.of(issued.refresh)
  if (state && how === 'refresh') {
    family.principal ??= principalOf(exchange.presented)
    state.family = family
    if (refresh && refresh !== state) state.isExchanged = true
  }
  judgeOwner(issue, family, access)
  judgeScope(issue, family, access)
  if (access) {
    access.family = family
    if (issued.expiresInS !== undefined) {
      access.expiresAt ??= at + issued.expiresInS * 1_000
      judgeLifetime(issue, access, issued.expiresInS * 1_000)
    }
    if (!exchange.isNarrowed) {
      if (family.current && family.current !== access) family.current.replacedAt = at
      family.current = access
    }
  }
  if (refresh) refresh.family = family
  return [access, refresh].filter((one) => one !== undefined)
}

const createFamily = (): Family => ({ subject: undefined, principal: undefined, scope: undefined, current: undefined })

function end(state: TokenState, at: number): void {
  state.endedAt ??= at
  const current = state.family?.current
  // Who gives the refresh token back wants the access token dead as well (RFC 7009 section 2.1).
  if (current && state.kind === 'refresh') current.endedAt ??= at
}

/** M9, for tokens whose lifetime only the answer tells. */
function judgeLifetime({ limits, raise }: Issue, access: TokenState, lifetimeMs: number): void {
  if (lifetimeMs > limits.maxLifetimeMs) raise('M9', access, `It is issued for ${spanOf(lifetimeMs)}.`)
}

/** M10. */
function judgeScope({ exchange, raise }: Issue, family: Family, access: TokenState | undefined): void {
  const claimed = exchange.issued?.access?.jwt?.claims?.['scope']
  const text = exchange.issued?.scope ?? (typeof claimed === 'string' ? claimed : undefined)
  if (text === undefined) return
  const scope = text.split(' ').filter(Boolean)
  const more = family.scope ? scope.filter((one) => !family.scope?.has(one)) : []
  if (exchange.how === 'refresh' && more.length > 0) raise('M10', access, `The refresh added ${more.join(' ')}.`)
  family.scope = new Set([...(family.scope ?? []), ...scope])
}

/** M11, for refreshes. */
function judgeOwner({ exchange, raise }: Issue, family: Family, access: TokenState | undefined): void {
  const subject = exchange.issued?.access?.jwt?.claims?.['sub']
  const principal = principalOf(exchange.issued?.access)
  const isOther =
    (typeof subject === 'string' && family.subject !== undefined && subject !== family.subject) ||
    (principal !== undefined && family.principal !== undefined && principal !== family.principal)
  if (isOther) raise('M11', access, 'The refresh brought the token of somebody else.')
  if (typeof subject === 'string') family.subject ??= subject
  family.principal ??= principal
}

/** Our own recordings say in the placeholder whose token it is. */
const principalOf = (token: SeenToken | undefined): string | undefined => token?.principal
