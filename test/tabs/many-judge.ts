import type { SessionState } from 'tokenward'
import type { ModelServer } from '../support/model-server.ts'
import { type Asked, type Credential, TIMEOUT_MS } from './browser.ts'

/** What must hold over all tabs, whatever happens when. */
export type Rule =
  /** At most one presentation of the refresh credential is under way, over all tabs. */
  | 'single flight'
  /** A refresh token is not presented again once its answer is known. */
  | 'no second presentation'
  /** From the call of `logout`, or the end of a login, on nothing of an earlier session is sent or comes back. */
  | 'no revival'
  /** A request carries a token of the user who was signed in when it began. */
  | 'own token'
  /** A session ends only for what ends it. */
  | 'true reason'
  | 'one event'
  | 'settles'
  | 'convergence'
  | 'quiet'

export interface ManyJudge {
  readonly breaches: { readonly rule: Rule; readonly text: string }[]
  breach(rule: Rule, text: string): void
  called(call: Asked, calls: readonly Asked[]): void
  learned(call: Asked): void
  changed(tab: string, state: SessionState): void
  raised(tab: string, type: 'signed-in' | 'signed-out', event: { session: string; reason?: string }): void
  sent(tab: string, began: SessionState, state: SessionState, authorization: string | undefined): void
  /** `logout` was called in a tab that was, or may have been, signed in. */
  loggedOut(): void
}

/** A record takes so long at most, and the call is made after it. */
const SLACK_MS = 1_100

export function createManyJudge(credential: Credential, server: () => ModelServer, now: () => number): ManyJudge {
  const breaches: { rule: Rule; text: string }[] = []
  const known = new Set<string>()
  /** Every session that was ever seen, and whose it is; those that are over for everybody. */
  const owners = new Map<string, string | undefined>()
  const over = new Set<string>()
  const current = new Map<string, string | undefined>()
  /** Families that the server may have ended, or whose cookie nobody may have got. */
  let trouble = false

  const breach = (rule: Rule, text: string): void => void breaches.push({ rule, text })

  return {
    breaches,
    breach,
    called(call, calls) {
      if (call.fate !== 'answered') trouble = true
      const { operation, presented, tab } = call
      if (operation !== 'refresh') return
      for (const other of calls) {
        if (other === call || !/^(refresh|restore)$/.test(other.operation) || other.doneAt !== undefined) continue
        if (now() - other.at >= TIMEOUT_MS - SLACK_MS) continue
        if (server().ownerOf(other.presented) !== server().ownerOf(presented)) continue
        breach(
          'single flight',
          `${tab} presents ${String(presented)} while ${other.tab} presents ${String(other.presented)}`,
        )
      }
      if (presented !== undefined && known.has(presented))
        breach('no second presentation', `${tab} presents ${presented}, and its answer is known`)
      const session = current.get(tab)
      if (session !== undefined && over.has(session)) breach('no revival', `${tab} refreshes ${session}, which is over`)
    },
    learned({ operation, presented, outcome }) {
      if (operation === 'refresh' && presented !== undefined && outcome !== 'failure') known.add(presented)
      if (outcome === 'refusal' && credential === 'cookie') trouble = true
    },
    changed(tab, state) {
      const before = current.get(tab)
      const session = state.signedIn ? state.session : undefined
      current.set(tab, session)
      if (session === undefined) return
      if (session !== before && over.has(session)) breach('no revival', `${tab} is in session ${session} again`)
      const owner = state.signedIn ? (state.claims?.['sub'] as string | undefined) : undefined
      if (!owner) return
      const seen = owners.get(session)
      if (seen !== undefined && seen !== owner)
        breach('own token', `session ${session} of ${seen} holds ${owner}'s token`)
      owners.set(session, owner)
      // A newer sign-in ends the older ones.
      for (const other of owners.keys()) if (parseInt(other, 36) < parseInt(session, 36)) over.add(other)
    },
    raised(tab, type, { session, reason }) {
      if (type === 'signed-out' && !trouble && /^(rejected|unknown-outcome)$/.test(String(reason)))
        breach('true reason', `${tab}: ${session} ended as ${String(reason)}, and the server had no reason`)
    },
    sent(tab, began, state, authorization) {
      if (authorization === undefined) {
        if (began.signedIn) breach('own token', `${tab}: a request that began signed in went bare`)
        return
      }
      const token = authorization.replace('Bearer ', '')
      if (!state.signedIn) {
        breach('no revival', `${tab} sends ${token}, and is ${state.status}`)
        return
      }
      if (over.has(state.session)) breach('no revival', `${tab} sends ${token} of ${state.session}, which is over`)
      const owner = server().access(token)?.family.owner
      if ((owners.get(state.session) ?? owner) !== owner)
        breach('own token', `${tab} sends ${token} as ${String(owners.get(state.session))}`)
      if (began.signedIn && began.session !== state.session)
        breach('own token', `${tab}: a request of ${began.session} carries ${token} of ${state.session}`)
    },
    loggedOut() {
      for (const session of owners.keys()) over.add(session)
      for (const session of current.values()) if (session !== undefined) over.add(session)
    },
  }
}
