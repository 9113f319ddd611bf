import { describe, expect, test } from 'vitest'
import { BOUND_MS, credentials, LIFETIME_MS, only, openTabs, TIMEOUT_MS } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

describe.each(credentials)('theme B, with a refresh %s', (credential) => {
  test('F14: 8 tabs that send at expiry make one refresh, and send the same token', async () => {
    const browser = await openTabs(8, { credential })
    await browser.pass(EXPIRED_MS)
    const statuses = await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())))
    expect(statuses).toEqual(browser.tabs.map(() => 200))
    expect(browser.presentations()).toBe(1)
    expect(new Set(browser.tabs.map(({ sent }) => sent.at(-1))).size).toBe(1)
  })

  test('F15: without locks two tabs that wake at once are kept apart by the record', async () => {
    const browser = await openTabs(2, { credential })
    browser.faults.locks = 'missing'
    await browser.pass(EXPIRED_MS)
    const statuses = await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), TIMEOUT_MS)
    expect(statuses).toEqual([200, 200])
    expect(browser.presentations()).toBe(1)
  })

  test('F16: 20 tabs whose server is busy ask no more often than one tab does', async () => {
    const browser = await openTabs(20, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('busy')
    browser.retryAfterMs = 60_000
    const replies = Promise.allSettled(browser.tabs.map((tab) => tab.send()))
    await browser.during(replies, BOUND_MS)
    expect(browser.presentations()).toBe(1)
    await browser.pass(28_000)
    expect(browser.presentations()).toBe(1)
    await browser.pass(40_000)
    expect(browser.presentations()).toBe(2)
  })

  test('F16: tabs refresh ahead of expiry once for all of them', async () => {
    const browser = await openTabs(8, { credential })
    await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())))
    await browser.pass(LIFETIME_MS - 20_000)
    expect(browser.presentations()).toBe(1)
  })

  test('F17: a tab that hears of new tokens takes them, and asks nobody', async () => {
    const browser = await openTabs(3, { credential })
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    const waiting = second!.send()
    await browser.during(first!.send())
    expect(await browser.during(waiting)).toBe(200)
    const before = browser.asked.length
    await browser.pass(5_000)
    expect(browser.asked.length).toBe(before)
    expect(browser.presentations()).toBe(1)
  })

  test('F18: tokens are written and announced before the next tab has the lock', async () => {
    const browser = await openTabs(3, { credential })
    browser.faults.recordMs = () => [40, 40]
    browser.faults.copies = () => [200]
    await browser.pass(EXPIRED_MS)
    await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 3_000)
    expect(browser.presentations()).toBe(1)
  })

  test('F19: tabs that are all visible make one refresh when they wake together', async () => {
    const browser = await openTabs(2, { credential })
    await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())))
    for (const tab of browser.tabs) tab.freeze()
    await browser.pass(LIFETIME_MS - 30_000)
    for (const tab of browser.tabs) tab.thaw()
    await browser.pass(1_000)
    expect(browser.presentations()).toBe(1)
  })

  test.each(['busy', 'unreachable', 'lost', 'refused'] as const)(
    'F20: the lock is free as soon as the call is over: %s',
    async (fate) => {
      const browser = await openTabs(2, { credential })
      await browser.pass(EXPIRED_MS)
      browser.fates.refresh.push(fate)
      await browser.during(browser.tabs[0]!.send().catch(() => {}))
      await browser.pass(20)
      expect(browser.locksHeld()).toBe(0)
    },
  )

  test('F20: the lock is free when the call was given up', async () => {
    const browser = await openTabs(2, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unanswered')
    await browser.during(
      browser.tabs[0]!.send().catch(() => {}),
      2 * TIMEOUT_MS + 100,
    )
    expect(browser.locksHeld()).toBe(0)
  })

  test('F21: a lock that nobody ever grants delays a refresh, and does not prevent it', async () => {
    const browser = await openTabs(2, { credential })
    browser.faults.locks = 'hanging'
    await browser.pass(EXPIRED_MS)
    const statuses = await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), BOUND_MS)
    expect(statuses).toEqual([200, 200])
    expect(browser.presentations()).toBe(1)
  })

  test('F24: a listener may call and await every method, and never end: no lock waits for it, nothing for itself', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    const done: string[] = []
    first!.tokens.on('refreshed', () => {
      void first!.tokens.getAccessToken().then(() => done.push('token'))
      void first!.tokens.restore().then(() => done.push('restore'))
      void first!.send().then(() => done.push('send'))
    })
    first!.tokens.on('refreshed', (): unknown => new Promise(() => {}))
    second!.tokens.on('signed-out', () => void second!.tokens.logout().then(() => done.push('logout')))
    await browser.pass(EXPIRED_MS)
    await browser.during(first!.send())
    expect([...done].sort()).toEqual(['restore', 'send', 'token'])
    expect(browser.locksHeld()).toBe(0)
    await browser.during(first!.tokens.logout())
    await browser.pass(BOUND_MS)
    expect(done).toContain('logout')
  })

  test('F25: a tab that opens while the session is about to expire settles, with a listener from the start', async () => {
    const browser = await openTabs(1, { credential })
    await browser.pass(LIFETIME_MS - 500)
    const tab = browser.openTab()
    const seen: string[] = []
    tab.tokens.subscribe((state) => {
      seen.push(state.status)
      void tab.tokens.getAccessToken().catch(() => {})
    })
    const state = await browser.during(tab.tokens.restore(), BOUND_MS)
    expect(state.signedIn).toBe(true)
    expect(seen.at(-1)).toBe('active')
  })

  test('F26: who waits for another tab waits for as long as that may take', async () => {
    const browser = await openTabs(3, { credential })
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 4_500
    const statuses = await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), BOUND_MS)
    expect(statuses).toEqual([200, 200, 200])
    expect(browser.presentations()).toBe(1)
  })

  test('F27: a tab that waits for the lock does nothing meanwhile', async () => {
    const browser = await openTabs(2, { credential })
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 4_500
    const replies = Promise.all(browser.tabs.map((tab) => tab.send()))
    await browser.pass(10)
    const before = browser.posted.length
    await browser.pass(4_000)
    expect(browser.posted.length).toBe(before)
    expect(browser.tabs[1]!.timers()).toBeLessThanOrEqual(4)
    await browser.during(replies, BOUND_MS)
  })

  test('F29: a tab that wakes after hours in the middle of a refresh loses no session', async () => {
    const browser = await openTabs(2, { credential })
    await browser.pass(EXPIRED_MS)
    const frozen = browser.tabs[0]!.send()
    await browser.pass(1)
    browser.tabs[0]!.freeze()
    await browser.pass(4 * 3_600_000)
    browser.tabs[0]!.thaw()
    await browser.during(
      frozen.catch(() => {}),
      BOUND_MS,
    )
    await browser.pass(BOUND_MS)
    expect(only(browser.tabs[0]!, 'degraded')).toEqual([])
    expect(browser.tabs[0]!.state().signedIn).toBe(true)
    expect(await browser.during(browser.tabs[0]!.send(), 1_000)).toBe(200)
  })
})

