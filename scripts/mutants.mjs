// Takes away, one at a time, the lines that guard against races, and expects the race tests to notice. Fails when a mutant
// survives, when one does not apply any more, or when the tests fail without any. Arguments: numbers of mutants to try.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { runnerImport } from 'vite'

const root = join(import.meta.dirname, '..')
const atOnce = 2
const { mutants } = (await runnerImport(join(root, 'test/mutants/mutants.ts'))).module
const chosen = process.argv.slice(2).map(Number)

const files = [...new Set(mutants.map(({ test }) => test))]
const healthy = await Promise.all(files.map((file) => run(file, undefined)))
for (const [index, { code, output }] of healthy.entries()) {
  if (code === 0) continue
  console.log(`${files[index]} fails without a mutant:\n${output}`)
  process.exit(1)
}

const waiting = mutants.map((mutant, number) => ({ ...mutant, number }))
const queue = chosen.length > 0 ? waiting.filter(({ number }) => chosen.includes(number)) : waiting
const total = queue.length
let survivors = 0
await Promise.all(Array.from({ length: atOnce }, worker))
console.log(`\n${total} mutants, ${total - survivors} killed, ${survivors} not`)
process.exitCode = survivors === 0 ? 0 : 1

async function worker() {
  for (let mutant; (mutant = queue.shift());) {
    const started = performance.now()
    const { code, output } = await run(mutant.test, mutant.number)
    const ms = Math.round(performance.now() - started)
    const after = /Property failed after (\d+) tests?/.exec(output)?.[1]
    const applied = !/its text is \d+ times/.test(output)
    const verdict = !applied ? 'NOT APPLIED' : code === 0 ? 'SURVIVED' : after ? `killed, run ${after}` : 'killed'
    if (code === 0 || !applied) survivors++
    console.log([String(mutant.number).padStart(2), verdict.padEnd(17), `${ms} ms`.padStart(9), mutant.name].join('  '))
  }
}

function run(file, mutant) {
  const env = { ...process.env, NO_COLOR: '1', ...(mutant !== undefined && { MUTANT: String(mutant) }) }
  const args = ['vitest', 'run', '--config', 'vitest.mutants.config.ts', file]
  const child = spawn('npx', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (text) => void (output += text))
  child.stderr.on('data', (text) => void (output += text))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })))
}
