// Runs the scenarios of many tabs in every browser, and writes docs/browsers.md. Installs from Debian what is missing.
// Arguments: names of browsers (default: all), and `--only <text>` for the scenarios whose name has it. Of less than
// everything nothing is written.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'
import { toMarkdown } from './browsers-report.mjs'

const root = join(import.meta.dirname, '..')
const limitMs = 300_000
const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } })

// A page takes the package as it is built.
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
const { places, scenarios, startTabsSite } = (await runnerImport(join(root, 'test/support/tabs-places.ts'))).module

const names = positionals.length > 0 ? [...new Set(positionals)] : Object.keys(places)
for (const name of names) if (!places[name]) fail(`there is no "${name}": ${Object.keys(places).join(', ')}`)
install(names.flatMap((name) => Object.entries(places[name].files)))

const chosen = scenarios.filter(({ name }) => name.includes(values.only ?? ''))
const count = { ok: 0, FAIL: 0, skip: 0 }
const reasons = new Map()
let rejected = () => {}
process.on('unhandledRejection', (error) => rejected(error))

let closeBrowser = async () => {}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => closeBrowser().finally(() => process.exit(130)))

const results = []
for (const name of names) results.push(await runIn(name))

for (const [reason, times] of reasons) console.log(`skipped ${times}: ${reason}`)
if (names.length === Object.keys(places).length && values.only === undefined) {
  mkdirSync(join(root, 'docs'), { recursive: true })
  writeFileSync(join(root, 'docs/browsers.md'), await toMarkdown(chosen, results))
  console.log('docs/browsers.md is written')
}
console.log(`\n${count.ok} passed, ${count.FAIL} failed, ${count.skip} skipped`)
process.exit(count.FAIL === 0 ? 0 : 1)

async function runIn(name) {
  let place = await places[name].start()
  closeBrowser = () => place.close()
  console.log(`\n${place.name} ${place.version}`)
  const outcomes = new Map()
  try {
    for (const scenario of chosen) {
      const reason = place.unable[scenario.needs]
      const outcome = reason === undefined ? await runOne(place, scenario) : { verdict: 'skip', ms: 0, reason }
      const gone = outcome.verdict === 'FAIL' ? await place.gone() : undefined
      if (gone !== undefined) {
        outcome.error = `the browser is gone: ${gone}\n${outcome.error}`
        await place.close().catch(() => {})
        place = await places[name].start()
      }
      outcomes.set(scenario.name, outcome)
      count[outcome.verdict]++
      if (reason !== undefined) {
        const why = `${place.name} has no ${scenario.needs}: ${reason}`
        reasons.set(why, (reasons.get(why) ?? 0) + 1)
      }
      const ms = `${outcome.ms} ms`.padStart(8)
      console.log([outcome.verdict.padEnd(4), name.padEnd(8), ms, scenario.name].join('  '))
      if (outcome.error) console.log(outcome.error.replace(/^/gm, '      '))
    }
  } finally {
    await place.close()
  }
  return { name: place.name, version: place.version, outcomes }
}

/** On a site, and in a profile, of its own. */
async function runOne(place, { needs, run }) {
  const since = performance.now()
  const figures = []
  const errors = []
  rejected = (error) => errors.push(error)
  let site
  let profile
  try {
    site = await startTabsSite()
    profile = await place.open(site, (what, value) => figures.push([what, value]), needs)
    await within(limitMs, run(profile.driver))
  } catch (error) {
    errors.unshift(error)
  }
  const ms = Math.round(performance.now() - since)
  errors.push(...(profile?.problems ?? []))
  // What the pages were still waiting for is given up now.
  rejected = () => {}
  await within(30_000, profile?.close()).catch((error) => errors.push(error))
  await site?.close()
  const error = errors.map((one) => one?.stack ?? String(one)).join('\n')
  return { verdict: errors.length === 0 ? 'ok' : 'FAIL', ms, figures, error }
}

async function within(ms, promise) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms)
  })
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function install(files) {
  const missing = [...new Set(files.flatMap(([file, name]) => (existsSync(file) ? [] : [name])))]
  if (missing.length === 0) return
  const args = ['install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    fail(`Debian's ${missing.join(', ')} must be there. As root: apt-get update && apt-get ${args.join(' ')}`)
  }
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  execFileSync('apt-get', ['update'], options)
  execFileSync('apt-get', args, options)
}

function fail(message) {
  console.error(message)
  process.exit(2)
}
