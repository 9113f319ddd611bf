import assert from 'node:assert/strict'
import {
  all,
  assertSignedOut,
  expiry,
  openTabs,
  pause,
  signIn,
  until,
  type Driver,
  type Scenario,
  type Source,
  type Tab,
} from './tabs-driver.ts'

/** What the contract allows a running tab. */
const TOLD_MS = 100
/** What was sent before may be this long on its way. */
const ON_ITS_WAY_MS = 1_000

/** When the first happening of this kind was. */
async function whenIn(tab: Tab, what: string): Promise<number> {
  const happened = await tab.run(() => client.happened)
  const found = happened.find((one) => one.what === what)
  assert(found, `${what} is not among: ${happened.map((one) => one.what).join(', ')}`)
  return found.at
}

/** Begins a call that never ends by itself. */
async function stall(driver: Driver, tabs: readonly Tab[]): Promise<() => Promise<(number | string)[]>> {
  // Each its own: of two that are the same, a browser with a cache sends one.
  const url = `${driver.site.slow.origin}/stall?`
  const calls = tabs.map((tab, index) => tab.run((path) => client.call(path), `${url}${index}`))
  void Promise.allSettled(calls)
  const { received } = driver.site.slow
  const inFlight = (): number => received.filter(({ method, end }) => method === 'GET' && end === undefined).length
  await until('the calls are in flight', () => inFlight() === tabs.length)
  return () => Promise.all(calls)
}

/** The calls of a tab in their order, and what happened between them. */
async function assertNothingAfter(driver: Driver, tab: Tab, end: RegExp, user: string | undefined): Promise<void> {
  const happened = (await tab.run(() => client.happened)).map(({ what }) => what)
  const after = happened.slice(happened.findIndex((what) => end.test(what)) + 1)
  const ids = after.flatMap((what) => /^begun (\S+)/.exec(what)?.[1] ?? [])
  assert(ids.length >= 3, `calls after the end: ${happened.join(', ')}`)
  const sent = driver.site.sent().filter(({ id }) => id !== undefined && ids.includes(id))
  for (const one of sent) assert.equal(one.user, user, `whose token ${one.id} carries`)
}

function everywhere(source: Source): Scenario {
  return {
    name: `F76, F81: a logout in one tab signs the others out within 100 ms, and aborts what is in flight (${source})`,
    alone: true,
    async run(driver) {
      const tabs = await openTabs(driver, 6, { source })
      const [tab, ...others] = tabs
      await signIn(driver, tabs)
      const stalled = await stall(driver, others)
      await all(others, (other) => other.run((name) => client.keepCalling(name), `tab${tabs.indexOf(other)}`))
      await until('all are calling', () => driver.site.sent().length > 30)
      const at = await tab.run(() => {
        const began = Date.now()
        void client.tokens.logout()
        return began
      })
      await all(others, (other) => other.run(() => client.until('signed-out')))
      const times = await all(others, (other) => whenIn(other, 'signed-out logout elsewhere'))
      driver.measured('ms until the last tab is signed out', Math.max(...times) - at)
      assert(Math.max(...times) - at < TOLD_MS, `signed out after ${times.map((time) => time - at).join(', ')} ms`)
      assert.deepEqual(await stalled(), Array(5).fill('signed_out'))
      const { received } = driver.site.slow
      await until('they are off the wire', () =>
        received.every(({ method, end }) => method !== 'GET' || end === 'closed'),
      )
      const before = driver.site.sent().length
      await until('they call on', () => driver.site.sent().length > before + 30)
      await all(others, (other) => other.run(() => client.stop()))
      for (const other of others) await assertNothingAfter(driver, other, /^signed-out/, undefined)
      const late = driver.site.sent().filter((one) => one.user !== undefined && one.at > at + ON_ITS_WAY_MS)
      assert.deepEqual(late, [])
      await until('the session is over at the server', () => driver.site.auth.liveFamilies().length === 0)
    },
  }
}

function overRefresh(source: Source, stage: 'before' | 'after', long: boolean): Scenario {
  const held = `the server holds it ${stage} it commits${long ? ', for longer than anybody waits' : ''}`
  return {
    name: `F73: a logout wins over the refresh of another tab: ${held} (${source})`,
    async run(driver) {
      const { auth } = driver.site
      const [refreshing, other] = await openTabs(driver, 2, { source, timeoutMs: 1_000 })
      await signIn(driver, [refreshing, other], 2)
      await expiry([refreshing, other])
      const gate = auth.faults.hold('refresh', stage)
      const call = refreshing.run(() => client.call())
      await gate.arrived
      const report = other.run(() => client.tokens.logout())
      assert.equal(await call, 'signed_out')
      if (long) await until('the session is over at the server', () => auth.liveFamilies().length === 0)
      gate.release()
      assert.match((await report).revoked, source === 'json' || long ? /confirmed/ : /^confirmed$/)
      await until('the session is over at the server', () => auth.liveFamilies().length === 0)
      await until('what came late is worth nothing', () => auth.liveAccessTokens().length === 0)
      await pause(200)
      for (const tab of [refreshing, other]) {
        await assertSignedOut(tab, 'a tab')
        await tab.reload()
        assert.equal((await tab.run(() => client.tokens.restore())).signedIn, false)
        await assertSignedOut(tab, 'a reloaded tab')
      }
      assert.equal(auth.count('refresh', 'rotated'), stage === 'after' || auth.count('refresh', 'ended') === 0 ? 1 : 0)
      // Whatever is remembered: the cookie itself brings nobody back.
      if (source === 'cookie') {
        assert.equal((await other.run(() => client.tokens.restore({ ask: true }))).signedIn, false)
      }
      assert.deepEqual(auth.liveFamilies(), [])
    },
  }
}

