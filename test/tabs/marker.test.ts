import { describe, expect, test, vi } from 'vitest'
import type { EndReason } from '../../src/session/state.ts'
import { createEpochs, type Epochs } from '../../src/tabs/epochs.ts'
import { API, openBrowser, openTabs, sessionOf } from './browser.ts'

const NOW = Date.UTC(2026, 10, 22)
const HOUR_MS = 3_600_000

interface Place {
  readonly marks: Map<string, string>
  tab(random?: () => number): Epochs
}

function createPlace(): Place {
  const marks = new Map<string, string>()
  const marker = {
    read: (name: string) => marks.get(name),
    write: (name: string, text: string) => void marks.set(name, text),
  }
  return { marks, tab: (random = () => 0.5) => createEpochs('shop', { marker, random }, () => {}) }
}

describe('the epochs of the marker', () => {
  test('say what began, when and why, in every tab', () => {
    const { tab } = createPlace()
    const epoch = tab().begin('unconfirmed', 'password-reset', NOW)
    expect(tab().newest()).toEqual({ epoch, what: 'unconfirmed', at: NOW, reason: 'password-reset' })
  })

  test.each<EndReason>([
    ...(['logout', 'replaced', 'rejected', 'idle', 'expired'] as const),
    ...(['password-reset', 'revoked', 'key-lost', 'unknown-outcome'] as const),
  ])('say that it was %s', (reason) => {
    const { tab } = createPlace()
    tab().begin('nobody', reason, NOW)
    expect(tab().newest()).toMatchObject({ reason })
  })

  test('with a reason that only a newer version knows are taken for a logout', () => {
    const { tab } = createPlace()
    const last = tab().begin('nobody', 'unknown-outcome', NOW)
    const place = 8
    const [here, newer] = [tab(), last + 3 * (15 - place)]
    here.hear(newer)
    expect(here.newest()).toMatchObject({ epoch: newer, what: 'nobody', reason: 'logout' })
  })

  test('F31: go on in this tab where no marker can be kept, which is told', () => {
    const full = new Error('full')
    const degraded = vi.fn()
    const marker = {
      read: () => undefined,
      write: () => {
        throw full
      },
    }
    const epochs = createEpochs('shop', { marker, random: () => 0.5 }, degraded)
    const epoch = epochs.begin('signed-in', 'replaced', NOW)
    expect(degraded.mock.calls).toEqual([['marker', full]])
    expect(epochs.newest()).toMatchObject({ epoch })
    expect(epochs.isKept()).toBe(false)
    const { tab } = createPlace()
    const kept = tab()
    kept.begin('signed-in', 'replaced', NOW)
    expect(kept.isKept()).toBe(true)
  })

  test('F55: grow also when the clock was set back', () => {
    const { tab } = createPlace()
    const before = tab().begin('signed-in', 'replaced', NOW)
    expect(tab().begin('nobody', 'logout', NOW - HOUR_MS)).toBeGreaterThan(before)
    expect(tab().newest()).toMatchObject({ what: 'nobody' })
  })

  test('of two tabs that sign in in the same millisecond differ', () => {
    const one = createPlace().tab(() => 0.2)
    const two = createPlace().tab(() => 0.7)
    expect(one.begin('signed-in', 'replaced', NOW)).not.toBe(two.begin('signed-in', 'replaced', NOW))
  })

  test('that are older than what is known change nothing, heard or read', () => {
    const { marks, tab } = createPlace()
    const first = tab()
    const older = first.begin('signed-in', 'replaced', NOW)
    const newer = first.begin('nobody', 'logout', NOW + 1)
    first.hear(older)
    expect(first.newest()).toMatchObject({ epoch: newer })
    marks.set('shop', String(older))
    expect(first.newest()).toMatchObject({ epoch: newer })
    marks.clear()
    first.hear(older)
    expect(first.newest()).toMatchObject({ epoch: newer })
  })

  test.each(['', 'signed-in', '1e300', 'Infinity', '-5', '1.5'])('are not read off a marker that is %j', (text) => {
    const { marks, tab } = createPlace()
    marks.set('shop', text)
    expect(tab().newest()).toBeUndefined()
  })

  test.each([undefined, null, '99999999999999', 1e300, Infinity, NaN, -5, 2.5, {}])('are not %o', (heard) => {
    const epochs = createPlace().tab()
    epochs.hear(heard)
    expect(epochs.newest()).toBeUndefined()
  })
})

describe('what tabs do by them', () => {
  test('F55: a logout after the clock was set back reaches a tab that was deaf', async () => {
    const browser = await openTabs(2)
    const [first, second] = browser.tabs
    second!.freeze({ deaf: true })
    browser.jump(-HOUR_MS)
    await browser.during(first!.tokens.logout())
    second!.thaw()
    const reply = second!.tokens.send({ url: `${API}/` }, second!.exchange()).catch(() => 'signed out')
    expect(await browser.during(reply)).toBe('signed out')
    expect(second!.sent).toEqual([])
  })

  test('F75: two users who sign in at the same time in two tabs do not share a session', async () => {
    const browser = openBrowser({ credential: 'token' })
    const [first, second] = [browser.openTab(), browser.openTab()]
    await browser.during(Promise.all([first.tokens.login('ann'), second.tokens.login('bob')]))
    await browser.pass(1_000)
    expect(sessionOf(first)).toBe(sessionOf(second))
    await browser.during(Promise.all([first.send(), second.send()]), 3_000)
    expect(first.sent.at(-1)).toBe(second.sent.at(-1))
  })
})
