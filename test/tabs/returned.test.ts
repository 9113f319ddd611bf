import { TokenError, type TokenSource } from 'tokenward'
import { describe, expect, test } from 'vitest'
import { type Browser, only, openBrowser, openTabs, sessionOf, type Tab, TIMEOUT_MS } from './browser.ts'

/** Pages that an answer to a login comes to, as with `oauthSource`: it is in the URL, and its code is exchanged once. */
interface Returning {
  /** Opens a tab whose URL holds the answer `code`. */
  open(code: string): Tab
  /** How often it was exchanged. */
  readonly exchanged: string[]
}

function returning(browser: Browser, before: Promise<void> = Promise.resolve()): Returning {
  const exchanged: string[] = []
  return {
    exchanged,
    open(code) {
      let url: string | undefined = code
      const extend = (source: TokenSource<string>): TokenSource<string> => ({
        ...source,
        returned() {
          const answer = url
          url = undefined
          return answer
        },
        authorize: () => Promise.reject(new Error('nobody is to be sent away again')),
        async login(answer, context) {
          if (answer === 'bad') throw new TokenError('login_failed', 'it belongs to no login')
          if (exchanged.includes(answer)) throw new TokenError('session_changed', 'it was taken elsewhere')
          exchanged.push(answer)
          await before
          return source.login!(answer, context)
        },
      })
      return browser.openTab({ extend })
    },
  }
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (state) => (state as { status: string }).status,
    (error: unknown) => (error as { code: string }).code,
  )

describe('a page that the answer to a login comes to', () => {
  test('finishes the login, and what is asked for meanwhile waits for it', async () => {
    const browser = openBrowser({ credential: 'token' })
    const tab = returning(browser).open('ann')
    const restored = tab.tokens.restore()
    const reply = tab.send()
    expect(tab.state().status).toBe('restoring')
    expect(await browser.during(reply)).toBe(200)
    expect((await restored).status).toBe('active')
    expect(tab.sent).toEqual(['Bearer ann.1'])
  })

  test('F145: finds the session that was there when nothing comes of the answer, and says what was wrong', async () => {
    const browser = await openTabs(1, { credential: 'token' })
    const tab = returning(browser).open('bad')
    expect(await browser.during(codeOf(tab.tokens.restore()), 1_000)).toBe('login_failed')
    expect(sessionOf(tab)).toBe(sessionOf(browser.tabs[0]!))
    expect(await browser.during(tab.send())).toBe(200)
  })

  test('F145: is signed out where there was none', async () => {
    const browser = openBrowser({ credential: 'token' })
    const tab = returning(browser).open('bad')
    expect(await browser.during(codeOf(tab.tokens.restore()), 1_000)).toBe('login_failed')
    expect(tab.state()).toMatchObject({ status: 'signed-out', reason: 'never-started' })
  })

  test('T-17: two tabs with one answer exchange it once, and the other waits for the session that comes of it', async () => {
    const browser = openBrowser({ credential: 'token' })
    let release = (): void => {}
    const { open, exchanged } = returning(browser, new Promise((resolve) => (release = resolve)))
    const [first, second] = [open('ann'), open('ann')]
    const outcomes = [first, second, second].map((tab) => codeOf(tab.tokens.restore()))
    await browser.pass(2_000)
    expect([first, second].map(({ tokens }) => tokens.getState().signedIn)).toEqual([false, false])
    release()
    expect(await browser.during(Promise.all(outcomes), 1_000)).toEqual(['active', 'active', 'active'])
    expect([exchanged, sessionOf(second)]).toEqual([['ann'], sessionOf(first)])
    expect(await browser.during(second.send())).toBe(200)
  })

  test('does not wait where the session is here already', async () => {
    const browser = openBrowser({ credential: 'token' })
    const { open } = returning(browser)
    const [first, second] = [open('ann'), open('ann')]
    await browser.during(second.tokens.startSession(browser.server.grant('bob')).then(() => {}))
    await browser.during(first.tokens.restore(), 1_000)
    expect(sessionOf(second)).toBe(sessionOf(first))
    expect(await browser.during(codeOf(second.tokens.restore()), 300)).toBe('active')
  })

  test('promise 10: does not wait for ever, and not for longer than whoever asks', async () => {
    const browser = openBrowser({ credential: 'token' })
    const { open } = returning(browser, new Promise(() => {}))
    const [first, second, third] = [open('ann'), open('ann'), open('ann')] as [Tab, Tab, Tab]
    void codeOf(first.tokens.restore())
    await browser.pass(10)
    const controller = new AbortController()
    const given = codeOf(third.tokens.restore({ signal: controller.signal }))
    const waiting = codeOf(second.tokens.restore())
    await browser.pass(100)
    controller.abort()
    expect(await browser.during(given, 1)).toBe('aborted')
    expect(await browser.during(waiting, TIMEOUT_MS)).toBe('signed-out')
  })

  test('that is asked twice takes the answer once: the second call finds the login that flies', async () => {
    const browser = openBrowser({ credential: 'token' })
    let times = 0
    const tab = browser.openTab({ extend: (source) => ({ ...source, returned: () => (times++ ? 'bad' : 'ann') }) })
    const outcomes = [1, 2].map(() => codeOf(tab.tokens.restore()))
    expect(await browser.during(Promise.all(outcomes), 1_000)).toEqual(['active', 'active'])
    expect(only(tab, 'signed-in')).toHaveLength(1)
  })
})

describe('a sign-in in another tab', () => {
  const revoked = ({ asked }: Browser): string[] =>
    asked.flatMap(({ operation, presented }) => (operation === 'revoke' ? (presented ?? []) : []))

  test.each([
    ['of somebody else gives back the tokens that only this tab has', 'bob', ['r1']],
    ['of the same user leaves them: they may be one grant with the new ones', 'ann', []],
  ])('%s', async (_, user, given) => {
    const browser = await openTabs(2, { credential: 'token' })
    await browser.during(browser.tabs[1]!.tokens.login(user), 1_000)
    await browser.pass(10_000)
    expect(revoked(browser)).toEqual(given)
    expect(await browser.during(browser.tabs[0]!.send(), 1_000)).toBe(200)
  })

  test('of somebody whom nobody names gives them back after a while', async () => {
    const browser = await openTabs(2, { credential: 'token' })
    const { id_token: _none, ...unnamed } = browser.server.grant('ann')
    await browser.during(browser.tabs[1]!.tokens.startSession(unnamed))
    await browser.pass(10_000)
    expect(revoked(browser)).toEqual(['r1'])
  })
})
