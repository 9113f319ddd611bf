import { expect, test, vi } from 'vitest'
import type { Channel } from '../../src/ports.ts'
import type { TabRecord } from '../../src/tabs/record.ts'
import { createShare, type ShareOptions } from '../../src/tabs/share.ts'

const PATIENCE_MS = 1_000
const record: TabRecord = { version: 1, epoch: 7, sequence: 1, active: 0 }
const change = () => record

type Ports = ShareOptions['ports']

function open(part: Partial<Pick<Ports, 'records' | 'openChannel'>> = {}) {
  const clock = { now: { wall: 1_000_000, monotonic: 0 } }
  const timers = new Set<() => void>()
  const degraded = vi.fn()
  const learn = vi.fn()
  const ports: Ports = {
    clock: { now: () => clock.now },
    timer: (task) => {
      timers.add(task)
      return () => void timers.delete(task)
    },
    records: () => new Promise(() => undefined),
    openChannel: () => ({ post: () => undefined, close: () => undefined }),
    ...part,
  }
  return {
    share: createShare({ name: 'shop', patienceMs: PATIENCE_MS, ports, hear: () => undefined, learn, degraded }),
    degraded,
    learn,
    /** All timers fire, `ms` after they were set. */
    async fire(ms: number) {
      clock.now = { wall: clock.now.wall + ms, monotonic: clock.now.monotonic + ms }
      for (const task of [...timers]) task()
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    },
  }
}

test('a record that does not answer in time is done without: each tab goes on alone, and that is told', async () => {
  const { share, degraded, fire } = open()
  const update = share.update(change)
  expect(share.isAlone()).toBe(false)
  await fire(PATIENCE_MS)
  expect(degraded.mock.calls).toEqual([['records', new Error('no answer')]])
  expect(await update).toBe(record)
  expect(share.isAlone()).toBe(true)
})

test.each([1.05 * PATIENCE_MS, 3_600_000])(
  'a tab that was frozen waits once more for the answer that has long come: after %i ms',
  async (ms) => {
    const { share, degraded, fire } = open({ records: (_, apply) => answer.then(() => apply(undefined)) })
    let settle = (): void => undefined
    const answer = new Promise<void>((resolve) => (settle = resolve))
    const update = share.update(change)
    await fire(ms)
    expect(degraded).not.toHaveBeenCalled()
    settle()
    expect(await update).toBe(record)
    expect(share.isAlone()).toBe(false)
  },
)

test('alone, a tab keeps its record until something changes it', async () => {
  const { share, learn } = open({ records: () => Promise.reject(new Error('full')) })
  expect(await share.update()).toBeUndefined()
  expect(learn).not.toHaveBeenCalled()
  expect(await share.update(change)).toBe(record)
  expect(await share.update()).toBe(record)
  expect(await share.update(() => undefined)).toBe(record)
  expect(learn.mock.calls).toEqual([[7], [7], [7]])
})

test('what the record is about is learned each time that it is read', async () => {
  const { share, learn } = open({ records: async (_, apply) => apply(record) })
  expect(await share.update()).toEqual(record)
  expect(learn.mock.calls).toEqual([[7]])
})

test('before it listens and after it has closed a tab tells and hears nothing, and nothing is wrong with that', () => {
  const openChannel = vi.fn<Ports['openChannel']>()
  const { share, degraded } = open({ openChannel })
  share.post({ epoch: 7, type: 'epoch' })
  share.close()
  share.open()
  expect(openChannel).not.toHaveBeenCalled()
  expect(degraded).not.toHaveBeenCalled()
})

test('without a channel that is told once, however much there is to tell', () => {
  const missing = new Error('missing')
  const openChannel = (): Channel => {
    throw missing
  }
  const { share, degraded } = open({ openChannel })
  share.open()
  share.open()
  share.post({ epoch: 7, type: 'epoch' })
  share.close()
  expect(degraded.mock.calls).toEqual([['channel', missing]])
})

test('a channel that breaks is told once, and is done without', () => {
  const broken = new Error('broken')
  const post = vi.fn(() => {
    throw broken
  })
  const { share, degraded } = open({ openChannel: () => ({ post, close: () => undefined }) })
  share.open()
  share.post({ epoch: 7, type: 'epoch' })
  share.post({ epoch: 7, type: 'epoch' })
  share.close()
  expect(post).toHaveBeenCalledOnce()
  expect(degraded.mock.calls).toEqual([['channel', broken]])
})
