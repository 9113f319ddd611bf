import type { Keys } from '../../src/dpop/binding.ts'

/** A key store in memory, as all tabs of an origin see it; what goes wrong with it is for the test to say. */
export interface KeyStore extends Keys {
  readonly kept: Map<string, unknown>
  fault: 'none' | 'throws' | 'hangs' | 'empties'
}

export function createKeyStore(): KeyStore {
  const kept = new Map<string, unknown>()

  async function use<T>(task: () => T): Promise<T> {
    if (store.fault === 'hangs') return new Promise<T>(() => {})
    if (store.fault === 'throws') throw new Error('no database')
    return task()
  }

  const store: KeyStore = {
    kept,
    fault: 'none',
    // Some private modes store a key as an empty object.
    write: (name, value) =>
      use(() => void kept.set(name, store.fault === 'empties' ? { ...value, privateKey: {} } : value)),
    read: (name, touch) =>
      use(() => {
        const found = kept.get(name)
        if (typeof found === 'object' && found) kept.set(name, touch(found))
        return found
      }),
    remove: (name) => use(() => void kept.delete(name)),
    sweep: (isOld) =>
      use(() => {
        for (const [name, value] of kept) if (isOld(value)) kept.delete(name)
      }),
  }
  return store
}
