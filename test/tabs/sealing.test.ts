import { expect, test, vi } from 'vitest'
import type { TokenStorage } from '../../src/ports.ts'
import { createSealing } from '../../src/tabs/sealing.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function open(requestTimeoutMs = 10_000) {
  const storage = {
    seal: vi.fn<TokenStorage['seal']>(async (plain, bind) => [new TextDecoder().decode(plain), bind]),
    open: vi.fn<TokenStorage['open']>(async () => bytes('r1')),
    forget: vi.fn<TokenStorage['forget']>(async () => undefined),
  }
  const degraded = vi.fn()
  const timers: { task: () => void; ms: number }[] = []
  const timer = (task: () => void, ms: number): (() => void) => {
    timers.push({ task, ms })
    return () => undefined
  }
  return {
    sealing: createSealing(storage, { name: 'shop', requestTimeoutMs, timer, degraded }),
    storage,
    degraded,
    timers,
  }
}

test('a refresh token is sealed for this session, and opened for it', async () => {
  const { sealing, storage, degraded } = open()
  expect(await sealing.seal('r1', 7)).toEqual(['r1', 'tokenward 1 shop 7'])
  expect(await sealing.open('sealed', 7)).toBe('r1')
  expect(storage.open).toHaveBeenCalledWith('sealed', 'tokenward 1 shop 7')
  await sealing.forget()
  expect(storage.forget).toHaveBeenCalledOnce()
  expect(degraded).not.toHaveBeenCalled()
})

test('where there is no refresh token, and nothing sealed, the storage is not asked', async () => {
  const { sealing, storage, degraded } = open()
  expect(await sealing.seal(undefined, 7)).toBeUndefined()
  expect(await sealing.open(undefined, 7)).toBeUndefined()
  expect(storage.seal).not.toHaveBeenCalled()
  expect(storage.open).not.toHaveBeenCalled()
  expect(degraded).not.toHaveBeenCalled()
})

test('what cannot be opened is told, and is no refresh token', async () => {
  const { sealing, storage, degraded } = open()
  storage.open.mockResolvedValue(undefined)
  expect(await sealing.open('sealed', 7)).toBeUndefined()
  expect(degraded.mock.calls).toEqual([['storage', expect.any(Error)]])
})

test('a storage that fails is told, and fails nobody', async () => {
  const { sealing, storage, degraded } = open()
  const broken = new Error('broken')
  storage.seal.mockRejectedValue(broken)
  expect(await sealing.seal('r1', 7)).toBeUndefined()
  expect(degraded.mock.calls).toEqual([['storage', broken]])
})

test.each([
  [2_000, 500],
  [60_000, 1_000],
])('a storage that hangs is waited for no longer than a request of %i ms allows', async (requestTimeoutMs, ms) => {
  const { sealing, storage, degraded, timers } = open(requestTimeoutMs)
  storage.seal.mockReturnValue(new Promise(() => undefined))
  const sealed = sealing.seal('r1', 7)
  expect(timers).toMatchObject([{ ms }])
  timers[0]?.task()
  expect(await sealed).toBeUndefined()
  expect(degraded.mock.calls).toEqual([['storage', expect.any(Error)]])
})
