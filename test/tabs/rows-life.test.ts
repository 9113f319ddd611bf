import { describe, expect, test } from 'vitest'
import {
  type Browser,
  credentials,
  LIFETIME_MS,
  only,
  openBrowser,
  openTabs,
  sessionOf,
  type Tab,
  TIMEOUT_MS,
} from './browser.ts'

const IDLE_MS = 600_000
const timing = { requestTimeoutMs: TIMEOUT_MS, idleMs: IDLE_MS }

async function busyFor(browser: Browser, tab: Tab, ms: number, everyMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += everyMs) {
    tab.tokens.touch()
    await browser.pass(everyMs)
  }
}

describe.each(credentials)('idle and absolute lifetimes belong to the session, with a refresh %s', (credential) => {
  test('what is done in one tab keeps the session of all', async () => {
    const browser = await openTabs(3, { credential, timing })
    await busyFor(browser, browser.tabs[1]!, 3 * IDLE_MS, IDLE_MS / 4)
    expect(browser.tabs.map(sessionOf)).toEqual(browser.tabs.map(() => sessionOf(browser.tabs[1]!)))
    expect(browser.tabs[0]!.state().signedIn).toBe(true)
    await browser.pass(IDLE_MS + 1_000)
    for (const tab of browser.tabs) expect(tab.state()).toMatchObject({ signedIn: false, reason: 'idle' })
  })

  test('no tab ends the session before it was idle for as long as it may be', async () => {
    const browser = await openTabs(2, { credential, timing })
    await browser.pass(IDLE_MS / 20)
    browser.tabs[0]!.tokens.touch()
    await browser.pass(IDLE_MS - 1_000)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true])
    await browser.pass(3_000)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([false, false])
  })

  test.each([false, true])('a tab that was frozen (deaf: %s) ends no session that another uses', async (deaf) => {
    const browser = await openTabs(2, { credential, timing })
    const [first, second] = browser.tabs
    second!.freeze({ deaf })
    await busyFor(browser, first!, 3 * IDLE_MS, IDLE_MS / 4)
    second!.thaw()
    await browser.pass(2_000)
    expect(sessionOf(first!)).toBeDefined()
    expect(sessionOf(second!)).toBe(sessionOf(first!))
    expect(await browser.during(second!.send(), 3_000)).toBe(200)
  })

  test('a tab that wakes when all were idle for too long sends nothing', async () => {
    const browser = await openTabs(2, { credential, timing })
    for (const tab of browser.tabs) tab.freeze()
    await browser.pass(2 * IDLE_MS)
    browser.tabs[1]!.thaw()
    const reply = browser.tabs[1]!.send().catch((error: unknown) => (error as { code: string }).code)
    await browser.pass(2_000)
    expect(await reply).toBe('signed_out')
    expect(browser.tabs[1]!.sent).toEqual([])
  })

  test('a page that opens when the session was idle for too long finds none', async () => {
    const browser = await openTabs(1, { credential, timing })
    browser.tabs[0]!.kill()
    await browser.pass(2 * IDLE_MS)
    const next = await browser.join()
    expect(next.state().signedIn).toBe(false)
    expect(browser.presentations()).toBe(0)
  })

  test('a page that opens is no activity', async () => {
    const browser = await openTabs(1, { credential, timing })
    await browser.pass(IDLE_MS - 60_000)
    await browser.join()
    await browser.pass(62_000)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([false, false])
  })

  test('the absolute lifetime counts from the sign-in in every tab', async () => {
    const absolute = { requestTimeoutMs: TIMEOUT_MS, absoluteMs: 1_000_000 }
    const browser = await openTabs(1, { credential, timing: absolute })
    await browser.pass(LIFETIME_MS - 1_000)
    await browser.join()
    await browser.pass(1_000_000 - LIFETIME_MS)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true])
    await browser.pass(2_000)
    for (const tab of browser.tabs) expect(tab.state()).toMatchObject({ signedIn: false, reason: 'expired' })
  })
})

