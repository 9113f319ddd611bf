import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encryptedStorage } from 'tokenward/storage'
import { decrypt, encrypt, type Cipher } from '../../src/adapters/aes-gcm.ts'
import { placesOf } from '../support/canary.ts'
import { describeContract } from './contract.ts'
import { dump, keptKey, putKey, putRecord } from './database.ts'
import { stubIndexedDb } from './setup.ts'

beforeEach(() => void stubIndexedDb())
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

describeContract('encryptedStorage', encryptedStorage)

const vectors = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url), 'utf8')) as {
  readonly aesGcm: { readonly cases: Record<'key' | 'iv' | 'plaintext' | 'ciphertext' | 'tag', string>[] }
}

const CANARY = 'canary-9f3b-refresh-token'
const plain = new TextEncoder().encode(CANARY)
const seal = async (bind = 'bind'): Promise<Uint8Array> =>
  (await encryptedStorage().seal(plain, bind)) as Uint8Array<ArrayBuffer>
const open = (sealed: unknown, bind = 'bind'): Promise<Uint8Array | undefined> => encryptedStorage().open(sealed, bind)
const ivOf = (sealed: Uint8Array): string => Buffer.from(sealed.subarray(1, 13)).toString('hex')

async function removeKey(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase('tokenward-keys')
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('not deleted'))
  })
  expect(await keptKey()).toBeUndefined()
}

describe('the cipher', () => {
  const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'hex'))
  const flipped = (bytes: Uint8Array, bit: number): Uint8Array<ArrayBuffer> => {
    const copy = Uint8Array.from(bytes)
    copy[bit >> 3]! ^= 1 << (bit & 7)
    return copy
  }
  const cipherOf = async (key: string, iv: string, additionalData = ''): Promise<Cipher> => ({
    key: await crypto.subtle.importKey('raw', hex(key), 'AES-GCM', false, ['encrypt', 'decrypt']),
    iv: hex(iv),
    additionalData: hex(additionalData),
  })

  test.each(vectors.aesGcm.cases)('is AES-GCM, as in the test vectors: $ciphertext $tag', async (vector) => {
    const cipher = await cipherOf(vector.key, vector.iv)
    const sealed = hex(vector.ciphertext + vector.tag)
    expect(await encrypt(cipher, hex(vector.plaintext))).toEqual(sealed)
    expect(await decrypt(cipher, sealed)).toEqual(hex(vector.plaintext))
  })

  test.each(vectors.aesGcm.cases)(
    'rejects one flipped bit of ciphertext, tag, iv or additional data',
    async (vector) => {
      const cipher = await cipherOf(vector.key, vector.iv, 'abcd')
      const sealed = await encrypt(cipher, hex(vector.plaintext))
      for (let bit = 0; bit < sealed.length * 8; bit++)
        await expect(decrypt(cipher, flipped(sealed, bit))).rejects.toMatchObject({ name: 'OperationError' })
      for (const part of ['iv', 'additionalData'] as const)
        for (let bit = 0; bit < cipher[part].length * 8; bit++)
          await expect(decrypt({ ...cipher, [part]: flipped(cipher[part], bit) }, sealed)).rejects.toMatchObject({
            name: 'OperationError',
          })
    },
  )
})

