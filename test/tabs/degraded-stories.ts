import { BOUND_MS, LIFETIME_MS, only, sessionOf, type Tab } from './browser.ts'
import { type Combination, type Mode, openWatched, type Watched } from './degraded-watch.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000
const SOON_MS = 100
const RETRY_AFTER_MS = 60_000

/** What can be found, best first. */
export const scales = {
  /** A new tab, while another has a token. */
  newTab: ['no call', 'one call', 'new session', 'not found'],
  /** Two tabs that find the token expired. `one, late`: one of them may have to try again. */
  refresh: ['one', 'one, late', 'each its own', 'the same token'],
  retryAfter: ['for both', 'for each'],
  logout: ['at once', 'on waking', 'server'],
  /** A logout while the page was in the back/forward cache. */
  asleep: ['next request', 'on waking', 'server'],
  switched: ['at once', 'on waking', 'server'],
  /** At the server, when the logout is over: nothing; or what another tab held, or was about to get. */
  left: ['nothing', 'what came late', 'what is held'],
  /** The page is reloaded, and there is no other. */
  reload: ['found', 'not found'],
} as const

export type Findings = { readonly [K in keyof typeof scales]: (typeof scales)[K][number] | undefined }

export interface Run {
  /** What holds between tabs. `undefined`: no second tab gets there. */
  readonly findings: Findings
  /** How long a refresh takes. */
  readonly refreshMs: number
  readonly told: readonly string[]
  readonly breaches: readonly string[]
}

/** Every story, with what is missing in `combination`. */
export async function playDegraded(mode: Mode, combination: Combination): Promise<Run> {
  const breaches: string[] = []
  const told = new Set<string>()

  async function play<T>(name: string, story: (watched: Watched) => Promise<T>): Promise<T> {
    const watched = openWatched(mode, combination)
    const result = await story(watched)
    for (const breach of await watched.finish()) breaches.push(`${name}: ${breach}`)
    for (const what of watched.told()) told.add(what)
    return result
  }

  const refreshMs = await play('one tab', aloneStory)
  const newTab = await play('a new tab', newTabStory)
  const reload = await play('reload', reloadStory)
  const none = {
    refresh: undefined,
    retryAfter: undefined,
    logout: undefined,
    asleep: undefined,
    switched: undefined,
    left: undefined,
  }
  const both = newTab === 'not found' ? none : await playBoth(play)
  return { findings: { newTab, reload, ...both }, refreshMs, told: [...told].sort(), breaches }
}

type Play = <T>(name: string, story: (watched: Watched) => Promise<T>) => Promise<T>

async function playBoth(play: Play): Promise<Omit<Findings, 'newTab' | 'reload'>> {
  const refreshes: Findings['refresh'][] = []
  for (const latencyMs of [5, 2_000])
    for (const ms of [0, 3, 8, 300]) {
      const name = `two refresh ${String(ms)} ms apart, ${String(latencyMs)} ms away`
      refreshes.push(await play(name, (watched) => refreshStory(watched, ms, latencyMs)))
    }
  const lefts: Findings['left'][] = [await play('logout', (watched) => leftStory(watched))]
  for (const logoutMs of [50, 1])
    for (const ms of [0, 10, 40, 60, 90, 110]) {
      const name = `logout ${String(ms)} ms into a refresh, ${String(logoutMs)} ms away`
      lefts.push(await play(name, (watched) => leftStory(watched, { ms, logoutMs })))
    }
  return {
    refresh: worst(scales.refresh, refreshes),
    retryAfter: await play('Retry-After', retryStory),
    logout: await reachOf(play, 'logout'),
    asleep: await play('logout while asleep', asleepStory),
    switched: await reachOf(play, 'switch'),
    left: worst(scales.left, lefts),
  }
}

export function worst<T>(scale: readonly T[], found: readonly (T | undefined)[]): T | undefined {
  return scale.findLast((one) => found.includes(one))
}

