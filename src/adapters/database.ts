import { createStore, type UseStore } from 'idb-keyval'

/**
 * A connection for each use, closed at once: none goes stale (Safari drops them), and none stands in the way of who
 * deletes the database. Strict: what is written is on the disk before anybody acts on it.
 *
 * @see [Indexed Database API, durability hint](https://www.w3.org/TR/IndexedDB-3/#transaction-durability-hint)
 */
export function inDatabase(database: string, store: string): UseStore {
  return (mode, use) =>
    createStore(database, store)('readonly', ({ transaction: { db } }) => {
      try {
        return use(db.transaction(store, mode, { durability: 'strict' }).objectStore(store))
      } finally {
        db.close()
      }
    })
}
