import type { Page } from '../adapters/page.ts'
import { TokenError } from '../errors.ts'

/** Keeps an application that answers every failed login with the next one from sending its user around for ever. */
export interface Loops {
  /**
   * Returns what counts the login that begins, once it leaves the page.
   *
   * @throws `login_failed` when logins have left this tab again and again without success.
   */
  begin(now: number): () => void
  succeeded(): void
}

const MOST = 5
const WITHIN_MS = 60_000

export function createLoops({ note }: Pick<Page, 'note'>, tag: string): Loops {
  const key = `logins ${tag}`
  return {
    begin(now) {
      const recent = note(key)
        .split(' ')
        .filter((at) => Math.abs(now - Number(at)) < WITHIN_MS)
      if (recent.length >= MOST) {
        throw new TokenError('login_failed', `${MOST} logins within a minute, and none has succeeded`)
      }
      return () => void note(key, [...recent, now].join(' '))
    },
    succeeded: () => void note(key, ''),
  }
}
