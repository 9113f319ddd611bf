// npm run fleet: a million clients on paper, and the token endpoint that they come back to. Writes bench/results/fleet.md,
// its charts and its numbers. The waits are those of the package's own code.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { format, resolveConfig } from 'prettier'
import { lineChart } from '../lib/svg.mjs'
import { table } from '../lib/tables.mjs'
import { createRandom, describe, simulate } from './simulate.mjs'

const root = join(import.meta.dirname, '..', '..')
const results = join(root, 'bench', 'results')
const CLIENTS = 1_000_000
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
  tokenward: { againInS: (attempts, random) => backoffMs(attempts, random) / 1_000, isEager: false },
}

/** Of the sessions that wake, those that somebody works with at once; the others come to be used within the hour. */
const USED = 0.4

const SCENARIOS = {
  outage: {
    title: 'the authorization server is down for ten minutes',
    text: 'Tokens live for an hour and were issued evenly over it. The server is down for ten minutes; then it can answer 5 000 requests a second, eighteen times what it needs on average.',
    seconds: 1_200,
    capacity: 5_000,
    isDown: (second) => second < 600,
    firstAt: () => (_client, random) => random() * HOUR_S,
    from: 600,
    windowS: 60,
    chart: [600, 900],
  },
  morning: {
    title: 'all wake at nine',
    text: `After the night every token has expired, and all machines wake within the same minute. Of the sessions, ${USED * 100} % are used at once; the others come to be used within the hour, unless a timer refreshes them at once too. The server can answer 5 000 requests a second.`,
    seconds: 1_200,
    capacity: 5_000,
    isDown: () => false,
    firstAt: (isEager) => (_client, random) =>
      isEager || random() < USED ? random() * 60 : 60 + random() * (HOUR_S - 60),
    from: 0,
    windowS: 120,
    chart: [0, 600],
  },
}

const record = {}
const parts = []
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  const series = []
  record[name] = {}
  for (const [policy, { againInS, isEager }] of Object.entries(POLICIES)) {
    const found = simulate({
      clients: CLIENTS,
      seconds: scenario.seconds,
      capacity: scenario.capacity,
      isDown: scenario.isDown,
      firstAt: scenario.firstAt(isEager),
      againInS,
      random: createRandom(1),
    })
    const { from, windowS } = scenario
    record[name][policy] = { ...describe(found, { from, to: from + windowS }), ...recoveryOf(found, scenario) }
    const [begin, end] = scenario.chart
    series.push({
      name: policy,
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
  mkdirSync(results, { recursive: true })
  writeFileSync(
    join(results, `fleet-${name}.svg`),
    lineChart(`Token requests per second: ${scenario.title}`, series, {
      xLabel: `seconds ${since}`,
      yLabel: 'per second',
      format: (value) => Math.round(value).toLocaleString('en'),
    }),
  )
}
writeFileSync(join(results, 'fleet.json'), `${JSON.stringify({ clients: CLIENTS, ...record }, undefined, 1)}\n`)
const report = join(results, 'fleet.md')
writeFileSync(
  report,
  await format(
    `# A fleet on paper\n\n<!-- Written by \`npm run fleet\`. Do not edit. -->\n\n${CLIENTS.toLocaleString('en')} clients in a simulation, second by second (\`bench/fleet/simulate.mjs\`). Clients whose refresh fails come again when their policy says. What a user accepts after an outage is taken to be a minute; over this minute the busiest second should have no more than 1.5 times the requests of the mean one.\n\n${parts.join('\n\n')}\n`,
    { ...(await resolveConfig(report)), filepath: report },
  ),
)
console.log(JSON.stringify(record, undefined, 1))

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
