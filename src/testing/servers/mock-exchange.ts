import { placeholdersIn } from '../redact/placeholder.ts'
import { credentialOf, textOf, type Call } from './http.ts'
import { bringsIt, isGiven } from './mock-credential.ts'
import type { Plan } from './mock-plan.ts'
import { isGood, type PlannedExchange } from './mock-planned.ts'
import type { Ask, Deciding, Decision } from './mock-rules.ts'
import { endSession, MOCK_COOKIE, nextOf, put, type MockSession, type MockState, type MockToken } from './mock-state.ts'
import { leavesOf, likeness } from './mock-template.ts'

/** A login, a refresh or a logout. One URL may be all three (RFC 6749 section 3.2): the body says which. */
export function decideExchange(deciding: Deciding, ask: Ask, candidates: readonly PlannedExchange[]): Decision {
  const { plan, rules, state } = deciding
  const came = leavesOf(textOf(ask.call.body), ask.call.headers['content-type'] ?? '')
  const scored = candidates.map((one) => ({ one, score: likeness(plan.bodyOf(one), came) }))
  const [closest] = [...scored].sort((a, b) => a.score.different - b.score.different || b.score.same - a.score.same)
  const kind = closest?.one.kind
  // A client that proved who it is has to do so again (RFC 6749 section 2.3.1).
  const client = closest?.one.credential
  const isClient = client !== undefined && !isGiven(client)
  if (
    isClient &&
    rules.auth === 'enforce' &&
    !bringsIt(ask.call, client, { tokens: plan.tokens, secrets: rules.secrets })
  ) {
    return { outcome: 'invalid_client', state }
  }
  const alike = scored.filter(({ one }) => one.kind === kind)
  switch (kind) {
    case 'login': {
      const { secrets } = rules
      const isRight = ([id, value]: [string, string]): boolean =>
        value !== '' && (!Object.hasOwn(secrets, id) || secrets[id] === value)
      const right = alike.filter(({ score }) => score.different === 0 && [...score.values].every(isRight))
      return login(
        deciding,
        ask,
        right.map(({ one }) => one),
        candidates,
      )
    }
    case 'refresh':
      return refresh(deciding, ask, Object.values(came), candidates)
    case 'logout':
      return logout(deciding, ask, Object.values(came), candidates)
    case undefined:
      return { outcome: 'not_recorded', state }
  }
}

function login(
  { state }: Deciding,
  { proof }: Ask,
  right: readonly PlannedExchange[],
  candidates: readonly PlannedExchange[],
): Decision {
  const good = right.filter(isGood)
  const [first] = good
  if (!first) {
    const refused = right[0] ?? candidates.find((one) => one.kind === 'login' && !isGood(one))
    return { outcome: 'invalid_credentials', ...(refused && { exchange: refused }), state }
  }
  const { item = first, state: after } = nextOf(state, `login ${first.index}`, good)
  const session: MockSession = {
    id: `s${state.sessions.size + 1}`,
    principal: item.principal ?? 'p1',
    jkt: proof?.outcome === 'proven' ? proof.jkt : undefined,
    ended: undefined,
    values: new Map(),
  }
  const sessions = put(after.sessions, session.id, session)
  return { outcome: 'signed-in', exchange: item, session, issues: true, state: { ...after, sessions } }
}

function refresh(
  { plan, state, rules, now }: Deciding,
  { call, proof }: Ask,
  came: readonly string[],
  candidates: readonly PlannedExchange[],
): Decision {
  const recorded = candidates.filter(({ kind }) => kind === 'refresh')
  const refuse = (outcome: 'reused' | 'invalid_grant', after: MockState = state): Decision => {
    const refused = recorded.find((one) => !isGood(one))
    return { outcome, ...(refused && { exchange: refused }), state: after }
  }
  const token = presented(call, came, state, isRefresh)
  const session = token && state.sessions.get(token.session)
  if (!session || session.ended !== undefined || token.expiresAt <= now) return refuse('invalid_grant')
  if (session.jkt !== undefined && (proof?.outcome !== 'proven' || proof.jkt !== session.jkt)) {
    const error = proof === undefined || proof.outcome === 'proven' ? 'invalid_dpop_proof' : proof.outcome
    return { outcome: error, state }
  }
  const isLate = token.spentAt !== undefined && now - token.spentAt < rules.graceMs
  if (token.spentAt !== undefined && !isLate) return refuse('reused', endSession(state, session.id, 'reuse'))
  const own = recorded.filter((one) => isGood(one) && (one.principal ?? session.principal) === session.principal)
  const { item, state: after } = nextOf(state, `${session.id} refresh`, own)
  if (!item) return { outcome: 'not_recorded', session, state }
  const spent = { ...token, spentAt: token.spentAt ?? now }
  const tokens = rotates(item, { plan, token }) ? put(after.tokens, token.value, spent) : after.tokens
  return { outcome: 'refreshed', exchange: item, session, issues: true, state: { ...after, tokens } }
}

/** RFC 7009 section 2.2: afterwards the token is no good, whatever it was before. */
function logout(
  { state }: Deciding,
  { call }: Ask,
  came: readonly string[],
  candidates: readonly PlannedExchange[],
): Decision {
  const token = presented(call, came, state, () => true)
  const recorded = candidates.filter(({ kind }) => kind === 'logout')
  const session = token && state.sessions.get(token.session)
  const own = recorded.find(({ principal }) => principal === session?.principal) ?? recorded[0]
  const after = session ? endSession(state, session.id, 'logout') : state
  return { outcome: 'signed-out', ...(own && { exchange: own }), ...(session && { session }), state: after }
}

/** Whether the recorded server gave a new refresh token for the one that came. */
function rotates(
  exchange: PlannedExchange,
  { plan, token }: { readonly plan: Plan; readonly token: MockToken },
): boolean {
  if (token.id === MOCK_COOKIE) return true
  const before = Object.values(plan.bodyOf(exchange)).flatMap(placeholdersIn)
  const { content, headers } = plan.responseOf(exchange)
  const given = placeholdersIn([content.text, ...headers.map(({ value }) => value)].join('\n'))
  return (
    given.some((id) => isRefresh({ kind: id.slice(0, id.indexOf('_')) }) && !before.includes(id)) ||
    (exchange.withCookies && given.some((id) => id.startsWith('cookie_')))
  )
}

function isRefresh({ kind }: { readonly kind: string }): boolean {
  return kind === 'refresh' || kind === 'cookie'
}

/** The token of ours that a request brings: in its body, its cookies or its `Authorization`. */
function presented(
  { headers }: Call,
  came: readonly string[],
  { tokens }: MockState,
  isWanted: (token: MockToken) => boolean,
): MockToken | undefined {
  const cookies = (headers['cookie'] ?? '').split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim())
  const values = [...came, ...cookies, credentialOf(headers['authorization'])?.token ?? '']
  return values.flatMap((value) => tokens.get(value) ?? []).find(isWanted)
}
