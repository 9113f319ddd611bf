import { get, update } from 'idb-keyval'
import { inDatabase } from './database.ts'

const ID = 'refresh-token'

const inStore = inDatabase('tokenward-keys', 'keys')

/** Where the key of this origin is kept: in IndexedDB, which keeps keys that no script can read. May fail or hang. */
export const keys = {
  read: async (): Promise<unknown> => get(ID, inStore),
  /** Puts what `choose` makes of the kept value in its place, with nothing in between. */
  update: async (choose: (kept: unknown) => unknown): Promise<void> => update(ID, choose, inStore),
}
