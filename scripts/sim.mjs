// Plays seeds of the simulator, and says what came of them.
//   SEED=7 npm run sim                    one seed, its story if it breaks an invariant
//   npm run sim -- --seeds 100000         many; --from N, --minutes N end earlier, --write puts the report into docs/simulator.md
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { format, resolveConfig } from 'prettier'
import { bundleSimulator } from './sim-bundle.mjs'

const root = join(import.meta.dirname, '..')
const document = join(root, 'docs/simulator.md')
const option = (name, standard) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? standard : Number(process.argv[at + 1])
}
const bundle = await bundleSimulator('simulator')

if (process.env.SEED) {
  const { explain, playSeed } = await import(bundle)
  const played = await playSeed(Number(process.env.SEED))
  console.log(played.breaches.length > 0 ? await explain(played) : `seed ${process.env.SEED}: every invariant holds`)
  process.exit(played.breaches.length > 0 ? 1 : 0)
}

const [seeds, from, workers, minutes] = [
  option('seeds', 2_000),
  option('from', 1),
  option('workers', 2),
  option('minutes', 0),
]
const began = performance.now()
const totals = await Promise.all(Array.from({ length: workers }, (_, index) => run(from + index)))
const seconds = (performance.now() - began) / 1_000
const total = totals.reduce(add)
const report = describe()
console.log(report)
if (process.argv.includes('--write')) await write()
process.exitCode = total.broken.length > 0 ? 1 : 0

function run(first) {
  const workerData = { bundle, first, count: seeds, step: workers, longestMs: minutes * 60_000 }
  const worker = new Worker(join(import.meta.dirname, 'sim-worker.mjs'), { workerData })
  return new Promise((resolve, reject) => {
    worker.on('message', ({ total: done, breach }) => {
      if (breach) console.log(`seed ${breach.seed} breaks ${breach.invariant}: ${breach.text}`)
      if (done) resolve(done)
    })
    worker.on('error', reject)
  })
}

function add(one, other) {
  const sum = (a, b) =>
    Object.fromEntries(
      [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]),
    )
  return {
    seeds: one.seeds + other.seeds,
    steps: one.steps + other.steps,
    entries: one.entries + other.entries,
    counts: sum(one.counts, other.counts),
    edges: sum(one.edges, other.edges),
    broken: [...one.broken, ...other.broken],
  }
}

function describe() {
  const list = (counts) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([what, times]) => `${what} ${times.toLocaleString('en')}`)
      .join(' · ')
  const number = (value) => Math.round(value).toLocaleString('en')
  return [
    `- Seeds: ${number(total.seeds)}, from ${from} on; tasks: ${number(total.steps)}; entries judged: ${number(total.entries)}.`,
    `- ${number(total.seeds / seconds)} seeds and ${number(total.steps / seconds)} tasks a second, on ${workers} threads.`,
    `- Violations: ${total.broken.length}.`,
    `- What was done, and what went wrong: ${list(total.counts)}.`,
    `- Edges between the states that an application sees, and how often: ${list(total.edges)}.`,
  ].join('\n')
}

/** Which lines of the core a thousand seeds run through. */
function coverage() {
  const args = [
    'run',
    '--project',
    'unit',
    'test/sim/first-seeds.test.ts',
    '--coverage',
    '--coverage.reporter=json-summary',
  ]
  const folder = join(root, 'node_modules/.cache/sim/coverage')
  const more = ['flow', 'session', 'tabs'].map((name) => `--coverage.include=src/${name}/**`)
  spawnSync('npx', ['vitest', ...args, ...more, `--coverage.reportsDirectory=${folder}`], {
    cwd: root,
    stdio: 'ignore',
  })
  const { total: _, ...files } = JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8'))
  return ['flow', 'session', 'tabs']
    .map((name) => {
      const lines = Object.entries(files)
        .filter(([path]) => path.includes(`/src/${name}/`))
        .map(([, file]) => file.lines)
      const sum = (key) => lines.reduce((all, line) => all + line[key], 0)
      return `\`src/${name}\` ${sum('covered')} of ${sum('total')}`
    })
    .join(', ')
}

async function write() {
  const text = readFileSync(document, 'utf8')
  const [start, end] = ['<!-- report -->', '<!-- end of report -->']
  const body = `${report}\n- Lines that the first 1 000 seeds run through: ${coverage()}.`
  const next = text.replace(new RegExp(`${start}[^]*${end}`), () => `${start}\n\n${body}\n\n${end}`)
  writeFileSync(document, await format(next, { ...(await resolveConfig(document)), parser: 'markdown' }))
}
