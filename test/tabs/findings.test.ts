import { indexedDbStorage } from 'tokenward/storage'
import { expect, test } from 'vitest'
import { BOUND_MS, LIFETIME_MS, openBrowser, type Tab, TIMEOUT_MS } from './browser.ts'

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
