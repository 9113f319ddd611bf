import { ownMembers } from '../lib/own.ts'

/** What all tabs of the origin know of one session. No secret in it, but a refresh token that a storage has sealed. */
export interface TabRecord {
  readonly version: 1
  /** Which sign-in or sign-out it is about. A commit that is about another changes nothing. */
  readonly epoch: number
  /** How often there were new tokens since the sign-in. */
  readonly sequence: number
  /** The last activity in any tab, device wall time. */
  readonly active: number
  /** Somebody has presented the refresh credential; until when nobody else may, if no answer comes. */
  readonly presented?: (Span & { readonly by: string }) | undefined
  /**
   * A sign-in by cookie is under way; after `until`, nobody has said what came of it, and the cookie may be another user's.
   */
  readonly entering?: (Span & { readonly by: string }) | undefined
  /** Meanwhile nobody asks again: until `hold` the server said so, or may still be at it; after that it is backoff. */
  readonly retry?: (Span & { readonly hold: number }) | undefined
  readonly sealed?: unknown
  /** The name of the key that the tokens are bound to. */
  readonly key?: string | undefined
  /** Who is signed in, if an ID token says so. */
  readonly user?: unknown
}

/** What the page after this one needs of a session. */
export type Stored = Pick<TabRecord, 'sealed' | 'key' | 'user'>

/** Device wall time. A clock that is before `since` was set back after this was written. */
export interface Span {
  readonly since: number
  readonly until: number
}

/** What becomes of the record. `undefined`: it stays as it is. */
export type Change = (record: TabRecord | undefined) => TabRecord | undefined

/** Reads what is stored. `undefined`: nothing. A record of another version is another program's: it is left alone. */
export function parseRecord(stored: unknown): TabRecord | 'foreign' | undefined {
  if (stored === undefined) return undefined
  const record = ownMembers(Object(stored) as TabRecord)
  const { version, epoch, sequence, active } = record
  const whole = (version as number) === 1 && [epoch, sequence, active].every((value) => Number.isFinite(value))
  return whole ? record : 'foreign'
}

/** A new epoch has begun: whatever was known of an older one is gone. */
export function toEpoch(epoch: number, active: number, stored: Stored = {}): Change {
  return (record) => {
    if (record && record.epoch > epoch) return undefined
    // Another tab may have claimed it before its refresh token was sealed.
    if (record?.epoch === epoch) return record.sequence > 1 ? undefined : { ...record, ...stored }
    return { version: 1, epoch, sequence: 1, active, ...stored }
  }
}

export interface Claiming {
  readonly epoch: number
  /** Of the tokens that are to be replaced. */
  readonly sequence: number
  readonly by: string
  readonly now: number
  readonly until: number
  /** Ask although it is not time yet. */
  readonly force: boolean
}

/** `next`: what the record is to be now. */
export type Claimed = { readonly next?: TabRecord } &
  /** Nobody else will present the credential before `until`. `doubtful`: somebody has, and got no answer. */
  (
    | ({ readonly verdict: 'mine'; readonly doubtful: boolean; readonly entered: boolean } & Stored)
    /** Another epoch has begun. */
    | { readonly verdict: 'over' }
    /** Another tab has newer tokens. */
    | { readonly verdict: 'newer'; readonly sequence: number }
    /** Another tab is at it, or it is not time yet. */
    | { readonly verdict: 'busy' | 'early'; readonly until: number }
  )

/** How long to wait for what nobody tells. */
const LOOK_MS = 1_000

/** Whether the credential may be presented now; if so, the mark that says that it is, written ahead. */
export function claim(record: TabRecord | undefined, claiming: Claiming): Claimed {
  const { epoch, sequence, by, now, until, force } = claiming
  // The record of a sign-in may not have been written, or storage was cleared.
  const known: TabRecord =
    record && record.epoch >= epoch ? record : ownMembers({ version: 1, epoch, sequence, active: now })
  const { presented, retry, entering } = ownMembers(known)
  if (known.epoch > epoch) return { verdict: 'over' }
  if (known.sequence > sequence) return { verdict: 'newer', sequence: known.sequence }
  if (presented && presented.by !== by) {
    // After a clock was set back nobody can say how much of it is left: all of it.
    const again = now < presented.since && { ...presented, since: now, until: now + presented.until - presented.since }
    const busyUntil = (again || presented).until
    if (busyUntil > now)
      return { verdict: 'busy', until: busyUntil, ...(again && { next: { ...known, presented: again } }) }
  }
  if (entering && entering.since <= now && now < entering.until) {
    // It will be over before that, and only the record tells.
    return { verdict: 'busy', until: Math.min(entering.until, now + LOOK_MS) }
  }
  const early = retry && (force ? retry.hold : retry.until)
  if (early && retry.since <= now && now < early) return { verdict: 'early', until: early }
  // A record that has lost what it was given is behind: what is sealed in it is spent.
  const sealed = known.sequence < sequence ? undefined : known.sealed
  return {
    verdict: 'mine',
    doubtful: presented !== undefined,
    entered: entering !== undefined,
    sealed,
    key: known.key,
    next: { ...known, sealed, sequence, presented: { by, since: now, until } },
  }
}

/** What a presentation that was claimed has come to, if its mark still stands: another epoch, or new tokens, take it away. */
export function toOutcome(claiming: Claiming, outcome: Partial<TabRecord>): Change {
  return (record) => (record && isMarked(record, claiming) ? { ...record, ...outcome } : undefined)
}

function isMarked({ presented }: TabRecord, { by, now }: Claiming): boolean {
  return presented?.by === by && presented.since === now
}

/** The sign-in `by` begins: the cookie of the session that is here may become another's. An earlier doubt stays. */
export function toEntering(by: string, since: number, requestTimeoutMs: number): Change {
  const entering = { by, since, until: since + requestTimeoutMs }
  return (record) => (record && !record.entering ? { ...record, entering } : undefined)
}

/** Nothing came of the sign-in `by`. */
export function toEntered(by: string): Change {
  return (record) => (record?.entering?.by === by ? { ...record, entering: undefined } : undefined)
}

/** Whoever has signed in, it was the user of this session. */
export function toKnown(epoch: number): Change {
  return (record) => (record?.epoch === epoch ? { ...record, entering: undefined } : undefined)
}

/** New tokens: for as long as there are no newer ones. Whoever has claimed to be at it meanwhile still is. */
export function toCommit(claiming: Claiming, outcome: Partial<TabRecord>): Change {
  const { epoch, sequence } = claiming
  return (record) =>
    record?.epoch === epoch && record.sequence <= sequence
      ? {
          ...record,
          ...outcome,
          sequence: sequence + 1,
          presented: isMarked(record, claiming) ? undefined : record.presented,
        }
      : undefined
}
