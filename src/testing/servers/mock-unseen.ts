import { isGood, routeOf, type PlannedExchange } from './mock-planned.ts'

/** Sessions whose cookie is not in the recording, because no script of a browser sees an HttpOnly cookie come or go. */
export interface Unseen {
  /** The exchanges that begin one. */
  readonly logins: ReadonlySet<number>
  /** The requests that were sent within one, and with nothing else that could have let them in. */
  readonly within: ReadonlySet<number>
}

/**
 * A password that was taken, no token that came for it, and cookies that may have gone along: there is a session. It ends
 * with the logout. Whoever asks for another password later, to change it, does so within it.
 */
export function unseenIn(exchanges: readonly PlannedExchange[]): Unseen {
  const logins = new Set<number>()
  const within = new Set<number>()
  let door: string | undefined
  let isOpen = false
  for (const one of exchanges) {
    const { index, kind, withCookies, credential, asksPassword } = one
    if (kind === 'logout') isOpen = false
    if (kind !== undefined || credential !== undefined || !withCookies) continue
    const isLogin = asksPassword && isGood(one) && (door === undefined || door === routeOf(one))
    if (isLogin) {
      door = routeOf(one)
      logins.add(index)
      isOpen = true
    } else if (isOpen) within.add(index)
  }
  return { logins, within }
}
