import { describe, expect, test } from 'vitest'
import { BOUND_MS, credentials, LIFETIME_MS, only, openBrowser, openTabs, sessionOf, TIMEOUT_MS } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error as { code: string }).code)
}

describe.each(credentials)('what comes late, with a refresh %s', (credential) => {
  test('F29: a tab that was frozen does not take its record for lost, though its timers come first', async () => {
    const browser = await openTabs(1, { credential })
    const [tab] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.faults.recordMs = () => [1, 2 * TIMEOUT_MS]
    const reply = codeOf(tab!.send())
    await browser.pass(10)
    tab!.freeze()
    browser.faults.recordMs = () => [1, 1]
    await browser.pass(60_000)
    tab!.thaw()
    await browser.during(reply, BOUND_MS)
    expect(only(tab!, 'degraded')).toEqual([])
  })

  test('F116: what a disposed tab hears late changes nothing in it', async () => {
    const browser = await openTabs(1, { credential })
    let hear = (_message: unknown): void => {}
    const tab = browser.openTab({
      ports: {
        openChannel(_name, listener) {
          hear = listener
          return { post() {}, close() {} }
        },
      },
    })
    await browser.during(tab.tokens.login('ann'))
    tab.tokens.dispose()
    const before = tab.state()
    const epoch = Number(browser.marks.get('model'))
    const given = { accessToken: 'ann.9', tokenType: 'Bearer', sequence: 9, scope: [], elsewhere: false }
    const shared = { ...given, lifetimeMs: 1_000_000, obtainedAt: browser.now(), ageMs: 0 }
    hear({ version: 1, epoch, type: 'tokens', tokens: shared })
    hear({ version: 1, epoch: epoch + 1_536, type: 'epoch' })
    await browser.pass(1_000)
    expect(tab.state()).toBe(before)
    expect(only(tab, 'signed-out')).toEqual([])
  })
})

describe('where each tab has the cookie', () => {
  test('F38: what was sent with a cookie is not aborted when its time is over', async () => {
    const browser = openBrowser()
    const { source } = browser.server
    const signals: AbortSignal[] = []
    const refresh: typeof source.refresh = (_, { signal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }
    const tab = browser.openTab({ source: { ...source, refresh } })
    await browser.during(tab.tokens.login('ann'))
    await browser.pass(EXPIRED_MS)
    void codeOf(tab.send())
    await browser.pass(2 * TIMEOUT_MS)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })

  test('F76: the call of a logout does not wait for its turn when the page is left', async () => {
    const browser = await openTabs(2)
    const [first] = browser.tabs
    browser.faults.locks = 'hanging'
    void first!.tokens.logout()
    await browser.pass(1)
    expect(browser.asked.map(({ operation }) => operation)).not.toContain('revoke')
    first!.tell('leave')
    await browser.pass(1)
    expect(browser.asked.map(({ operation }) => operation)).toContain('revoke')
  })

  test('a tab that finds another at work asks it, though it was not there when it asked first', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.faults.locks = 'missing'
    browser.latencyMs = 200
    browser.faults.recordMs = (tab) => (tab === first!.name ? [100, 1] : [1, 1])
    second!.freeze({ deaf: true })
    const one = first!.send()
    await browser.pass(20)
    second!.thaw()
    const two = second!.send()
    expect(await browser.during(Promise.all([one, two]), 2_000)).toEqual([200, 200])
    expect(browser.presentations()).toBe(1)
  })

  test('F36: a refresh that was given up while it waited for another presents nothing', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    await browser.pass(EXPIRED_MS)
    browser.fates.refresh.push('unheard')
    void codeOf(first!.send())
    await browser.pass(20)
    first!.kill()
    const reply = codeOf(second!.send())
    // What is left of the mark begins anew each time.
    for (let i = 0; i < 4; i++) {
      await browser.pass(TIMEOUT_MS)
      browser.jump(-3_600_000)
    }
    expect(await reply).toBe('refresh_unavailable')
    await browser.pass(2 * BOUND_MS)
    expect(browser.presentations()).toBe(2)
    expect(sessionOf(second!)).toBeDefined()
  })
})