describe('the key', () => {
  test('is AES-GCM with 256 bits, and cannot be read by anybody', async () => {
    await seal()
    const key = (await keptKey()) as CryptoKey
    expect(key).toBeInstanceOf(CryptoKey)
    expect(key.extractable).toBe(false)
    expect(key.algorithm).toEqual({ name: 'AES-GCM', length: 256 })
    expect([...key.usages].sort()).toEqual(['decrypt', 'encrypt'])
    for (const format of ['raw', 'jwk'] as const)
      await expect(crypto.subtle.exportKey(format, key)).rejects.toThrow('not extractable')
  })

  test.each([2, 8, 50])('is one, when %i tabs make it at once', async (count) => {
    const generateKey = vi.spyOn(crypto.subtle, 'generateKey')
    const sealed = await Promise.all(Array.from({ length: count }, () => seal()))
    expect(generateKey.mock.calls.length).toBeGreaterThan(1)
    for (const value of sealed) expect(await open(value)).toEqual(plain)
    const keys = (await dump()).flat(2).filter((value) => value instanceof CryptoKey)
    expect(keys).toHaveLength(1)
  })

  test('that one tab has kept stays, although another was about to make its own', async () => {
    const { generateKey } = crypto.subtle
    let goOn = (): void => {}
    const made = new Promise<void>((resolve) => {
      vi.spyOn(crypto.subtle, 'generateKey').mockImplementationOnce(async (...given: unknown[]) => {
        resolve()
        await new Promise<void>((go) => (goOn = go))
        return Reflect.apply(generateKey, crypto.subtle, given) as Promise<CryptoKey>
      })
    })
    const slow = seal()
    await made
    const quick = await seal()
    goOn()
    const late = await slow
    for (const sealed of [quick, late]) expect(await open(sealed)).toEqual(plain)
  })

  test('is made once, and then used by all', async () => {
    const generateKey = vi.spyOn(crypto.subtle, 'generateKey')
    const first = await seal()
    for (let count = 0; count < 5; count++) await seal()
    expect(generateKey).toHaveBeenCalledOnce()
    expect(await open(first)).toEqual(plain)
  })

  test('F126: is gone, and the value is not: it does not open, and the next one has a new key', async () => {
    const before = await seal()
    await encryptedStorage().forget()
    expect(await open(before)).toEqual(plain)
    await removeKey()
    expect(await open(before)).toBeUndefined()
    const after = await seal()
    expect(await open(after)).toEqual(plain)
    expect(await open(before)).toBeUndefined()
  })

  test('that was cleared elsewhere seals nothing more, because each tab looks', async () => {
    const [one, other] = [encryptedStorage(), encryptedStorage()]
    await one.seal(plain, 'bind')
    await removeKey()
    const sealed = await one.seal(plain, 'bind')
    expect(await other.open(sealed, 'bind')).toEqual(plain)
  })

  const aes = (name: string, extractable: boolean): Promise<CryptoKey> =>
    crypto.subtle.generateKey({ name, length: 256 }, extractable, ['encrypt', 'decrypt'])
  const odd: readonly (readonly [string, () => unknown])[] = [
    ['a text', () => 'key'],
    ['an empty object', () => ({})],
    ['null', () => null],
    ['what looks like a key', () => ({ algorithm: { name: 'AES-GCM' }, extractable: false })],
    ['a key of another algorithm', () => aes('AES-CBC', false)],
    ['a key that can be read', () => aes('AES-GCM', true)],
  ]
  test.each(odd)('F127: is replaced when in its place there is %s', async (_, make) => {
    const before = await seal()
    await putKey(await make())
    expect(await open(before)).toBeUndefined()
    expect(await open(await seal())).toEqual(plain)
    expect(await keptKey()).toMatchObject({ algorithm: { name: 'AES-GCM' }, extractable: false })
  })

  test('W-14: is on the disk before it seals anything', async () => {
    const transaction = vi.spyOn((await openedDatabase()).constructor.prototype as IDBDatabase, 'transaction')
    await seal()
    const writing = transaction.mock.calls.filter(([, mode]) => mode === 'readwrite')
    expect(writing).toEqual([['keys', 'readwrite', { durability: 'strict' }]])
  })
})

