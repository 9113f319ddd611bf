import type { EndReason, TokenManager } from 'tokenward'
import { element } from './dom.ts'
import type { Call } from './traffic.ts'
import { clockTime, count } from './words.ts'

const list = element('events', HTMLOListElement)
const KEPT = 200

/** Writes what the manager tells, and which calls were sent with which token: by its fingerprint, never itself. */
export function keepLog(tokens: TokenManager<never>): void {
  tokens.on('signed-in', () => write('Signed in'))
  tokens.on('signed-out', ({ reason, elsewhere }) =>
    write(`Signed out: ${wordFor[reason] ?? reason}${elsewhere ? ', in another tab' : ''}`),
  )
  tokens.on('refreshed', ({ trigger, durationMs }) =>
    write(`Access token refreshed in ${Math.round(durationMs)} ms, ${causes[trigger]}`),
  )
  tokens.on('refresh-failed', ({ code, retryAt }) =>
    write(`Refresh failed: ${code}${retryAt === undefined ? '' : `, next try at ${clockTime(retryAt)}`}`),
  )
  tokens.on('withheld', ({ origin, why }) => write(`Token withheld from ${origin}: ${why}`))
  tokens.on('challenged', ({ status, error }) =>
    write(`The API insists on ${status}${error === undefined ? '' : ` ${error}`}`),
  )
  tokens.on('degraded', ({ what, why }) => write(`Does not work here: ${what}, ${why}`))
  tokens.on('alert', ({ rule }) => write(`Alert: ${rule}`))
}

const causes = {
  expired: 'because it had expired',
  refused: 'because the API refused it',
  background: 'ahead of its expiry',
  requested: 'because a call needed a longer life',
} as const

const wordFor: Partial<Record<EndReason, string>> = {
  logout: 'log-out',
  rejected: 'the refresh token was refused',
  'unknown-outcome': 'the refresh token was refused, after an answer that was lost',
  replaced: 'another sign-in',
}

/** What went over the wire for `calls`, counted by answer and token. */
export async function logSends(calls: readonly Call[]): Promise<void> {
  const counts = new Map<string, number>()
  for (const { what, sends } of calls) {
    for (const { status, fingerprint } of sends) {
      const withWhat = fingerprint === undefined ? 'without a token' : `token ${await fingerprint}`
      const line = `${what} → ${status ?? 'no answer'}, ${withWhat}`
      counts.set(line, (counts.get(line) ?? 0) + 1)
    }
  }
  for (const [line, many] of counts) write(many === 1 ? line : `${count(many, 'time', 'times')} ${line}`)
}

function write(text: string): void {
  const item = document.createElement('li')
  const time = document.createElement('time')
  time.textContent = clockTime(Date.now())
  item.append(time, text)
  list.prepend(item)
  if (list.childElementCount > KEPT) list.lastElementChild?.remove()
}
