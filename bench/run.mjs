// npm run bench: installs the peers here, runs every measure in a process of its own, writes bench/results/ and the
// part of the README between its markers. --only tokenward,bare: some contestants; --measures size,guards: some
// measures (the others keep their last results); --quick: tiny counts, to see that all of it runs, and nothing is written;
// --no-write: prints only. What fails is said, and keeps its last results; the others go on.
import { execFileSync, fork } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import './lib/page.mjs'
import { FILES, loadContestants, versionOf } from './lib/contestants.mjs'
import { toReport } from './lib/report.mjs'
import { withBench } from './lib/readme.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    measures: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const bench = import.meta.dirname
const root = join(bench, '..')
const results = join(bench, 'results')
const recordPath = join(results, 'results.json')

/** With what each is run: memory measures need a collection on demand, and as few others as can be. */
const MEASURES = {
  size: [],
  'hot-path': ['--expose-gc', '--max-semi-space-size=64'],
  guards: [],
  bursts: ['--expose-gc'],
  tabs: [],
}
/** They write results of their own. */
const PAGES = { fleet: 'fleet/run.mjs', dpop: 'dpop/run.mjs' }
const isWritten = values.write && !values.quick

if (!existsSync(join(bench, 'node_modules')) && !values.quick) {
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: bench, stdio: 'inherit' })
}
if (!existsSync(join(root, 'dist', 'index.js'))) execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' })

const record = readRecord()
record.machine = {
  cpu: cpus()[0].model.trim(),
  cores: cpus().length,
  memoryGB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
}
for (const measure of values.measures?.split(',') ?? Object.keys({ ...MEASURES, ...PAGES })) {
  const began = Date.now()
  console.error(`${measure} ...`)
  try {
    await (PAGES[measure] ? runPage(PAGES[measure]) : runMeasure(measure))
    console.error(`${measure}: ${Math.round((Date.now() - began) / 1000)} s`)
  } catch (error) {
    process.exitCode = 1
    console.error(`${measure} FAILED: ${error?.message ?? error}`)
  }
}
if (!isWritten) console.log(JSON.stringify(record))

async function runMeasure(measure) {
  const found = await run(measure)
  // Of some contestants only: the others keep what was found before.
  const kept = values.only ? record[measure]?.results : undefined
  record[measure] = { ...found, results: { ...kept, ...found.results } }
  if (isWritten) await save()
}

function runPage(path) {
  const parameters = [join(bench, path), ...(isWritten ? [] : ['--no-write']), ...(values.quick ? ['--quick'] : [])]
  execFileSync(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function run(measure) {
  const parameters = [...(values.only ? ['--only', values.only] : []), ...(values.quick ? ['--quick'] : [])]
  return new Promise((resolve, reject) => {
    const child = fork(join(bench, 'measures', `${measure}.mjs`), parameters, {
      execArgv: MEASURES[measure],
      // What contestants print about failures that were made on purpose.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    let result
    child.on('message', (message) => {
      if (message.progress) console.error(`  ${message.progress}`)
      else result = message
    })
    child.on('exit', () => {
      if (!result || result.error) reject(new Error(`${measure}: ${result?.error ?? 'ended without a result'}`))
      else resolve(result)
    })
  })
}

function readRecord() {
  return isWritten && existsSync(recordPath) ? JSON.parse(readFileSync(recordPath, 'utf8')) : {}
}

async function save() {
  mkdirSync(results, { recursive: true })
  record.contestants = await describe()
  writeFileSync(recordPath, `${JSON.stringify(record, undefined, 1)}\n`)
  const { markdown, charts, summary } = toReport(record)
  await writeMarkdown(join(results, 'README.md'), markdown)
  for (const [name, svg] of Object.entries(charts)) writeFileSync(join(results, `${name}.svg`), svg)
  const readme = join(root, 'README.md')
  await writeMarkdown(readme, withBench(readFileSync(readme, 'utf8'), summary))
}

async function writeMarkdown(path, text) {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
}

async function describe() {
  const described = {}
  for (const { file, name, packages, ours, variant } of await loadContestants([...FILES, 'blog-broadcast'])) {
    described[file] = {
      name,
      ours,
      variant,
      versions: Object.fromEntries(packages.map((one) => [one, versionOf(one)])),
    }
  }
  described.bare.versions = {
    axios: JSON.parse(readFileSync(join(root, 'node_modules', 'axios', 'package.json'), 'utf8')).version,
  }
  return described
}
