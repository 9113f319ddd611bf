import type { SessionState, TokenEvents } from 'tokenward'
import type { Access, Call, Fate } from '../support/model-server.ts'
import { LOST_AFTER_MS, TIMEOUT_MS } from './plan.ts'

/** What must hold, whatever happens when. */
export type Rule =
  /** From the call of `logout` on nothing of an earlier session is sent, and nothing late signs anyone in. */
  | 'logout wins'
  /** A request carries a token of the session that it began in, or is not sent. */
  | 'own token'
  /** A refresh token is not presented again once its answer is known, nor by two at once; cookie calls are serial. */
  | 'one presentation'
  /** A request is sent at most twice. */
  | 'sent twice'
  /** A session ends for the reason that is given, and for no other. */
  | 'true reason'
  /** One event for each change, and the state readable in it. */
  | 'one event'
  /** Promises settle in time; an abort settles in the same task. */
  | 'settles'
  /** Nothing is left behind. */
  | 'quiet'

export interface Breach {
  readonly rule: Rule
  readonly text: string
}

/** A call to the manager. */
export interface Caller {
  readonly name: string
  readonly kind: string
  readonly begunAt: number
  readonly controller: AbortController
  /** The state in which it began. */
  readonly began: SessionState
  /** What a request was promised: to go bare (`'nobody'`), as this session, or (`undefined`) as whichever comes first. */
  as: string | undefined
  sends: number
  /** How long the API had it. */
  apiMs: number
  atApiSince: number | undefined
  settledAt: number | undefined
  outcome: string | undefined
}

export interface JudgeOptions {
  readonly credential: 'cookie' | 'token'
  now(): number
  getState(): SessionState
  access(value: string): Access | undefined
  ownerOf(credential: string | undefined): string | undefined
  calls(): Iterable<Call>
  /** Listeners call public methods, so that a later listener may see a later state. */
  readonly reentrant: boolean
}

/** Sees all that can be seen from outside, and nothing else; holds it against the {@link Rule}s. */
export interface Judge {
  readonly breaches: Breach[]
  breach(rule: Rule, text: string): void
  /** A command begins. Returns its number. */
  begin(): number
  signIn(by: 'login' | 'startSession' | 'restore'): void
  /** Just before `logout` is called. */
  loggingOut(): void
  /** Just after. */
  loggedOut(): void
  unrefreshable(owner: string): void
  observe(state?: SessionState): void
  sent(caller: Caller, token: string | undefined): void
  /** `online`: what is lost was surely on its way. */
  called(call: Call, fate: Fate, online: boolean): void
  answered(call: Call, answer: 'success' | 'refusal' | 'failure'): void
  changed(state: SessionState): void
  raised<K extends 'signed-in' | 'signed-out'>(type: K, event: TokenEvents[K]): void
  /** Compares what was raised with what changed. */
  close(midEvent: boolean): void
}

interface Seen {
  readonly at: number
  owner: string | undefined
}

