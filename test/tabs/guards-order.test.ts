import { TokenError } from 'tokenward'
import { indexedDbStorage } from 'tokenward/storage'
import { describe, expect, test } from 'vitest'
import {
  BOUND_MS,
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

const EXPIRED_MS = LIFETIME_MS + 1_000
const IDLE_MS = 600_000
const timing = { requestTimeoutMs: TIMEOUT_MS, idleMs: IDLE_MS }

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error as { code: string }).code)
}

/** A tab that nobody tells anything: what it knows it has looked up. */
async function openDeaf(browser: Browser): Promise<Tab> {
  const { lifecycle } = browser.open('deaf').ports
  const tab = browser.openTab({ ports: { lifecycle: { ...lifecycle, watch: () => () => {} } } })
  await browser.during(tab.tokens.restore())
  browser.faults.copies = (_, to) => (to === tab.name ? [] : [1])
  return tab
}

describe.each(credentials)('who is told nothing looks, with a refresh %s', (credential) => {
  test('F76: the marker alone keeps a request of a session that is over back', async () => {
    const browser = await openTabs(1, { credential })
    const deaf = await openDeaf(browser)
    await browser.during(deaf.send())
    await browser.during(browser.tabs[0]!.tokens.logout())
    expect(deaf.state().signedIn).toBe(true)
    expect(await browser.during(codeOf(deaf.send()))).toBe('signed_out')
    expect(deaf.sent).toHaveLength(1)
  })

  test('nobody is asked for a login that was overtaken before it left', async () => {
    const browser = openBrowser({ credential })
    const tab = browser.openTab()
    const overtaken = codeOf(tab.tokens.login('ann'))
    await browser.during(tab.tokens.login('bob'))
    expect(await overtaken).toBe('aborted')
    expect(browser.asked.map(({ operation }) => operation)).toEqual(['login'])
    expect(await browser.during(tab.send())).toBe(200)
    expect(tab.sent).toEqual(['Bearer bob.1'])
  })

  test('the marker alone lets a request take part in a sign-in', async () => {
    const browser = openBrowser({ credential })
    const first = browser.openTab()
    await browser.during(first.tokens.restore())
    const deaf = await openDeaf(browser)
    await browser.during(first.tokens.login('ann'))
    browser.faults.copies = () => [1]
    expect(await browser.during(deaf.send(), 1_000)).toBe(200)
    expect(deaf.sent).toEqual(['Bearer ann.1'])
  })

  test('a tab that ends its session for a reason of its own does not end one that began meanwhile', async () => {
    const browser = openBrowser({ credential, timing, lifetimeMs: 10 * IDLE_MS })
    const first = browser.openTab({ timing: { requestTimeoutMs: TIMEOUT_MS } })
    await browser.during(first.tokens.login('ann'))
    const deaf = await openDeaf(browser)
    await browser.pass(IDLE_MS / 2)
    browser.faults.recordMs = (tab) => (tab === deaf.name ? [300, 300] : [1, 1])
    const session = sessionOf(deaf)
    await browser.pass(IDLE_MS / 2 - 100)
    browser.latencyMs = 150
    void codeOf(first.tokens.login('bob'))
    await browser.pass(5_000)
    expect(sessionOf(first)).toBeDefined()
    expect(sessionOf(first)).not.toBe(session)
  })

  test('nothing is sent before it is known whether all tabs were idle', async () => {
    const browser = await openTabs(2, { credential, timing, lifetimeMs: 10 * IDLE_MS })
    for (const tab of browser.tabs) tab.freeze()
    await browser.pass(2 * IDLE_MS)
    browser.tabs[1]!.thaw()
    expect(await browser.during(codeOf(browser.tabs[1]!.send()), 2_000)).toBe('signed_out')
    expect(browser.tabs[1]!.sent).toEqual([])
  })

  test('an older use that is heard late does not end a session early', async () => {
    const browser = await openTabs(1, { credential, timing })
    const [tab] = browser.tabs
    const stranger = browser.open('stranger').ports.openChannel('model', () => {})
    const epoch = Number(browser.marks.get('model'))
    const at = browser.now()
    await browser.pass(IDLE_MS / 2)
    tab!.tokens.touch()
    await browser.pass(30_000)
    // Too soon after the last one to be told.
    tab!.tokens.touch()
    stranger.post({ version: 1, epoch, type: 'used', at })
    await browser.pass(IDLE_MS - 10_000)
    tab!.tell('wake')
    await browser.pass(3_000)
    expect(tab!.state().signedIn).toBe(true)
  })

  test('a tab that was disposed of in the middle of a refresh follows nobody', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 100
    void codeOf(first!.send())
    await browser.pass(50)
    first!.tokens.dispose()
    const before = first!.state()
    void second!.tokens.startSession(browser.server.grant('bob'))
    await browser.pass(1_000)
    const after = first!.state()
    expect(after.signedIn && after.session).toBe(before.signedIn && before.session)
    expect(only(first!, 'signed-out')).toEqual([])
  })
})

