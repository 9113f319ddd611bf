import { generateKey, isKey } from '../adapters/aes-gcm.ts'
import { keys } from '../adapters/keys.ts'
import { TokenError } from '../errors.ts'

/** The key of this origin. It is read each time: another tab may have forgotten it. `undefined`: there is none of use. */
export async function readKey(): Promise<CryptoKey | undefined> {
  const kept = await keys.read()
  return isKey(kept) ? kept : undefined
}

/** The key of this origin, made if there is none. Whoever makes it at the same time gets the same one. */
export async function ensureKey(): Promise<CryptoKey> {
  const kept = await readKey()
  if (kept) return kept
  // Made before, because a transaction waits for nothing else.
  const fresh = await generateKey()
  await keys.update((found) => (isKey(found) ? found : fresh))
  // Not `fresh`: another tab's may have been first, and there are browsers that store a key as an empty object.
  const key = await readKey()
  if (!key) throw new TokenError('unsupported', 'IndexedDB did not keep the key')
  return key
}
