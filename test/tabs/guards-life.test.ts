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
  TIMEOUT_MS,
} from './browser.ts'

const IDLE_MS = 600_000
const timing = { requestTimeoutMs: TIMEOUT_MS, idleMs: IDLE_MS }

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error as { code: string }).code)
}

describe.each(credentials)('sessions end and begin, with a refresh %s', (credential) => {
  test('F77: who looks for a session while it ends does not find it', async () => {
    const browser = await openTabs(2, { credential })
    const [first] = browser.tabs
    const { send: _, ...rest } = first!.exchange()
    const sending = first!.tokens.send(
      { url: `${API}/` },
      {
        ...rest,
        send: (_headers, signal) => {
          signal?.addEventListener('abort', () => void first!.tokens.restore())
          return new Promise<number>(() => {})
        },
      },
    )
    const reply = codeOf(sending)
    await browser.during(first!.tokens.logout())
    expect(await reply).toBe('signed_out')
    await browser.pass(BOUND_MS)
    for (const tab of browser.tabs) expect(tab.state()).toMatchObject({ status: 'signed-out', reason: 'logout' })
  })

  test('a tab that was not asked to takes no part', async () => {
    const browser = openBrowser({ credential })
    const [first, second] = [browser.openTab(), browser.openTab()]
    await browser.during(first.tokens.login('ann'))
    await browser.pass(1_000)
    second.tell('wake')
    second.tokens.touch()
    await browser.pass(1_000)
    expect(second.state()).toEqual({ status: 'signed-out', signedIn: false, reason: 'never-started', elsewhere: false })
    expect(second.told).toEqual([])
  })

  test('every change is told once, however often tabs hear of it', async () => {
    const browser = await openTabs(3, { credential })
    browser.faults.copies = () => [1, 3, 20]
    const [first, second, third] = browser.tabs
    await browser.during(second!.tokens.login('bob'))
    for (const tab of browser.tabs) tab.tell('wake')
    await browser.pass(1_000)
    await browser.during(third!.tokens.logout())
    for (const tab of browser.tabs) tab.tell('wake')
    await browser.pass(1_000)
    for (const tab of browser.tabs) {
      expect(only(tab, 'signed-in')).toHaveLength(2)
      expect(only(tab, 'signed-out')).toHaveLength(2)
    }
    expect(only(first!, 'signed-out')).toMatchObject([{ reason: 'replaced' }, { reason: 'logout' }])
  })

  test('F74: the late confirmation of a logout does not end the session that began meanwhile', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    browser.latencyMs = 400
    void first!.tokens.logout()
    await browser.pass(10)
    browser.latencyMs = 50
    await browser.during(second!.tokens.login('bob'), 3_000)
    await browser.pass(3_000)
    expect(sessionOf(second!)).toBeDefined()
    expect(sessionOf(first!)).toBe(sessionOf(second!))
  })

  test('a tab that signs in does not follow another meanwhile; its own sign-in counts, since it is newer', async () => {
    const browser = openBrowser({ credential })
    const [first, second] = [browser.openTab(), browser.openTab()]
    await browser.during(Promise.all([first.tokens.restore(), second.tokens.restore()]), 1_000)
    browser.latencyMs = 200
    const slow = second.tokens.login('bob')
    await browser.pass(10)
    await browser.during(first.tokens.login('ann'), 3_000)
    await browser.during(slow, 3_000)
    await browser.pass(1_000)
    expect(only(second, 'signed-in').length - only(second, 'signed-out').length).toBe(1)
    expect(sessionOf(first)).toBe(sessionOf(second))
  })

  test('F112: what is not found is looked for once, not over and over again', async () => {
    const browser = await openTabs(1, { credential })
    browser.tabs[0]!.kill()
    await browser.pass(LIFETIME_MS)
    browser.fates.refresh.push('refused')
    browser.fates.restore.push('refused')
    const next = await browser.join()
    await browser.pass(BOUND_MS)
    expect(next.state().signedIn).toBe(false)
    const { asked, posted } = browser
    const before = [asked.length, posted.length]
    for (let i = 0; i < 5; i++) {
      next.tell('wake')
      await browser.pass(1_000)
    }
    expect([asked.length, posted.length]).toEqual(before)
  })

  test('F116: a disposed tab hears nothing, and says nothing', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    second!.tokens.dispose()
    const before = second!.state()
    await browser.during(first!.tokens.logout())
    await browser.pass(1_000)
    expect(second!.state()).toEqual(before)
    expect(only(second!, 'signed-out')).toEqual([])
  })
})

