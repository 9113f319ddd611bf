import { IDBFactory } from 'fake-indexeddb'
import { vi } from 'vitest'

/** An IndexedDB of this test's own, as a global. */
export function stubIndexedDb(): IDBFactory {
  const factory = new IDBFactory()
  vi.stubGlobal('indexedDB', factory)
  return factory
}
