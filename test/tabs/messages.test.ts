import { describe, expect, test } from 'vitest'
import { fromShared, parseMessage, toShared } from '../../src/tabs/messages.ts'
import { parseTokenResponse } from '../../src/token.ts'
import { API, credentials, LIFETIME_MS, only, openBrowser, openTabs, sessionOf } from './browser.ts'

const NOW = { wall: 1_000_000, monotonic: 50_000 }
const held = parseTokenResponse({ access_token: 'ann.1', expires_in: 300, refresh_token: 'r1' }, NOW)
const later = { wall: NOW.wall + 2_000, monotonic: NOW.monotonic + 2_000 }
const tokens = toShared(held, later)

test('F62: tokens travel without the refresh token, and say that another tab has it', () => {
  expect(JSON.stringify(tokens)).not.toContain('r1')
  const came = fromShared(tokens, { wall: later.wall, monotonic: 900_000 })
  expect(came).toMatchObject({ accessToken: 'ann.1', refreshToken: undefined, elsewhere: true })
  expect(toShared(came, later).elsewhere).toBe(true)
  const { elsewhere } = toShared({ ...held, refreshToken: undefined }, later)
  expect(elsewhere).toBe(false)
})

test('what the application sees of tokens that came is as frozen as of its own', () => {
  const { scope, claims } = fromShared(structuredClone({ ...tokens, claims: { sub: 'ann' } }), later)
  expect([scope, claims].every(Object.isFrozen)).toBe(true)
})

test('tokens are as old where they come to as where they come from, whatever the clocks count from', () => {
  const { obtained } = fromShared(tokens, { wall: later.wall, monotonic: 900_000 })
  expect(obtained).toEqual({ wall: NOW.wall, monotonic: 898_000 })
})

describe('F30: what is no message of this version', () => {
  const good = { version: 1, epoch: 7, type: 'tokens', tokens }

  test('a message is read as it is', () => {
    expect(parseMessage(good)).toEqual(good)
    expect(parseMessage({ version: 1, epoch: 7, type: 'epoch' })).toEqual({ version: 1, epoch: 7, type: 'epoch' })
  })

  test.each([
    undefined,
    'tokens',
    { ...good, version: 2 },
    { ...good, epoch: '7' },
    { ...good, wish: 7 },
    { ...good, epoch: NaN },
    { version: 1, type: 'epoch' },
    { ...good, tokens: undefined },
    { ...good, tokens: { ...tokens, sequence: undefined } },
    { ...good, tokens: { ...tokens, obtainedAt: 'now' } },
    { ...good, tokens: { ...tokens, ageMs: NaN } },
    { ...good, tokens: { ...tokens, scope: 'read' } },
    { ...good, tokens: { ...tokens, accessToken: 'ann\r\n1' } },
    { ...good, tokens: { ...tokens, accessToken: undefined } },
    Object.create(good),
  ])('%o is not read', (message: unknown) => {
    expect(parseMessage(message)).toBeUndefined()
  })
})

describe.each(credentials)('what tabs post, with a refresh %s', (credential) => {
  const served = (browser: { posted: readonly { message: { type?: string } }[] }): number =>
    browser.posted.filter(({ message }) => message.type === 'tokens').length

  test('F62: no message carries a refresh token', async () => {
    const browser = await openTabs(3, { credential })
    await browser.pass(LIFETIME_MS + 1_000)
    await browser.during(Promise.all(browser.tabs.map((tab) => tab.send())), 1_000)
    await browser.during(browser.tabs[0]!.tokens.logout())
    expect(served(browser)).toBeGreaterThan(0)
    for (const { message } of browser.posted) expect(JSON.stringify(message)).not.toMatch(/"r\d+"|refreshToken/)
  })

  test('an access token is posted only when a tab has asked', async () => {
    const browser = await openTabs(2, { credential })
    const before = served(browser)
    const [first] = browser.tabs
    await browser.during(first!.tokens.login('ann'))
    await browser.pass(1_000)
    const deaf = browser.posted.length
    browser.faults.copies = () => []
    await browser.pass(LIFETIME_MS + 1_000)
    await browser.during(first!.send(), 1_000)
    expect(served(browser)).toBeLessThanOrEqual(before + 1)
    expect(browser.posted.slice(deaf).map(({ message }) => message.type)).not.toContain('tokens')
  })

  test('of many tabs that have the token one answers', async () => {
    const browser = await openTabs(8, { credential })
    const before = served(browser)
    await browser.join()
    await browser.pass(1_000)
    expect(served(browser) - before).toBeLessThanOrEqual(2)
    browser.tabs[0]!.kill()
    await browser.join()
    await browser.pass(1_000)
    expect(served(browser) - before).toBeLessThan(5)
  })

  test('a token that has expired is handed to nobody, and taken from nobody', async () => {
    const browser = await openTabs(2, { credential })
    const [first, second] = browser.tabs
    const message = browser.posted.findLast((one) => one.message.type === 'tokens')!.message as object
    await browser.pass(LIFETIME_MS + 1_000)
    const stranger = browser.open('stranger').ports.openChannel('model', () => {})
    const before = [first!.state(), second!.state()]
    const old = (message as { tokens: { obtainedAt: number } }).tokens
    const sequence = { ...old, sequence: 9, accessToken: 'old', obtainedAt: old.obtainedAt - 5_000 }
    stranger.post({ ...message, tokens: sequence })
    await browser.pass(10)
    expect([first!.state(), second!.state()]).toEqual(before)
    const asked = served(browser)
    stranger.post({ version: 1, epoch: (message as { epoch: number }).epoch, type: 'wanted', sequence: 0 })
    await browser.pass(1)
    expect(served(browser)).toBe(asked)
  })

  test('tokens of another session, or that are no newer, are not taken', async () => {
    const browser = openBrowser({ credential })
    const tab = browser.openTab()
    await browser.during(tab.tokens.login('ann'))
    const { marks } = browser
    const epoch = Number(marks.get('model'))
    const stranger = browser.open('stranger').ports.openChannel('model', () => {})
    const now = browser.now()
    const given = { ...tokens, obtainedAt: now, ageMs: 0, accessToken: 'bob.9', claims: undefined }
    stranger.post({ version: 1, epoch, type: 'tokens', tokens: { ...given, sequence: 1 } })
    stranger.post({ version: 1, epoch: epoch - 1_536, type: 'tokens', tokens: { ...given, sequence: 9 } })
    await browser.pass(10)
    expect(await browser.during(tab.tokens.send({ url: `${API}/` }, tab.exchange()))).toBe(200)
    expect(tab.sent).toEqual(['Bearer ann.1'])
    expect(sessionOf(tab)).toBeDefined()
  })

  test('F75: tokens of another user are not taken, and end the session', async () => {
    const browser = openBrowser({ credential })
    const tab = browser.openTab()
    await browser.during(tab.tokens.login('ann'))
    const epoch = Number(browser.marks.get('model'))
    const stranger = browser.open('stranger').ports.openChannel('model', () => {})
    const given = { ...tokens, obtainedAt: browser.now(), ageMs: 0, accessToken: 'bob.9', claims: { sub: 'bob' } }
    stranger.post({ version: 1, epoch, type: 'tokens', tokens: { ...given, sequence: 9 } })
    await browser.pass(10)
    expect(tab.state()).toMatchObject({ signedIn: false, reason: 'replaced' })
    expect(only(tab, 'alert')).toEqual([{ rule: 'subject-changed' }])
  })
})
