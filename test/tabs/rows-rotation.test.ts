import { TokenError } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { BOUND_MS, credentials, LIFETIME_MS, only, openTabs, sessionOf, TIMEOUT_MS } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

describe('theme C: rotation and lost answers over tabs', () => {
  test.each(['lost', 'unanswered'] as const)(
    'F36: an answer that was %s: no tab presents the token again before the deadline, one does after it',
    async (fate) => {
      const browser = await openTabs(3, { credential: 'token' })
      await browser.pass(EXPIRED_MS)
      browser.fates.refresh.push(fate)
      const replies = Promise.allSettled(browser.tabs.map((tab) => tab.send()))
      await browser.pass(TIMEOUT_MS - 100)
      expect(browser.presentations()).toBe(1)
      await browser.during(replies, BOUND_MS)
      expect(browser.presentations()).toBe(2)
      // This server takes a second use as theft: the session is over, for the reason that is true.
      expect(only(browser.tabs[0]!, 'signed-out')).toMatchObject([{ reason: 'unknown-outcome', elsewhere: false }])
      expect(browser.tabs.map(sessionOf)).toEqual([undefined, undefined, undefined])
    },
  )

  test('F36: with a cookie a lost answer is asked for again by whichever tab comes first, once', async () => {
    const browser = await openTabs(3)
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unheard')
    const replies = Promise.allSettled(browser.tabs.map((tab) => tab.send()))
    await browser.pass(TIMEOUT_MS - 100)
    expect(browser.presentations()).toBe(1)
    await browser.during(replies, 2 * BOUND_MS)
    expect(browser.presentations()).toBe(2)
    expect(browser.tabs.map((tab) => tab.state().status)).toEqual(['active', 'active', 'active'])
  })

  test.each([0, 1, 2, 3, 4, 6, 8, 12])(
    'F38: a tab that dies %i ms into a refresh leaves the next one its cookie, or the mark',
    async (ms) => {
      const browser = await openTabs(2)
      const [first, second] = browser.tabs
      await browser.pass(EXPIRED_MS)
      void first!.send().catch(() => {})
      await browser.pass(ms)
      first!.kill()
      expect(await browser.during(second!.send(), BOUND_MS)).toBe(200)
      const next = await browser.join()
      expect(sessionOf(next)).toBe(sessionOf(second!))
      const [one, two] = browser.asked.filter(({ operation }) => /^re(fresh|store)$/.test(operation))
      if (two) expect(two.at - one!.at).toBeGreaterThan(0)
      expect(second!.state().signedIn).toBe(true)
    },
  )

  test('F38: a page that reloads in the middle of a refresh finds its session again', async () => {
    const browser = await openTabs(1)
    const [page] = browser.tabs
    const session = sessionOf(page!)
    await browser.pass(EXPIRED_MS)
    void page!.send().catch(() => {})
    await browser.pass(4)
    page!.kill()
    const next = browser.openTab()
    const state = await browser.during(next.tokens.restore(), BOUND_MS)
    expect(state).toMatchObject({ signedIn: true, session })
    expect(await browser.during(next.send(), BOUND_MS)).toBe(200)
  })

  test.each(credentials)(
    'F39: a record that cannot be written costs no tokens: with a refresh %s',
    async (credential) => {
      const browser = await openTabs(2, { credential })
      await browser.pass(EXPIRED_MS)
      browser.faults.records = 'missing'
      expect(await browser.during(browser.tabs[0]!.send(), BOUND_MS)).toBe(200)
      await browser.pass(EXPIRED_MS)
      expect(await browser.during(browser.tabs[0]!.send(), BOUND_MS)).toBe(200)
      expect(only(browser.tabs[0]!, 'degraded')).toHaveLength(1)
    },
  )

  test('F43: a refusal that another tab has made obsolete ends nothing', async () => {
    const browser = await openTabs(1)
    Object.assign(browser.faults, { locks: 'missing' })
    const [first] = browser.tabs
    const refuse = async (): Promise<never> => {
      await browser.delay(50)
      throw new TokenError('refresh_rejected', 'it was used already')
    }
    const second = await browser.join({ source: { ...browser.server.source, refresh: refuse } })
    await browser.pass(EXPIRED_MS)
    // Both present the same cookie: what keeps them apart is cleared in between.
    const one = first!.send()
    await browser.pass(5)
    browser.stored.clear()
    const two = second.send()
    expect(await browser.during(Promise.all([one, two]), BOUND_MS)).toEqual([200, 200])
    expect(browser.tabs.map((tab) => only(tab, 'signed-out'))).toEqual([[], []])
  })

  test('F56: a mark from a clock that was set back does not keep all tabs from trying again', async () => {
    const browser = await openTabs(2)
    await browser.pass(EXPIRED_MS)
    void browser.tabs[0]!.send().catch(() => {})
    await browser.pass(3)
    browser.tabs[0]!.kill()
    browser.jump(-3_600_000)
    await browser.during(
      browser.tabs[1]!.send().catch(() => {}),
      2 * BOUND_MS,
    )
    expect(browser.tabs[1]!.state().status).toBe('active')
  })

  test('F161: a mark that is found at the start holds until its deadline, and no longer', async () => {
    const browser = await openTabs(1)
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unheard')
    void browser.tabs[0]!.send().catch(() => {})
    await browser.pass(20)
    browser.tabs[0]!.kill()
    const next = browser.openTab()
    void next.tokens.restore()
    await browser.pass(TIMEOUT_MS - 1_000)
    expect(browser.presentations()).toBe(1)
    await browser.pass(3 * TIMEOUT_MS)
    expect(browser.presentations()).toBe(2)
    const late = browser.openTab()
    await browser.pass(3_600_000)
    expect(await browser.during(late.tokens.restore(), 1_000)).toMatchObject({ signedIn: true })
  })

  test('F129: a crash between the answer and the record leaves the older record, whole', async () => {
    const browser = await openTabs(2)
    const [first] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.faults.recordMs = () => [20, 20]
    void first!.send().catch(() => {})
    await browser.pass(60)
    expect(browser.asked.at(-1)).toMatchObject({ operation: 'refresh', outcome: 'success' })
    first!.kill()
    expect([...browser.stored.values()]).toMatchObject([{ sequence: 1, presented: {} }])
    expect(await browser.during(browser.tabs[1]!.send(), BOUND_MS)).toBe(200)
  })
})

