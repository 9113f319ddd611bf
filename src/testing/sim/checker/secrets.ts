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
        case 'posted': {
          look(
            entry,
            'a message',
            JSON.stringify(entry.message),
            (entry.message as { type?: unknown }).type === 'tokens',
          )
          return
        }
        case 'marked': {
          look(entry, 'the marker', entry.text)
          return
        }
        case 'recorded': {
          look(entry, 'the record', JSON.stringify(entry.after ?? null), false, view.setup.stored)
          return
        }
        case 'state': {
          look(entry, 'the state', JSON.stringify(entry.state))
          return
        }
        case 'event': {
          look(entry, `the event ${entry.type}`, JSON.stringify([entry.event, entry.reads]))
          return
        }
        case 'settled': {
          look(entry, 'what a call has come to', `${entry.text ?? ''} ${entry.code ?? ''}`)
          return
        }
        case 'reported':
        case 'unhandled': {
          look(entry, 'an error', entry.text)
          return
        }
        case 'sent': {
          look(entry, 'a URL', entry.url)
          return
        }
        case 'asked': {
          look(entry, 'a URL', entry.url ?? '')
          return
        }
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
