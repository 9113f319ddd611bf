// Mutation testing: Stryker changes one thing after another in src/lib, session, tabs and flow, and a test has to fail for
// each. Arguments: what to try, below src (`lib`, `flow/send.ts`); without any, all four. What comes of each file is kept in
// results/, a file for each, so that several people may try some each; docs/mutation.md is written of all that is kept.
// `--write`: nothing is tried. Fails below 90 % in any folder, and for a survivor that survivors.mjs does not explain.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { describeResults, toResult } from './report.mjs'

const root = join(import.meta.dirname, '../..')
const folders = ['src/lib', 'src/session', 'src/tabs', 'src/flow']
const last = join(root, `reports/mutation-${process.pid}.json`)
const kept = join(import.meta.dirname, 'results')
const document = join(root, 'docs/mutation.md')
const least = 90

const chosen = process.argv.slice(2).filter((argument) => argument !== '--write')
const present = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
if (!process.argv.includes('--write')) {
  const wanted = chosen.length > 0 ? chosen.map((path) => `src/${path}`) : folders
  const paths = present.filter((path) => wanted.some((one) => `${path}/`.startsWith(`${one}/`)))
  for (const tests of new Set(paths.map(testsFor)))
    await mutate(
      paths.filter((path) => testsFor(path) === tests),
      tests,
    )
}

const results = new Map(
  present
    .filter((path) => existsSync(resultOf(path)))
    .map((path) => [path, JSON.parse(readFileSync(resultOf(path), 'utf8'))]),
)
const { text, scores, unexplained, idle } = await describeResults({ folders, present, results, read, document })
writeFileSync(document, text)
for (const [folder, score] of scores) console.log(`${folder}: ${score.toFixed(1)} %`)
for (const problem of [...unexplained, ...idle]) console.log(problem)
const isEnough = [...scores.values()].every((score) => score >= least)
process.exitCode = isEnough && unexplained.length === 0 && idle.length === 0 ? 0 : 1

/** The tests that have to notice: those of the same folder, and where a flow has none of its own, those of what it does. */
function testsFor(path) {
  const [, folder, name] = /^src\/(\w+)\/(.*)\.ts$/.exec(path)
  const isAlone = folder === 'flow' && !existsSync(join(root, `test/flow/${name}.test.ts`))
  return isAlone ? 'flow,promises,tabs' : folder
}

/** Where it is kept what came of the file. */
function resultOf(path) {
  return join(kept, path.replace(/^src\/(.*)\.ts$/, '$1.json'))
}

function read(path) {
  return readFileSync(join(root, path), 'utf8')
}

async function mutate(paths, tests) {
  process.env.MUTATION_TESTS = tests
  // Where local time is not GMT a date that is taken for local shows.
  process.env.TZ = 'Pacific/Chatham'
  await new Stryker({
    mutate: paths,
    plugins: [join(import.meta.dirname, 'runner.mjs')],
    testRunner: 'loaded-once',
    ignorers: ['messages'],
    coverageAnalysis: 'perTest',
    concurrency: Number(process.env.MUTATION_WORKERS ?? 1),
    // Tests that do not end are noticed long before: this is for loops that never let go.
    timeoutMS: 120_000,
    dryRunTimeoutMinutes: 20,
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: last },
    ignorePatterns: ['bench', 'coverage', 'dist', 'docs', 'etc', 'examples', 'reports'],
    tempDirName: '.stryker-tmp',
    cleanTempDir: 'always',
    warnings: false,
    allowConsoleColors: false,
  }).runMutationTest()
  const { files } = JSON.parse(readFileSync(last, 'utf8'))
  for (const path of paths) {
    const file = resultOf(path)
    mkdirSync(dirname(file), { recursive: true })
    // Where there are only types nothing is changed.
    const { source = read(path), mutants = [] } = files[path] ?? {}
    writeFileSync(file, `${JSON.stringify(toResult(source, mutants, tests), undefined, 2)}\n`)
  }
}
