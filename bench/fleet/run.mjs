// npm run fleet: a million clients on paper, and the token endpoint that they come back to. Writes bench/results/fleet.md,
// its charts and its numbers. The waits are those of the package's own code.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { format, resolveConfig } from 'prettier'
import { lineChart } from '../lib/svg.mjs'
import { readOptions } from '../lib/options.mjs'
import { table } from '../lib/tables.mjs'
import { createRandom, describe, leastPeak, simulate } from './simulate.mjs'

const root = join(import.meta.dirname, '..', '..')
const results = join(root, 'bench', 'results')
const { quick, write } = readOptions()
const CLIENTS = quick ? 10_000 : 1_000_000
/** Answers of the server in a second. */
const CAPACITY = CLIENTS / 200
const HOUR_S = 3_600

const { backoffMs } = await load('src/flow/backoff.ts')

/** What each does when a refresh has failed. */
const POLICIES = {
  'naive interceptor': {
    // No memory of a failure: the next request tries again. A page that polls makes one every few seconds.
    againInS: (_attempts, random) => 2 + 6 * random,
    isEager: false,
  },
  'fixed interval of 5 s': {
    // A timer that refreshes whether the tab is used or not, and tries again at a fixed interval.
    againInS: () => 5,
    isEager: true,
  },
  'doubling from 1 s to 5 min': {
    againInS: (attempts, random) => Math.min(2 ** (attempts - 1), 300) * (0.5 + random / 2),
    isEager: false,
  },
  // The same waits, if it refreshed at waking what had been used the evening before. It does not: `src/flow/schedule.ts`.
  'tokenward, if a timer refreshed': { againInS: tokenwardInS, isEager: true, onlyAtWaking: true },
  tokenward: { againInS: tokenwardInS, isEager: false },
}

function tokenwardInS(attempts, random) {
  return backoffMs(attempts, random) / 1_000
}

/** How long a first request may wait for its token, at most, for the least that any policy can reach. */
const DELAYS_S = [0, 10, 30, 60]

/** Of the sessions that wake, those that somebody works with at once; the others come to be used within the hour. */
const USED = 0.4

const SCENARIOS = {
  outage: {
    title: 'the authorization server is down for ten minutes',
    text: 'Tokens live for an hour and were issued evenly over it. The server is down for ten minutes; then it can answer 5 000 requests a second, eighteen times what it needs on average.',
    seconds: 1_200,
    isDown: (second) => second < 600,
    firstAt: () => (_client, random) => random() * HOUR_S,
    from: 600,
    windowS: 60,
    chart: [600, 900],
  },
  morning: {
    title: 'all wake in the minute after nine',
    text: `After the night every token has expired, and people come to their machines within a minute. Of the sessions, ${USED * 100} % are used at once; the others come to be used within the hour, unless a timer refreshes them at once too. The server can answer 5 000 requests a second.`,
    seconds: 1_200,
    isDown: () => false,
    firstAt: (isEager) => (_client, random) =>
      isEager || random() < USED ? random() * 60 : 60 + random() * (HOUR_S - 60),
    from: 0,
    windowS: 120,
    chart: [0, 600],
    hasBound: true,
  },
  sharp: {
    title: 'all wake at nine sharp',
    text: `The worst case: the same, but all machines wake within one second, and the pages that are used at once ask in that second.`,
    seconds: 1_200,
    isDown: () => false,
    firstAt: (isEager) => (_client, random) => (isEager || random() < USED ? random() : 60 + random() * (HOUR_S - 60)),
    from: 0,
    windowS: 120,
    chart: [0, 600],
    // Else the first second would be all that is to be seen.
    isLog: true,
    hasBound: true,
  },
}

