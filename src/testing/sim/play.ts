import { NARROW } from './apis.ts'
import type { Breach } from './checker/index.ts'
import type { Entry, History } from './checker/history.ts'
import { createMoments } from './moments.ts'
import { type Act, type Aim, type MomentName, type Plan, TIMEOUT_MS } from './plan.ts'
import { createChance } from './random.ts'
import { createSimulation, type SimulatedTab, type Simulation, type SimulationOptions } from './simulation.ts'

/** What came of a plan. */
export interface Played {
  readonly plan: Plan
  readonly history: History
  readonly breaches: readonly Breach[]
  /** How many tasks ran. */
  readonly steps: number
  /** Which faults and acts there were, and how often. */
  readonly counts: Readonly<Record<string, number>>
}

export interface PlayOptions extends Pick<SimulationOptions, 'open'> {
  /** Goes on when an invariant is broken, and collects what else is. */
  readonly toTheEnd?: boolean
}

/** `3 x requestTimeoutMs` plus a second. */
const BOUND_MS = 3 * TIMEOUT_MS + 1_000
const MOST_TABS = 6

/** Plays a plan in tabs of the real code, to its end or to the first invariant that is broken. */
export async function play(plan: Plan, { open, toTheEnd = false }: PlayOptions = {}): Promise<Played> {
  const { seed, weather } = plan
  const chance = createChance(seed ^ 0x5eed)
  const counts: Record<string, number> = {}
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1)
  const moments = createMoments()
  const seen = new Map<MomentName, number>()
  let calm = false
  let playing = true

  const sim: Simulation = createSimulation({
    ...plan,
    tabs: 0,
    timing: {
      ...(plan.idleMs !== undefined && { idleMs: plan.idleMs }),
      ...(plan.absoluteMs !== undefined && { absoluteMs: plan.absoluteMs }),
    },
    ...(open && { open }),
    watch,
    reaction(tab, type) {
      if (calm || !chance.percent('reaction', plan.reentrant)) return
      count('called in a listener')
      const method = chance.one('reaction', ['send', 'getAccessToken', 'restore', 'logout', 'send'])
      if (type !== 'restoring') void tab.app.call(method, { within: true })
    },
  })
  sim.retryAfterS = plan.retryAfterS
  Object.assign(sim.fates, Object.fromEntries(Object.entries(plan.fates).map(([key, list]) => [key, [...list]])))
  Object.assign(sim.faults, {
    copies(from: string, to: string) {
      if (calm) return [1]
      const about = `message ${from} ${to}`
      if (chance.percent(about, weather.lost)) {
        count('message lost')
        return []
      }
      const first = chance.upTo(about, weather.messageMs)
      if (!chance.percent(about, weather.doubled)) return [first]
      count('message doubled')
      return [first, chance.upTo(about, weather.messageMs)]
    },
    recordMs: (tab: string) =>
      calm ? [1, 1] : [chance.upTo(`record ${tab}`, weather.recordMs), chance.upTo(`record ${tab}`, weather.recordMs)],
    lockMs: (tab: string) => (calm ? 0 : chance.upTo(`lock ${tab}`, weather.lockMs) - 1),
  })
  sim.legMs = weather.serverMs

  /** Whoever drives sees what happens, and does what is aimed at it. */
  function watch(entry: Entry): void {
    const moment = moments.of(entry)
    if (!moment || !playing || calm) return
    const nth = (seen.get(moment) ?? 0) + 1
    seen.set(moment, nth)
    for (const aim of plan.aims) if (aim.at === moment && aim.nth === nth) hit(aim, entry)
  }

  function hit({ act, to, soon }: Aim, entry: Entry): void {
    const live = sim.live()
    const here = live.find(({ name }) => name === moments.tabOf(entry))
    const tab = to === 'same' ? here : live.find((one) => one !== here)
    if (act.do === 'fate') {
      if ('exchange' in entry) sim.network.redirect(entry.exchange, act.fate)
      count(`aimed ${act.fate}`)
      return
    }
    count(`aimed ${act.do}`)
    if (soon) tab?.soon(() => perform(tab, act))
    else if (tab || act.do === 'steal' || act.do === 'sleep') perform(tab, act)
  }

  function openTab(): void {
    if (sim.live().length >= MOST_TABS) return
    void sim.openTab().app.call('restore')
  }

  function perform(tab: SimulatedTab | undefined, act: Act): void {
    count(
      act.do === 'weather'
        ? `${act.medium} ${act.condition}`
        : act.do === 'clear' || act.do === 'foreign'
          ? `${act.do} ${act.medium}`
          : act.do,
    )
    switch (act.do) {
      case 'pass':
        return
      case 'online':
        return sim.setOnline(act.yes)
      case 'jump':
        return sim.jump(act.ms)
      case 'sleep':
        return sim.sleep(act.ms)
      case 'steal':
        return sim.stealLocks()
      case 'forget':
        return sim.server.forgetAccess()
      case 'demand':
        sim.challenges = act.often
        return
      case 'refuse':
        return sim.server.refuseAll(act.yes)
      case 'open':
        return openTab()
      case 'weather':
        sim.note({ what: 'weather', medium: act.medium, condition: act.condition })
        return void Object.assign(sim.faults, { [act.medium]: act.condition })
      case 'clear':
      case 'foreign':
        return tamper(sim, act)
      case 'fate':
        return
      default:
        if (tab && !tab.gone) inTab(tab, act)
    }
  }

  function inTab(tab: SimulatedTab, act: Act): void {
    switch (act.do) {
      case 'thaw':
        return tab.thaw()
      case 'kill':
      case 'leave':
      case 'reload':
        if (sim.live().length < 2 && act.do !== 'reload') return
        if (act.do !== 'kill' && tab.condition === 'live') tab.tell('leave')
        tab.kill()
        if (act.do === 'reload') openTab()
        return
      case 'freeze':
        return tab.freeze({ deaf: act.deaf })
      default:
        if (tab.condition === 'live') inApplication(tab, act)
    }
  }

  function inApplication(tab: SimulatedTab, act: Act): void {
    switch (act.do) {
      case 'request': {
        const { do: _, abroad, to, ...asking } = act
        return void tab.app.call('send', {
          ...asking,
          ...(to && { url: `${NARROW[to].url}orders`, narrow: true }),
          ...(abroad && { url: 'https://elsewhere.example/v1/' }),
        })
      }
      case 'login':
        return void tab.app.call('login', { as: act.as })
      case 'ask':
        return void tab.app.call('restore', { ask: true })
      case 'getAccessToken':
      case 'restore':
      case 'logout':
        return void tab.app.call(act.do)
      case 'abort':
        return void tab.app.abort()
      case 'dispose':
        if (sim.live().length < 2) return
        tab.app.dispose()
        // A page whose manager is gone has nothing more to show.
        return tab.soon(() => tab.kill(), 4 * BOUND_MS)
      case 'wake':
        return tab.tell('wake')
      default:
        return
    }
  }

  /** Every tab asks for something, and two of them what has tokens of its own. */
  function sendAll(): void {
    const live = sim.live()
    for (const tab of live) void tab.app.call('send')
    for (const tab of live.slice(0, 2)) for (const to of plan.apis ?? []) perform(tab, { do: 'request', to })
  }

  async function finish(): Promise<void> {
    calm = true
    sim.note({ what: 'phase', name: 'calm' })
    for (const medium of ['locks', 'channel', 'records', 'marker', 'keys'] as const) sim.faults[medium] = 'working'
    sim.legMs = 5
    sim.challenges = 0
    for (const list of Object.values(sim.fates)) list.length = 0
    if (!sim.online) sim.setOnline(true)
    sim.server.refuseAll(false)
    for (const tab of sim.live()) tab.thaw()
    await sim.pass(4 * BOUND_MS)
    await sim.pass(plan.lifetimeMs)
    sendAll()
    await sim.pass(BOUND_MS)
    sim.note({ what: 'phase', name: 'agreed' })
    const first = sim.live()[0]
    sim.note({ what: 'phase', name: 'recovery' })
    void first?.app.call('logout')
    await sim.pass(BOUND_MS)
    void first?.app.call('login', { as: 'eve' })
    await sim.pass(BOUND_MS)
    sendAll()
    await sim.pass(BOUND_MS)
    sim.note({ what: 'phase', name: 'end' })
    for (const tab of sim.live()) tab.app.dispose()
    await sim.pass(2 * BOUND_MS)
    for (const tab of sim.live()) {
      const left = { timers: tab.timers(), watchers: tab.watchers(), channels: tab.channels(), locks: tab.locks() }
      sim.note({ what: 'left', ...left }, tab.name)
    }
  }

  function isBroken(): boolean {
    return !toTheEnd && sim.breaches.length > 0
  }

  const stop = onUnhandled((error) => sim.note({ what: 'unhandled', text: String(error) }))
  try {
    openTab()
    void sim.tabs[0]?.app.call('login', { as: 'ann' })
    await sim.pass(2 * weather.serverMs + 1_000)
    while (sim.tabs.length < plan.tabs) openTab()
    await sim.pass(100)
    for (const { tab, act } of plan.steps) {
      if (isBroken()) break
      const live = sim.live()
      perform(live[tab % live.length], act)
      await sim.pass(act.do === 'pass' ? act.ms : 0)
    }
    if (!isBroken()) await finish()
    playing = false
    sim.finish()
  } finally {
    stop()
  }
  return { plan, history: sim.history, breaches: sim.breaches, steps: sim.step(), counts }
}

