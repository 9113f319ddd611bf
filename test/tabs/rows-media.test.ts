import { describe, expect, test } from 'vitest'
import { API, BOUND_MS, credentials, LIFETIME_MS, only, openBrowser, openTabs } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

describe.each(credentials)('what tabs share is odd, or missing, with a refresh %s', (credential) => {
  test('F30: the record of a newer version is left alone, and costs no session', async () => {
    const browser = openBrowser({ credential })
    const foreign = { version: 2, epoch: { of: 'another kind' }, tokens: [] }
    browser.stored.set('model', foreign)
    const first = browser.openTab()
    await browser.during(first.tokens.login('ann'), 3_000)
    const second = browser.openTab()
    await browser.during(second.tokens.restore(), 3_000)
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(Promise.all([first.send(), second.send()]), BOUND_MS)).toEqual([200, 200])
    expect(browser.stored.get('model')).toEqual(foreign)
    for (const tab of [first, second]) expect(only(tab, 'degraded').length).toBeLessThanOrEqual(1)
    expect(only(first, 'degraded')).toHaveLength(1)
    await browser.during(first.tokens.logout())
    expect(second.state().signedIn).toBe(false)
    expect(browser.stored.get('model')).toEqual(foreign)
  })

  test('F30: messages of another version, and what else others post, change nothing', async () => {
    const browser = await openTabs(2, { credential })
    const stranger = browser.open('stranger')
    const channel = stranger.ports.openChannel('model', () => {})
    const before = browser.tabs.map((tab) => tab.state())
    const epoch = Number([...browser.marks.values()][0])
    for (const message of [
      {},
      { version: 2, epoch: epoch + 1_536, type: 'epoch' },
      { version: 2, epoch, type: 'tokens', tokens: 'others' },
      { version: 1, epoch, type: 'tokens', tokens: { sequence: 9 } },
      { version: 1, epoch: 'later', type: 'epoch' },
      { version: 1, epoch, type: 'unheard-of' },
    ])
      channel.post(message)
    await browser.pass(1_000)
    expect(browser.tabs.map((tab) => tab.state())).toEqual(before)
    expect(browser.tabs.flatMap(({ reported }) => reported)).toEqual([])
  })

  test('F31: without locks and channel everything works in each tab, and each thing is told once', async () => {
    const browser = openBrowser({ credential })
    Object.assign(browser.faults, { locks: 'missing', channel: 'missing' })
    const tab = browser.openTab()
    await browser.during(tab.tokens.login('ann'))
    for (let i = 0; i < 3; i++) {
      await browser.pass(EXPIRED_MS)
      expect(await browser.during(tab.send())).toBe(200)
    }
    expect(await browser.during(tab.tokens.logout())).toMatchObject({ revoked: 'confirmed' })
    const what = only(tab, 'degraded').map((event) => (event as { what: string }).what)
    expect(new Set(what).size).toBe(what.length)
    expect(what).toContain('channel')
  })

  test('F32: a full storage stops no login, no refresh and no logout', async () => {
    const browser = openBrowser({ credential })
    Object.assign(browser.faults, { records: 'missing', marker: 'missing' })
    const tab = browser.openTab()
    expect(await browser.during(tab.tokens.login('ann'))).toMatchObject({ status: 'active' })
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(tab.send())).toBe(200)
    expect(await browser.during(tab.tokens.logout())).toMatchObject({ revoked: 'confirmed' })
  })

  test.each([
    ['lost', []],
    ['doubled', [1, 5]],
    ['late', [4_000]],
  ] as const)('F33: when every message is %s, tabs agree all the same', async (_, copies) => {
    const browser = await openTabs(3, { credential })
    browser.faults.copies = () => copies
    const [first, second, third] = browser.tabs
    await browser.during(second!.tokens.logout())
    await browser.pass(100)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([false, false, false])
    await browser.during(first!.tokens.login('bob'))
    await browser.pass(100)
    expect(browser.tabs.map((tab) => tab.state().signedIn)).toEqual([true, true, true])
    expect(await browser.during(first!.send(), 1_000)).toBe(200)
    await browser.pass(5_000)
    expect(third!.state()).toMatchObject({ session: (first!.state() as { session: string }).session })
  })

  test('F34: two copies on one page are two tabs of one session: one refresh, and one end', async () => {
    const browser = openBrowser({ credential })
    const page = browser.open('page')
    const [first, second] = [browser.openTab({ ports: page.ports }), browser.openTab({ ports: page.ports })]
    await browser.during(Promise.all([second.tokens.restore(), first.tokens.login('ann')]))
    await browser.pass(EXPIRED_MS)
    const before = browser.presentations()
    expect(await browser.during(Promise.all([first.send(), second.send()]), BOUND_MS)).toEqual([200, 200])
    expect(browser.presentations() - before).toBe(1)
    await browser.during(second.tokens.logout())
    expect([first, second].map((tab) => tab.state().signedIn)).toEqual([false, false])
  })

  test('F120: many tabs that wake while the database is wedged go on, and nobody has to open them again', async () => {
    const browser = await openTabs(8, { credential })
    browser.faults.records = 'hanging'
    for (const tab of browser.tabs) tab.freeze()
    await browser.pass(8 * 3_600_000)
    for (const tab of browser.tabs) tab.thaw()
    const all = Promise.all(browser.tabs.map((tab) => tab.send()))
    expect(await browser.during(all, BOUND_MS)).toEqual(browser.tabs.map(() => 200))
    await browser.during(browser.tabs[3]!.tokens.logout(), BOUND_MS)
    expect(browser.tabs.filter((tab) => tab.state().signedIn)).toEqual([])
  })

  test('F33: a channel that throws throws nothing out, and is told once', async () => {
    const browser = openBrowser({ credential })
    const broken = {
      post(): void {
        throw new DOMException('the channel is closed', 'InvalidStateError')
      },
      close() {},
    }
    const tab = browser.openTab({ ports: { openChannel: () => broken } })
    await browser.during(tab.tokens.login('ann'))
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(tab.send())).toBe(200)
    await browser.during(tab.tokens.logout())
    expect(only(tab, 'degraded')).toHaveLength(1)
  })

  test('F33: a tab that was deaf while it was frozen learns of a switch of users before its first request', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    second!.freeze({ deaf: true })
    await browser.during(first!.tokens.login('bob'))
    second!.thaw()
    const reply = second!.tokens.send({ url: `${API}/` }, second!.exchange()).catch(() => 'refused')
    await browser.during(reply)
    expect(second!.sent.filter((one) => one?.startsWith('Bearer ann'))).toEqual([])
    expect(second!.state()).toMatchObject({ session: (first!.state() as { session: string }).session })
  })
})
