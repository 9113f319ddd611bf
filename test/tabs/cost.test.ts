import { describe, expect, test } from 'vitest'
import { type Browser, credentials, LIFETIME_MS, openTabs } from './browser.ts'

interface Spent {
  /** Which tabs got a lock, one name for each time. */
  readonly granted: readonly string[]
  /** Which tabs read or changed the record. */
  readonly records: readonly string[]
  readonly posted: () => Record<string, number>
}

/** What tabs take from each other from now on. */
function counted(browser: Browser): Spent {
  const granted: string[] = []
  const records: string[] = []
  const { faults } = browser
  const { lockMs, recordMs } = faults
  faults.lockMs = (tab) => (granted.push(tab), lockMs(tab))
  faults.recordMs = (tab) => (records.push(tab), recordMs(tab))
  const before = browser.posted.length
  const posted = (): Record<string, number> => {
    const types = browser.posted.slice(before).map(({ message }) => message.type ?? '')
    return Object.fromEntries([...new Set(types)].map((type) => [type, types.filter((one) => one === type).length]))
  }
  return { granted, records, posted }
}

function expectIdle({ tabs }: Browser): void {
  for (const tab of tabs) {
    expect(tab.timers()).toBeLessThanOrEqual(1)
    expect(tab.locks()).toBe(0)
  }
}

describe.each(credentials)('with a refresh %s', (credential) => {
  test('F14: of 50 tabs that wait for one refresh no queue is gone through, the record is left alone, and a message serves all', async () => {
    const browser = await openTabs(50, { credential })
    browser.latencyMs = 25
    browser.sleep(LIFETIME_MS)
    const { granted, records, posted } = counted(browser)
    const calls = Promise.all(browser.tabs.map((tab) => tab.send()))
    expect(await browser.during(calls)).toEqual(Array(50).fill(200))
    expect(browser.presentations()).toBe(1)
    // Who is next in the queue may be given the lock before the message, and looks and asks once.
    expect(granted.length).toBeLessThanOrEqual(2)
    expect(records.filter((tab) => tab !== granted[0]).length).toBeLessThanOrEqual(1)
    expect(records.filter((tab) => tab === granted[0])).toHaveLength(2)
    expect(posted()['tokens']).toBeLessThanOrEqual(2)
    for (const tab of browser.tabs) expect(tab.sent).toHaveLength(1)
  })

  test('F68: tabs that do nothing have one timer each and no lock, ask nobody, and tell nobody anything, for hours', async () => {
    const browser = await openTabs(5, { credential })
    await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())))
    const before = browser.asked.length
    const { granted, records, posted } = counted(browser)
    expectIdle(browser)
    // The tokens in use are got anew once, ahead of time: from then on nobody has used them.
    await browser.pass(2 * LIFETIME_MS)
    const used = browser.asked.length
    expect(used - before).toBeLessThanOrEqual(1)
    const spent = [granted.length, records.length, JSON.stringify(posted())]
    for (let hour = 1; hour <= 5; hour++) {
      await browser.pass(3_600_000)
      expectIdle(browser)
    }
    expect(browser.asked).toHaveLength(used)
    expect([granted.length, records.length, JSON.stringify(posted())]).toEqual(spent)
  })
})