/** Something that is not ours, or nothing at all, is where our data were. */
function tamper(sim: Simulation, { do: how, medium }: Extract<Act, { do: 'clear' | 'foreign' }>): void {
  sim.note({ what: 'tampered', medium })
  const foreign = { version: 2, epoch: 'next', sequence: null, tokens: { accessToken: 'sim-at-of-another-version' } }
  if (medium === 'records') {
    for (const key of [...sim.stored.keys()]) {
      if (how === 'clear') sim.stored.delete(key)
      else sim.stored.set(key, foreign)
    }
  } else if (medium === 'marker') {
    for (const key of [...sim.marks.keys()]) {
      if (how === 'clear') sim.marks.delete(key)
      else sim.marks.set(key, 'v2:7')
    }
  } else for (const tab of sim.live()) sim.broadcast(tab.name, how === 'clear' ? null : foreign)
}

interface NodeProcess {
  on(type: 'unhandledRejection', listener: (error: unknown) => void): void
  off(type: 'unhandledRejection', listener: (error: unknown) => void): void
}

/** Hears of rejections that nobody hears of. Returns what stops it. */
function onUnhandled(listener: (error: unknown) => void): () => void {
  const { process } = globalThis as { process?: NodeProcess }
  process?.on('unhandledRejection', listener)
  return () => process?.off('unhandledRejection', listener)
}
