import { describe, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import type { Parts } from '../../src/flow/parts.ts'
import type { Refresh } from '../../src/flow/refresh.ts'
import { createSchedule } from '../../src/flow/schedule.ts'
import type { SignOut } from '../../src/flow/sign-out.ts'
import type { Lifecycle } from '../../src/ports.ts'
import type { Limits } from '../../src/session/lifetime.ts'
import { type Failure, signedOut, type State } from '../../src/session/state.ts'
import type { Change, TabRecord } from '../../src/tabs/record.ts'
import { active, failure, flightOf, NOW, sessionOf, tokensOf } from '../session/stage.ts'

const never: Limits = { idleMs: Infinity, absoluteMs: Infinity, warnMs: 60_000 }
const session = sessionOf()
const tokens = tokensOf()
const signedIn = active(session, tokens)
const at = (ms: number) => ({ wall: NOW.wall + ms, monotonic: NOW.monotonic + ms })

interface Given {
  readonly limits?: Partial<Limits>
  readonly background?: boolean
  readonly canRefresh?: boolean
  readonly random?: number
}

function open({ limits, background = true, canRefresh = true, random = 0 }: Given = {}) {
  const here = { now: at(0), online: true, state: signedIn as State, record: undefined as TabRecord | undefined }
  const life = new AbortController()
  const timers: { task: () => void; ms: number; stopped: boolean }[] = []
  const watchers: Parameters<Lifecycle['watch']>[0][] = []
  const stopWatching = vi.fn()
  const [end, notice, emit, post, broken] = [vi.fn<SignOut['end']>(), vi.fn(), vi.fn(), vi.fn(), vi.fn()]
  const refresh = vi.fn<(...all: unknown[]) => Promise<never>>(() => Promise.reject(new Error('no')))
  const parts = {
    store: { get: () => here.state },
    events: { emit },
    canRefresh: () => canRefresh,
    life: life.signal,
    settings: { limits: { ...never, ...limits }, leewayMs: 60_000, background },
    share: {
      post,
      update: async (change?: Change) => {
        try {
          return (here.record = change?.(here.record) ?? here.record)
        } catch (error) {
          broken(error)
          throw error
        }
      },
    },
    ports: {
      clock: { now: () => here.now },
      random: () => random,
      timer: (task: () => void, ms: number) => {
        const timer = { task, ms, stopped: false }
        timers.push(timer)
        return () => void (timer.stopped = true)
      },
      lifecycle: {
        online: () => here.online,
        watch: (watcher: Parameters<Lifecycle['watch']>[0]) => {
          watchers.push(watcher)
          return stopWatching
        },
      },
    },
  } as unknown as Parts
  const schedule = createSchedule(parts, refresh as unknown as Refresh, { end, notice } as unknown as SignOut)
  return {
    ...{ schedule, here, life, end, notice, emit, post, broken, refresh, watchers, stopWatching },
    /** How long until the next look. */
    due: () => timers.filter(({ stopped }) => !stopped).map(({ ms }) => ms),
    fire: () => timers.find(({ stopped }) => !stopped)?.task(),
    async tell(moment: 'wake' | 'online' | 'leave') {
      for (const watcher of watchers) watcher(moment)
      await settle()
    },
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function stale(part: Partial<Failure> = {}): State {
  return { status: 'stale', session, tokens, failure: { ...failure, ...part } }
}

describe('a refresh ahead of expiry', () => {
  test('is due a leeway before it for tokens that are used, and then is made', () => {
    const { schedule, here, due, refresh } = open()
    schedule.look()
    expect(due()).toEqual([])
    schedule.used(here.now)
    expect(due()).toEqual([240_000])
    here.now = at(240_000)
    schedule.look()
    expect(refresh.mock.calls).toEqual([[signedIn, 'background']])
    expect(due()).toEqual([])
  })

  test('comes up to a fifth of the leeway later, not for all tabs at once', () => {
    const { schedule, here, due } = open({ random: 0.5 })
    schedule.used(here.now)
    schedule.look()
    expect(due()).toEqual([246_000])
  })

  test('is no earlier than half of the lifetime, nor than a second after the last', () => {
    const { schedule } = open()
    expect(schedule.earlyInMs(tokensOf({ lifetimeMs: 10_000 }), at(0))).toBe(5_000)
    expect(schedule.earlyInMs(tokensOf({ lifetimeMs: 1_000 }), at(200))).toBe(800)
    expect(schedule.earlyInMs(tokensOf({ lifetimeMs: undefined }), at(0))).toBe(Infinity)
  })

  test.each<[string, Given, Partial<{ online: boolean; state: State }>]>([
    ['nobody wants it in the background', { background: false }, {}],
    ['offline', {}, { online: false }],
    ['nobody knows when', {}, { state: active(session, tokensOf({ lifetimeMs: undefined })) }],
    ['one is under way', {}, { state: { ...signedIn, status: 'refreshing', flight: flightOf(), failure: undefined } }],
    ['there are no tokens', {}, { state: { ...signedIn, tokens: undefined } }],
  ])('is not due when %s', (_, given, here) => {
    const opened = open(given)
    Object.assign(opened.here, here)
    opened.schedule.used(opened.here.now)
    expect(opened.due()).toEqual([])
    expect(opened.refresh).not.toHaveBeenCalled()
  })
})

describe('after a refresh that failed', () => {
  test('the next is due when the failure says so; offline, the network is looked for', () => {
    const { schedule, here, due, refresh } = open()
    here.state = stale({ retryMs: 5_000 })
    schedule.look()
    expect(due()).toEqual([5_000])
    here.online = false
    schedule.look()
    expect(due()).toEqual([60_000])
    here.online = true
    here.now = at(5_000)
    schedule.look()
    expect(refresh).toHaveBeenCalledWith(here.state, 'background')
  })

  test('none is due if somebody has to act first', async () => {
    const { schedule, here, due, refresh, tell } = open()
    here.state = stale({ retryMs: undefined })
    schedule.look()
    await tell('online')
    here.online = false
    schedule.look()
    expect(due()).toEqual([])
    expect(refresh).not.toHaveBeenCalled()
  })

  test('a network that came back cuts the wait short, but not what the server asked for', async () => {
    const { schedule, here, refresh, tell } = open()
    here.state = stale({ retryMs: 60_000, holdMs: 2_000 })
    schedule.look()
    here.now = at(1_999)
    await tell('online')
    here.now = at(2_000)
    await tell('wake')
    await tell('leave')
    expect(refresh).not.toHaveBeenCalled()
    await tell('online')
    expect(refresh.mock.calls).toEqual([[here.state, 'background', true]])
  })
})

test('what expired a minute ago was slept through: no timer refreshes it, but somebody who is there again does', async () => {
  for (const [ms, calls] of [
    [359_999, 1],
    [360_000, 0],
  ] as const) {
    const { schedule, here, refresh, fire, tell } = open()
    schedule.used(here.now)
    here.now = at(ms)
    fire()
    expect(refresh).toHaveBeenCalledTimes(calls)
    await tell('wake')
    expect(refresh).toHaveBeenCalledTimes(calls + 1)
  }
})

describe('the end', () => {
  test('of tokens that nobody can refresh is the end of the session', () => {
    const { schedule, here, due, end } = open({ canRefresh: false })
    schedule.look()
    expect(due()).toEqual([300_000])
    here.now = at(300_000)
    schedule.look()
    expect(end.mock.calls).toEqual([[session, 'expired']])
  })

  test('is told before, once, and comes when it was told, whatever anybody does', () => {
    const { schedule, here, due, emit, end } = open({ limits: { absoluteMs: 900_000 } })
    schedule.look()
    expect(due()).toEqual([840_000])
    here.now = at(840_000)
    for (let time = 0; time < 2; time++) schedule.look()
    expect(emit.mock.calls).toEqual([['session-ending', { at: at(900_000).wall, why: 'absolute' }]])
    expect(due()).toEqual([60_000])
    here.now = at(900_000)
    schedule.used(here.now)
    expect(end.mock.calls).toEqual([[session, 'expired']])
  })

  test('comes before a refresh that is due', () => {
    const { schedule, here, end, refresh } = open({ limits: { absoluteMs: 250_000 } })
    schedule.used(here.now)
    here.now = at(250_000)
    schedule.look()
    expect(end).toHaveBeenCalledOnce()
    expect(refresh).not.toHaveBeenCalled()
  })

  test.each<[string, (opened: ReturnType<typeof open>) => void]>([
    [
      'signed out',
      ({ schedule, here }) => {
        here.state = signedOut('logout', false)
        schedule.look()
      },
    ],
    ['disposed of', ({ schedule }) => schedule.stop()],
  ])('after idleness does not come when it was %s meanwhile', async (_, meanwhile) => {
    const opened = open({ limits: { idleMs: 600_000 } })
    const { schedule, here, end } = opened
    schedule.look()
    here.now = at(600_000)
    const confirmed = schedule.confirm()
    meanwhile(opened)
    await confirmed
    expect(end).not.toHaveBeenCalled()
  })

  test('after idleness is not put off by a use that comes too late', () => {
    const { schedule, here, post } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    here.now = at(600_000)
    schedule.used(here.now)
    expect(schedule.isIdle()).toBe(true)
    expect(post).not.toHaveBeenCalled()
  })

  test('after idleness is put off by use, and told anew', () => {
    const { schedule, here, emit, due } = open({ limits: { idleMs: 600_000 }, background: false })
    schedule.look()
    here.now = at(550_000)
    schedule.look()
    schedule.used(here.now)
    schedule.look()
    expect(due()).toEqual([540_000])
    here.now = at(1_100_000)
    schedule.look()
    expect(emit.mock.calls).toEqual(
      [600_000, 1_150_000].map((ms) => ['session-ending', { at: at(ms).wall, why: 'idle' }]),
    )
  })

  test('after idleness comes when no tab knows better', async () => {
    const { schedule, here, end } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    here.now = at(599_999)
    expect(schedule.isIdle()).toBe(false)
    here.now = at(600_000)
    expect(schedule.isIdle()).toBe(true)
    schedule.look()
    await settle()
    expect(end.mock.calls).toEqual([[session, 'idle']])
  })

  test('after idleness does not come when another tab was used', async () => {
    const { schedule, here, end, due } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    here.now = at(600_000)
    here.record = { version: 1, epoch: 7, sequence: 1, active: at(300_000).wall }
    await schedule.confirm()
    expect(end).not.toHaveBeenCalled()
    expect(schedule.isIdle()).toBe(false)
    expect(due()).toEqual([240_000])
  })

  test('of a session is not that of the one before it', async () => {
    const { schedule, here, end } = open({ limits: { idleMs: 600_000 } })
    await schedule.confirm()
    schedule.look()
    here.now = at(600_000)
    here.record = { version: 1, epoch: 6, sequence: 1, active: at(599_000).wall }
    const confirmed = schedule.confirm()
    here.state = active(sessionOf(8))
    schedule.look()
    await confirmed
    expect(end).not.toHaveBeenCalled()
  })
})

describe('what other tabs hear', () => {
  test('that it is used, and the record, as often as they need it', async () => {
    const { schedule, here, post, broken } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    schedule.used(here.now)
    expect(broken).not.toHaveBeenCalled()
    post.mockClear()
    here.record = { version: 1, epoch: 7, sequence: 1, active: 0 }
    for (const ms of [59_999, 60_000, 119_999, 120_000]) {
      here.now = at(ms)
      schedule.used(here.now)
    }
    await settle()
    expect(post.mock.calls).toEqual([60_000, 120_000].map((ms) => [{ type: 'used', epoch: 7, at: at(ms).wall }]))
    expect(here.record.active).toBe(at(120_000).wall)
  })

  test('nothing where no session ends by idleness, and nothing of it in the record of another', async () => {
    const quiet = open()
    quiet.schedule.look()
    quiet.schedule.used(quiet.here.now)
    expect(quiet.post).not.toHaveBeenCalled()
    const { schedule, here } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    here.record = { version: 1, epoch: 8, sequence: 1, active: 0 }
    schedule.used(here.now)
    await settle()
    expect(here.record.active).toBe(0)
  })

  test('F56: that they are used counts, unless it is older or of a clock that is ahead', () => {
    const { schedule, here } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    schedule.heard(at(500_000).wall)
    here.now = at(700_000)
    expect(schedule.isIdle()).toBe(true)
    schedule.heard(at(100_001).wall)
    expect(schedule.isIdle()).toBe(false)
    schedule.heard(at(50_000).wall)
    expect(schedule.isIdle()).toBe(false)
    // The wall clock is set back.
    here.now = { wall: at(100_001).wall, monotonic: at(700_001).monotonic }
    expect(schedule.isIdle()).toBe(true)
    schedule.heard(here.now.wall + 1)
    expect(schedule.isIdle()).toBe(true)
  })

  test('that one is used at this moment counts', () => {
    const { schedule, here } = open({ limits: { idleMs: 600_000 } })
    schedule.look()
    here.now = at(600_000)
    schedule.heard(here.now.wall)
    expect(schedule.isIdle()).toBe(false)
  })
})

describe('looking', () => {
  test('begins before anybody is signed in, for another tab may sign in', async () => {
    const { schedule, here, notice, watchers, tell } = open()
    here.state = signedOut('logout', false)
    for (let time = 0; time < 2; time++) schedule.look()
    expect(watchers).toHaveLength(1)
    notice.mockClear()
    await tell('wake')
    expect(notice).toHaveBeenCalledTimes(2)
    await tell('leave')
    expect(notice).toHaveBeenCalledTimes(2)
  })

  test('is never further away than a timer reaches', () => {
    const { schedule, due } = open({ limits: { absoluteMs: 9e9 } })
    schedule.look()
    expect(due()).toEqual([2_147_483_647])
  })

  test('is over with the manager', () => {
    const { schedule, here, life, due, notice, stopWatching } = open({ limits: { absoluteMs: 900_000 } })
    schedule.used(here.now)
    expect(due()).toHaveLength(1)
    life.abort(new TokenError('aborted', 'disposed of'))
    schedule.stop()
    expect(due()).toEqual([])
    expect(stopWatching).toHaveBeenCalledOnce()
    schedule.look()
    expect(due()).toEqual([])
    notice.mockClear()
    schedule.used(here.now)
    expect(notice).not.toHaveBeenCalled()
  })

  test('comes with the first use of tokens, and with no other', () => {
    const { schedule, here, notice } = open()
    schedule.look()
    const looks = () => notice.mock.calls.length - uses
    let uses = 0
    const before = looks()
    for (const tokens of [tokensOf(), undefined]) {
      here.state = { ...signedIn, tokens }
      for (let time = 0; time < 3; time++) {
        schedule.used(here.now)
        uses++
      }
    }
    expect(looks() - before).toBe(2)
  })

  test('comes when the network does, also with nothing to mend', async () => {
    const { schedule, here, due, tell } = open()
    here.online = false
    schedule.used(here.now)
    expect(due()).toEqual([])
    here.online = true
    await tell('online')
    expect(due()).toEqual([240_000])
  })

  test('nobody has to have looked', () => {
    expect(() => open().schedule.stop()).not.toThrow()
  })
})
