import type { TokenSource } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { BOUND_MS, LIFETIME_MS, only, openTabs, sessionOf, TIMEOUT_MS, type Browser, type Tab } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

/** Whose tokens a tab has sent. */
function ownersOf(browser: Browser, tab: Tab): (string | undefined)[] {
  return tab.sent.map((sent) => browser.server.access(sent?.slice('Bearer '.length) ?? '')?.family.owner)
}

/** Refreshes bring no ID token: only the sign-in says who it is. */
const namedOnce = (source: TokenSource<string>): TokenSource<string> => ({
  ...source,
  async refresh(input, context) {
    const { id_token: _, ...response } = await source.refresh(input, context)
    return response
  },
})

/** A tab whose page dies while the server has changed the cookie, and its answer is on the way. */
async function dieEntering(browser: Browser, tab: Tab): Promise<void> {
  void tab.tokens.login('bob').catch(() => {})
  await browser.pass(7)
  tab.kill()
  await browser.pass(TIMEOUT_MS)
}

describe.each([true, false])(
  'a page dies in its own login in cookie mode (the server says whose tokens are: %s)',
  (names) => {
    test.each([0, 1, 2, 3, 4, 5, 6, 8, 9])(
      'F75: %i ms into it: nothing of the new user is sent in the session of the one before',
      async (ms) => {
        const browser = await openTabs(2, { names })
        const [mine, other] = browser.tabs
        await browser.pass(1_000)
        void other!.tokens.login('bob').catch(() => {})
        await browser.pass(ms)
        other!.kill()
        await browser.pass(LIFETIME_MS + 1_000)
        await browser.during(Promise.allSettled([mine!.send()]), BOUND_MS)
        await browser.during(Promise.allSettled([mine!.send(), mine!.send()]), BOUND_MS)
        const owners = mine!.sent.map(
          (sent) => browser.server.access(sent?.slice('Bearer '.length) ?? '')?.family.owner,
        )
        expect(new Set(owners)).not.toContain('bob')
        // Before the call has left, nothing has happened to the cookie.
        if (names && ms < 2) expect(mine!.state().signedIn).toBe(true)
      },
    )
  },
)

test('a login that comes to nothing leaves the session of another tab as it was', async () => {
  const browser = await openTabs(2, { names: false })
  const [mine, other] = browser.tabs
  browser.fates.login.push('busy')
  await browser.during(other!.tokens.login('bob').catch(() => {}))
  await browser.pass(LIFETIME_MS + 1_000)
  expect(await browser.during(mine!.send(), BOUND_MS)).toBe(200)
  expect(mine!.state().signedIn).toBe(true)
})

test('F75: an ID token of the session before does not say whose the cookie is now', async () => {
  const browser = await openTabs(1)
  const mine = await browser.join({ extend: namedOnce })
  const [other] = browser.tabs
  // What it has from the other tab names ann.
  await dieEntering(browser, other!)
  await browser.pass(EXPIRED_MS)
  await browser.during(Promise.allSettled([mine.send()]), BOUND_MS)
  expect(ownersOf(browser, mine)).toEqual([])
  expect(only(mine, 'signed-out')).toMatchObject([{ reason: 'replaced' }])
})

test('F75: a login that comes to nothing takes no doubt away that another has left', async () => {
  const browser = await openTabs(3, { names: false })
  const [first, mine, third] = browser.tabs
  await dieEntering(browser, first!)
  browser.fates.login.push('busy')
  await browser.during(
    third!.tokens.login('carl').catch(() => {}),
    BOUND_MS,
  )
  await browser.pass(EXPIRED_MS)
  await browser.during(Promise.allSettled([mine!.send()]), BOUND_MS)
  expect(ownersOf(browser, mine!)).toEqual([])
  expect(mine!.state().signedIn).toBe(false)
})

test.each(['kill', 'freeze'] as const)(
  'F75: a tab that has got the tokens of somebody else, and ends then (%s), leaves the doubt to the others',
  async (end) => {
    const browser = await openTabs(3, { names: false })
    const [first, second, mine] = browser.tabs
    await dieEntering(browser, first!)
    await browser.pass(EXPIRED_MS)
    browser.faults.recordMs = (tab) => (tab === 'tab 2' ? [1, 30] : [1, 1])
    void second!.send().catch(() => {})
    const sequence = (): number => ([...browser.stored.values()][0] as { sequence: number }).sequence
    for (let ms = 0; ms < 200 && sequence() < 2; ms++) await browser.pass(1)
    expect(sequence()).toBe(2)
    second![end]()
    void mine!.send().catch(() => {})
    await browser.pass(3 * TIMEOUT_MS)
    expect(ownersOf(browser, mine!)).toEqual([])
  },
)

test.each([true, false])(
  'F75: a login that is under way ends no session while it may still fail (locks: %s)',
  async (locks) => {
    const browser = await openTabs(2, { names: false })
    const [first, second] = browser.tabs
    const session = sessionOf(second!)
    if (!locks) browser.faults.locks = 'missing'
    browser.fates.login.push('busy')
    browser.latencyMs = 0.38 * TIMEOUT_MS
    await browser.pass(EXPIRED_MS)
    const login = first!.tokens.login('bob').catch(() => {})
    await browser.pass(100)
    browser.latencyMs = 5
    const reply = second!.send()
    await browser.during(Promise.all([login, reply]), 2 * TIMEOUT_MS)
    expect(await reply).toBe(200)
    expect(sessionOf(second!)).toBe(session)
    expect(only(second!, 'alert')).toEqual([])
  },
)

test('F75: the connection of a login that was lost long ago breaks: the session that began since then stays', async () => {
  const browser = await openTabs(1)
  const [tab] = browser.tabs
  browser.latencyMs = 3 * TIMEOUT_MS
  browser.fates.login.push('unreachable')
  const lost = tab!.tokens.login('bob').catch(() => {})
  await browser.pass(1.2 * TIMEOUT_MS)
  await lost
  browser.latencyMs = 5
  const login = tab!.tokens.login('bob')
  await browser.during(login, 3 * TIMEOUT_MS)
  const session = sessionOf(tab!)
  await browser.pass(6 * TIMEOUT_MS)
  expect(session).toBeDefined()
  expect(sessionOf(tab!)).toBe(session)
})
