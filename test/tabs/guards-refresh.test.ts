import { indexedDbStorage } from 'tokenward/storage'
import { describe, expect, test } from 'vitest'
import {
  API,
  BOUND_MS,
  credentials,
  LIFETIME_MS,
  only,
  openBrowser,
  openTabs,
  sessionOf,
  type Tab,
  TIMEOUT_MS,
} from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error as { code: string }).code)
}

/** Storage that cannot seal: what is stored was stored by another tab. */
function readOnlyStorage(): ReturnType<typeof indexedDbStorage> {
  return { ...indexedDbStorage(), seal: async () => undefined }
}

describe.each(credentials)('who may refresh, with a refresh %s', (credential) => {
  test('a tab that neither marker nor message has reached learns of a logout when it refreshes', async () => {
    const browser = openBrowser({ credential })
    Object.assign(browser.faults, { marker: 'missing' })
    const first = browser.openTab()
    await browser.during(first.tokens.login('ann'))
    const second = await browser.join({ storage: credential === 'token' ? indexedDbStorage() : undefined } as object)
    browser.faults.copies = () => []
    await browser.during(first.tokens.logout())
    await browser.pass(EXPIRED_MS)
    const before = browser.asked.length
    expect(await browser.during(codeOf(second.send()), 1_000)).toBe('signed_out')
    expect(second.state()).toMatchObject({ status: 'signed-out', reason: 'logout', elsewhere: true })
    expect(browser.asked.length).toBe(before)
  })

  test('F73: a logout of which only the record tells wins over the refresh in flight', async () => {
    const browser = openBrowser({ credential })
    Object.assign(browser.faults, { marker: 'missing' })
    const [first, second] = [browser.openTab(), browser.openTab()]
    await browser.during(first.tokens.login('ann'))
    await browser.during(second.tokens.restore())
    await browser.pass(EXPIRED_MS)
    browser.faults.copies = () => []
    browser.latencyMs = 50
    const reply = codeOf(first.send())
    await browser.pass(60)
    void second.tokens.logout()
    await browser.pass(300)
    expect(await reply).toBe('signed_out')
    expect(first.sent).toEqual([])
    expect(only(first, 'refreshed')).toEqual([])
  })

  test('F81: a session that ends while the mark of a refresh is written presents nothing', async () => {
    const browser = await openTabs(1, { credential })
    const [tab] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.faults.recordMs = () => [300, 300]
    void codeOf(tab!.send())
    await browser.pass(100)
    void tab!.tokens.logout()
    await browser.pass(2_000)
    expect(browser.presentations()).toBe(0)
  })

  test('a token is stored before it is used', async () => {
    const browser = await openTabs(1, { credential })
    const [tab] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.faults.recordMs = () => [40, 40]
    const seen: unknown[] = []
    const { send, ...rest } = tab!.exchange()
    const exchange = {
      ...rest,
      send(headers: Record<string, string>) {
        seen.push(...browser.stored.values())
        return send(headers)
      },
    }
    expect(await browser.during(tab!.tokens.send({ url: `${API}/` }, exchange), 1_000)).toBe(200)
    expect(seen).toMatchObject([{ sequence: 2, presented: undefined }])
  })

  test('an API that refuses every token causes one refresh for all tabs', async () => {
    const browser = await openTabs(3, { credential })
    browser.server.refuseAll(true)
    for (let i = 0; i < 4; i++) for (const tab of browser.tabs) await browser.during(codeOf(tab.send()), 3_000)
    expect(browser.presentations()).toBe(1)
    for (const tab of browser.tabs) expect(tab.state().signedIn).toBe(true)
  })

  test('a tab that waits for another looks into the record a few times, not all the time', async () => {
    const browser = await openTabs(1, { credential: 'cookie' })
    browser.faults.locks = 'missing'
    let looks = 0
    const sim = browser.open('counting')
    const second = await browser.join({
      ports: {
        records(key, change) {
          looks++
          return sim.ports.records(key, change)
        },
      },
    })
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 4_000
    const replies = Promise.all([browser.tabs[0]!.send(), second.send()])
    await browser.pass(100)
    const before = looks
    expect(await browser.during(replies, BOUND_MS)).toEqual([200, 200])
    expect(looks - before).toBeLessThan(10)
    expect(browser.presentations()).toBe(1)
  })
})

