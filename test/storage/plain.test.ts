import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { encryptedStorage, indexedDbStorage } from 'tokenward/storage'
import { placesOf } from '../support/canary.ts'
import { describeContract } from './contract.ts'
import { dump, putRecord } from './database.ts'
import { stubIndexedDb } from './setup.ts'

beforeEach(() => void stubIndexedDb())
afterEach(() => {
  vi.unstubAllGlobals()
})

describeContract('indexedDbStorage', indexedDbStorage)

const CANARY = 'canary-9f3b'
const plain = new TextEncoder().encode(CANARY)

test('stores the token as it is, and says so: whoever looks finds it', async () => {
  await putRecord({ sealed: await indexedDbStorage().seal(plain, 'bind') })
  expect(placesOf(CANARY, await dump())).not.toEqual([])
})

test('needs neither IndexedDB nor WebCrypto itself: the record is the manager’s', async () => {
  vi.stubGlobal('indexedDB', undefined)
  vi.stubGlobal('crypto', undefined)
  const storage = indexedDbStorage()
  expect(await storage.open(await storage.seal(plain, 'bind'), 'bind')).toEqual(plain)
  await storage.forget()
})

test('F127: after a change of storage what the other one has sealed is no token, either way', async () => {
  const [before, after] = [encryptedStorage(), indexedDbStorage()]
  expect(await after.open(structuredClone(await before.seal(plain, 'bind')), 'bind')).toBeUndefined()
  expect(await before.open(structuredClone(await after.seal(plain, 'bind')), 'bind')).toBeUndefined()
})

test('F115: a polluted Object.prototype makes no token', async () => {
  Object.assign(Object.prototype, { plain, bind: 'bind' })
  try {
    for (const value of [{}, [], null, 1, Object.create(null)])
      expect(await indexedDbStorage().open(value, 'bind')).toBeUndefined()
  } finally {
    for (const name of ['plain', 'bind']) Reflect.deleteProperty(Object.prototype, name)
  }
})
