import { update } from 'idb-keyval'
import type { Records } from '../ports.ts'
import { inDatabase } from './database.ts'

/** IndexedDB: one small value for each session name. On a server nothing is kept. */
export const records: Records = async (name, change) =>
  typeof location === 'undefined' ? change(undefined) : update(name, change, inDatabase('tokenward', 'sessions'))