describe('refreshes that meet', () => {
  test('F23: tokens that came too late are not used, nor is anybody given them', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 50
    const frozen = codeOf(first!.send())
    await browser.pass(20)
    first!.freeze({ deaf: true })
    expect(await browser.during(second!.send(), BOUND_MS)).toBe(200)
    first!.thaw()
    await browser.during(frozen, BOUND_MS)
    await browser.pass(BOUND_MS)
    await browser.during(first!.send(), BOUND_MS)
    expect(first!.sent.at(-1)).toBe(second!.sent.at(-1))
  })

  test('F43: a refusal is not believed when the record has newer tokens, though no message came', async () => {
    const browser = await openTabs(1)
    Object.assign(browser.faults, { locks: 'missing' })
    const [first] = browser.tabs
    const refuse = async (): Promise<never> => {
      await browser.delay(50)
      throw new TokenError('refresh_rejected', 'it was used already')
    }
    const second = await browser.join({ source: { ...browser.server.source, refresh: refuse } })
    browser.faults.copies = () => []
    await browser.pass(EXPIRED_MS)
    const one = first!.send()
    await browser.pass(5)
    browser.stored.clear()
    const two = codeOf(second.send())
    expect(await browser.during(one, 200)).toBe(200)
    expect(await two).toBe('refresh_unavailable')
    expect(second.state().signedIn).toBe(true)
  })

  test('who has got tokens does not wait for a lock that nobody grants', async () => {
    const browser = await openTabs(2)
    browser.faults.locks = 'hanging'
    await browser.pass(EXPIRED_MS)
    const one = browser.tabs[0]!.send()
    await browser.pass(TIMEOUT_MS / 2 - 500)
    const two = browser.tabs[1]!.send()
    expect(await browser.during(Promise.all([one, two]), 1_000)).toEqual([200, 200])
  })

  test('who has got tokens leaves no request for the lock behind', async () => {
    const browser = await openTabs(3)
    const [first, second, third] = browser.tabs
    await browser.pass(EXPIRED_MS)
    const frozen = browser.open('frozen')
    void frozen.ports.locks('model', () => new Promise(() => {}), new AbortController().signal)
    await browser.pass(10)
    const replies = Promise.all([first!.send(), second!.send(), third!.send()])
    expect(await browser.during(replies, TIMEOUT_MS)).toEqual([200, 200, 200])
    await browser.pass(BOUND_MS)
    frozen.kill()
    expect(browser.locksHeld()).toBe(0)
  })
})

describe('sign-ins and sign-outs that meet', () => {
  test('F78: a logout that comes late does not give back the cookie of the next user', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    browser.latencyMs = 200
    const login = second!.tokens.login('bob')
    await browser.pass(50)
    const report = first!.tokens.logout()
    await browser.during(Promise.all([login, report]), 5_000)
    browser.latencyMs = 5
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(second!.send(), 3_000)).toBe(200)
    expect(second!.sent.at(-1)).toMatch(/^Bearer bob/)
  })

  test('F44: of tabs that open together each is told that it is signed in', async () => {
    const browser = openBrowser()
    browser.server.grant('ann')
    const tabs = [1, 2, 3].map(() => browser.openTab())
    const states = await browser.during(Promise.all(tabs.map((tab) => tab.tokens.restore())), 5_000)
    expect(states.map(({ signedIn }) => signedIn)).toEqual([true, true, true])
  })

  test('F73: the answer to a restore does not bring back what another tab has ended meanwhile', async () => {
    const browser = openBrowser()
    browser.faults.locks = 'missing'
    browser.server.grant('ann')
    const [first, second] = [browser.openTab(), browser.openTab()]
    browser.latencyMs = 100
    const restored = first.tokens.restore()
    await browser.pass(150)
    void second.tokens.logout()
    expect(await browser.during(restored, 1_000)).toMatchObject({ signedIn: false })
    await browser.pass(BOUND_MS)
    expect(first.state().signedIn).toBe(false)
  })

  test('F77: a visitor who finds nothing does not take a logout for confirmed that was not', async () => {
    const browser = openBrowser()
    browser.faults.locks = 'missing'
    const [first, second] = [browser.openTab(), browser.openTab()]
    browser.latencyMs = 100
    const restored = first.tokens.restore()
    await browser.pass(50)
    browser.fates.revoke.push('lost')
    await browser.during(second.tokens.logout(), 1_000)
    await browser.during(restored, 1_000)
    const before = browser.asked.length
    await browser.during(browser.openTab().tokens.restore(), 1_000)
    expect(browser.asked.slice(before).map(({ operation }) => operation)).toContain('revoke')
  })

  test('F85: what is stored late for one session is not taken for what was stored for the next', async () => {
    const browser = openBrowser({ credential: 'token' })
    const own = { storage: indexedDbStorage() }
    const [first, second] = [browser.openTab(own), browser.openTab(own)]
    browser.faults.recordMs = (tab) => (tab === first.name ? [200, 1] : [1, 1])
    const one = codeOf(first.tokens.login('ann'))
    await browser.pass(50)
    await browser.during(Promise.all([one, second.tokens.login('bob')]), 3_000)
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(second.send(), 3_000)).toBe(200)
    expect(second.sent.at(-1)).toMatch(/^Bearer bob/)
  })

  test('F85: what a logout forgets is not what the next session has stored', async () => {
    const browser = openBrowser({ credential: 'token' })
    let forgotten = 0
    const storage = { ...indexedDbStorage(), forget: async () => void (forgotten += 1) }
    const tab = browser.openTab({ storage })
    await browser.during(tab.tokens.login('ann'))
    void tab.tokens.logout()
    await browser.during(tab.tokens.startSession(browser.server.grant('bob')), 3_000)
    await browser.pass(1_000)
    expect(forgotten).toBe(0)
    await browser.during(tab.tokens.logout(), 3_000)
    expect(forgotten).toBe(1)
  })
})