/** Everything in one tab: whatever is missing, all of it works. Returns how long a refresh takes. */
async function aloneStory({ browser, breaches, settle, send, open, logout }: Watched): Promise<number> {
  const tab = open()
  await settle('restore', tab.tokens.restore())
  await settle('login', tab.tokens.login('ann'))
  if (!tab.state().signedIn) breaches.push('the login did not sign in')
  await browser.pass(EXPIRED_MS)
  const { tookMs } = await settle('request', send(tab))
  for (let i = 0; i < 2; i++) {
    // What is used is refreshed ahead of its expiry.
    if ((await settle('request', send(tab))).value !== 200) breaches.push('a request was not served')
    await browser.pass(EXPIRED_MS)
    const { value } = await settle('request', send(tab))
    if (value !== 200) breaches.push(`a request after expiry came to ${String(value)}`)
  }
  const refreshes = browser.asked.filter(({ operation }) => operation === 'refresh')
  if (refreshes.length !== 3) breaches.push(`${String(refreshes.length)} refreshes for three expiries`)
  await settle('getAccessToken', tab.tokens.getAccessToken())
  await logout(tab)
  await browser.pass(EXPIRED_MS)
  await settle('restore', tab.tokens.restore())
  if ((await settle('request', send(tab))).value === 401) breaches.push('a request after the logout carried a token')
  if (browser.server.live().length > 0) breaches.push('something is good at the server after the logout')
  return tookMs
}

/** The first tab signs in, the second finds its session. */
async function openTwo({ settle, open }: Watched): Promise<readonly [Tab, Tab]> {
  const [first, second] = [open(), open()]
  await settle('login', first.tokens.login('ann'))
  await settle('restore', second.tokens.restore())
  return [first, second]
}

async function newTabStory(watched: Watched): Promise<Findings['newTab']> {
  const { browser, breaches, settle, send } = watched
  const [first, second] = await openTwo(watched)
  if (!second.state().signedIn) return 'not found'
  for (const tab of [first, second])
    if ((await settle('request', send(tab))).value !== 200) breaches.push(`${tab.name} was not served`)
  if (browser.presentations() === 0) return 'no call'
  return only(first, 'signed-out').length > 0 || sessionOf(first) !== sessionOf(second) ? 'new session' : 'one call'
}

async function refreshStory(watched: Watched, ms: number, latencyMs: number): Promise<Findings['refresh']> {
  const { browser, settle, send } = watched
  const [first, second] = await openTwo(watched)
  await browser.pass(EXPIRED_MS)
  browser.latencyMs = latencyMs
  const before = browser.asked.length
  const replies = [send(first)]
  await browser.pass(ms)
  replies.push(send(second))
  const { value = [] } = await settle('both requests', Promise.all(replies))
  const presented = browser.asked
    .slice(before)
    .filter(({ operation }) => /^re(fresh|store)$/.test(operation))
    .map(({ presented: one }) => one)
  const lost = [first, second].some((tab) => only(tab, 'signed-out').some(isLoss))
  if (new Set(presented).size < presented.length || lost) return 'the same token'
  if (value.every((status) => status === 200)) return presented.length > 1 ? 'each its own' : 'one'
  const late = value.filter((status) => status !== 200)
  // Both come to it by themselves.
  await browser.pass(BOUND_MS)
  const again = await settle('both requests', Promise.all([send(first), send(second)]))
  if (late.some((status) => status !== 'refresh_unavailable') || again.value?.some((status) => status !== 200))
    watched.breaches.push(`two tabs came to ${value.join(', ')}, then to ${String(again.value)}`)
  return 'one, late'
}

function isLoss(event: object): boolean {
  return 'reason' in event && /^(rejected|unknown-outcome)$/.test(String(event.reason))
}