describe('what is sealed', () => {
  test('does not show the token, nor does anything else that is stored', async () => {
    await putRecord({ sealed: await seal() })
    const found = await dump()
    expect(found).toHaveLength(2)
    expect(placesOf(CANARY, found)).toEqual([])
    const base64 = Buffer.from(CANARY).toString('base64').slice(0, 16)
    expect(placesOf(base64, found)).toEqual([])
  })

  test('is 29 bytes longer than the token: format, 96 random bits, 128 bits of tag', async () => {
    const sealed = await seal()
    expect(sealed).toBeInstanceOf(Uint8Array)
    expect(sealed.length).toBe(plain.length + 1 + 12 + 16)
    expect(sealed[0]).toBe(1)
  })

  test('W-20: has a vector of its own each time, also for the same token', async () => {
    const sealed = await Promise.all(Array.from({ length: 200 }, () => seal()))
    expect(new Set(sealed.map(ivOf)).size).toBe(200)
    expect(new Set(sealed.map((one) => Buffer.from(one.subarray(13)).toString('hex'))).size).toBe(200)
  })

  test('F127: does not open with bits flipped anywhere', async () => {
    const sealed = await seal()
    const bits = fc.uniqueArray(fc.nat(sealed.length * 8 - 1), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(bits, async (places) => {
        const tampered = Uint8Array.from(sealed)
        for (const bit of places) tampered[bit >> 3]! ^= 1 << (bit & 7)
        expect(await open(tampered)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
    for (let bit = 0; bit < sealed.length * 8; bit += 7) {
      const tampered = Uint8Array.from(sealed)
      tampered[bit >> 3]! ^= 1 << (bit & 7)
      expect(await open(tampered)).toBeUndefined()
    }
    expect(await open(sealed)).toEqual(plain)
  })

  test('F127: does not open cut, prolonged, doubled, or mixed with another', async () => {
    const [one, other] = [await seal(), await seal()]
    for (let length = 0; length < one.length; length++) expect(await open(one.slice(0, length))).toBeUndefined()
    for (let start = 1; start < one.length; start++) {
      expect(await open(one.slice(start))).toBeUndefined()
      const mixed = Buffer.from([...one.slice(0, start), ...other.slice(start)])
      if (!mixed.equals(one) && !mixed.equals(other)) expect(await open(mixed)).toBeUndefined()
    }
    for (const more of [[0], [1], one]) expect(await open(Uint8Array.from([...one, ...more]))).toBeUndefined()
  })

  test('F127: opens for its own bind and for no other', async () => {
    const bind = fc.string({ unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(bind, bind, async (mine, others) => {
        const sealed = await seal(mine)
        expect(await open(sealed, mine)).toEqual(plain)
        if (others !== mine) expect(await open(sealed, others)).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })

  test('F127: does not open with the key of another origin', async () => {
    const sealed = await seal()
    stubIndexedDb()
    await seal()
    expect(await open(sealed)).toBeUndefined()
  })

  test.each([
    ['tagLength', 32],
    ['additionalData', new Uint8Array([1])],
    ['extractable', true],
    ['length', 128],
    ['durability', 'relaxed'],
    ['format', 0],
  ])('F115: is the same with Object.prototype.%s', async (name, value) => {
    Object.defineProperty(Object.prototype, name, { configurable: true, writable: true, value })
    let sealed: Uint8Array
    try {
      sealed = await seal()
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
    expect(sealed.length).toBe(plain.length + 29)
    expect(await open(sealed)).toEqual(plain)
    expect(await keptKey()).toMatchObject({ extractable: false, algorithm: { length: 256 } })
  })
})

describe('where it cannot be done', () => {
  /** `seal` rejects clearly, without a word about the token; `open` finds nothing. */
  async function expectRefusal(message: RegExp, cause?: unknown): Promise<void> {
    const failure: unknown = await seal().then(
      () => 'sealed',
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ name: 'TokenError', code: 'unsupported', transient: false })
    expect((failure as Error).message).toMatch(message)
    if (cause !== undefined) expect((failure as Error).cause).toMatchObject(cause as object)
    expect(placesOf(CANARY, failure)).toEqual([])
  }

  const objectStore = async (): Promise<IDBObjectStore> => {
    const db = await openedDatabase()
    const { prototype } = db.transaction('any').objectStore('any').constructor as { prototype: IDBObjectStore }
    return prototype
  }

  test('F131: no crypto.subtle, on http:', async () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    vi.stubGlobal('CryptoKey', undefined)
    await expectRefusal(/needs WebCrypto: serve the page over https:/)
    expect(await open(Uint8Array.of(1, ...new Uint8Array(60)))).toBeUndefined()
  })

  test('F131: no crypto at all', async () => {
    vi.stubGlobal('crypto', undefined)
    await expectRefusal(/needs WebCrypto/)
  })

  test('F123: a key cannot be stored: DataCloneError', async () => {
    vi.spyOn(await objectStore(), 'put').mockImplementation(() => {
      throw new DOMException('could not be cloned', 'DataCloneError')
    })
    await expectRefusal(/cannot keep its key in IndexedDB/, { name: 'DataCloneError' })
    expect(await keptKey()).toBeUndefined()
  })

  test('F123: a key is stored as an empty object, and nobody says so', async () => {
    const store = await objectStore()
    const { put } = store
    vi.spyOn(store, 'put').mockImplementation(function (this: IDBObjectStore, _value, key) {
      return put.call(this, {}, key)
    })
    await expectRefusal(/did not keep the key/)
  })

  test('F125: there is no room for it', async () => {
    const store = await objectStore()
    const { put } = store
    vi.spyOn(store, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
      const request = put.call(this, value, key)
      ;(this.transaction as unknown as { _abort(name: string): void })._abort('QuotaExceededError')
      return request
    })
    await expectRefusal(/cannot keep its key in IndexedDB/, { name: 'QuotaExceededError' })
    vi.restoreAllMocks()
    expect(await open(await seal())).toEqual(plain)
  })

  const securityError = (): never => {
    throw new DOMException('denied', 'SecurityError')
  }
  const broken: readonly (readonly [string, () => void])[] = [
    ['there is none', () => vi.stubGlobal('indexedDB', undefined)],
    ['it throws when it is touched', () => Object.defineProperty(globalThis, 'indexedDB', { get: securityError })],
    ['it throws when it is opened', () => vi.stubGlobal('indexedDB', { open: securityError })],
    [
      'it cannot be opened',
      () =>
        vi.stubGlobal('indexedDB', {
          open() {
            const request = { error: new DOMException('lost', 'UnknownError'), onerror: () => {} }
            queueMicrotask(() => request.onerror())
            return request
          },
        }),
    ],
  ]
  test.each(broken)('F124: no IndexedDB: %s', async (_, breakIt) => {
    const sealed = await seal()
    breakIt()
    await expectRefusal(/cannot keep its key in IndexedDB/)
    expect(await open(sealed)).toBeUndefined()
  })

  test('F121: a database that fails once is opened anew the next time', async () => {
    const factory = stubIndexedDb()
    const sealed = await seal()
    vi.spyOn(factory, 'open').mockImplementationOnce(() => securityError())
    expect(await open(sealed)).toBeUndefined()
    expect(await open(sealed)).toEqual(plain)
  })

  test('F122: no connection is left that would block who upgrades or deletes the database', async () => {
    const sealed = await seal()
    await open(sealed)
    const blocked = await new Promise<string>((resolve) => {
      const request = indexedDB.deleteDatabase('tokenward-keys')
      request.onsuccess = () => resolve('deleted')
      request.onblocked = () => resolve('blocked')
    })
    expect(blocked).toBe('deleted')
    expect(await open(sealed)).toBeUndefined()
    expect(await open(await seal())).toEqual(plain)
  })
})

async function openedDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('any')
    request.onupgradeneeded = () => void request.result.createObjectStore('any')
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('aborted'))
  })
}