describe.each(credentials)('trouble that all tabs share, with a refresh %s', (credential) => {
  test('F56: a Retry-After holds for all tabs together, and for one that opens', async () => {
    const browser = await openTabs(4, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('busy', 'busy', 'busy')
    browser.retryAfterMs = 120_000
    await browser.during(browser.tabs[0]!.send().catch(() => {}))
    for (let i = 0; i < 10; i++) {
      for (const tab of browser.tabs) void tab.send().catch(() => {})
      await browser.pass(5_000)
      for (const tab of browser.tabs) tab.tell('wake')
    }
    if (credential === 'cookie') await browser.join()
    await browser.pass(60_000)
    expect(browser.presentations()).toBe(1)
  })

  test('F56: when the network is back, a server that says Retry-After hears of it from one tab', async () => {
    const browser = await openTabs(6, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unreachable')
    for (const tab of browser.tabs) void tab.send().catch(() => {})
    await browser.pass(100)
    expect(browser.presentations()).toBe(1)
    browser.fates.refresh.push('busy', 'busy', 'busy', 'busy', 'busy', 'busy', 'busy')
    browser.retryAfterMs = 120_000
    browser.setOnline(true)
    await browser.pass(60_000)
    expect(browser.presentations()).toBe(2)
  })

  test('F56: backoff grows for all tabs together', async () => {
    const browser = await openTabs(4, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push(...Array<'busy'>(50).fill('busy'))
    await browser.during(Promise.allSettled(browser.tabs.map((tab) => tab.send())), 60_000)
    // 1 + 2 + 4 + 8 + 16 + 32 s, with jitter down to the half.
    expect(browser.presentations()).toBeLessThanOrEqual(8)
  })

  test('F56: a wall clock that was set back by an hour does not keep all tabs from trying again', async () => {
    const browser = await openTabs(2, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('busy')
    for (const tab of browser.tabs) void tab.send().catch(() => {})
    await browser.pass(100)
    browser.jump(-3_600_000)
    await browser.pass(2 * BOUND_MS)
    expect(browser.tabs[0]!.state().status).toBe('active')
  })

  test('F72: 5 tabs that wake with 20 requests each make one refresh', async () => {
    const browser = await openTabs(5, { credential })
    for (const tab of browser.tabs) tab.freeze()
    await browser.pass(EXPIRED_MS)
    for (const tab of browser.tabs) tab.thaw()
    const replies = browser.tabs.flatMap((tab) => Array.from({ length: 20 }, () => tab.send()))
    expect(new Set(await browser.during(Promise.all(replies), 5_000))).toEqual(new Set([200]))
    expect(browser.presentations()).toBe(1)
  })

  test('F82: a definitive refusal in one tab ends the session in all, and nobody asks again', async () => {
    const browser = await openTabs(4, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('refused')
    await browser.during(Promise.allSettled(browser.tabs.map((tab) => tab.send())), 3_000)
    expect(browser.tabs.map(sessionOf)).toEqual([undefined, undefined, undefined, undefined])
    for (const tab of browser.tabs) expect(only(tab, 'signed-out')).toMatchObject([{ reason: 'rejected' }])
    await browser.pass(BOUND_MS)
    expect(browser.presentations()).toBe(1)
  })

  test('F82: after the session has ended elsewhere each tab tells it once, and asks nobody', async () => {
    const browser = await openTabs(3, { credential })
    await browser.during(browser.tabs[0]!.tokens.logout({ reason: 'revoked' }))
    const before = browser.asked.length
    for (let i = 0; i < 5; i++) await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 1_000)
    expect(browser.asked.length).toBe(before)
    for (const [index, tab] of browser.tabs.entries())
      expect(only(tab, 'signed-out')).toMatchObject([{ reason: 'revoked', elsewhere: index > 0 }])
  })
})
