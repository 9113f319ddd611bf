import { TokenError } from '../errors.ts'
import { patiently } from '../lib/deadline.ts'
import { ownMembers } from '../lib/own.ts'
import type { LoginPage } from './setup.ts'

/** What has to be known again when the answer to an authorization request comes. */
export interface Transaction {
  readonly verifier: string
  readonly nonce: string | undefined
  readonly redirectUri: string
  readonly scope: string
  readonly maxAge: number | undefined
  readonly returnTo: string | undefined
  /** The key that the tokens will be bound to. */
  readonly key: string | undefined
  /** When it began, device wall time. */
  readonly at: number
}

/**
 * The logins that have left a page, by their `state`. They are kept in IndexedDB: web storage is to hold no verifier, memory
 * is gone with the page, and only here can one tab take a login away from all others with nothing in between, so that its code
 * is exchanged once although two tabs are at the same URL. A script of this origin can read them, as it can read the URL that
 * the code comes in; it could begin a login of its own just as well.
 */
export interface Transactions {
  /** @throws `unsupported` when it cannot be kept. */
  save(state: string, transaction: Transaction): Promise<void>
  /** Gives it out once. `'taken'`: somebody has had it. `undefined`: nobody here has begun it, or it is too long ago. */
  take(state: string, now: number): Promise<Transaction | 'taken' | undefined>
}

interface Kept {
  readonly version: 1
  readonly logins: Readonly<Record<string, Transaction | { readonly taken: true; readonly at: number }>>
}

/** How long a user may take. */
const LIFETIME_MS = 3_600_000
/** As many logins, in as many tabs, may be on their way at once. */
const MOST = 20
/** How long IndexedDB may take, and how long once more in a page that was frozen meanwhile. */
const PATIENCE_MS = 2_000

export function createTransactions(name: string, page: LoginPage): Transactions {
  /** Changes what is kept, and throws what is too old away. */
  async function update(now: number, change: (logins: Kept['logins']) => Kept['logins']): Promise<void> {
    const done = page.records(name, (stored) => {
      const { version, logins: kept } = Object(stored) as Partial<Kept>
      const all = Object.entries(version === 1 && kept ? kept : {})
      const logins = change(Object.fromEntries(all.filter(([, { at }]) => Math.abs(now - at) < LIFETIME_MS)))
      const newest = Object.entries(logins).sort(([, a], [, b]) => b.at - a.at)
      return { version: 1, logins: Object.fromEntries(newest.slice(0, MOST)) }
    })
    await patiently(done, [PATIENCE_MS, PATIENCE_MS], page).catch((cause: unknown) => {
      throw new TokenError('unsupported', 'a login that leaves the page needs IndexedDB; a popup does not', { cause })
    })
  }

  return {
    save: (state, transaction) => update(transaction.at, (logins) => ({ ...logins, [state]: transaction })),
    async take(state, now) {
      let found: Kept['logins'][string] | undefined
      await update(now, (logins) => {
        found = ownMembers(logins)[state]
        return found ? { ...logins, [state]: { taken: true, at: found.at } } : logins
      })
      return found && 'taken' in found ? 'taken' : found
    },
  }
}