/** What becomes of the page right after the call, in the same task. */
type Way = 'goes elsewhere' | 'is reloaded' | 'is closed'

function leaving(source: Source, way: Way, busy: boolean): Scenario {
  return {
    name: `F76: a logout whose page ${way} at once is a logout everywhere${busy ? ', while another tab refreshes' : ''} (${source})`,
    async run(driver) {
      const { auth } = driver.site
      const [other] = await openTabs(driver, 1, { source })
      const tab = await (way === 'is closed' ? other.popup({ source }) : driver.open({ source }))
      await tab.run(() => client.tokens.restore())
      await signIn(driver, [tab, other], busy ? 2 : 300)
      const gate = busy ? auth.faults.hold('refresh', 'after') : undefined
      if (gate) {
        await expiry([tab, other])
        void other.run(() => client.call())
        await gate.arrived
      }
      const since = Date.now()
      await tab.leave((then) => {
        void client.tokens.logout()
        if (then === 'goes elsewhere') location.assign('/blank')
        if (then === 'is reloaded') location.reload()
        if (then === 'is closed') window.close()
      }, way)
      const told = await other.run(() => client.until('signed-out'))
      assert.equal(told.status === 'signed-out' && told.reason, 'logout')
      driver.measured('ms until the other tab knows', (await whenIn(other, 'signed-out logout elsewhere')) - since)
      gate?.release()
      await assertSignedOut(other, 'the other tab')
      const next = way === 'is reloaded' ? tab : await driver.open({ source })
      assert.equal((await next.run(() => client.tokens.restore())).signedIn, false)
      await until('the session is over at the server', () => auth.liveFamilies().length === 0)
      await assertSignedOut(next, 'the next page')
      assert.equal(auth.liveAccessTokens().length, 0)
      if (source === 'cookie') {
        assert.equal((await next.run(() => client.tokens.restore({ ask: true }))).signedIn, false)
      }
    },
  }
}

function accountSwitch(source: Source): Scenario {
  return {
    name: `F75, F85: after an account switch in one tab no other sends the token of the user before (${source})`,
    alone: true,
    async run(driver) {
      const tabs = await openTabs(driver, 5, { source })
      const [tab, ...others] = tabs
      await signIn(driver, tabs)
      const stalled = await stall(driver, others)
      await all(others, (other) => other.run((name) => client.keepCalling(name), `tab${tabs.indexOf(other)}`))
      await until('all are calling', () => driver.site.sent().length > 30)
      const at = await tab.run(async () => {
        const before = client.happened.length
        await client.signIn('admin')
        return client.happened.slice(before).find(({ what }) => what === 'signed-in')!.at
      })
      assert.deepEqual(await stalled(), Array(4).fill('session_changed'))
      const times = await all(others, (other) => whenIn(other, 'signed-out replaced elsewhere'))
      driver.measured('ms until the last tab follows', Math.max(...times) - at)
      assert(Math.max(...times) - at < TOLD_MS, `told after ${times.map((time) => time - at).join(', ')} ms`)
      const before = driver.site.sent().length
      await until('they call on', () => driver.site.sent().length > before + 30)
      await all(others, (other) => other.run(() => client.stop()))
      for (const other of others) await assertNothingAfter(driver, other, /^signed-out replaced/, 'admin@example.com')
      const late = driver.site.sent().filter((one) => one.user === 'demo@example.com' && one.at > at + ON_ITS_WAY_MS)
      assert.deepEqual(late, [])
      const sessions = await all(tabs, (each) =>
        each.run(() => {
          const state = client.tokens.getState()
          return state.signedIn && state.session
        }),
      )
      assert.equal(new Set(sessions).size, 1, 'all tabs are in the same session')
      assert.equal(driver.site.auth.count('refresh', 'rotated'), 0)
      const outcomes = (await all(others, (other) => other.run(() => client.happened)))
        .flat()
        .flatMap(({ what }) => /^ended \S+ (\S+)/.exec(what)?.[1] ?? [])
      assert.deepEqual([...new Set(outcomes)].sort(), ['200', 'session_changed'].slice(0, new Set(outcomes).size))
    },
  }
}

export const logoutScenarios: readonly Scenario[] = [
  everywhere('cookie'),
  everywhere('json'),
  overRefresh('cookie', 'before', false),
  overRefresh('cookie', 'after', false),
  overRefresh('cookie', 'before', true),
  overRefresh('cookie', 'after', true),
  overRefresh('json', 'before', false),
  overRefresh('json', 'after', false),
  leaving('cookie', 'goes elsewhere', false),
  leaving('cookie', 'is reloaded', false),
  leaving('cookie', 'is closed', false),
  leaving('json', 'goes elsewhere', false),
  leaving('json', 'is reloaded', false),
  leaving('json', 'is closed', false),
  leaving('cookie', 'goes elsewhere', true),
  leaving('cookie', 'is reloaded', true),
  accountSwitch('cookie'),
  accountSwitch('json'),
]
