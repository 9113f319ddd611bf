// Runs every check of the repository, two at a time, the tests last and alone. A failing stage stops nothing but
// the stages that need it, and those count as failed. The last line is `N passed, N failed, N skipped`: the tests,
// plus one failure for each other stage that fails.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const limitMs = 15 * 60_000
const atOnce = 2

const stages = [
  { name: 'build', run: scripts.build },
  { name: 'types', run: scripts.types },
  { name: 'lint', run: scripts.lint },
  { name: 'format', run: scripts.format },
  { name: 'layers', run: scripts.layers },
  { name: 'unused', run: scripts.unused },
  { name: 'package', run: scripts.package, needs: 'build' },
  { name: 'api', run: `${scripts.api} --check`, needs: 'build' },
  { name: 'size', run: scripts.size, needs: 'build' },
]
const tests = { name: 'tests', run: scripts.unit, needs: 'build' }

const results = new Map()
const waiting = [...stages]
await Promise.all(Array.from({ length: atOnce }, worker))
await runStage(tests)
report()

async function worker() {
  for (;;) {
    const at = waiting.findIndex(({ needs }) => needs === undefined || results.has(needs))
    if (at !== -1) await runStage(waiting.splice(at, 1)[0])
    else if (waiting.length === 0) return
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function runStage({ name, run, needs }) {
  const startedAt = performance.now()
  const blocked = needs !== undefined && !results.get(needs).ok
  const { ok, output } = blocked ? { ok: false, output: `not run: ${needs} failed\n` } : await execute(run)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  results.set(name, { ok, output, seconds })
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} ${seconds} s`)
  if (!ok) console.log(`\n$ ${run}\n${output}`)
}

/** Runs `command` in a shell, and gives up on it after `limitMs`. */
function execute(command) {
  return new Promise((resolve) => {
    const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`
    const env = { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: undefined }
    const child = spawn(command, { cwd: root, env, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk) => (output += chunk)
    child.stdout.setEncoding('utf8').on('data', add)
    child.stderr.setEncoding('utf8').on('data', add)
    const timer = setTimeout(() => {
      add(`\ngave up after ${limitMs / 1_000} s\n`)
      stop(child)
    }, limitMs)
    const interrupted = () => {
      stop(child)
      process.exit(130)
    }
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    const settle = (ok) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      resolve({ ok, output })
    }
    child.once('error', (error) => {
      add(String(error))
      settle(false)
    })
    child.once('close', (code) => settle(code === 0))
  })
}

/** Ends the child and all that it started: it leads its own process group. */
function stop(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

function report() {
  console.log('\nstage     seconds')
  for (const [name, { ok, seconds }] of results) {
    console.log(`${name.padEnd(8)} ${seconds.padStart(8)}  ${ok ? 'ok' : 'FAIL'}`)
  }
  const { ok, output } = results.get(tests.name)
  const counts = [...output.matchAll(/^tests: (\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1)
  const [passed, failedTests, skipped] = counts === undefined ? [0, 0, 0] : counts.slice(1).map(Number)
  // The run itself may fail with no failed test: no tests at all, a crash, a coverage threshold.
  const testsFailed = ok && counts !== undefined ? failedTests : Math.max(failedTests, 1)
  const failed = testsFailed + stages.filter(({ name }) => !results.get(name).ok).length
  process.exitCode = failed === 0 ? 0 : 1
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
}
