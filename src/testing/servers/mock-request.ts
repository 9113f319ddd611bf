import { judgeClaims, type AccessProblem } from './bearer.ts'
import { cookieOf, credentialOf, textOf, type Call } from './http.ts'
import { bringsIt, valuesIn } from './mock-credential.ts'
import { audiencesOf, type Needs, type Plan } from './mock-plan.ts'
import { type PlannedExchange, routeOf } from './mock-planned.ts'
import type { Ask, Deciding, Decision } from './mock-rules.ts'
import { MOCK_COOKIE_NAME, nextOf, type MockSession } from './mock-state.ts'
import { leavesOf, likeness } from './mock-template.ts'

/** A request of the application: is it let in, and what is it answered? */
export function decideRequest(deciding: Deciding, ask: Ask, candidates: readonly PlannedExchange[]): Decision {
  const { plan, rules, state } = deciding
  const [first] = candidates
  const needs = first && plan.needs.get(routeOf(first))
  if (rules.auth === 'ignore' || needs?.credential === undefined) return answerOf(deciding, ask, candidates, undefined)
  if (needs.credential === 'secret' || needs.credential === 'password') {
    const own = candidates.filter(
      ({ credential }) => credential && bringsIt(ask.call, credential, { tokens: plan.tokens, secrets: rules.secrets }),
    )
    if (own.length > 0) return answerOf(deciding, ask, own, undefined)
    return { outcome: 'no_token', problem: { error: 'no_token' }, scheme: schemeOf(candidates), state }
  }
  const access = admitted(deciding, ask, candidates, needs)
  if ('problem' in access) return { outcome: access.problem.error, problem: access.problem, state }
  const { session } = access
  // What was refused is refused by the rules above, if at all.
  const own = candidates.filter(
    (one) => (one.principal ?? session.principal) === session.principal && one.status !== 401,
  )
  if (own.length === 0) return { outcome: 'forbidden', session, state }
  return answerOf(deciding, ask, own, session)
}

function admitted(
  { plan, rules, state, now }: Deciding,
  { call, proof }: Ask,
  candidates: readonly PlannedExchange[],
  needs: Needs,
): { readonly session: MockSession } | { readonly problem: AccessProblem } {
  const invalid = (description: string): { problem: AccessProblem } => ({
    problem: { error: 'invalid_token', description },
  })
  const presented = presentedAccess(call, candidates, plan) ?? ownCookie(call, needs)
  if (presented === 'malformed') {
    return { problem: { error: 'invalid_request', description: 'The request holds no single token' } }
  }
  if (presented === undefined) return { problem: { error: 'no_token' } }
  const token = state.tokens.get(presented.token)
  const session = token && state.sessions.get(token.session)
  if (!session || token.kind !== needs.credential) return invalid('The access token is not of this issuer')
  if (session.jkt !== undefined) {
    if (proof?.outcome !== 'proven') return { problem: { error: proof?.outcome ?? 'invalid_dpop_proof' } }
    if (presented.scheme !== 'dpop' || proof.jkt !== session.jkt) return invalid('The access token is bound to a key')
  } else if (presented.scheme === 'dpop') {
    // RFC 9449 section 7.1: whoever says DPoP proves something, and a token that is bound to no key is none for that.
    if (proof?.outcome !== 'proven') return { problem: { error: proof?.outcome ?? 'invalid_dpop_proof' } }
    return invalid('The access token is bound to no key')
  }
  if (token.expiresAt <= now) return invalid('The access token expired')
  if (token.spentAt !== undefined && now - token.spentAt >= rules.graceMs)
    return invalid('The session has a newer cookie')
  if (token.revoked || session.ended !== undefined) return invalid('The access token was revoked')
  const audiences = audiencesOf(token.claims['aud'])
  const isForHere =
    needs.audiences.length > 0 && audiences.length > 0
      ? audiences.some((one) => needs.audiences.includes(one))
      : needs.issuers.length === 0 || needs.issuers.includes(token.issuer)
  if (token.kind === 'access' && !isForHere) return invalid('The access token is for another audience')
  const problem = judgeClaims(token.claims, { now, ...(rules.scopes && { scope: needs.scope }) })
  return problem ? { problem } : { session }
}

/**
 * The access token of a request: in `Authorization`, or where the recording had it. In two places at once it is malformed.
 *
 * @see [RFC 6750 section 2](https://www.rfc-editor.org/rfc/rfc6750.html#section-2)
 */
function presentedAccess(
  call: Call,
  candidates: readonly PlannedExchange[],
  { tokens }: Plan,
): { readonly scheme: string; readonly token: string } | 'malformed' | undefined {
  const { headers, url } = call
  const { authorization } = headers
  const credential = credentialOf(authorization)
  const isHere = credential?.scheme === 'bearer' || credential?.scheme === 'dpop'
  const inQuery = url.searchParams.getAll('access_token').length
  const inForm = /^application\/x-www-form-urlencoded/i.test(headers['content-type'] ?? '')
    ? new URLSearchParams(textOf(call.body)).getAll('access_token').length
    : 0
  if ((isHere ? 1 : 0) + inQuery + inForm > 1) return 'malformed'
  if (isHere) return credential
  if (/^(bearer|dpop)(\s|$)/i.test(authorization ?? '')) return 'malformed'
  for (const { credential: place } of candidates) {
    const token = place && valuesIn(call, place, tokens)?.get(place.id)
    if (token !== undefined) return { scheme: 'bearer', token }
  }
  return undefined
}

/** The session that the mock has given a cookie of its own, because that of the recording could not be seen. */
function ownCookie(call: Call, { credential }: Needs): { readonly scheme: string; readonly token: string } | undefined {
  const token = credential === 'cookie' ? cookieOf(call, MOCK_COOKIE_NAME) : undefined
  return token === undefined ? undefined : { scheme: 'cookie', token }
}

/** How a route asks for what is no token of ours. */
function schemeOf(candidates: readonly PlannedExchange[]): string {
  const place = candidates.find(({ credential }) => credential)?.credential
  const scheme = place?.name === 'authorization' ? /^[\w-]+(?= )/.exec(place.template)?.[0] : undefined
  return scheme ?? 'ApiKey'
}

/** The recorded answer that fits best: the same query, the most similar body, the next in order. */
function answerOf(
  { plan, state }: Deciding,
  { call }: Ask,
  candidates: readonly PlannedExchange[],
  session: MockSession | undefined,
): Decision {
  const asked = Object.fromEntries(call.url.searchParams)
  const fitting = candidates.filter(({ query }) => likeness(query, asked).different === 0)
  const came = leavesOf(textOf(call.body), call.headers['content-type'] ?? '')
  const scored = fitting.map((one) => ({ one, score: likeness(plan.bodyOf(one), came) }))
  const best = Math.min(...scored.map(({ score }) => score.different))
  const fits = scored.filter(({ score }) => score.different === best).map(({ one }) => one)
  const [first] = fits
  if (!first) return { outcome: 'not_recorded', ...(session && { session }), state }
  const key = `${session?.id ?? 'anybody'} ${first.index}`
  const { item, state: after } = nextOf(state, key, fits)
  return { outcome: 'answered', exchange: item ?? first, ...(session && { session }), state: after }
}