test('a session that one tab must give up goes on in the tab that holds it', async () => {
  const browser = await openTabs(2, { credential: 'token' })
  const [first, second] = browser.tabs
  first!.freeze()
  await browser.pass(LIFETIME_MS + 5_000)
  expect(await browser.during(codeOf(second!.send()), 2_000)).toBe('signed_out')
  expect(only(second!, 'signed-out')).toMatchObject([{ reason: 'expired', elsewhere: false }])
  first!.thaw()
  await browser.pass(100)
  expect(first!.state().signedIn).toBe(true)
  expect(await browser.during(first!.send(), 3_000)).toBe(200)
})

describe('what storage keeps', () => {
  test('F85: a switch of users gives back what was stored for the one before, and keeps what is stored for the next', async () => {
    const browser = openBrowser({ credential: 'token' })
    const own = { storage: indexedDbStorage() }
    const first = browser.openTab(own)
    await browser.during(first.tokens.login('ann'))
    const second = await browser.join(own)
    await browser.during(second.tokens.login('bob'))
    await browser.pass(1_000)
    const revoked = browser.asked.flatMap(({ operation, presented }) => (operation === 'revoke' ? [presented] : []))
    expect(revoked.filter((one) => one !== undefined)).toEqual(['r1'])
    for (const tab of browser.tabs) tab.kill()
    const next = await browser.join(own)
    await browser.during(next.send(), 3_000)
    expect(next.sent).toEqual([expect.stringMatching(/^Bearer bob/)])
  })

  test('a record that was lost once is not asked again, and costs no more time', async () => {
    const browser = openBrowser()
    const tab = browser.openTab()
    await browser.during(tab.tokens.login('ann'))
    browser.faults.records = 'hanging'
    await browser.pass(LIFETIME_MS + 1_000)
    await browser.during(tab.send(), 3_000)
    await browser.pass(LIFETIME_MS + 1_000)
    expect(await browser.during(tab.send(), 500)).toBe(200)
  })
})

describe('visitors and restores over tabs', () => {
  test('F44: a visitor does not end the session that another tab has begun meanwhile', async () => {
    const browser = openBrowser()
    const [first, second] = [browser.openTab(), browser.openTab()]
    browser.faults.locks = 'missing'
    browser.latencyMs = 100
    const restored = second.tokens.restore()
    await browser.pass(150)
    browser.latencyMs = 10
    await browser.during(first.tokens.startSession(browser.server.grant('ann')), 1_000)
    await browser.during(restored, 1_000)
    await browser.pass(1_000)
    expect(sessionOf(first)).toBeDefined()
    expect(sessionOf(second)).toBe(sessionOf(first))
  })
})

