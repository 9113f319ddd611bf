import type { Har } from '../har/format.ts'
import { challengeOf, refusal } from './bearer.ts'
import type { ServerClock } from './clock.ts'
import { fingerprint, randomText } from './digest.ts'
import { credentialOf, json, realTime, type Call, type Reply } from './http.ts'
import { createSigner, type Jwks } from './jwt.ts'
import { idsOfAnswer, mint, replyOf } from './mock-answer.ts'
import { decide } from './mock-decide.ts'
import { planOf, type Plan } from './mock-plan.ts'
import type { Decision, MockOutcome, MockRules } from './mock-rules.ts'
import {
  emptyState,
  endSession,
  MOCK_COOKIE,
  MOCK_COOKIE_NAME,
  put,
  revokeAccess,
  type MockSession,
  type MockState,
  type MockToken,
} from './mock-state.ts'
import { createProofs } from './proofs.ts'
import { loggedRequest, type LoggedRequest } from './redact.ts'

export interface MockOptions {
  /** Default `'enforce'`. `'ignore'`: everybody is answered, as other mocks do. */
  readonly auth?: 'enforce' | 'ignore'
  /** Default: real time. */
  readonly clock?: ServerClock
  /**
   * Which scopes a request needs. Default `true`: what the recording shows, that is the scopes that every good token of
   * that route had, or that a refusal named. An object says it by `'GET /admin'` or `'GET https://api.example.com/admin'`.
   */
  readonly scopes?: boolean | Readonly<Record<string, string>>
  /** Which of the other recorded origins are served, beside the application's own. Default: all. */
  readonly third?: readonly (string | RegExp)[]
  /** For this long after a rotation the refresh token before it is still accepted. Default 0 */
  readonly graceMs?: number
  /**
   * What clients have to bring for a placeholder, such as `{ password_p1_1: 'demo' }`. Without it any value that is not
   * empty will do.
   */
  readonly secrets?: Readonly<Record<string, string>>
}

/** One request. No credential is in it: secrets are there as fingerprints. */
export interface MockLogEntry extends LoggedRequest {
  /** Epoch milliseconds. */
  readonly at: number
  /** The recorded origin. */
  readonly origin: string
  /** Fingerprint of the token in `Authorization`. */
  readonly presented: string | undefined
  readonly outcome: MockOutcome | undefined
  /** The recorded entry whose answer was given, from 0. */
  readonly entry: number | undefined
  readonly status: number | undefined
}

/** What a test may ask of a mock, wherever it runs. */
export interface MockControl {
  /** All that came, in the order of arrival. */
  readonly log: readonly MockLogEntry[]
  /** How often something came to this end. */
  count(outcome: MockOutcome): number
  /** The keys of its JWTs. */
  jwks(): Promise<Jwks>
  /**
   * A token for a placeholder of the recording, good from now on: for what was signed in before the recording began, and
   * for tests of one request.
   *
   * @throws TypeError The recording has no such placeholder.
   */
  token(id: string): Promise<string>
  revokeAccessTokens(): void
  /** Ends all sessions. */
  revokeSessions(): void
}

export interface MockEngine {
  readonly plan: Plan
  readonly control: MockControl
  /** `undefined`: it is not in the recording. `'none'`: no answer came then, and none comes now. */
  answer(call: Call, origin: string): Promise<Reply | 'none' | undefined>
}