async function retryStory(watched: Watched): Promise<Findings['retryAfter']> {
  const { browser, settle, send } = watched
  const [first, second] = await openTwo(watched)
  await browser.pass(EXPIRED_MS)
  const before = browser.presentations()
  browser.fates.refresh.push('busy', 'busy')
  browser.retryAfterMs = RETRY_AFTER_MS
  for (let i = 0; i < 2; i++) {
    await settle('a request while the server is busy', send(first))
    await settle('a request while the server is busy', send(second))
    await browser.pass(RETRY_AFTER_MS / 6)
  }
  const asked = browser.presentations() - before
  await browser.pass(2 * RETRY_AFTER_MS)
  return asked === 1 ? 'for both' : 'for each'
}

/** What reaches the other tab, which is open and at rest. */
async function reachOf(play: Play, what: 'logout' | 'switch'): Promise<'at once' | 'on waking' | 'server'> {
  const act = async (watched: Watched): Promise<readonly [Tab, Tab]> => {
    const [first, second] = await openTwo(watched)
    if (what === 'logout') void watched.logout(first)
    else await watched.settle('login', first.tokens.login('bob'))
    await watched.browser.pass(SOON_MS)
    return [first, second]
  }
  const isAtOnce = await play(what, async (watched) => {
    const [first, second] = await act(watched)
    if (sessionOf(second) === sessionOf(first)) return true
    const { browser, breaches, settle, send } = watched
    // When the server has heard of it, what it refuses is refreshed, and that is refused too.
    await browser.pass(BOUND_MS)
    await settle('request', send(second))
    await settle('request', send(second))
    if (sessionOf(first) === undefined && sessionOf(second)) breaches.push('the server has not ended it')
    return false
  })
  if (isAtOnce) return 'at once'
  return play(`${what}, then it wakes`, async (watched) => {
    const [first, second] = await act(watched)
    second.tell('wake')
    await watched.browser.pass(2_000)
    return sessionOf(second) === sessionOf(first) ? 'on waking' : 'server'
  })
}

async function asleepStory(watched: Watched): Promise<Findings['asleep']> {
  const { browser, settle, send } = watched
  const [first, second] = await openTwo(watched)
  second.freeze({ deaf: true })
  await watched.logout(first)
  await browser.pass(BOUND_MS)
  second.thaw()
  // Before anything else happens in it.
  await settle('request', send(second))
  if (second.sent.length === 0) return 'next request'
  const [event] = only(second, 'signed-out') as { elsewhere?: boolean }[]
  return event?.elsewhere ? 'on waking' : 'server'
}

interface Refreshing {
  /** How long after the call was made. */
  readonly ms: number
  /** How far away the server is for the logout. */
  readonly logoutMs: number
}

/** The second tab logs out, while the first refreshes or is at rest. */
async function leftStory(watched: Watched, refreshing?: Refreshing): Promise<Findings['left']> {
  const { browser, settle, send, logout } = watched
  const [first, second] = await openTwo(watched)
  let reply: Promise<unknown> = Promise.resolve()
  if (refreshing) {
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 50
    const before = browser.asked.length
    const began = browser.now()
    reply = send(first)
    while (browser.asked.length === before && browser.now() - began < BOUND_MS) await browser.pass(10)
    await browser.pass(refreshing.ms)
    browser.latencyMs = refreshing.logoutMs
  }
  await logout(second)
  await settle('request', reply)
  await browser.pass(BOUND_MS)
  if (browser.server.live().length === 0) return 'nothing'
  return refreshing ? 'what came late' : 'what is held'
}

async function reloadStory({ browser, settle, send, open, breaches }: Watched): Promise<Findings['reload']> {
  const page = open()
  await settle('login', page.tokens.login('ann'))
  await browser.pass(1_000)
  page.kill()
  const next = open()
  await settle('restore', next.tokens.restore())
  if (!next.state().signedIn) return 'not found'
  const { value } = await settle('request', send(next))
  if (value !== 200) breaches.push(`the first request after a reload came to ${String(value)}`)
  return 'found'
}