describe('theme B, where each tab has the cookie', () => {
  test('F22: a frozen tab that holds the lock does not stop the others, and presents nothing when it wakes', async () => {
    const browser = await openTabs(3)
    await browser.pass(EXPIRED_MS)
    const [first, second, third] = browser.tabs
    const frozen = first!.send()
    await browser.pass(1)
    first!.freeze()
    const statuses = await browser.during(Promise.all([second!.send(), third!.send()]), BOUND_MS)
    expect(statuses).toEqual([200, 200])
    const before = browser.presentations()
    await browser.pass(60_000)
    first!.thaw()
    await browser.during(
      frozen.catch(() => {}),
      BOUND_MS,
    )
    expect(browser.presentations()).toBe(before)
    for (const tab of browser.tabs) expect(tab.state().signedIn).toBe(true)
    expect(await browser.during(first!.send())).toBe(200)
  })

  test('F23: a holder that was passed over does not replace what came after it', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 50
    const frozen = first!.send()
    await browser.pass(20)
    expect(browser.presentations()).toBe(1)
    first!.freeze()
    expect(await browser.during(second!.send(), BOUND_MS)).toBe(200)
    expect(browser.presentations()).toBe(2)
    first!.thaw()
    await browser.during(
      frozen.catch(() => {}),
      BOUND_MS,
    )
    await browser.pass(BOUND_MS)
    expect(browser.presentations()).toBe(2)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true])
    expect(await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())))).toEqual([200, 200])
  })

  test('F29: a tab frozen between its mark and its call looks again before it calls', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.faults.recordMs = (tab) => (tab === first!.name ? [1, 100] : [1, 1])
    const frozen = first!.send()
    await browser.pass(20)
    expect([...browser.stored.values()]).toMatchObject([{ presented: {} }])
    first!.freeze()
    // The other one gives the lock up for lost after that, and then waits for what is left of the mark.
    await browser.pass(TIMEOUT_MS / 2 + 100)
    browser.latencyMs = 2_000
    const other = second!.send()
    await browser.pass(TIMEOUT_MS + 500)
    const presented = browser.presentations()
    first!.thaw()
    await browser.during(Promise.allSettled([frozen, other]), BOUND_MS)
    expect(presented).toBe(1)
    expect(browser.presentations()).toBe(1)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true])
  })
})
