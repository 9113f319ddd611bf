import { describe, expect, test } from 'vitest'
import { API, type Apis, openApis, PAY, VOTE } from './apis.ts'
import { BOUND_MS, credentials, LIFETIME_MS, only, sessionOf, type Tab, TIMEOUT_MS } from './browser.ts'

const EXPIRED_MS = LIFETIME_MS + 1_000

/** All three in a row. */
async function visit({ browser, send }: Apis, tab: Tab): Promise<number[]> {
  const found: number[] = []
  for (const url of [API, PAY, VOTE]) found.push(await browser.during(send(tab, `${url}/`), 600))
  return found
}

describe.each(credentials)('several resources, with a refresh %s', (credential) => {
  test('each gets a token that is for it alone, and no other one ever', async () => {
    const apis = await openApis(2, { credential })
    const [first, second] = apis.tabs
    expect(await visit(apis, first!)).toEqual([200, 200, 200])
    expect(await visit(apis, second!)).toEqual([200, 200, 200])
    for (const { url, token } of apis.sent) {
      const { resource, scope } = apis.browser.server.access(token)!
      expect([resource, scope]).toEqual(
        url.startsWith(PAY) ? ['urn:pay', 'pay'] : url.startsWith(VOTE) ? [VOTE, undefined] : [undefined, undefined],
      )
    }
  })

  test('F42, promise 3: however many requests in however many tabs need one, it is asked for once', async () => {
    const apis = await openApis(4, { credential })
    const { browser, tabs, send } = apis
    const replies = tabs.flatMap((tab) => [1, 2, 3].map(() => send(tab, `${PAY}/`)))
    expect(await browser.during(Promise.all(replies), 1_000)).toEqual(Array.from({ length: 12 }, () => 200))
    expect(apis.narrow()).toBe(1)
    expect(new Set(apis.sent.map(({ token }) => token)).size).toBe(1)
  })

  test('promise 3: a token that has expired is replaced once for all tabs, and the session keeps its own', async () => {
    const apis = await openApis(3, { credential })
    const { browser, tabs, send } = apis
    await browser.during(Promise.all(tabs.map((tab) => send(tab, `${PAY}/`))), 1_000)
    await browser.pass(EXPIRED_MS)
    await browser.during(Promise.all(tabs.map((tab) => send(tab, `${PAY}/`))), 1_000)
    expect(apis.narrow()).toBe(2)
    expect(apis.sent.every(({ status }) => status === 200)).toBe(true)
  })

  test('one that is refused is replaced once, and the other tokens stay', async () => {
    const apis = await openApis(2, { credential })
    const { browser, tabs, send } = apis
    await browser.during(Promise.all(tabs.map((tab) => send(tab, `${PAY}/`))), 1_000)
    const before = tabs.map((tab) => tab.state())
    browser.server.access(apis.sent[0]!.token)!.revoked = true
    const replies = tabs.flatMap((tab) => [1, 2].map(() => send(tab, `${PAY}/`)))
    expect(await browser.during(Promise.all(replies), 1_000)).toEqual([200, 200, 200, 200])
    expect(apis.narrow()).toBe(2)
    await browser.during(Promise.all(tabs.map((tab) => send(tab, `${API}/`))), 300)
    expect(browser.presentations()).toBe(2)
    // Nobody can see it.
    expect(tabs.map((tab) => tab.state())).toEqual(before)
    expect(tabs.map((tab, index) => tab.state() === before[index])).toEqual([true, true])
    expect(tabs.map((tab) => only(tab, 'refreshed'))).toEqual([[], []])
  })

  test('promise 8: the refresh token that it has spent is not presented again, whoever refreshes next', async () => {
    const apis = await openApis(3, { credential })
    const { browser, tabs, send } = apis
    for (let round = 0; round < 4; round++) {
      for (const tab of tabs) {
        const replies = [API, PAY, VOTE].map((url) => send(tab, `${url}/`))
        expect(await browser.during(Promise.all(replies), 3_000)).toEqual([200, 200, 200])
      }
      await browser.pass(EXPIRED_MS)
    }
    expect(tabs.map(sessionOf)).toEqual([sessionOf(tabs[0]!), sessionOf(tabs[0]!), sessionOf(tabs[0]!)])
    expect(browser.asked.every(({ outcome }) => outcome === 'success')).toBe(true)
    const presented = browser.asked.filter(({ operation }) => operation === 'refresh').map((one) => one.presented)
    expect(new Set(presented).size).toBe(presented.length)
  })

  test('promise 6: when none can be had the session stays, and so do requests that have one', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    browser.fates.refresh.push('busy')
    await expect(browser.during(send(tab, `${PAY}/`), 300)).rejects.toMatchObject({
      code: 'refresh_unavailable',
      transient: true,
      retryAt: expect.any(Number) as number,
    })
    expect(tab.state().status).toBe('active')
    expect(only(tab, 'refresh-failed')).toHaveLength(1)
    expect(await browser.during(send(tab, `${API}/`))).toBe(200)
    // Not before it is time to ask again.
    await expect(browser.during(send(tab, `${PAY}/`), 300)).rejects.toMatchObject({ code: 'refresh_unavailable' })
    expect(browser.presentations()).toBe(1)
    await browser.pass(2_000)
    expect(await browser.during(send(tab, `${PAY}/`), 1_000)).toBe(200)
  })

  test('promise 8: an answer that was lost is asked for again only when its deadline has passed, also for other tokens', async () => {
    const apis = await openApis(2, { credential })
    const { browser, send } = apis
    const [first, second] = apis.tabs as [Tab, Tab]
    browser.fates.refresh.push('unheard')
    const lost = send(first, `${PAY}/`)
    lost.catch(() => {})
    await browser.pass(1_000)
    const waiting = Promise.allSettled([send(second, `${VOTE}/`), lost])
    await browser.pass(TIMEOUT_MS - 2_000)
    expect(browser.presentations()).toBe(1)
    await browser.during(waiting, BOUND_MS)
    await browser.pass(BOUND_MS)
    expect(await browser.during(send(second, `${PAY}/`), BOUND_MS)).toBe(200)
    expect(sessionOf(second)).toBeDefined()
  })

  test.each([PAY, VOTE])(
    'promise 6: nor does this tab ask by itself before it is time, where there is no record: %s',
    async (url) => {
      const apis = await openApis(1, {
        credential,
        own: { ports: { records: () => Promise.reject(new Error('none')) } },
      })
      const { browser, send } = apis
      const [tab] = apis.tabs as [Tab]
      browser.fates.refresh.push('busy')
      for (let times = 0; times < 2; times++) {
        await expect(browser.during(send(tab, `${url}/`), 600)).rejects.toMatchObject({ code: 'refresh_unavailable' })
      }
      expect(browser.presentations()).toBe(1)
      await browser.pass(2_000)
      expect(await browser.during(send(tab, `${url}/`), 1_000)).toBe(200)
    },
  )

  test('T-11: what the session was not granted is not asked for', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    await browser.during(tab.tokens.startSession({ ...browser.server.grant('bob'), scope: 'pay' }))
    const wider = send(tab, `${PAY}/`, { scope: 'pay:refund' })
    await expect(browser.during(wider)).rejects.toMatchObject({ code: 'insufficient_scope', scope: 'pay:refund' })
    expect([apis.narrow(), browser.presentations()]).toEqual([0, 0])
  })

  test('a refusal of the refresh token ends the session, whatever it was presented for', async () => {
    const apis = await openApis(2, { credential })
    const { browser, tabs, send } = apis
    browser.fates.refresh.push('refused')
    await expect(browser.during(send(tabs[0]!, `${PAY}/`), 600)).rejects.toMatchObject({ code: 'refresh_rejected' })
    expect(tabs.map(sessionOf)).toEqual([undefined, undefined])
    expect(only(tabs[0]!, 'signed-out')).toMatchObject([{ reason: 'rejected' }])
  })

  test('promise 7: after a logout none is sent, not even one that was on its way, and all are given back', async () => {
    const apis = await openApis(2, { credential })
    const { browser, tabs, send } = apis
    const [first, second] = tabs as [Tab, Tab]
    await browser.during(send(first, `${PAY}/`), 600)
    const flying = send(second, `${VOTE}/`)
    flying.catch(() => {})
    await browser.pass(4)
    void first.tokens.logout()
    await browser.pass(BOUND_MS)
    await expect(flying).rejects.toMatchObject({ code: 'signed_out' })
    const before = apis.sent.length
    expect(await browser.during(send(second, `${PAY}/`), 300)).toBe(401)
    expect(apis.sent.slice(before).map(({ token }) => token)).toEqual([''])
    expect(browser.server.live()).toEqual([])
    if (credential === 'token') {
      const paid = apis.sent.find(({ url }) => url.startsWith(PAY))!
      expect(browser.server.access(paid.token)!.revoked).toBe(true)
    }
  })

  test('promise 7: none of the last user is sent for the next one', async () => {
    const apis = await openApis(2, { credential })
    const { browser, tabs } = apis
    const [first, second] = tabs as [Tab, Tab]
    for (const tab of tabs) await visit(apis, tab)
    await browser.during(second.tokens.login('bob'), 600)
    const before = apis.sent.length
    for (const tab of [first, second]) expect(await visit(apis, tab)).toEqual([200, 200, 200])
    for (const { token } of apis.sent.slice(before)) expect(browser.server.access(token)!.family.owner).toBe('bob')
  })

  test('a scope that the token of the API does not have gets it another one, and once', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    await browser.during(send(tab, `${PAY}/`), 600)
    await browser.during(send(tab, `${PAY}/`, { scope: 'pay:refund' }), 600)
    await browser.during(send(tab, `${PAY}/`, { scope: 'pay:refund' }), 600)
    await browser.during(send(tab, `${PAY}/`, { scope: 'pay' }), 600)
    const scopes = apis.sent.map(({ token }) => browser.server.access(token)!.scope)
    expect(scopes).toEqual(['pay', 'pay:refund', 'pay:refund', 'pay'])
    expect(apis.narrow()).toBe(2)
  })

  test('getAccessToken gives the one of the resource that it is asked for', async () => {
    const apis = await openApis(1, { credential })
    const { browser, tabs } = apis
    const { tokens } = tabs[0]!
    const own = await tokens.getAccessToken()
    const narrow = await browser.during(tokens.getAccessToken({ resource: PAY }), 600)
    expect(browser.server.access(own.value)!.resource).toBeUndefined()
    expect(browser.server.access(narrow.value)!.resource).toBe('urn:pay')
  })
})

