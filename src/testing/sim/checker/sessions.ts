import type { Entry, EntryOf } from './history.ts'
import type { CreateJudge } from './rule.ts'
import type { CallView, Issued } from './view.ts'

interface Over {
  readonly by: string
  readonly at: number
  /** The marker says so. */
  marked: boolean
  /** The tabs that know, whatever the marker says. */
  readonly known: Set<string>
  /** The first message that says so, of all that were posted. */
  readonly since: number
}

/** Who is signed in. */
interface Owner {
  readonly owner: string
  readonly family: string
  /** Who has found out. */
  readonly by: string
  /** It has had the time to write it down. */
  kept: boolean
}

/** 3: no revival. 5: subject integrity. 6: monotone tokens. */
export const judgeSessions: CreateJudge = (view, breach) => {
  const { setup } = view
  const over = new Map<string, Over>()
  const owners = new Map<string, Owner>()
  /** And when it was sent first. */
  const newest = new Map<string, { readonly index: number; readonly at: number }>()
  /** What the tab got last, until it says which session it is in. */
  const got = new Map<string, { readonly owner: string; readonly family: string; readonly late: number | undefined }>()
  /** Requests that were under way when their session ended: they end in the same task. */
  let cut: { readonly call: number; readonly step: number; readonly tab: string }[] = []
  /** Epochs that were posted, in order, by who did it and what it said. */
  const posted = new Map<string, number>()
  /** By exchange, the session that it was made for. */
  const presenting = new Map<number, string | undefined>()
  /** Sessions that somebody has been in. */
  const begun = new Set<string>()
  /** When `login` or `logout` was called last in a tab. */
  const overtaken = new Map<string, number>()

  function cutOff({ tab = '', step }: Entry, session: string | undefined): void {
    if (session === undefined || step === undefined) return
    for (const call of view.calls.values()) {
      const { entry, tab: name } = call
      if (name === tab && entry.state.session === session && isBound(call)) cut.push({ call: entry.call, step, tab })
    }
  }

  function isCut({ step }: Entry): void {
    if (cut.length === 0) return
    const late = cut.filter((one) => one.step !== step)
    cut = cut.filter((one) => one.step === step)
    for (const { call, tab } of late) {
      const made = view.calls.get(call)
      if (made && isBound(made) && view.tabs.get(tab)?.condition === 'live')
        breach(3, `${tab}: call ${String(call)} goes on, and its session has ended`)
    }
  }

  function end(session: string | undefined, entry: Entry): void {
    if (session === undefined || over.has(session)) return
    const { tab = '', at } = entry
    // A logout is posted after it was called, and before anybody is told.
    const mine = [...posted].findLast(([key]) => key.startsWith(`${tab} `))?.[1]
    const since = entry.what === 'called' ? posted.size : (mine ?? posted.size)
    over.set(session, { by: tab, at, marked: false, known: new Set([tab]), since })
  }

  /** Whether `tab` can know that `session` is over. */
  function knows(tab: string, session: string | undefined): Over | undefined {
    const one = session === undefined ? undefined : over.get(session)
    const reads = one?.marked && !view.troubled('marker', one.at)
    return reads || one?.known.has(tab) ? one : undefined
  }

  function spread(entry: Entry): void {
    const { tab = '' } = entry
    if (entry.what === 'marked') {
      for (const one of over.values()) if (one.by === tab) one.marked = true
    } else if (entry.what === 'delivered' && isEpoch(entry.message)) {
      const order = posted.get(keyOf(entry.from, entry.message)) ?? -1
      for (const one of over.values()) if (entry.from === one.by && order >= one.since) one.known.add(tab)
    }
  }

  function sent({ tab = '', authorization, url, call: id, step, at }: EntryOf<'sent'>): void {
    const call = id === undefined ? undefined : view.calls.get(id)
    const began = call?.entry.state
    // A listener may be told of something else first, and read that somebody is signed in.
    const reads = call?.entry.within && call.entry.step === step ? began?.session : undefined
    const session = reads ?? view.tabs.get(tab)?.session
    if (authorization === undefined) {
      if (began?.signedIn && setup.resources.some((resource) => url.startsWith(resource)))
        breach(5, `${tab}: a request that began in a session went bare`)
      return
    }
    const token = authorization.replace(/^\S+ /, '')
    const issued = view.access.get(token)
    if (session === undefined) return breach(3, `${tab} sends ${token}, and nobody is signed in`)
    const ended = knows(tab, session)
    if (ended) breach(3, `${tab} sends ${token} of a session that ${ended.by} has ended`)
    if (began?.signedIn && began.session !== session) breach(5, `${tab}: a request of another session carries ${token}`)
    if (!issued) return
    belongs(tab, session, issued, `${tab} sends ${token}`)
    const key = `${tab} ${session} ${issued.family} ${issued.resource ?? ''}`
    const { index = 0, at: since = at } = newest.get(key) ?? {}
    // To send it was decided when its proof was asked for.
    const decided = setup.bound ? (call?.replied?.at ?? call?.entry.at ?? at) : at
    // Who has no record counts for itself.
    if (issued.index < index && decided > since && !view.isAlone(tab))
      breach(6, `${tab} sends ${token}, and had a newer one`)
    if (issued.index > index || !newest.has(key)) newest.set(key, { index: issued.index, at })
  }

  function belongs(tab: string, session: string, { owner, family }: Issued, what: string): void {
    const known = owners.get(session)
    if (!known) return void owners.set(session, { owner, family, by: tab, kept: false })
    if (known.owner !== owner) breach(5, `${what}, of ${owner}, in a session of ${known.owner}`)
    else if (setup.credential === 'token' && known.family !== family) breach(5, `${what}, of another sign-in`)
  }

  function asked({ tab = '', exchange, presented, operation, at }: EntryOf<'asked'>): void {
    // A call that is made once more because its proof was refused is one of the session that it was made for.
    const before = [...view.exchanges.values()].findLast((one) => one.tab === tab && one.operation === operation)
    const isAgain = before?.presented === presented && before?.learned?.challenge !== undefined
    const session = isAgain ? presenting.get(before.id) : view.tabs.get(tab)?.session
    presenting.set(exchange, session)
    const ended = knows(tab, session)
    if (operation === 'refresh' && ended) breach(3, `${tab} refreshes a session that ${ended.by} has ended`)
    const issued = presented === undefined ? undefined : view.refresh.get(presented)
    if (operation !== 'refresh' || setup.credential === 'cookie' || !issued || session === undefined) return
    // What is stored has been lost, or was never kept.
    if (setup.stored && view.troubled('records', at - 600_000)) return
    if (issued.index < newestOf(`${tab} ${session} ${issued.family} `) && isRotated(presented))
      breach(6, `${tab} presents ${String(presented)}, and had tokens that came after it`)
  }

  /** Of all that were sent, whatever they are for. */
  function newestOf(start: string): number {
    return Math.max(0, ...[...newest].flatMap(([key, { index }]) => (key.startsWith(start) ? [index] : [])))
  }

  function isRotated(presented: string | undefined): boolean {
    return (
      [...view.access.values()].some((one) => one.refresh === presented) &&
      view.refresh.get(presented ?? '')?.refresh === presented
    )
  }

  function learned({ tab = '', exchange: id, outcome, step }: EntryOf<'learned'>): void {
    const exchange = view.exchanges.get(id)
    if (outcome !== 'tokens' || exchange?.operation !== 'login' || !exchange.issued || exchange.issued.isDowngrade)
      return
    // What was asked before somebody thought better of it: nobody may be signed in by it in this task.
    const late = exchange.at < (overtaken.get(tab) ?? -Infinity) ? step : undefined
    got.set(tab, { ...exchange.issued, late })
  }

  return {
    see(entry) {
      const { tab = '' } = entry
      isCut(entry)
      switch (entry.what) {
        case 'called':
          if (entry.method === 'logout') end(view.tabs.get(tab)?.session, entry)
          if (/^log/.test(entry.method)) overtaken.set(tab, entry.at)
          return
        case 'event':
          // Without its token, or its key, a tab leaves a session that others may go on with: asked, it finds it again.
          if (
            entry.type === 'signed-out' &&
            entry.event['elsewhere'] === false &&
            !/^(expired|key-lost)$/.test(String(entry.event['reason']))
          )
            end(String(entry.event['session']), entry)
          return
        case 'state': {
          const { session } = entry.state
          if (session !== view.tabs.get(tab)?.session) cutOff(entry, view.tabs.get(tab)?.session)
          if (session === undefined || session === view.tabs.get(tab)?.session) return
          const ended = knows(tab, session)
          if (ended) breach(3, `${tab} is again in the session that ${ended.by} has ended`)
          const issued = got.get(tab)
          got.delete(tab)
          // Whoever follows another tab in this very task is signed in by that.
          const isOwn = !begun.has(session)
          begun.add(session)
          if (isOwn && issued?.late !== undefined && issued.late === entry.step)
            breach(3, `${tab} is signed in by a login that was overtaken`)
          if (issued && !owners.has(session)) owners.set(session, { ...issued, by: tab, kept: false })
          return
        }
        case 'recorded':
          for (const one of owners.values()) if (one.by === tab) one.kept = true
          return
        case 'killed':
          // It has taken with it whose session that was.
          for (const [session, one] of owners) if (one.by === tab && !one.kept) owners.delete(session)
          return
        case 'posted':
          if (isEpoch(entry.message)) posted.set(keyOf(tab, entry.message), posted.size)
          return
        case 'marked':
        case 'delivered': {
          spread(entry)
          return
        }
        case 'learned': {
          learned(entry)
          return
        }
        case 'sent': {
          sent(entry)
          return
        }
        case 'asked': {
          asked(entry)
          return
        }
        default:
          return
      }
    },
  }
}

function keyOf(tab: string, message: unknown): string {
  return `${tab} ${String((message as { epoch?: unknown }).epoch)}`
}

function isEpoch(message: unknown): boolean {
  return (Object(message) as { type?: unknown }).type === 'epoch'
}

/** It waits for a token, or for the answer to one. */
function isBound({ entry, sends, settled }: CallView): boolean {
  const [last] = sends.slice(-1)
  return !settled && (last ? last.authorization !== undefined : /^(send|getAccessToken)$/.test(entry.method))
}
