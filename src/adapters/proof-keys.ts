import { del, delMany, entries, set, update } from 'idb-keyval'
import { inDatabase } from './database.ts'

const inStore = inDatabase('tokenward-dpop', 'keys')

/** Where keys are kept by name: in IndexedDB, which keeps keys that no script can read. All of it may fail or hang. */
export const proofKeys = {
  write: (name: string, kept: object): Promise<void> => set(name, kept, inStore),
  /** Puts what `touch` makes of the kept value in its place, with nothing in between; resolves with the value that was kept. */
  async read(name: string, touch: (kept: object) => object): Promise<unknown> {
    let found: unknown
    await update(
      name,
      (kept: unknown) => {
        found = kept
        return typeof kept === 'object' && kept ? touch(kept) : kept
      },
      inStore,
    )
    return found
  },
  remove: (name: string): Promise<void> => del(name, inStore),
  /** Removes every value of which `isOld` says so. */
  async sweep(isOld: (kept: unknown) => boolean): Promise<void> {
    const all = await entries<string, unknown>(inStore)
    await delMany(
      all.filter(([, kept]) => isOld(kept)).map(([name]) => name),
      inStore,
    )
  },
}