describe.each(credentials)('tokens that are used once, with a refresh %s', (credential) => {
  test('each request has one of its own, in every tab', async () => {
    const apis = await openApis(3, { credential })
    const { browser, tabs, send } = apis
    const replies = tabs.flatMap((tab) => [1, 2, 3, 4, 5].map(() => send(tab, `${VOTE}/`)))
    expect(await browser.during(Promise.all(replies), 20_000)).toEqual(Array.from({ length: 15 }, () => 200))
    expect(new Set(apis.sent.map(({ token }) => token)).size).toBe(15)
  })

  test('a retry spends another one', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    await browser.during(send(tab, `${VOTE}/`), 600)
    browser.server.forgetAccess()
    expect(await browser.during(send(tab, `${VOTE}/`), 2_000)).toBe(401)
    expect(apis.sent.map(({ status }) => status)).toEqual([200, 401, 401])
    expect(new Set(apis.sent.map(({ token }) => token)).size).toBe(3)
  })

  test('are fetched ahead once one was needed, so that a request rarely waits', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    await browser.pass(5_000)
    expect(apis.narrow()).toBe(0)
    await browser.during(send(tab, `${VOTE}/`), 600)
    await browser.pass(1_000)
    expect(apis.narrow()).toBe(3)
    const before = apis.sent.length
    void send(tab, `${VOTE}/`)
    // In the same task.
    expect(apis.sent.length).toBe(before + 1)
    await browser.pass(1_000)
    expect(apis.narrow()).toBe(4)
  })

  test('are not fetched ahead where nothing is to happen by itself', async () => {
    const apis = await openApis(1, { credential, timing: { background: false } })
    await apis.browser.during(apis.send(apis.tabs[0]!, `${VOTE}/`), 600)
    await apis.browser.pass(1_000)
    expect(apis.narrow()).toBe(1)
  })

  test('one that is near its end is spent, and not refreshed', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    await browser.during(send(tab, `${VOTE}/`), 600)
    await browser.pass(LIFETIME_MS - 30_000)
    expect(apis.narrow()).toBe(3)
    expect(await browser.during(send(tab, `${VOTE}/`), 1_000)).toBe(200)
    await browser.pass(1_000)
    // One took its place.
    expect(apis.narrow()).toBe(4)
  })

  test('one that has expired unspent is not used', async () => {
    const apis = await openApis(1, { credential })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    await browser.during(send(tab, `${VOTE}/`), 600)
    await browser.pass(EXPIRED_MS)
    expect(await browser.during(send(tab, `${VOTE}/`), 2_000)).toBe(200)
  })

  test('one that was fetched for a request which was given up serves the next', async () => {
    const apis = await openApis(1, { credential, timing: { background: false } })
    const { browser, send } = apis
    const [tab] = apis.tabs as [Tab]
    const controller = new AbortController()
    const given = send(tab, `${VOTE}/`, { signal: controller.signal })
    given.catch(() => {})
    await browser.pass(4)
    controller.abort()
    await expect(given).rejects.toMatchObject({ code: 'aborted' })
    await browser.pass(1_000)
    expect(await browser.during(send(tab, `${VOTE}/`), 600)).toBe(200)
    expect(apis.narrow()).toBe(1)
  })

  test.each([true, false])(
    'one that is asked to live longer than those here do is fetched (ahead: %s)',
    async (background) => {
      const apis = await openApis(1, { credential, timing: { background } })
      const { browser, send } = apis
      const [tab] = apis.tabs as [Tab]
      const given = new AbortController()
      send(tab, `${VOTE}/`, { signal: given.signal }).catch(() => {})
      await browser.pass(4)
      given.abort()
      await browser.pass(LIFETIME_MS / 2)
      expect(await browser.during(send(tab, `${VOTE}/`, { minTtlMs: 0.8 * LIFETIME_MS }), 600)).toBe(200)
      const { expiresAt } = browser.server.access(apis.sent[0]!.token)!
      expect(expiresAt - browser.now()).toBeGreaterThan(0.8 * LIFETIME_MS)
    },
  )

  test('getAccessToken hands one out, and never the same', async () => {
    const apis = await openApis(1, { credential })
    const { browser, tabs } = apis
    const { tokens } = tabs[0]!
    const handed = Promise.all([1, 2, 3, 4].map(() => tokens.getAccessToken({ resource: VOTE })))
    expect(new Set((await browser.during(handed, 3_000)).map(({ value }) => value)).size).toBe(4)
  })
})

