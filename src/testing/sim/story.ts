import type { Breach } from './checker/rule.ts'
import type { Entry, History, Snapshot } from './checker/history.ts'

/** What people need not read to understand what went wrong. */
const QUIET = /^(timer|over)$/

/** A history in plain words: who did what when, and where an invariant broke. */
export function tellStory({ entries }: History, breaches: readonly Breach[]): string {
  const lines: string[] = []
  const calls = new Map<number, string>()
  const asked = new Map<number, string>()
  // What came after that explains nothing.
  const last = Math.max(...breaches.map(({ seen }) => seen), breaches.length > 0 ? 0 : entries.length)
  for (const [index, entry] of entries.slice(0, last).entries()) {
    if (entry.what === 'called') calls.set(entry.call, entry.method)
    if (entry.what === 'asked')
      asked.set(entry.exchange, `${entry.operation}${entry.presented === undefined ? '' : ` with ${entry.presented}`}`)
    if (!QUIET.test(entry.what)) lines.push(lineOf(entry, calls, asked))
    for (const { invariant, text, seen } of breaches) {
      if (seen === index + 1) lines.push(`${' '.repeat(12)}>>> invariant ${String(invariant)} is broken: ${text}`)
    }
  }
  for (const { invariant, text, seen } of breaches) {
    if (seen > entries.length || seen === 0)
      lines.push(`${' '.repeat(12)}>>> invariant ${String(invariant)} is broken: ${text}`)
  }
  return lines.join('\n')
}

function lineOf(entry: Entry, calls: ReadonlyMap<number, string>, asked: ReadonlyMap<number, string>): string {
  const time = `${(entry.at / 1_000).toFixed(3).padStart(10)} s`
  return `${time}  ${(entry.tab ?? 'the world').padEnd(9)}  ${textOf(entry, calls, asked)}`
}

function textOf(entry: Entry, calls: ReadonlyMap<number, string>, asked: ReadonlyMap<number, string>): string {
  const callOf = (call: number | undefined): string =>
    call === undefined ? 'a request' : `${calls.get(call) ?? 'call'} ${String(call)}`
  const exchangeOf = (id: number): string => asked.get(id) ?? `call ${String(id)}`
  switch (entry.what) {
    case 'called': {
      const { required, repeatable, retry, demanding, within, ask } = entry
      const more = [
        required && 'required',
        repeatable === false && 'body once',
        retry === false && 'no retry',
        demanding && 'long-lived',
        ask && 'ask',
        within && 'in a listener',
      ]
      const wishes = more.filter(Boolean).join(', ')
      return `calls ${callOf(entry.call)}${wishes && ` (${wishes})`}`
    }
    case 'settled':
      return `${callOf(entry.call)} ${entry.ok ? `resolves: ${entry.text ?? ''}` : `rejects: ${entry.code ?? entry.text ?? ''}`}`
    case 'aborted':
      return `aborts ${callOf(entry.call)}`
    case 'state':
      return `is now ${snapshotOf(entry.state)}`
    case 'event':
      return `is told ${entry.type} ${Object.entries(entry.event)
        .map(([key, value]) => `${key}=${String(value)}`)
        .join(' ')}`
    case 'reported':
      return `reports ${entry.text}`
    case 'unhandled':
      return `a rejection that nobody handles: ${entry.text}`
    case 'dispose':
      return 'disposes of its manager'
    case 'asked':
      return `asks the server: ${exchangeOf(entry.exchange)}`
    case 'decided': {
      const { verdict, access, refresh } = entry
      return `the server decides (${exchangeOf(entry.exchange)}): ${verdict} ${[access, refresh].filter(Boolean).join(' and ')}`
    }
    case 'over':
      return `${exchangeOf(entry.exchange)} is over`
    case 'learned':
      return `learns of its ${exchangeOf(entry.exchange)}: ${entry.challenge ?? entry.outcome}${entry.answered ? '' : ' (no answer)'}`
    case 'sent':
      return `sends ${callOf(entry.call)} to ${entry.url} with ${entry.authorization ?? 'nothing'}${entry.dpop === undefined ? '' : ' and a proof'}`
    case 'replied':
      return `${callOf(entry.call)} is answered: ${String(entry.status ?? 'not at all')} ${entry.challenge ?? ''}`.trim()
    case 'posted':
    case 'delivered':
      return `${entry.what === 'posted' ? 'posts' : 'hears'} ${JSON.stringify(entry.message)}`
    case 'marked':
      return `writes the marker ${entry.text}`
    case 'recorded':
      return JSON.stringify(entry.before) === JSON.stringify(entry.after)
        ? 'reads the record'
        : `writes the record ${JSON.stringify(entry.after)}`
    case 'locked':
      return 'has the lock'
    case 'unlocked':
      return 'lets the lock go'
    case 'robbed':
      return 'loses the lock to a thief'
    case 'timer':
      return `sets a timer for ${String(entry.delayMs)} ms`
    case 'weather':
      return `${entry.medium}: ${entry.condition}`
    case 'tampered':
      return `somebody else has changed the ${entry.medium}`
    case 'clock':
      return entry.how === 'sleep'
        ? `the machine sleeps for ${String(entry.ms)} ms`
        : `the wall clock is set by ${String(entry.ms)} ms`
    case 'online':
      return entry.yes ? 'the network is back' : 'the network is gone'
    case 'phase':
      return {
        calm: 'from now on all is well',
        agreed: 'all have had time to agree',
        recovery: 'somebody signs out and in again',
        end: 'the end',
      }[entry.name]
    case 'left':
      return `has left ${JSON.stringify({ timers: entry.timers, watchers: entry.watchers, channels: entry.channels, locks: entry.locks })}`
    default:
      return `is ${entry.what}`
  }
}

function snapshotOf({ status, session, reason, elsewhere, error }: Snapshot): string {
  return [
    status,
    session && `in ${session}`,
    reason && `(${reason}${elsewhere ? ', elsewhere' : ''})`,
    error && `(${error})`,
  ]
    .filter(Boolean)
    .join(' ')
}