/** Decides, makes tokens and keeps the state: the part that a server and handlers share. */
export function createMockEngine(har: Har, options: MockOptions): MockEngine {
  const { auth = 'enforce', clock = realTime, scopes = true, third, graceMs = 0, secrets = {} } = options
  const whole = planOf(har, typeof scopes === 'object' ? scopes : {})
  const isServed = (origin: string, index: number): boolean =>
    index === 0 || !third || third.some((one) => (typeof one === 'string' ? origin === one : one.test(origin)))
  const plan: Plan = { ...whole, origins: whole.origins.filter(isServed) }
  const rules: MockRules = { auth, scopes: scopes !== false, graceMs, secrets }
  const proofs = createProofs({ nonces: false, nonceMs: 0 }, clock.now)
  const log: MockLogEntry[] = []
  let state: MockState = emptyState
  let signing: ReturnType<typeof createSigner> | undefined
  const signer = (): ReturnType<typeof createSigner> => (signing ??= createSigner())

  function keep(token: MockToken): void {
    const session = state.sessions.get(token.session)
    if (!session) return
    const values = put(session.values, token.id, token.value)
    state = {
      ...state,
      tokens: put(state.tokens, token.value, token),
      sessions: put(state.sessions, session.id, { ...session, values }),
    }
  }

  /** Makes what the answer brings that is new; what was given before stays what it was. */
  async function fill({ exchange, session, issues }: Decision): Promise<Reply | 'none'> {
    if (!exchange) return json(500, { error: 'server_error' })
    const now = clock.now()
    if (session) {
      const making = { plan, signer: await signer(), now, session }
      const known = state.sessions.get(session.id)?.values
      for (const id of idsOfAnswer(plan.responseOf(exchange))) {
        const isGiven = known?.has(id) === true && !issues
        if (!isGiven && plan.tokens.get(id)?.template === undefined) keep(await mint(making, id, exchange))
      }
    }
    const values = (session && state.sessions.get(session.id)?.values) ?? new Map<string, string>()
    const reply = replyOf(exchange, { plan, values, now })
    if (!reply) return 'none'
    if (!issues || !session || !exchange.withCookies || hasCookie(reply)) return reply
    // Scripts cannot see an HttpOnly cookie, so the recording lacks it. One of our own takes its place.
    const value = randomText(32)
    keep({ ...(await mint({ plan, signer: await signer(), now, session }, MOCK_COOKIE)), value, kind: 'cookie' })
    const line = `${MOCK_COOKIE_NAME}=${value}; Path=/; HttpOnly; SameSite=Strict`
    return { ...reply, headers: { ...reply.headers, 'set-cookie': line } }
  }

  async function replyTo(decision: Decision, { headers }: Call): Promise<Reply | 'none' | undefined> {
    const { outcome, problem, exchange } = decision
    if (exchange) return fill(decision)
    if (problem) {
      const scheme = decision.scheme ?? (problem.error.includes('dpop') ? 'DPoP' : 'Bearer')
      return refusal(
        problem,
        challengeOf(problem, { scheme, describe: true, ...(scheme === 'Basic' && { realm: 'recorded' }) }),
      )
    }
    if (outcome === 'not_recorded') return undefined
    // RFC 6749 section 5.2: it may ask in the way that the client has tried.
    if (outcome === 'invalid_client') {
      return json(401, { error: outcome }, { 'WWW-Authenticate': 'Basic realm="recorded"' })
    }
    if (outcome === 'forbidden') return json(403, { error: 'access_denied' })
    // RFC 6749 section 5.2, RFC 9449 section 5. What is no OAuth says 401.
    const isOauth = headers['content-type']?.startsWith('application/x-www-form-urlencoded') || outcome.includes('dpop')
    return json(isOauth ? 400 : 401, { error: outcome === 'reused' ? 'invalid_grant' : outcome })
  }

  return {
    plan,
    async answer(call, origin) {
      const credential = credentialOf(call.headers['authorization'])
      const entry: MockLogEntry = {
        at: clock.now(),
        origin,
        ...loggedRequest(call),
        presented: credential && fingerprint(credential.token),
        outcome: undefined,
        entry: undefined,
        status: undefined,
      }
      log.push(entry)
      const proof = await proofs.judge(call, credential?.scheme === 'dpop' ? credential.token : undefined)
      const decision = decide({ plan, rules, state, now: clock.now() }, { call, origin, proof })
      state = decision.state
      Object.assign(entry, { outcome: decision.outcome, entry: decision.exchange?.index })
      const reply = await replyTo(decision, call)
      if (typeof reply === 'object') Object.assign(entry, { status: reply.status })
      return reply
    },
    control: {
      log,
      count: (outcome) => log.filter((entry) => entry.outcome === outcome).length,
      jwks: async () => (await signer()).jwks,
      async token(id) {
        const reference = plan.tokens.get(id)
        if (!reference) throw new TypeError(`The recording has no ${id}; it has ${[...plan.tokens.keys()].join(', ')}.`)
        const { principal } = reference
        const isLive = (one: MockSession): boolean => one.principal === principal && one.ended === undefined
        const live = [...state.sessions.values()].filter(isLive).at(-1)
        const session: MockSession = live ?? {
          ...{ id: `s${state.sessions.size + 1}`, principal, jkt: undefined, ended: undefined, values: new Map() },
        }
        state = { ...state, sessions: put(state.sessions, session.id, session) }
        const token = await mint({ plan, signer: await signer(), now: clock.now(), session }, id)
        keep(token)
        return token.value
      },
      revokeAccessTokens: () => void (state = revokeAccess(state)),
      revokeSessions() {
        for (const id of state.sessions.keys()) state = endSession(state, id, 'revoked')
      },
    },
  }
}

function hasCookie({ headers = {} }: Reply): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'set-cookie')
}
