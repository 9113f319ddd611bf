// Takes away, one at a time, the lines that guard against races, and expects a test to notice. Fails when a mutant
// survives, when one does not apply any more, when a run breaks or hangs instead of failing a test, or when the tests fail
// without any. Arguments: numbers of mutants to try. Without any, all are tried, and docs/mutants.md is written.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { runnerImport } from 'vite'

const root = join(import.meta.dirname, '..')
const document = join(root, 'docs/mutants.md')
const atOnce = 2
const longestMs = 240_000
const reports = mkdtempSync(join(tmpdir(), 'mutants-'))
const { mutants } = (await runnerImport(join(root, 'test/mutants/mutants.ts'))).module
const chosen = process.argv.slice(2).map(Number)
const unknown = chosen.filter((number) => !mutants[number])
if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(', ')}`)

const waiting = mutants.map((mutant, number) => ({ ...mutant, number }))
const queue = chosen.length > 0 ? waiting.filter(({ number }) => chosen.includes(number)) : waiting
const total = queue.length
const results = []

const files = [...new Set(queue.map(({ test }) => test))]
await atOnceEach(files, async (file) => {
  const { verdict, by, output } = await run(file, undefined)
  if (verdict === 'SURVIVED') return
  console.log(`${file} does not pass without a mutant: ${verdict} ${by}\n${output}`)
  process.exit(1)
})
await atOnceEach(queue, async (mutant) => {
  const started = performance.now()
  const { verdict, after, by, output } = await run(mutant.test, mutant.number)
  const ms = Math.round(performance.now() - started)
  results[mutant.number] = { ...mutant, verdict, after, by }
  const how = after === undefined ? verdict : `${verdict}, run ${after}`
  console.log(
    [String(mutant.number).padStart(3), how.padEnd(15), `${ms} ms`.padStart(9), mutant.name, by ? `<- ${by}` : ''].join(
      '  ',
    ),
  )
  if (verdict === 'BROKEN') console.log(output.split('\n').slice(-30).join('\n'))
})
rmSync(reports, { recursive: true })
const killed = results.filter((result) => result?.verdict === 'killed').length
console.log(`\n${total} mutants, ${killed} killed, ${total - killed} not`)
if (chosen.length === 0) await write()
process.exitCode = killed === total ? 0 : 1

async function atOnceEach(items, task) {
  const rest = [...items]
  const worker = async () => {
    for (let item; (item = rest.shift()) !== undefined;) await task(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** What became of the tests of `file`: only a test that failed is a kill. */
async function run(file, mutant) {
  const report = join(reports, `${mutant ?? 'none'}-${file.replaceAll('/', '-')}.json`)
  const { code, output, hung } = await vitest(file, report, mutant)
  if (/its text is \d+ times/.test(output)) return { verdict: 'NOT APPLIED', output }
  if (hung) return { verdict: 'HANGS', output }
  const tests = read(report)?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
  const failed = tests.find(({ status }) => status === 'failed')
  if (failed) {
    const after = /Property failed after (\d+) tests?/.exec(failed.failureMessages.join('\n'))?.[1]
    return { verdict: 'killed', after, by: failed.fullName, output }
  }
  const passed = tests.some(({ status }) => status === 'passed')
  return { verdict: code === 0 && passed ? 'SURVIVED' : 'BROKEN', output }
}

function read(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return undefined
  }
}

function vitest(file, report, mutant) {
  const env = { ...process.env, NO_COLOR: '1', ...(mutant !== undefined && { MUTANT: String(mutant) }) }
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    'vitest.mutants.config.ts',
    ...reporters,
    file,
  ]
  // A group of its own: what hangs is ended with all that it has started.
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  let hung = false
  child.stdout.on('data', (text) => void (output += text))
  child.stderr.on('data', (text) => void (output += text))
  const timer = setTimeout(() => {
    hung = true
    process.kill(-child.pid, 'SIGKILL')
  }, longestMs)
  return new Promise((resolve) =>
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, output, hung })
    }),
  )
}

async function write() {
  const cell = (text) => String(text ?? '').replaceAll('|', '\\|')
  const rows = results.map(({ number, name, file, verdict, after, by, test }) =>
    [number, name, `\`${file}\``, after === undefined ? verdict : `${verdict}, run ${after}`, by ?? test].map(cell),
  )
  const head = ['#', 'without its guard', 'in', 'outcome', 'by']
  const text = [
    '# Mutants',
    '',
    '`node scripts/mutants.mjs` takes away one guarding line at a time, and runs a test that must fail for it. This is the',
    `outcome of its last full run: ${total} mutants, ${killed} killed. Where the test is a property over random schedules, it`,
    'says how many of them it took.',
    '',
    ...[head, head.map(() => '-'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
  writeFileSync(document, await format(text, { ...(await resolveConfig(document)), parser: 'markdown' }))
}
