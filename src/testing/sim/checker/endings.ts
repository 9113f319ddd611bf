import type { EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'

/** How long a proof may take: its key is looked for, and it waits for its turn where a server takes each nonce once. */
const PROOF_MS = 5_000

/** 7: terminal only if definitive. 8: use what is valid. */
export const judgeEndings: CreateJudge = (view, breach) => {
  const { setup } = view
  const logouts = new Set<string>()
  const refusals = new Set<string>()
  /** Why sessions were ended by somebody. */
  const reasons = new Set<string>()
  /** Sessions that somebody was told of. */
  const sessions = new Set<string>()
  /** In which task a tab has told the others that a session is over, or another has begun. */
  const told = new Map<string, number | undefined>()
  /** A tab has died before it could say why. */
  let unsaid = false
  /** In which task the machine slept last. */
  let slept: number | undefined
  let silent = false
  /** The record holds a refresh token. */
  let sealed = false
  let signIns = 0
  /** Calls that have to send in this very task, or as soon as there is a proof. */
  let due: { readonly call: number; readonly step: number; readonly tab: string; readonly until: number }[] = []

  function ended({ tab = '', event, at }: EntryOf<'event'>): void {
    const reason = String(event['reason'])
    const elsewhere = event['elsewhere'] === true
    const why = (text: string): void =>
      breach(7, `${tab} ends its session as ${reason}${elsewhere ? ' elsewhere' : ''}, and ${text}`)
    if (elsewhere) {
      const begun = reason === 'replaced' && (signIns > 1 || sessions.size > 1)
      // Whoever heard it may have gone on to sign in, and has nothing to tell its own application.
      const refused = /^(rejected|unknown-outcome)$/.test(reason) && refusals.size > 0
      if (!reasons.has(reason) && !begun && !unsaid && !refused) why('no tab has')
      return
    }
    reasons.add(reason)
    switch (reason) {
      case 'logout':
        if (!logouts.has(tab)) why('nobody has signed out')
        return
      case 'rejected':
      case 'unknown-outcome':
        if (!refusals.has(tab)) why('the server has not refused')
        else if (reason === 'rejected' && wasSilent(tab)) why('an earlier call with this token had no answer')
        else if (reason === 'unknown-outcome' && !silent && !isUnsure(at)) why('every call was answered')
        return
      case 'replaced':
        if (signIns < 2 && setup.credential === 'token') why('nobody else has signed in')
        return
      case 'idle':
        if (setup.idleMs === undefined) why('no session may be idle for too long')
        return
      case 'expired': {
        const alone = setup.credential === 'token' && (!sealed || view.troubled('records', 0))
        if (!alone && setup.absoluteMs === undefined) why('it could have been refreshed')
        return
      }
      case 'key-lost':
        if (!view.troubled('keys', 0)) why('its key is where it was put')
        return
      default:
        if (!logouts.has(tab)) why(`nobody has said so at ${String(at)}`)
    }
  }

  /** What was refused last here had been presented before, from here, and got no answer. */
  function wasSilent(tab: string): boolean {
    const mine = [...view.exchanges.values()].filter((one) => one.tab === tab && one.operation === 'refresh')
    const refused = mine.findLast(({ learned }) => learned?.outcome === 'refusal')
    const same = mine.filter(({ id, presented }) => id !== refused?.id && presented === refused?.presented)
    // A server that keeps its refresh token has answered a later call: what became of the one before is known by that.
    const before = same.slice(same.findLastIndex(({ learned }) => learned?.outcome === 'tokens') + 1)
    return setup.credential === 'token' && before.some(({ learned, online }) => online && learned && !learned.answered)
  }

  /** A mark may have been left by nobody, or by this tab before its clock was set. */
  function isUnsure(at: number): boolean {
    return isWaiting(at) || view.troubled('records', 0) || view.jumpedSince(0)
  }

  /** Nobody has learned what became of a refresh in all the time that it may take. */
  function isWaiting(at: number): boolean {
    const all = [...view.exchanges.values()].filter(({ operation, learned }) => operation === 'refresh' && !learned)
    return all.some((one) => at - one.at >= setup.requestTimeoutMs - setup.slackMs)
  }

  function called({ tab = '', call, method, state, fresh, demanding, narrow, step, at }: EntryOf<'called'>): void {
    if (method === 'logout') {
      logouts.add(tab)
      reasons.add('logout')
    }
    if (method === 'login' || method === 'startSession') signIns++
    if (method !== 'send' || !state.signedIn || !fresh || demanding || narrow || step === undefined) return
    if (
      view.jumpedSince(0) ||
      view.troubled('keys', 0) ||
      setup.idleMs !== undefined ||
      setup.absoluteMs !== undefined ||
      view.tabs.get(tab)?.disposed ||
      // Frozen in this very task: its proof comes when it wakes.
      (setup.bound && view.tabs.get(tab)?.condition !== 'live')
    )
      return
    due.push({ call, step, tab, until: setup.bound ? at + PROOF_MS : at })
  }

  /** Nothing is set up wrongly here: a server that wants another nonce wants it of the next call. */
  function misconfigured(code: string | undefined, tab: string): void {
    if (code === 'configuration')
      breach(7, `${tab} takes it that something is set up wrongly, and no server has said so`)
  }

  function overdue(step: number | undefined, at: number): void {
    if (due.length === 0) return
    const isLate = (one: (typeof due)[number]): boolean => one.step !== step && (!setup.bound || at > one.until)
    for (const one of due)
      if (isLate(one)) breach(8, `${one.tab} has a good token, and lets call ${String(one.call)} wait`)
    due = due.filter((one) => !isLate(one))
  }

  return {
    see(entry) {
      const { tab = '', at } = entry
      overdue(entry.step, at)
      switch (entry.what) {
        case 'called': {
          called(entry)
          return
        }
        case 'sent': {
          due = due.filter(({ call }) => call !== entry.call)
          const issued =
            entry.authorization === undefined ? undefined : view.access.get(entry.authorization.replace(/^\S+ /, ''))
          // In the midst of a task nobody looks at the clock again.
          if (issued && issued.expiresAt < at && !view.jumpedSince(0) && (slept === undefined || slept !== entry.step))
            breach(8, `${tab} sends ${issued.access}, which has expired`)
          return
        }
        case 'settled': {
          misconfigured(entry.code, tab)
          const mine = due.some(({ call }) => call === entry.call)
          due = due.filter(({ call }) => call !== entry.call)
          if (mine && entry.state.signedIn && /^(refresh_|timeout|configuration)/.test(entry.code ?? ''))
            breach(8, `${tab} has a good token, and call ${String(entry.call)} fails with ${String(entry.code)}`)
          return
        }
        case 'learned':
          if (entry.outcome === 'refusal') refusals.add(tab)
          if (!entry.answered) silent = true
          if (entry.outcome === 'failure') silent = true
          return
        case 'marked':
          told.set(tab, entry.step)
          return
        case 'clock':
          if (entry.how === 'sleep') slept = entry.step
          if (setup.bound) due = []
          return
        case 'dispose':
          silent = true
          return
        case 'killed':
        case 'frozen':
          silent = true
          if (entry.step !== undefined && told.get(tab) === entry.step) unsaid = true
          due = due.filter((one) => one.tab !== tab)
          return
        case 'recorded':
          sealed = (Object(entry.after) as { sealed?: unknown }).sealed !== undefined
          return
        case 'state':
          misconfigured(entry.state.error, tab)
          if (entry.state.session !== undefined) sessions.add(entry.state.session)
          if (entry.state.reason !== undefined && !entry.state.elsewhere) reasons.add(entry.state.reason)
          return
        case 'event':
          if (entry.type === 'signed-out') ended(entry)
          return
        default:
          return
      }
    },
    finish: () => overdue(undefined, Infinity),
  }
}