const record = {}
const parts = []
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  const series = []
  let bounds = {}
  record[name] = {}
  for (const [policy, { againInS, isEager, onlyAtWaking }] of Object.entries(POLICIES)) {
    if (onlyAtWaking && !scenario.hasBound) continue
    const found = simulate({
      clients: CLIENTS,
      seconds: scenario.seconds,
      capacity: CAPACITY,
      isDown: scenario.isDown,
      firstAt: scenario.firstAt(isEager),
      againInS,
      random: createRandom(1),
    })
    const { from, windowS, hasBound } = scenario
    if (hasBound && policy === 'tokenward') bounds = boundsOf(found.begun, scenario)
    record[name][policy] = { ...describe(found, { from, to: from + windowS }), ...recoveryOf(found, scenario) }
    const [begin, end] = scenario.chart
    series.push({
      name: policy,
      ours: policy === 'tokenward',
      points: [...found.requests.slice(begin, end)].map((value, index) => [index, value]),
    })
  }
  const rows = Object.entries(record[name]).map(([policy, one]) => [
    policy,
    ...[one.peak, one.mean].map((value) => value.toLocaleString('en')),
    one.ratio.toFixed(2),
    one.total.toLocaleString('en'),
    one.recoveredS === undefined ? `more than ${scenario.seconds - scenario.from}` : String(one.recoveredS),
  ])
  record[name] = { ...record[name], ...bounds }
  for (const [bound, { peak, mean, ratio }] of Object.entries(bounds)) {
    rows.push([bound, ...[peak, mean].map((value) => value.toLocaleString('en')), ratio.toFixed(2), '–', '–'])
  }
  const since = name === 'outage' ? 'after the server is back' : 'after nine'
  const head = [
    'policy',
    `busiest second of the ${scenario.windowS} s ${since}`,
    'mean second',
    'peak / mean',
    'requests in all',
    'seconds until 99 % of who waited are served',
  ]
  parts.push(
    `## ${scenario.title[0].toUpperCase()}${scenario.title.slice(1)}\n\n${scenario.text}\n\n${table(head, rows)}\n\n![Requests per second](fleet-${name}.svg)`,
  )
  const { title, isLog } = scenario
  const chart = lineChart(`Token requests per second${isLog ? ', logarithmic' : ''}: ${title}`, series, {
    isLog,
    xLabel: `seconds ${since}`,
    format: (value) => Math.round(value).toLocaleString('en'),
  })
  keep(`fleet-${name}.svg`, chart)
}
keep('fleet.json', `${JSON.stringify({ clients: CLIENTS, ...record }, undefined, 1)}\n`)
const report = join(results, 'fleet.md')
keep(
  'fleet.md',
  await format(
    `# A fleet on paper\n\n<!-- Written by \`npm run fleet\`. Do not edit. -->\n\n${CLIENTS.toLocaleString('en')} clients in a simulation, second by second (\`bench/fleet/simulate.mjs\`). Clients whose refresh fails come again when their policy says. What a user accepts after an outage is taken to be a minute; over this minute the busiest second should have no more than 1.5 times the requests of the mean one. In the morning nobody accepts to wait: a first request is sent at once, and the busiest second can have no fewer requests than people who come in it. What any policy could reach at best, also one that let them wait, stands below its table; of clients that nobody waits for, none of ours comes.\n\n${parts.join('\n\n')}\n`,
    { ...(await resolveConfig(report)), filepath: report },
  ),
)
console.log(JSON.stringify(record, undefined, 1))

function keep(file, text) {
  if (!write) return
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, file), text)
}

/** What the best policy could reach, for each delay. It adds no request to those who come. */
function boundsOf(begun, { seconds, from, windowS }) {
  const arrivals = new Uint32Array(seconds)
  for (const second of begun) if (second < seconds) arrivals[Math.floor(second)] += 1
  const mean = arrivals.slice(from, from + windowS).reduce((sum, one) => sum + one, 0) / windowS
  return Object.fromEntries(
    DELAYS_S.map((delayS) => {
      const peak = leastPeak(arrivals, delayS)
      const name = `the least that any policy can reach, if a first request waits ${delayS ? `up to ${delayS} s` : 'for nothing'}`
      return [name, { peak, mean: Math.round(mean), ratio: peak / mean }]
    }),
  )
}

/** When all but one in a hundred of those that had to wait, and came before the end of the window, have their token. */
function recoveryOf({ waited, begun }, { from, windowS }) {
  const ends = []
  let open = 0
  for (let client = 0; client < waited.length; client++) {
    if (begun[client] > from + windowS) continue
    if (waited[client] < 0) open += 1
    else if (waited[client] > 0.01 && begun[client] + waited[client] > from)
      ends.push(begun[client] + waited[client] - from)
  }
  ends.sort((a, b) => a - b)
  const index = Math.floor(0.99 * (ends.length + open))
  return { recoveredS: index < ends.length ? Math.round(ends[index]) : ends.length + open ? undefined : 0 }
}

async function load(path) {
  const { outputFiles } = await build({ entryPoints: [join(root, path)], bundle: true, format: 'esm', write: false })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}
