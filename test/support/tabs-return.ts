import assert from 'node:assert/strict'
import { until, type Driver, type Tab } from './tabs-driver.ts'

/** Shorter than this no page is away. */
export const AWAY_MS = 150

/** What a page found in its first tasks when it was back, and what became of the calls that it made in them. */
export interface Returned {
  /** By an event: then it has looked before any task of the application. A page whose process was stopped hears of nothing. */
  readonly told: boolean
  readonly states: readonly string[]
  readonly outcomes: readonly string[]
  /** Whose tokens those calls carried. */
  readonly users: readonly (string | undefined)[]
}

/** For a page: in the first task of each kind after it was away it looks at the state, and calls. */
export function noteReturn({ awayMs, timers }: { awayMs: number; timers: boolean }): void {
  let leftAt = Infinity
  const back = (kind: string): void => {
    if (Date.now() - leftAt < awayMs || client.happened.some(({ what }) => what.startsWith(`back ${kind} `))) return
    client.note(`back ${kind} ${client.tokens.getState().signedIn ? 'signed in' : 'signed out'}`)
    void client.call(`me?id=back-${kind}`).then((outcome) => client.note(`ended back-${kind} ${outcome}`))
  }
  const leave = (): void => void (leftAt = Math.min(leftAt, Date.now()))
  addEventListener('pagehide', leave)
  for (const type of ['freeze', 'stop']) document.addEventListener(type, leave)
  for (const type of ['pageshow', 'focus']) addEventListener(type, () => back(type))
  document.addEventListener('resume', () => back('resume'))
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') back('visibilitychange')
    else leave()
  })
  addEventListener('pageshow', ({ persisted }) => persisted && client.note('persisted'))
  let ticked = Date.now()
  const tick = (): void => {
    if (Date.now() - ticked >= awayMs) back('timer')
    ticked = Date.now()
  }
  if (timers) setInterval(tick, 10)
}

export function leavePage(tab: Tab): Promise<void> {
  return tab.leave(() => location.assign('/blank'), undefined)
}

/** Whether it is the page that was left, and no new one. */
export async function returnToPage(tab: Tab): Promise<boolean> {
  await tab.leave(() => history.back(), undefined)
  return tab.run(() => client.happened.some(({ what }) => what === 'persisted'))
}

/** Waits for the calls that a page makes which is back. */
export async function callsWhenBack({ site }: Driver, tab: Tab): Promise<Returned> {
  const notes = async (pattern: RegExp): Promise<string[]> => {
    const happened = await tab.run(() => client.happened)
    return happened.flatMap(({ what }) => pattern.exec(what)?.[1] ?? [])
  }
  await until('it has called, and been answered', async () => {
    const begun = await notes(/^back (\S+)/)
    const ended = await notes(/^ended back-(\S+)/)
    return begun.length > 0 && ended.length === begun.length
  })
  return {
    told: (await notes(/^back (\S+)/)).some((kind) => kind !== 'timer'),
    states: await notes(/^back \S+ (.+)/),
    outcomes: await notes(/^ended back-\S+ (\S+)/),
    users: site.sent().flatMap(({ id, user }) => (id?.startsWith('back-') ? [user] : [])),
  }
}

/** The same for a page that was loaded anew: it has no tasks from before, and finds out who is signed in. */
export async function callWhenNew({ site }: Driver, tab: Tab): Promise<Returned> {
  const { signedIn } = await tab.run(() => client.tokens.restore())
  const outcome = await tab.run(() => client.call('me?id=back-anew'))
  const users = site.sent().flatMap(({ id, user }) => (id === 'back-anew' ? [user] : []))
  return { told: true, states: [signedIn ? 'signed in' : 'signed out'], outcomes: [String(outcome)], users }
}

/** Its session has ended meanwhile. */
export function assertFoundOut({ told, states, users }: Returned): void {
  if (told) assert.deepEqual([...new Set(states)], ['signed out'], 'what its first tasks find')
  // Who has to find out by the call itself may send nothing.
  const sent = told || users.length > 0 ? [undefined] : []
  assert.deepEqual([...new Set(users)], sent, 'whose tokens their calls carry')
}
