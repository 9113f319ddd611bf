import type { Entry } from './checker/history.ts'
import type { MomentName } from './plan.ts'

/** Recognises what something may be aimed at. */
export interface Moments {
  /** What `entry` is a case of. */
  of(entry: Entry): MomentName | undefined
  /** In which tab it happened; for what a server decides, in which tab it is waited for. */
  tabOf(entry: Entry): string | undefined
}

export function createMoments(): Moments {
  /** Whose call it is, and what it asks for. */
  const exchanges = new Map<number, { readonly operation: string; readonly tab: string | undefined }>()

  function of(entry: Entry): MomentName | undefined {
    switch (entry.what) {
      case 'asked':
        exchanges.set(entry.exchange, { operation: entry.operation, tab: entry.tab })
        return `asked ${entry.operation}`
      case 'decided':
      case 'learned': {
        const operation = exchanges.get(entry.exchange)?.operation
        return operation === 'refresh' || operation === 'login' ? `${entry.what} ${operation}` : undefined
      }
      case 'recorded': {
        const [before, after] = [entry.before, entry.after].map((one) => Object(one) as Record<string, unknown>)
        if (before?.['epoch'] !== after?.['epoch']) return 'epoch written'
        if (before?.['sequence'] !== after?.['sequence']) return 'tokens written'
        return before?.['presented'] === undefined && after?.['presented'] !== undefined ? 'mark written' : undefined
      }
      case 'posted':
      case 'delivered': {
        const { type } = entry.message as { type?: string }
        if (entry.what === 'delivered') return type === 'tokens' ? 'tokens delivered' : undefined
        return type === 'tokens' || type === 'wanted' || type === 'epoch' ? `${type} posted` : undefined
      }
      case 'state':
        return entry.state.status === 'active' ? undefined : entry.state.status
      case 'event':
        return entry.type === 'signed-in' ? 'signed-in' : undefined
      case 'marked':
      case 'locked':
      case 'unlocked':
      case 'sent':
      case 'replied':
      case 'thawed':
        return entry.what
      default:
        return undefined
    }
  }

  return { of, tabOf: (entry) => (entry.what === 'decided' ? exchanges.get(entry.exchange)?.tab : entry.tab) }
}
