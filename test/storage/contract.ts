import { describe, expect, test } from 'vitest'
import type { TokenStorage } from '../../src/ports.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (plain: Uint8Array | undefined): string | undefined => plain && new TextDecoder().decode(plain)

/** What IndexedDB makes of a value. */
const stored = (value: unknown): unknown => structuredClone(value)

/** What the manager relies on in every storage. Run in Node and in a real browser. */
export function describeContract(name: string, create: () => TokenStorage): void {
  describe(`${name} keeps the contract of a storage`, () => {
    test('opens what it has sealed, after it was stored, in another page too', async () => {
      const sealed = await create().seal(bytes('refresh-token'), 'tokenward 1 shop 7')
      const plain = await create().open(stored(sealed), 'tokenward 1 shop 7')
      expect(plain).toBeInstanceOf(Uint8Array)
      expect(textOf(plain)).toBe('refresh-token')
    })

    test.each([0, 1, 300, 20_000])('takes %i bytes, and makes little more of them', async (length) => {
      const storage = create()
      const plain = Uint8Array.from({ length }, (_, index) => index % 251)
      const sealed = await storage.seal(plain, 'bind')
      expect(await storage.open(stored(sealed), 'bind')).toEqual(plain)
      const [kept] = [sealed, ...Object.values(sealed as object)].filter((value) => value instanceof Uint8Array)
      expect(kept?.byteLength).toBeLessThan(length + 32)
    })

    test('takes a part of a buffer for that part', async () => {
      const storage = create()
      const whole = bytes('xxtokenyy')
      const sealed = await storage.seal(whole.subarray(2, 7), 'bind')
      expect(textOf(await storage.open(sealed, 'bind'))).toBe('token')
      const [kept] = [sealed, ...Object.values(sealed as object)].filter((value) => value instanceof Uint8Array)
      expect(kept?.buffer.byteLength).toBe(kept?.byteLength)
    })

    test('has taken the bytes when seal returns: the caller may wipe them', async () => {
      const storage = create()
      const plain = bytes('token')
      const sealing = storage.seal(plain, 'bind')
      plain.fill(0)
      expect(textOf(await storage.open(await sealing, 'bind'))).toBe('token')
    })

    test('F127: opens for nothing but what it was sealed for: another session, epoch or version', async () => {
      const storage = create()
      const sealed = await storage.seal(bytes('token'), 'tokenward 1 shop 7')
      for (const bind of ['tokenward 1 shop 8', 'tokenward 1 desk 7', 'tokenward 2 shop 7', 'tokenward 1 shop 77', ''])
        expect(await storage.open(stored(sealed), bind)).toBeUndefined()
    })

    test('F127: what it has not sealed is no value, whatever it is', async () => {
      const storage = create()
      const foreign: unknown[] = [
        undefined,
        null,
        0,
        true,
        '',
        'token',
        Symbol('x'),
        () => 1,
        {},
        [],
        [1, 2],
        new Map(),
      ]
      foreign.push(
        { plain: 'token', bind: 'bind' },
        { plain: [1], bind: 'bind' },
        { bind: 'bind' },
        new ArrayBuffer(40),
      )
      for (const length of [0, 1, 12, 13, 28, 29, 100])
        foreign.push(new Uint8Array(length), new Uint8Array(length).fill(1))
      foreign.push(new DataView(new ArrayBuffer(40)), new Float64Array(8), crypto, new Error('x'), Object.create(null))
      for (const value of foreign) expect(await storage.open(value, 'bind')).toBeUndefined()
    })

    test('forgets without complaint, also when there is nothing to forget; and can be used again', async () => {
      const storage = create()
      await storage.forget()
      await storage.forget()
      const sealed = await storage.seal(bytes('token'), 'bind')
      expect(textOf(await storage.open(sealed, 'bind'))).toBe('token')
    })
  })
}
