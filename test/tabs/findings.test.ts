import { indexedDbStorage } from 'tokenward/storage'
import { describe, expect, test } from 'vitest'
import { BOUND_MS, type Browser, LIFETIME_MS, openBrowser, type Tab, TIMEOUT_MS } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error as { code: string }).code)
}

test('F29: a tab that was frozen while it opened what is stored looks again before it calls', async () => {
  const browser = openBrowser({ credential: 'token' })
  const storage = indexedDbStorage()
  const slow: Tab[] = []
  const first = browser.openTab({
    storage: {
      ...storage,
      async open(sealed, bind) {
        await new Promise<void>((resolve) => {
          if (slow[0]) slow[0].ports.timer(resolve, 100)
          else resolve()
        })
        return storage.open(sealed, bind)
      },
    },
  })
  await browser.during(first.tokens.login('ann'))
  const second = await browser.join({ storage })
  await browser.pass(EXPIRED_MS)
  slow.push(first)
  const frozen = codeOf(first.send())
  await browser.pass(50)
  first.freeze()
  const other = codeOf(second.send())
  // The other one waits for what is left of the mark, and then presents.
  await browser.pass(1.5 * TIMEOUT_MS)
  browser.latencyMs = 3_000
  await browser.pass(100)
  first.thaw()
  await browser.during(Promise.all([frozen, other]), BOUND_MS)
  expect(browser.presentations()).toBe(1)
  expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true])
})

test('F80: where storage keeps nothing a logout in another tab gives back the refresh token that only this one has', async () => {
  const browser = openBrowser({ credential: 'token' })
  browser.faults.records = 'missing'
  const storage = indexedDbStorage()
  const first = browser.openTab({ storage })
  await browser.during(first.tokens.login('ann'))
  const second = await browser.join({ storage })
  expect(second.state().signedIn).toBe(true)
  await browser.during(second.tokens.logout())
  await browser.pass(BOUND_MS)
  expect(first.state().signedIn).toBe(false)
  expect(browser.server.live()).toEqual([])
})

describe('tokens that come from tabs that have slept, while a refresh is under way', () => {
  /** A tab that has opened, asked the server, and heard of older tokens before it was answered with `fate`. */
  async function opened(fate: 'busy' | 'refused'): Promise<{ browser: Browser; last: Tab }> {
    const storage = indexedDbStorage()
    const browser = openBrowser({ credential: 'token' })
    const first = browser.openTab({ storage })
    await browser.during(first.tokens.login('ann'))
    const second = await browser.join({ storage })
    await browser.pass(LIFETIME_MS / 2)
    for (const tab of [first, second]) tab.freeze()
    Object.assign(browser, { latencyMs: 3_000, retryAfterMs: 60_000 })
    browser.fates.refresh.push(fate)
    const last = browser.openTab({ storage })
    void last.tokens.restore()
    await browser.pass(1_000)
    for (const tab of [first, second]) tab.thaw()
    await browser.pass(1_000)
    expect(last.state().status).toBe('active')
    await browser.pass(TIMEOUT_MS)
    return { browser, last }
  }

  test('F50: its Retry-After counts all the same', async () => {
    const { browser, last } = await opened('busy')
    expect(last.state().signedIn).toBe(true)
    await browser.pass(45_000)
    const demanding = codeOf(last.tokens.getAccessToken({ minTtlMs: LIFETIME_MS }))
    await browser.pass(1_000)
    expect(await demanding).toBe('refresh_unavailable')
    expect(browser.presentations()).toBe(1)
  })

  test('F82: its refusal counts all the same', async () => {
    const { browser } = await opened('refused')
    expect(browser.tabs.map((tab) => tab.state())).toMatchObject([
      { status: 'signed-out', reason: 'rejected' },
      { status: 'signed-out', reason: 'rejected' },
      { status: 'signed-out', reason: 'rejected' },
    ])
    expect(browser.presentations()).toBe(1)
  })
})
