// Takes away one guarding line at a time, and lets the simulator look for it. Writes the table in docs/simulator.md.
// Arguments: numbers of mutants to try, and `--write` for the table to be written, of these and of what runs before have
// come to. Without any, all of session, flow, tabs, dpop, manager and token are tried, and the table is written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { format, resolveConfig } from 'prettier'
import { runnerImport } from 'vite'
import { bundleSimulator } from './sim-bundle.mjs'

const root = join(import.meta.dirname, '..')
const document = join(root, 'docs/simulator.md')
const mostSeeds = Number(process.env.MOST_SEEDS ?? 400)
const mostOrders = Number(process.env.MOST_ORDERS ?? 20)
// Why the simulator cannot see that a guard is missing, by the name of its mutant.
const unseen = {
  'a page that has slept presents once more what another has spent':
    'nothing but a proof comes between two calls of one source here, and until that is made the deadline has given the refresh up',
  'a request goes on with the session that is here now':
    'somebody would have to be signed in within the task in which an answer is looked at: only `startSession` does that, and no plan calls it',
  'a page that has slept takes back the answer that it has not read yet':
    'what came to a page that was frozen is delivered within the half second that it waits for more; what comes later is slower than anybody waits for',
  'an outcome takes the mark of another tab away':
    'two tabs would have to leave their marks in one and the same millisecond, and the second only after the mark of the first is gone: here a record takes longer',
  'a tab presents what it remembers, though there were newer ones':
    'storage would have to open for one tab and not for another: here a record that tells of newer tokens has their refresh token too',
}
// What earlier runs have come to, by name: the table may be made in parts.
const cache = join(root, 'node_modules/.cache/sim/mutants.json')
const known = existsSync(cache) ? JSON.parse(readFileSync(cache, 'utf8')) : {}
const { mutants } = (await runnerImport(join(root, 'test/mutants/mutants.ts'))).module
const chosen = process.argv
  .slice(2)
  .filter((text) => /^\d+$/.test(text))
  .map(Number)
const all = mutants
  .map((mutant, number) => ({ ...mutant, number }))
  .filter(({ file }) => /^src\/(session|flow|tabs|dpop|manager|token|oauth\/endpoint)/.test(file))
const rest = all.filter(({ number }) => chosen.length === 0 || chosen.includes(number))
await Promise.all(
  Array.from({ length: 2 }, async () => {
    for (let mutant; (mutant = rest.shift());) {
      known[mutant.name] = await hunt(mutant)
      writeFileSync(cache, JSON.stringify(known))
    }
  }),
)
const results = all.flatMap((mutant) => (known[mutant.name] ? [{ ...mutant, ...known[mutant.name] }] : []))
const found = results.filter(({ breach, story }) => breach ?? story)
console.log(`\n${results.length} mutants, ${found.length} found by the simulator`)
if (chosen.length === 0 || process.argv.includes('--write')) await write()

async function hunt(mutant) {
  const { number, name } = mutant
  let result
  try {
    const bundle = await bundleSimulator(`mutant-${number}`, mutant)
    result = await run(bundle)
  } catch (error) {
    result = { broken: [], seeds: 0, failed: String(error) }
  }
  const { broken, seeds, failed, story } = result
  const [breach] = broken
  const by = breach ? `found, seed ${seeds}` : story ? 'found, a plan' : (failed ?? `not in ${seeds}`)
  const why = breach ? `<- ${breach.invariant}: ${breach.text}` : story ? `<- ${story.story}: ${story.text}` : ''
  console.log(`${String(number).padStart(3)}  ${by}  ${name}  ${why}`)
  return { breach, story, seeds, failed }
}

function run(bundle) {
  const workerData = { bundle, first: 1, count: mostSeeds, step: 1, stopAtBreach: true, corpus: mostOrders }
  const worker = new Worker(join(import.meta.dirname, 'sim-worker.mjs'), { workerData })
  return new Promise((resolve, reject) => {
    // A mutant may never let the loop go.
    const timer = setTimeout(() => {
      void worker.terminate()
      resolve({ seeds: 0, broken: [{ invariant: 21, text: 'a run that never ends' }] })
    }, 1_200_000)
    worker.on('message', ({ total }) => total && (clearTimeout(timer), resolve(total)))
    worker.on('error', (error) => (clearTimeout(timer), reject(error)))
  })
}

async function write() {
  const unanswered = results.filter(({ name, breach, story }) => !breach && !story && !unseen[name])
  if (unanswered.length > 0)
    throw new Error(`neither found nor explained: ${unanswered.map(({ name }) => name).join('; ')}`)
  const cell = (text) => String(text).replaceAll('|', '\\|')
  const rows = results.map(({ number, name, file, test, breach, story, seeds, failed }) => {
    const by = breach ? `seed ${seeds}` : story ? 'a plan' : failed ? 'not applied' : 'no seed, no plan'
    const text = breach ? `${breach.invariant}: ${breach.text}` : (story?.story ?? `\`${test}\`: ${unseen[name]}`)
    return [number, name, `\`${file}\``, by, breach || story ? text.replace(/\d{5,}/g, '…').slice(0, 100) : text].map(
      cell,
    )
  })
  const head = [
    '#',
    'without its guard',
    'in',
    'found by',
    'invariant, plan, or the test that notices and why no seed does',
  ]
  const table = [head, head.map(() => '-'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const sentence = `${found.length} of ${results.length} guards are found by the simulator itself, within ${mostSeeds} seeds or by a named plan. Of each of the others the table says why not, and which test notices.`
  const [start, end] = ['<!-- mutants -->', '<!-- end of mutants -->']
  const next = readFileSync(document, 'utf8').replace(
    new RegExp(`${start}[^]*${end}`),
    () => `${start}\n\n${sentence}\n\n${table}\n\n${end}`,
  )
  writeFileSync(document, await format(next, { ...(await resolveConfig(document)), parser: 'markdown' }))
}
