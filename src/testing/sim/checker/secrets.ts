import type { Entry } from './history.ts'
import type { CreateJudge } from './rule.ts'

/** 11: secret confinement. */
export const judgeSecrets: CreateJudge = (view, breach) => {
  const access: string[] = []
  const refresh: string[] = []

  function has(secrets: readonly string[], text: string): boolean {
    const common = prefix(secrets)
    return secrets.length > 0 && text.includes(common) && secrets.some((secret) => text.includes(secret))
  }

  function look(entry: Entry, place: string, text: string, mayHoldAccess = false, mayHoldRefresh = false): void {
    if (!mayHoldRefresh && has(refresh, text)) breach(11, `${entry.tab ?? ''}: a refresh token is in ${place}`)
    if (!mayHoldAccess && has(access, text)) breach(11, `${entry.tab ?? ''}: an access token is in ${place}`)
  }

  return {
    see(entry) {
      switch (entry.what) {
        case 'decided':
          if (entry.access !== undefined) access.push(entry.access)
          if (entry.refresh !== undefined) refresh.push(entry.refresh)
          return
        case 'posted':
          return look(
            entry,
            'a message',
            JSON.stringify(entry.message),
            (entry.message as { type?: unknown }).type === 'tokens',
          )
        case 'marked':
          return look(entry, 'the marker', entry.text)
        case 'recorded':
          return look(entry, 'the record', JSON.stringify(entry.after ?? null), false, view.setup.stored)
        case 'state':
          return look(entry, 'the state', JSON.stringify(entry.state))
        case 'event':
          return look(entry, `the event ${entry.type}`, JSON.stringify([entry.event, entry.reads]))
        case 'settled':
          return look(entry, 'what a call has come to', `${entry.text ?? ''} ${entry.code ?? ''}`)
        case 'reported':
        case 'unhandled':
          return look(entry, 'an error', entry.text)
        case 'sent':
          return look(entry, 'a URL', entry.url)
        case 'asked':
          return look(entry, 'a URL', entry.url ?? '')
        default:
          return
      }
    },
  }
}

/** What all of them begin with. */
function prefix(texts: readonly string[]): string {
  let [common = ''] = texts
  for (const text of texts) while (!text.startsWith(common)) common = common.slice(0, -1)
  return common
}