describe('what only the cookie has', () => {
  test('F54: a call that never left leaves no mark: when the network is back the next tab need not wait', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.setOnline(false)
    expect(await browser.during(codeOf(first!.send()))).toBe('refresh_unavailable')
    first!.kill()
    await browser.pass(3_000)
    browser.setOnline(true)
    expect(await browser.during(second!.send(), 1_000)).toBe(200)
  })

  test('F38: nobody presents a cookie while its successor may still be on its way', async () => {
    const browser = await openTabs(2)
    browser.faults.locks = 'missing'
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 8_500
    const replies = browser.tabs.map((tab) => codeOf(tab.send()))
    await browser.during(Promise.all(replies), 2 * BOUND_MS)
    browser.latencyMs = 5
    await browser.pass(BOUND_MS)
    expect(browser.tabs.flatMap((tab) => only(tab, 'signed-out'))).toEqual([])
    expect(await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), BOUND_MS)).toEqual([200, 200])
  })

  test('a refusal that comes after its time is believed; another failure is told once', async () => {
    for (const [fate, signedIn] of [['refused', false] as const, ['busy', true] as const]) {
      const browser = await openTabs(1)
      const [tab] = browser.tabs
      await browser.pass(EXPIRED_MS)
      browser.latencyMs = 6_000
      browser.fates.refresh.push(fate)
      const reply = codeOf(tab!.send())
      await browser.pass(13_000)
      expect(await reply).toBe('refresh_unavailable')
      expect(tab!.state().signedIn).toBe(signedIn)
      if (signedIn) expect(only(tab!, 'refresh-failed')).toHaveLength(1)
    }
  })

  test('F75: the tokens that come with the cookie of somebody else end the session', async () => {
    const browser = await openTabs(1)
    const [tab] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.server.grant('bob')
    expect(await browser.during(codeOf(tab!.send()))).toBe('session_changed')
    expect(tab!.sent).toEqual([])
    expect(only(tab!, 'signed-out')).toMatchObject([{ reason: 'replaced' }])
  })
})

describe('with a refresh token', () => {
  async function openStored(own: Parameters<ReturnType<typeof openBrowser>['openTab']>[0] = {}): Promise<{
    browser: ReturnType<typeof openBrowser>
    first: Tab
  }> {
    const browser = openBrowser({ credential: 'token' })
    const first = browser.openTab({ storage: indexedDbStorage(), ...own })
    await browser.during(first.tokens.login('ann'))
    return { browser, first }
  }

  test('F40: a tab does not present what it remembers when another tab has rotated it', async () => {
    const { browser, first } = await openStored()
    const second = await browser.join({ storage: readOnlyStorage() })
    browser.faults.copies = () => []
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(second.send(), 3_000)).toBe(200)
    await browser.during(codeOf(first.send()), BOUND_MS)
    const presented = browser.asked.flatMap(({ operation, presented: one }) => (operation === 'refresh' ? [one] : []))
    expect(new Set(presented).size).toBe(presented.length)
    expect(await browser.during(second.send(), 3_000)).toBe(200)
  })

  test('F39: the refresh token of an answer that is no good otherwise is stored', async () => {
    const browser = openBrowser({ credential: 'token' })
    const { source } = browser.server
    let spoil = true
    const first = browser.openTab({
      storage: indexedDbStorage(),
      source: {
        ...source,
        async refresh(input, context) {
          const response = await source.refresh(input, context)
          return spoil ? { ...response, access_token: '' } : response
        },
      },
    })
    await browser.during(first.tokens.login('ann'))
    await browser.pass(EXPIRED_MS)
    await browser.during(codeOf(first.send()))
    spoil = false
    first.kill()
    await browser.pass(2 * BOUND_MS)
    const next = browser.openTab({ storage: indexedDbStorage() })
    await browser.during(next.tokens.restore(), BOUND_MS)
    expect(await browser.during(next.send(), BOUND_MS)).toBe(200)
  })

  test('a tab that finds no refresh token leaves no mark that keeps its holder away', async () => {
    const { browser, first } = await openStored({ storage: readOnlyStorage() })
    await browser.pass(EXPIRED_MS)
    browser.faults.copies = () => []
    const second = browser.openTab({ storage: readOnlyStorage() })
    await browser.during(second.tokens.restore(), 2_000)
    expect(await browser.during(first.send(), 1_000)).toBe(200)
  })

  test('F36: a refusal after the answer that another tab did not get is of unknown outcome', async () => {
    const { browser, first } = await openStored()
    const second = await browser.join({ storage: indexedDbStorage() })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unanswered')
    void codeOf(first.send())
    await browser.pass(50)
    first.kill()
    expect(await browser.during(codeOf(second.send()), BOUND_MS)).toBe('refresh_rejected')
    expect(only(second, 'signed-out')).toMatchObject([{ reason: 'unknown-outcome' }])
  })

  test('a token that lives is used on when its holder is gone, though it was refused once', async () => {
    const browser = await openTabs(2, { credential: 'token' })
    const [first, second] = browser.tabs
    first!.kill()
    browser.server.refuseAll(true)
    await browser.during(codeOf(second!.send()), 2_000)
    expect(second!.state().signedIn).toBe(true)
    browser.server.refuseAll(false)
    expect(await browser.during(second!.send(), 2_000)).toBe(200)
  })

  test('a session whose holder has failed lives on for the others, though their token has expired', async () => {
    const browser = await openTabs(2, { credential: 'token' })
    const [, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('busy')
    browser.retryAfterMs = 60_000
    expect(await browser.during(codeOf(second!.send()), 2 * TIMEOUT_MS)).toBe('refresh_unavailable')
    expect(sessionOf(second!)).toBeDefined()
    await browser.pass(60_000)
    expect(await browser.during(second!.send(), BOUND_MS)).toBe(200)
  })

  test('nobody waits for a holder that was at work long ago', async () => {
    const browser = await openTabs(2, { credential: 'token' })
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(second!.send(), 1_000)).toBe(200)
    first!.kill()
    await browser.pass(EXPIRED_MS + 30_000)
    expect(only(second!, 'signed-out')).toMatchObject([{ reason: 'expired' }])
  })
})