export function createJudge({ credential, now, getState, access, ownerOf, calls, reentrant }: JudgeOptions): Judge {
  const breaches: Breach[] = []
  const sessions = new Map<string, Seen>()
  const sessionOf = new Map<string, string>()
  const refused = new Set<string>()
  const known = new Set<string>()
  const inSession = new Map<Call, string>()
  /** Refresh tokens that the server has spent, and nobody here knows; the calls that present them again. */
  const spent = new Set<string | undefined>()
  const doubtful = new Set<Call>()
  const unknown = new Set<string>()
  /** Presented once, and another came in its place. */
  const superseded = new Set<string | undefined>()
  const turns = new Map<Call, number>()
  let answeredLogin: { readonly at: number; readonly turn: number } | undefined
  const unrefreshable = new Set<string>()
  const changes: string[] = []
  const events: string[] = []
  let last = getState()
  let step = 0
  let logoutAt = -1
  let restoreAt = -1
  let signInAt = -1

  function breach(rule: Rule, text: string): void {
    breaches.push({ rule, text })
  }

  /** The number of the command that began it. */
  function beginningOf(token: string | undefined): number {
    const issued = token === undefined ? undefined : access(token)
    if (!issued || issued.operation === 'restore') return restoreAt
    return Number(issued.family.owner.split('@')[1])
  }

  function observe(state = getState()): void {
    if (state.status === 'restoring' && Math.max(restoreAt, signInAt) < logoutAt) {
      breach('logout wins', 'it is restoring, although nobody asked for that since the logout')
    }
    if (!state.signedIn) return
    const { session } = state
    const token = state.claims?.['issued'] as string | undefined
    let seen = sessions.get(session)
    if (!seen) {
      sessions.set(session, (seen = { at: step, owner: undefined }))
      if (beginningOf(token) < logoutAt) breach('logout wins', `a late answer signed ${String(token)} in`)
    } else if (seen.at < logoutAt) {
      breach('logout wins', `session ${session} came back`)
    }
    if (token === undefined) return
    const owner = access(token)?.family.owner
    seen.owner ??= owner
    if (seen.owner !== owner) breach('own token', `the session of ${String(seen.owner)} holds ${token}`)
    if ((sessionOf.get(token) ?? session) !== session) breach('own token', `two sessions hold ${token}`)
    sessionOf.set(token, session)
  }

  return {
    breaches,
    breach,
    observe,
    begin() {
      observe()
      return ++step
    },
    signIn(by) {
      if (by === 'restore') restoreAt = step
      else signInAt = step
    },
    loggingOut: () => void (logoutAt = step),
    loggedOut() {
      const { status, signedIn } = getState()
      if (!reentrant && (signedIn || status === 'restoring'))
        breach('logout wins', `after the call of logout it is ${status}`)
    },
    unrefreshable: (owner) => void unrefreshable.add(owner),

    sent(caller, token) {
      observe()
      const { name, as } = caller
      if (++caller.sends > 2) breach('sent twice', `${name} was sent ${String(caller.sends)} times`)
      if (token === undefined) {
        if (as !== 'nobody' && as !== undefined) breach('own token', `${name} began in ${as}, and went bare`)
        if (caller.kind === 'required') breach('own token', `${name} requires a token, and went bare`)
        caller.as = 'nobody'
        return
      }
      const session = sessionOf.get(token)
      if ((as ?? session) !== session) breach('own token', `${name} began as ${String(as)}, and carries ${token}`)
      caller.as = session
      const state = getState()
      if (!state.signedIn || state.session !== session) {
        breach('logout wins', `${name} carries ${token}, whose session is over`)
      }
    },

    called(call, fate, online) {
      if (credential === 'cookie') {
        for (const other of calls()) {
          if (now() - (turns.get(other) ?? 0) < LOST_AFTER_MS) {
            breach('one presentation', `${call.operation} was called during ${other.operation}`)
          }
        }
        // The tokens of a login that was overtaken are given back in its own turn.
        const inTurn = call.operation === 'revoke' && answeredLogin?.at === now()
        turns.set(call, inTurn ? answeredLogin!.turn : now())
      }
      const state = getState()
      if (call.operation === 'revoke' && state.signedIn) {
        const owner = ownerOf(call.presented)
        if (owner !== undefined && owner === sessions.get(state.session)?.owner) {
          breach('true reason', `${String(call.presented)} was revoked, and belongs to the session that is here`)
        }
      }
      if (call.operation !== 'refresh') return
      if (!state.signedIn) return breach('logout wins', 'a refresh was asked for while nobody is signed in')
      inSession.set(call, state.session)
      const { presented } = call
      if (spent.has(presented)) doubtful.add(call)
      if (online && (fate === 'lost' || fate === 'unanswered')) spent.add(presented)
      if (credential === 'cookie' || presented === undefined) return
      if (known.has(presented)) breach('one presentation', `${presented} was presented again, and its answer is known`)
      for (const other of calls()) {
        if (other.presented === presented && other.operation === 'refresh' && now() - other.startedAt < TIMEOUT_MS) {
          breach('one presentation', `${presented} was presented by two at once`)
        }
      }
    },

    answered(call, answer) {
      if (call.operation === 'login') answeredLogin = { at: now(), turn: turns.get(call) ?? now() }
      if (answer === 'failure' || call.operation !== 'refresh') return
      // A refusal that nobody waits for any more has a test of its own.
      const late = answer === 'refusal' && now() - call.startedAt >= TIMEOUT_MS
      // A refusal of a token that another answer has replaced meanwhile says nothing of the one that is here.
      const replaced = superseded.has(call.presented)
      if (answer === 'success') superseded.add(call.presented)
      if (call.presented !== undefined && !late) known.add(call.presented)
      const session = inSession.get(call)
      if (answer !== 'refusal' || session === undefined || replaced) return
      refused.add(session)
      if (doubtful.has(call)) unknown.add(session)
    },

    changed(state) {
      observe(state)
      if (!reentrant && state !== getState())
        breach('one event', `a listener was told ${state.status}, and reads another`)
      if (state === last) breach('one event', `a listener was told ${state.status} twice`)
      if (!Object.isFrozen(state)) breach('one event', 'the state can be changed')
      const [before, after] = [last, state].map((one) => (one.signedIn ? one.session : undefined))
      if (before !== after) {
        if (before !== undefined) changes.push(`signed-out ${before}`)
        if (after !== undefined) changes.push(`signed-in ${after}`)
      }
      last = state
    },

    raised(type, event) {
      const { session } = event
      events.push(`${type} ${session}`)
      const state = getState()
      const current = state.signedIn ? state.session : undefined
      if (!reentrant && (current === session) !== (type === 'signed-in')) {
        breach('one event', `in the listener for ${type} ${session} the state is of ${String(current)}`)
      }
      if (!('reason' in event)) return
      const { reason, elsewhere } = event
      const explained =
        (reason === 'logout' && (logoutAt === step || reentrant)) ||
        (reason === 'replaced' && (reentrant || current !== session)) ||
        (reason === 'rejected' && refused.has(session) && !unknown.has(session)) ||
        (reason === 'unknown-outcome' && refused.has(session)) ||
        (reason === 'expired' && unrefreshable.has(sessions.get(session)?.owner ?? ''))
      if (!explained || elsewhere) breach('true reason', `session ${session} ended as ${reason}`)
    },

    close(midEvent) {
      // Whoever disposes of the manager in a listener hears nothing more, not even of the change that he was told of.
      if (!midEvent && last !== getState()) breach('one event', 'the state changed, and nobody was told')
      // A listener that disposes of the manager keeps the later ones from hearing of the change.
      const heard = reentrant ? changes.slice(0, events.length) : changes
      if (heard.join() !== events.join()) {
        breach('one event', `changes: ${changes.join(', ')}; events: ${events.join(', ')}`)
      }
    },
  }
}
