import { type Findings, type Run, scales, worst } from './degraded-stories.ts'
import { type Combination, type Mode, modes } from './degraded-watch.ts'

/** A run of every combination in every mode. */
export type Runs = readonly { readonly mode: Mode; readonly combination: Combination; readonly run: Run }[]

const media = { locks: 'Web Locks', channel: 'BroadcastChannel', records: 'IndexedDB', marker: '`localStorage`' }
const names = Object.keys(media) as (keyof Combination)[]

const inMode: Readonly<Record<Mode, string>> = { cookie: 'cookie', stored: 'storage', memory: 'memory' }

const columns: Readonly<Record<keyof Findings, string>> = {
  newTab: 'a new tab',
  refresh: 'two tabs find the token expired',
  retryAfter: '`Retry-After` holds for',
  logout: 'another tab learns of a logout',
  asleep: 'a page that slept does',
  switched: 'another tab follows another user',
  left: 'after a logout is still good',
  reload: 'the only page is reloaded',
}

const words: Readonly<Record<string, string>> = {
  'no call': 'takes the token of a tab',
  'one call': 'asks the server',
  'new session': 'asks the server, and begins a new session',
  'not found': 'the session is not found',
  found: 'the session is found',
  one: 'one refresh',
  'one, late': 'one refresh; the other tab may have to try again',
  'each its own': 'one after the other refreshes',
  'the same token': '**may present the same token**',
  'for both': 'all tabs',
  'for each': 'the tab that was told',
  'next request': 'before its next request',
  'on waking': 'soon after it wakes',
  server: 'when the server refuses its token',
  'what came late': 'what a refresh brings too late',
  'what is held': '**the refresh token of another tab**',
}

const intro = [
  '# What holds without what',
  '',
  'Tabs share four things: Web Locks, a BroadcastChannel, a record in IndexedDB and a marker in `localStorage`. Each of them',
  'may be missing, or never answer. `test/tabs/degraded.test.ts` runs the real code in a simulated browser with each of the',
  '54 combinations: in cookie mode, in JSON mode with storage, and in JSON mode with the refresh token in the memory of one',
  'tab. It writes this file.',
  '',
  'In every combination, and in every mode, this holds in each tab: everything settles within three times',
  '`requestTimeoutMs` and a second; a refresh token is not presented again once its answer is known; `Retry-After` is',
  'heeded; after a logout nothing of the session is sent, and it does not come back; what is missing is told once, by the',
  'event `degraded`. Of what never answers only IndexedDB is told: a lock may be busy, and a channel has nothing to say.',
  '',
  'Between tabs it depends. Each cell is the worst of what was seen, whether a thing was missing or never answered; an empty',
  'one is as in the first row. The modes are named where not all of them are concerned. Where a new tab does not find the',
  'session, its user signs in anew, and the rest of the row is about the other modes. The server of the test ends a session',
  'when a refresh token is presented twice; `requestTimeoutMs` is ten seconds.',
]

const MORE_THAN_NOISE_MS = 100

/** The document that says what was found. */
export function describeRuns(runs: Runs): string {
  const head = ['missing, or never answers', ...keysOf().map((key) => columns[key]), 'a refresh takes longer by']
  const rows: { labels: string[]; cells: string[] }[] = []
  for (const missing of subsets()) {
    const cells = cellsOf(runs, missing)
    const label = missing.map((name) => media[name]).join(' + ') || 'nothing'
    const same = rows.find((row) => row.cells.join('|') === cells.join('|'))
    if (same) same.labels.push(label)
    else rows.push({ labels: [label], cells })
  }
  const lines = [head, head.map(() => '-'), ...rows.map(({ labels, cells }) => [labels.join('; '), ...cells])]
  return `${[...intro, '', ...lines.map((cells) => `| ${cells.join(' | ')} |`)].join('\n')}\n`
}

function cellsOf(runs: Runs, missing: readonly (keyof Combination)[]): string[] {
  const without = (those: readonly (keyof Combination)[]): Runs =>
    runs.filter(({ combination }) => names.every((name) => (combination[name] !== 'working') === those.includes(name)))
  const [these, usual] = [without(missing), without([])]
  const slowest = (some: Runs): number => Math.max(...some.map(({ run }) => run.refreshMs))
  const longerMs = slowest(these) - slowest(usual)
  return [
    ...keysOf().map((key) => cellOf(key, these, missing.length > 0 ? usual : [])),
    longerMs < MORE_THAN_NOISE_MS ? '' : inSeconds(longerMs),
  ]
}

/** What is not as usual, by mode where modes differ. */
function cellOf(key: keyof Findings, runs: Runs, usual: Runs): string {
  const found = (some: Runs, mode: Mode): string | undefined =>
    worst<string>(
      scales[key],
      some.filter((one) => one.mode === mode).map(({ run }) => run.findings[key]),
    )
  const there = modes.filter((mode) => found(runs, mode) !== undefined)
  const other = there.filter((mode) => found(runs, mode) !== found(usual, mode))
  const texts = [...new Set(other.map((mode) => found(runs, mode)!))]
  const say = (text: string): string => words[text] ?? text
  if (texts.length === 1 && other.length === there.length) return say(texts[0]!)
  const those = (text: string): readonly Mode[] => other.filter((mode) => found(runs, mode) === text)
  return texts
    .map(
      (text) =>
        `${those(text)
          .map((mode) => inMode[mode])
          .join(', ')}: ${say(text)}`,
    )
    .join('; ')
}

/** Single failures first. */
function subsets(): (keyof Combination)[][] {
  const all = names.reduce<(keyof Combination)[][]>(
    (sets, name) => [...sets, ...sets.map((set) => [...set, name])],
    [[]],
  )
  const places = (set: readonly (keyof Combination)[]): string => set.map((name) => names.indexOf(name)).join('')
  return all.sort((a, b) => a.length - b.length || places(a).localeCompare(places(b)))
}

function keysOf(): (keyof Findings)[] {
  return Object.keys(columns) as (keyof Findings)[]
}

function inSeconds(ms: number): string {
  return `${String(Math.round(ms / 250) / 4)} s`
}