test.each([0, 1])('unspent ones are revoked when the session ends, in whatever tab: %i', async (leaving) => {
  const apis = await openApis(2, { credential: 'token' })
  const { browser, tabs, send } = apis
  for (const tab of tabs) await browser.during(send(tab, `${VOTE}/`), 2_000)
  await browser.pass(2_000)
  void tabs[leaving]!.tokens.logout()
  await browser.pass(BOUND_MS)
  const unspent = browser.server
    .everything()
    .filter(({ value, resource }) => resource === VOTE && !apis.sent.some(({ token }) => token === value))
  expect(unspent.length).toBeGreaterThanOrEqual(4)
  expect(unspent.filter(({ revoked }) => !revoked)).toEqual([])
  // Who has spent one has not kept it.
  expect(browser.server.access(apis.sent[0]!.token)!.revoked).toBe(false)
})

test('a message that comes twice, or asks for what was handed out, shares no token', async () => {
  const apis = await openApis(3, { credential: 'token' })
  const { browser, tabs, send } = apis
  browser.faults.copies = () => [1, 3]
  const replies = tabs.flatMap((tab) => [1, 2, 3].map(() => send(tab, `${VOTE}/`)))
  expect(await browser.during(Promise.all(replies), 20_000)).toEqual(Array.from({ length: 9 }, () => 200))
  expect(new Set(apis.sent.map(({ token }) => token)).size).toBe(9)
})
