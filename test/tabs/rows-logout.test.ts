import { describe, expect, test } from 'vitest'
import { API, BOUND_MS, credentials, LIFETIME_MS, openBrowser, openTabs, sessionOf } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

describe.each(credentials)('theme F: logout and switch of users over tabs, with a refresh %s', (credential) => {
  test.each([0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16])(
    'F73: a logout in one tab %i ms into the refresh of another wins',
    async (ms) => {
      const browser = await openTabs(3, { credential })
      const [first, second, third] = browser.tabs
      const session = sessionOf(first!)
      await browser.pass(EXPIRED_MS)
      const reply = first!.send().catch(() => 'signed out')
      await browser.pass(ms)
      const sent = browser.tabs.map((tab) => tab.sent.length)
      const report = browser.during(second!.tokens.logout(), 1_000)
      expect(second!.state().signedIn).toBe(false)
      await report
      await reply
      await browser.pass(BOUND_MS)
      expect(browser.tabs.map(sessionOf)).toEqual([undefined, undefined, undefined])
      expect(browser.tabs.map((tab) => tab.sent.length)).toEqual(sent)
      expect(browser.server.live()).toEqual([])
      await browser.during(third!.tokens.restore())
      expect(sessionOf(third!)).not.toBe(session)
      expect(third!.state().signedIn).toBe(false)
    },
  )

  test('F74: the refusal of the old refresh token, which comes late, does not touch the new user', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.latencyMs = 500
    browser.fates.refresh.push('refused')
    const reply = first!.send().catch(() => 'changed')
    await browser.pass(600)
    const login = second!.tokens.login('bob')
    await browser.during(login, 5_000)
    await reply
    await browser.pass(BOUND_MS)
    expect(sessionOf(first!)).toBeDefined()
    expect(sessionOf(first!)).toBe(sessionOf(second!))
    expect(await browser.during(first!.send(), 5_000)).toBe(200)
    expect(first!.sent.at(-1)).toMatch(/^Bearer bob/)
  })

  test('F75: a request that waits while another tab switches users is not sent', async () => {
    const browser = await openTabs(3, { credential })
    const [first, second, third] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unheard')
    const reply = third!.send().catch((error: unknown) => (error as { code: string }).code)
    await browser.pass(20)
    await browser.during(first!.tokens.login('bob'), BOUND_MS)
    // In cookie mode the login has its turn after the refresh, which the request has given up by then.
    expect(await reply).toBe(credential === 'cookie' ? 'refresh_unavailable' : 'session_changed')
    expect(third!.sent).toEqual([])
    expect(await browser.during(second!.send(), BOUND_MS)).toBe(200)
    expect(second!.sent.every((one) => one?.startsWith('Bearer bob'))).toBe(true)
  })

  test('F76: a logout stops requests in all tabs within 100 ms, and those in flight', async () => {
    const browser = await openTabs(4, { credential })
    const flying = browser.tabs[3]!.tokens.send(
      { url: `${API}/` },
      { ...browser.tabs[3]!.exchange(), send: () => new Promise<number>(() => {}) },
    ).catch((error: unknown) => (error as { code: string }).code)
    void browser.tabs[0]!.tokens.logout()
    await browser.pass(100)
    expect(await flying).toBe('signed_out')
    for (const tab of browser.tabs) expect(tab.state()).toMatchObject({ status: 'signed-out', reason: 'logout' })
  })

  test('F76: a frozen tab, deaf or not, sends nothing with the old token when it wakes', async () => {
    const browser = await openTabs(3, { credential })
    const [first, second, third] = browser.tabs
    second!.freeze({ deaf: true })
    third!.freeze()
    await browser.during(first!.tokens.logout())
    await browser.pass(60_000)
    for (const tab of [second!, third!]) {
      tab.thaw()
      // Before anything else happens in it.
      const reply = tab.send().catch((error: unknown) => (error as { code: string }).code)
      await browser.pass(10)
      expect(await reply).toBe('signed_out')
      expect(tab.sent).toEqual([])
      expect(tab.state()).toMatchObject({ status: 'signed-out', elsewhere: true })
    }
  })

  test('F76: a logout that comes right before its page is gone reaches the others', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    void first!.tokens.logout()
    first!.tell('leave')
    first!.kill()
    await browser.pass(100)
    expect(second!.state().signedIn).toBe(false)
    const next = await browser.join()
    expect(next.state().signedIn).toBe(false)
    await browser.pass(BOUND_MS)
    if (credential === 'cookie') expect(browser.server.live()).toEqual([])
  })

  test('F81: what waits in any tab rejects at a logout, and no call is made after it but that of the logout', async () => {
    const browser = await openTabs(3, { credential })
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('busy')
    void browser.tabs[0]!.send().catch(() => {})
    await browser.pass(100)
    browser.latencyMs = 100
    await browser.pass(500)
    const waiting = browser.tabs.map((tab) => tab.send().catch((error: unknown) => (error as { code: string }).code))
    await browser.pass(10)
    const before = browser.presentations()
    await browser.during(browser.tabs[1]!.tokens.logout(), 5_000)
    await browser.pass(BOUND_MS)
    for (const code of await Promise.all(waiting)) expect(['signed_out', 'refresh_unavailable']).toContain(code)
    expect(browser.presentations()).toBe(before)
  })

  test('F85: after a login in another tab nothing of the earlier account is found again', async () => {
    const browser = await openTabs(2, { credential })
    await browser.during(browser.tabs[1]!.tokens.login('bob'))
    const next = await browser.join()
    expect(sessionOf(next)).toBe(sessionOf(browser.tabs[1]!))
    expect(await browser.during(next.send(), 1_000)).toBe(200)
    expect(next.sent).toEqual([expect.stringMatching(/^Bearer bob/)])
    const epoch = Number([...browser.marks.values()][0])
    expect([...browser.stored.values()]).toMatchObject([{ epoch }])
  })

  test('F10: a call of one tab that is aborted disturbs no other tab', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    const controller = new AbortController()
    const one = first!.send({ signal: controller.signal }).catch((error: unknown) => (error as { code: string }).code)
    const two = second!.send()
    await browser.pass(4)
    controller.abort()
    expect(await one).toBe('aborted')
    expect(await browser.during(two, 3_000)).toBe(200)
    expect(browser.presentations()).toBe(1)
  })

  test('a sign-in elsewhere is joined by a tab whose own login or restore came to nothing', async () => {
    const browser = openBrowser({ credential })
    const [first, second] = [browser.openTab(), browser.openTab()]
    browser.latencyMs = 200
    await browser.during(first.tokens.restore(), 1_000)
    await browser.during(second.tokens.restore(), 1_000)
    browser.fates.login.push('answered', 'refused')
    const good = first.tokens.login('ann')
    await browser.pass(1)
    const bad = second.tokens.login('bob').catch(() => {})
    await browser.during(Promise.all([good, bad]), 3_000)
    await browser.pass(1_000)
    expect(sessionOf(second)).toBe(sessionOf(first))
  })
})

test('F75: a tab does not take the tokens that another got with the cookie of somebody else', async () => {
  const browser = await openTabs(1)
  const [first] = browser.tabs
  await browser.pass(EXPIRED_MS)
  // Another application of this site, say.
  browser.server.grant('bob')
  const second = browser.openTab()
  const restored = second.tokens.restore()
  await browser.pass(1)
  const reply = first!.send().catch((error: unknown) => (error as { code: string }).code)
  await browser.during(restored, BOUND_MS)
  await browser.pass(BOUND_MS)
  expect(await reply).toBe('session_changed')
  expect(first!.sent).toEqual([])
})
