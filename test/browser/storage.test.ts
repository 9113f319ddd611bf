import { encryptedStorage, indexedDbStorage } from 'tokenward/storage'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeContract } from '../storage/contract.ts'
import { dump, keptKey, putRecord, readRecord } from '../storage/database.ts'
import type { Order } from './storage-worker.ts'

const CANARY = 'canary-5c1e-refresh-token'
const BIND = 'tokenward 1 shop 7'
const plain = new TextEncoder().encode(CANARY)

const stopping: (() => void)[] = []
const forgetAll = async (): Promise<void> => {
  for (const { name = '' } of await indexedDB.databases()) await deleted(name)
}
beforeEach(forgetAll)
afterEach(async () => {
  for (const stop of stopping.splice(0)) stop()
  await forgetAll()
})

describeContract('indexedDbStorage', indexedDbStorage)
describeContract('encryptedStorage', encryptedStorage)

/** A worker of the page: another agent of its origin, with a global, an IndexedDB and a WebCrypto of its own. */
async function openWorker(): Promise<(order: Order) => Promise<unknown>> {
  const worker = new Worker(new URL('./storage-worker.ts', import.meta.url), { type: 'module' })
  stopping.push(() => worker.terminate())
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = () => reject(new Error('the worker failed'))
    })
  await answer()
  return (order) => {
    const result = answer()
    worker.postMessage(order)
    return result
  }
}

/** The key as another document of the origin finds it, and what it can do with it. */
async function inFrame(): Promise<{ key: CryptoKey; subtle: SubtleCrypto; native: boolean }> {
  const frame = document.createElement('iframe')
  frame.srcdoc = '<p>'
  const loaded = new Promise((resolve) => (frame.onload = resolve))
  document.body.append(frame)
  stopping.push(() => frame.remove())
  await loaded
  const there = frame.contentWindow as Window & typeof globalThis
  const key = await keptKey(there.indexedDB)
  return { key: key as CryptoKey, subtle: there.crypto.subtle, native: key instanceof there.CryptoKey }
}

describe('encryptedStorage in a browser', () => {
  test('seals, and opens what another page finds in the database', async () => {
    await putRecord({ version: 1, sealed: await encryptedStorage().seal(plain, BIND) })
    const { sealed } = (await readRecord()) as { sealed: unknown }
    expect(await encryptedStorage().open(sealed, BIND)).toEqual(plain)
    expect(await encryptedStorage().open(sealed, 'tokenward 1 shop 8')).toBeUndefined()
    const ask = await openWorker()
    expect(await ask({ sealed, bind: BIND })).toEqual(plain)
    expect(await ask({ sealed, bind: 'tokenward 1 shop 8' })).toBeUndefined()
  })

  test('keeps a key that no document of the origin can read, and each can use', async () => {
    const sealed = (await encryptedStorage().seal(plain, BIND)) as Uint8Array<ArrayBuffer>
    const { key, subtle, native } = await inFrame()
    expect(native).toBe(true)
    expect(key.extractable).toBe(false)
    expect(key.algorithm).toEqual({ name: 'AES-GCM', length: 256 })
    for (const format of ['raw', 'jwk'] as const)
      expect(await nameOf(subtle.exportKey(format, key))).toBe('InvalidAccessError')
    const additionalData = Uint8Array.from([1, ...new TextEncoder().encode(BIND)])
    const params = { name: 'AES-GCM', iv: sealed.slice(1, 13), additionalData }
    expect(new Uint8Array(await subtle.decrypt(params, key, sealed.slice(13)))).toEqual(plain)
  })

  test('has one key when page and workers make it at once', async () => {
    const workers = await Promise.all([openWorker(), openWorker(), openWorker()])
    const here = [encryptedStorage(), encryptedStorage()]
    const sealed = await Promise.all([
      ...workers.map((ask) => ask({ plain, bind: BIND })),
      ...here.map((storage) => storage.seal(plain, BIND)),
    ])
    for (const value of sealed) expect(await encryptedStorage().open(value, BIND)).toEqual(plain)
    for (const ask of workers) expect(await ask({ sealed: sealed.at(-1), bind: BIND })).toEqual(plain)
    expect((await dump()).flat(2).filter((value) => value instanceof CryptoKey)).toHaveLength(1)
  })

  test('has nothing of the token in any database, where indexedDbStorage has all of it', async () => {
    const texts = async (): Promise<string> => textOf(await dump())
    await putRecord(await encryptedStorage().seal(plain, BIND))
    expect(await texts()).not.toContain(CANARY)
    await putRecord(await indexedDbStorage().seal(plain, BIND))
    expect(await texts()).toContain(CANARY)
  })

  test('F126: after its key is gone what was sealed does not open, and the next key is another', async () => {
    const before = await encryptedStorage().seal(plain, BIND)
    expect(await deleted('tokenward-keys')).toBe('deleted')
    expect(await encryptedStorage().open(before, BIND)).toBeUndefined()
    const after = await encryptedStorage().seal(plain, BIND)
    expect(await encryptedStorage().open(before, BIND)).toBeUndefined()
    expect(await encryptedStorage().open(after, BIND)).toEqual(plain)
  })

  test('F122: keeps no connection that a deletion would wait for', async () => {
    const sealed = await encryptedStorage().seal(plain, BIND)
    expect(await deleted('tokenward-keys')).toBe('deleted')
    expect(await encryptedStorage().open(sealed, BIND)).toBeUndefined()
  })

  test('costs little', async () => {
    const storage = encryptedStorage()
    await storage.seal(plain, BIND)
    const started = performance.now()
    for (let count = 0; count < 20; count++) await storage.open(await storage.seal(plain, BIND), BIND)
    const each = (performance.now() - started) / 40
    expect(each).toBeLessThan(50)
  })
})

function deleted(name: string): Promise<string> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve('deleted')
    request.onerror = () => resolve('failed')
  })
}

const nameOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as Error).name,
  )

/** All text and bytes in `value`, as text. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return new TextDecoder('latin1').decode(value)
  return typeof value === 'object' && value !== null ? Object.values(value).map(textOf).join('\n') : String(value)
}