describe.each(credentials)('idle, with a refresh %s', (credential) => {
  test('F97: uses are told to other tabs a few times, not each', async () => {
    const browser = await openTabs(2, { credential, timing })
    const before = browser.posted.length
    for (let i = 0; i < 100; i++) {
      browser.tabs[0]!.tokens.touch()
      await browser.pass(1_000)
    }
    expect(browser.posted.length - before).toBeLessThan(4)
  })

  test('without messages the record tells of a use, without a record a message does', async () => {
    for (const part of [{ copies: () => [] }, { records: 'missing' as const }]) {
      const browser = await openTabs(2, { credential, timing })
      Object.assign(browser.faults, part)
      for (let i = 0; i < 8; i++) {
        browser.tabs[0]!.tokens.touch()
        await browser.pass(IDLE_MS / 4)
      }
      expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true])
    }
  })

  test('the first use after a sign-in is told, however soon after the last one of the session before', async () => {
    const browser = await openTabs(2, { credential, timing })
    const [first, second] = browser.tabs
    first!.tokens.touch()
    await browser.during(first!.tokens.login('bob'))
    const before = browser.posted.length
    first!.tokens.touch()
    await browser.pass(10)
    expect(browser.posted.slice(before).map(({ message }) => message.type)).toContain('used')
    expect(sessionOf(second!)).toBe(sessionOf(first!))
  })

  test('a use that seems to come from the future keeps no session alive, an older one ends none', async () => {
    const browser = await openTabs(1, { credential, timing })
    const [tab] = browser.tabs
    const stranger = browser.open('stranger').ports.openChannel('model', () => {})
    const epoch = Number(browser.marks.get('model'))
    await browser.pass(IDLE_MS / 2)
    tab!.tokens.touch()
    stranger.post({ version: 1, epoch, type: 'used', at: browser.now() + 10 * IDLE_MS })
    stranger.post({ version: 1, epoch, type: 'used', at: browser.now() - IDLE_MS / 2 })
    await browser.pass(IDLE_MS - 1_000)
    expect(tab!.state().signedIn).toBe(true)
    await browser.pass(3_000)
    expect(tab!.state()).toMatchObject({ signedIn: false, reason: 'idle' })
  })

  test('what was done in the session before keeps the next one from no end', async () => {
    const browser = await openTabs(1, { credential, timing })
    const [tab] = browser.tabs
    await browser.pass(IDLE_MS)
    await browser.pass(1_500)
    expect(tab!.state()).toMatchObject({ reason: 'idle' })
    await browser.during(tab!.tokens.login('bob'))
    await browser.pass(IDLE_MS - 1_000)
    expect(tab!.state().signedIn).toBe(true)
  })
})

test('F76: the confirmation of an earlier logout does not keep a tab from seeing the next one', async () => {
  const browser = openBrowser({ credential: 'token' })
  const { lifecycle } = browser.open('deaf').ports
  const first = browser.openTab({ ports: { lifecycle: { ...lifecycle, watch: () => () => {} } } })
  await browser.during(first.tokens.login('ann'))
  const second = await browser.join()
  browser.latencyMs = 500
  void first.tokens.logout()
  await browser.pass(10)
  browser.latencyMs = 5
  await browser.during(first.tokens.login('bob'))
  expect(sessionOf(second)).toBe(sessionOf(first))
  browser.faults.copies = () => []
  browser.latencyMs = 2_000
  void second.tokens.logout()
  await browser.pass(10)
  const marked = browser.marks.get('model')
  browser.latencyMs = 5
  await browser.pass(1_000)
  expect(await browser.during(codeOf(first.send()))).toBe('signed_out')
  expect(first.sent).toEqual([])
  expect(browser.marks.get('model')).toBe(marked)
  expect(only(first, 'signed-out')).toMatchObject([{ elsewhere: false }, { elsewhere: true }])
})

test('F74: a refresh that begins when another user has signed in elsewhere leaves his session alone', async () => {
  const browser = openBrowser({ credential: 'token' })
  const { lifecycle } = browser.open('deaf').ports
  const first = browser.openTab({ ports: { lifecycle: { ...lifecycle, watch: () => () => {} } } })
  await browser.during(first.tokens.login('ann'))
  const second = await browser.join()
  await browser.pass(LIFETIME_MS + 1_000)
  browser.faults.copies = () => []
  await browser.during(second.tokens.login('bob'))
  browser.faults.copies = () => [1]
  expect(await codeOf(first.send())).toBe('session_changed')
  expect(await browser.during(first.send(), 1_000)).toBe(200)
  expect(first.sent).toEqual(['Bearer bob.2'])
  expect(browser.presentations()).toBe(0)
})
