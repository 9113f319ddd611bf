import { type SessionState, tokenErrorOf } from 'tokenward'
import { createRandom } from '../support/random.ts'
import { BOUND_MS, type Browser, type Credential, LIFETIME_MS, openBrowser, type Tab, API } from './browser.ts'
import { createManyJudge } from './many-judge.ts'
import { describeStep, type Happening, type ManyPlan } from './many-plan.ts'

interface Caller {
  readonly name: string
  readonly tab: Tab
  readonly begunAt: number
  /** Time it could not run. */
  excused: boolean
  settled: boolean
}

/** Plays `plan` in tabs of the real code. Throws the whole story if a rule is broken. */
export async function playMany(plan: ManyPlan, credential: Credential): Promise<void> {
  const story: string[] = []
  const chance = createRandom(plan.seed)
  const callers: Caller[] = []
  const pending: Promise<unknown>[] = []
  let ids = 0
  let calm = false

  const browser: Browser = openBrowser({
    credential,
    random: createRandom(plan.seed + 1),
    onAsked(call) {
      tell(`${call.tab}  -> ${call.operation} ${call.presented ?? ''} (${call.fate})`)
      judge.called(call, browser.asked)
    },
    onOutcome(call) {
      tell(`${call.tab}  <- ${call.operation} ${call.presented ?? ''}: ${String(call.outcome)}`)
      judge.learned(call)
    },
  })
  const judge = createManyJudge(credential, () => browser.server, browser.now)
  const { weather } = plan
  const start = browser.now()
  const tell = (line: string): void => {
    story.push(`${((browser.now() - start) / 1_000).toFixed(3).padStart(9)} s  ${line}`)
  }
  const some = (most: number): number => 1 + Math.floor(chance() * most)
  Object.assign(browser.fates, Object.fromEntries(Object.entries(plan.fates).map(([key, list]) => [key, [...list]])))
  Object.assign(browser.faults, {
    copies: () =>
      calm
        ? [1]
        : chance() * 100 < weather.lost
          ? []
          : chance() * 100 < weather.doubled
            ? [some(weather.messageMs), some(weather.messageMs)]
            : [some(weather.messageMs)],
    recordMs: () => (calm ? [1, 1] : [some(weather.recordMs), some(weather.recordMs)]),
  })
  browser.latencyMs = weather.serverMs

  function open(): Tab {
    const tab = browser.openTab()
    const { name, tokens } = tab
    tell(`${name}  opened`)
    let last: SessionState = tokens.getState()
    tokens.subscribe((state) => {
      const what = state.signedIn
        ? `${state.status} ${state.session} ${String(state.claims?.['issued'])}`
        : state.status
      tell(`${name}  * ${what}`)
      if (state === last) judge.breach('one event', `${name} was told ${state.status} twice`)
      last = state
      judge.changed(name, state)
    })
    for (const type of ['signed-in', 'signed-out'] as const)
      tokens.on(type, (event) => {
        tell(`${name}  * ${type} ${'reason' in event ? `${event.reason} ${event.elsewhere ? 'elsewhere' : ''}` : ''}`)
        judge.raised(name, type, event)
      })
    tokens.on('refresh-failed', ({ code, retryAt }) =>
      tell(`${name}  * refresh-failed ${code} ${String(retryAt && retryAt - start)}`),
    )
    tokens.on('degraded', ({ what, why }) => tell(`${name}  * degraded ${what}: ${why}`))
    follow(tab, 'restore', () => tokens.restore().then(({ status }) => status))
    return tab
  }

  function follow(tab: Tab, kind: string, call: () => Promise<string>): void {
    const caller: Caller = {
      name: `${kind} ${String(++ids)}`,
      tab,
      begunAt: browser.now(),
      excused: false,
      settled: false,
    }
    callers.push(caller)
    tell(`${tab.name} ${caller.name}`)
    const done = (outcome: string): void => {
      caller.settled = true
      tell(`${tab.name}  = ${caller.name}: ${outcome}`)
      const took = browser.now() - caller.begunAt
      if (took > BOUND_MS && !caller.excused) judge.breach('settles', `${caller.name} took ${String(took)} ms`)
    }
    pending.push(call().then(done, (error: unknown) => done(tokenErrorOf(error)?.code ?? String(error))))
  }

  function request(tab: Tab): void {
    const began = tab.tokens.getState()
    const { send, ...rest } = tab.exchange()
    follow(tab, 'request', () =>
      tab.tokens
        .send(
          { url: `${API}/` },
          {
            ...rest,
            send(headers) {
              tell(`${tab.name}  -> API ${headers['Authorization'] ?? 'bare'}`)
              judge.sent(tab.name, began, tab.tokens.getState(), headers['Authorization'])
              return send(headers)
            },
          },
        )
        .then(String),
    )
  }

  /** If it stopped now, nobody could know whose cookie is in the jar. */
  function isSigningIn({ name }: Tab): boolean {
    return browser.asked.some(({ tab, operation, doneAt }) => tab === name && operation === 'login' && !doneAt)
  }

  async function perform(tab: Tab | undefined, what: Happening): Promise<void> {
    if (what.do === 'pass') return browser.pass(what.ms)
    if (what.do === 'online') return browser.setOnline(what.yes)
    if (what.do === 'open') {
      if (browser.live().length < 4) open()
      return
    }
    if (!tab) return
    if (what.do === 'thaw') return tab.thaw()
    if (what.do === 'kill' || what.do === 'leave') {
      if (browser.live().length < 2 || isSigningIn(tab)) return
      if (what.do === 'leave' && tab.condition === 'live') tab.tell('leave')
      return tab.kill()
    }
    if (tab.condition === 'frozen') return
    switch (what.do) {
      case 'request':
        return request(tab)
      case 'getAccessToken':
        return follow(tab, 'getAccessToken', () => tab.tokens.getAccessToken().then(({ value }) => value))
      case 'restore':
        return follow(tab, 'restore', () => tab.tokens.restore().then(({ status }) => status))
      case 'login':
        return follow(tab, 'login', () => tab.tokens.login(`${what.as}@${String(ids)}`).then(({ status }) => status))
      case 'logout': {
        if (tab.state().status !== 'signed-out') judge.loggedOut()
        follow(tab, 'logout', () => tab.tokens.logout().then(({ revoked }) => revoked))
        const { status } = tab.state()
        if (status !== 'signed-out') judge.breach('no revival', `${tab.name} is ${status} after the call of logout`)
        return
      }
      case 'wake':
        return tab.tell('wake')
      case 'freeze':
        if (isSigningIn(tab)) return
        for (const caller of callers) if (caller.tab === tab) caller.excused = true
        return tab.freeze({ deaf: what.deaf })
    }
  }

  async function finish(): Promise<void> {
    tell('        from now on all is well')
    calm = true
    browser.latencyMs = 5
    for (const list of Object.values(browser.fates)) list.length = 0
    browser.setOnline(true)
    for (const tab of browser.live()) tab.thaw()
    await browser.pass(4 * BOUND_MS)
    await browser.pass(LIFETIME_MS)
    if (credential === 'token') {
      for (const tab of browser.live()) request(tab)
      await browser.pass(BOUND_MS)
    }
    for (const { name, tab, settled } of callers)
      if (!settled && tab.condition !== 'dead') judge.breach('settles', `${name} in ${tab.name} never settled`)
    const views = browser.live().flatMap(({ name, tokens }) => {
      const state = tokens.getState()
      // Where the holder of the refresh token is gone, each tab ends by itself, and nobody tells a new one.
      const alone =
        !state.signedIn && credential === 'token' && 'reason' in state && /^(expired|never-started)$/.test(state.reason)
      return alone ? [] : [{ name, view: state.signedIn ? state.session : 'nobody' }]
    })
    if (new Set(views.map(({ view }) => view)).size > 1)
      judge.breach('convergence', views.map(({ name, view }) => `${name}: ${view}`).join(', '))
    for (const tab of browser.tabs) {
      if (tab.reported.length > 0) judge.breach('quiet', `${tab.name} reported ${String(tab.reported[0])}`)
    }
    for (const tab of browser.live()) tab.tokens.dispose()
    await browser.pass(2 * BOUND_MS)
    for (const tab of browser.live()) {
      const left = { timers: tab.timers(), watchers: tab.watchers() }
      if (left.timers || left.watchers) judge.breach('quiet', `${tab.name} left behind ${JSON.stringify(left)}`)
    }
    if (browser.locksHeld() > 0) judge.breach('quiet', 'a lock is held')
  }

  const rejected = (error: unknown): void => judge.breach('quiet', `unhandled rejection: ${String(error)}`)
  process.on('unhandledRejection', rejected)
  try {
    const first = open()
    follow(first, 'login', () => first.tokens.login('ann@0').then(({ status }) => status))
    await browser.pass(8_000)
    while (browser.tabs.length < plan.tabs) open()
    await browser.pass(100)
    for (const step of plan.steps) {
      const live = browser.live()
      const tab = live[step.tab % live.length]
      if (step.what.do !== 'pass') tell(`${tab?.name ?? ''} ${describeStep(step)}`)
      await perform(tab, step.what)
      await browser.pass(0)
      if (judge.breaches.length > 0) break
    }
    if (judge.breaches.length === 0) await finish()
  } finally {
    process.off('unhandledRejection', rejected)
  }
  if (judge.breaches.length > 0) {
    const broken = judge.breaches.map(({ rule, text }) => `  ${rule}: ${text}`)
    throw new Error(`${['broken:', ...broken, 'the story:', ...story].join('\n')}\n`)
  }
}