describe.each(credentials)('what is remembered is missing, with a refresh %s', (credential) => {
  test('F128: the marker was cleared: running tabs go on, and a new one finds their session', async () => {
    const browser = await openTabs(2, { credential })
    browser.marks.clear()
    const next = await browser.join()
    expect(sessionOf(next)).toBe(sessionOf(browser.tabs[0]!))
    expect(browser.tabs.flatMap((tab) => only(tab, 'signed-out'))).toEqual([])
    await browser.pass(LIFETIME_MS + 1_000)
    const replies = Promise.all(browser.tabs.map((tab) => tab.send()))
    expect(await browser.during(replies, 3_000)).toEqual([200, 200, 200])
    expect(browser.presentations()).toBe(1)
  })

  test('F128: no marker can be kept: a second tab finds the session of the first, which goes on', async () => {
    const browser = openBrowser({ credential })
    browser.faults.marker = 'missing'
    const first = browser.openTab()
    await browser.during(first.tokens.login('ann'))
    const second = await browser.join()
    expect(sessionOf(second)).toBe(sessionOf(first))
    expect(only(first, 'signed-out')).toEqual([])
    await browser.during(first.tokens.logout())
    expect(second.state().signedIn).toBe(false)
  })

  test('F128: no marker can be kept: a deaf tab that wakes learns of a logout from the record', async () => {
    const browser = openBrowser({ credential })
    browser.faults.marker = 'missing'
    const first = browser.openTab()
    await browser.during(first.tokens.login('ann'))
    const second = await browser.join()
    expect(second.state().signedIn).toBe(true)
    second.freeze({ deaf: true })
    await browser.during(first.tokens.logout())
    second.thaw()
    await browser.pass(1_000)
    expect(second.state().signedIn).toBe(false)
  })

  test('F128: the record was cleared: tabs refresh once, and agree', async () => {
    const browser = await openTabs(3, { credential })
    browser.stored.clear()
    for (let i = 0; i < 2; i++) {
      await browser.pass(LIFETIME_MS + 1_000)
      expect(await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 5_000)).toEqual([200, 200, 200])
      expect(browser.presentations()).toBe(i + 1)
    }
  })

  test('F128: record and marker were cleared: tabs go on, and a logout reaches all', async () => {
    const browser = await openTabs(3, { credential })
    browser.stored.clear()
    browser.marks.clear()
    await browser.pass(LIFETIME_MS + 1_000)
    expect(await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 5_000)).toEqual([200, 200, 200])
    await browser.during(browser.tabs[2]!.tokens.logout())
    expect(browser.tabs.map(sessionOf)).toEqual([undefined, undefined, undefined])
  })

  test('F128: tabs that count time from different instants agree on what has expired', async () => {
    const browser = await openTabs(3, { credential })
    expect(new Set(browser.tabs.map((tab) => tab.ports.clock.now().monotonic)).size).toBe(3)
    const ends = browser.tabs.map((tab) => (tab.state() as { expiresAt: number }).expiresAt)
    expect(new Set(ends).size).toBe(1)
    await browser.pass(LIFETIME_MS - 2_000)
    expect(await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 100)).toEqual([200, 200, 200])
    expect(new Set(browser.tabs.map(({ sent }) => sent[0]))).toEqual(new Set(['Bearer ann.1']))
  })
})

describe('with a cookie that came from elsewhere', () => {
  test('F14: tabs that open together, and of which none knows of a session, ask the server once', async () => {
    const browser = openBrowser({ credential: 'cookie' })
    browser.server.grant('ann')
    const tabs = [1, 2, 3, 4].map(() => browser.openTab())
    await browser.during(Promise.all(tabs.map((tab) => tab.tokens.restore())), 5_000)
    await browser.pass(1_000)
    expect(new Set(tabs.map(sessionOf)).size).toBe(1)
    expect(sessionOf(tabs[0]!)).toBeDefined()
    expect(tabs.flatMap((tab) => only(tab, 'signed-out'))).toEqual([])
    expect(browser.presentations()).toBe(1)
  })

  test('F44: a visitor who never signed in costs one call, in however many tabs', async () => {
    const browser = openBrowser({ credential: 'cookie' })
    for (let i = 0; i < 4; i++) await browser.join()
    expect(browser.asked.map(({ operation }) => operation)).toEqual(['restore'])
  })
})

test('F15: without records the lock alone keeps two tabs apart, however long the server takes', async () => {
  const browser = openBrowser({ credential: 'cookie' })
  browser.faults.records = 'missing'
  await browser.during(browser.openTab().tokens.login('ann'))
  await browser.join()
  await browser.pass(LIFETIME_MS + 1_000)
  const before = browser.presentations()
  browser.latencyMs = 3_500
  const statuses = await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 31_000)
  expect(statuses).toEqual([200, 200])
  expect(browser.presentations() - before).toBe(1)
})
