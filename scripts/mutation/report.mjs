// What docs/mutation.md says, from what Stryker has reported.
import { createHash } from 'node:crypto'
import { format, resolveConfig } from 'prettier'
import { survivors } from './survivors.mjs'

/** What is kept of the trial of one file: what was tried, how many of its mutants came to what, and which were left. */
export function toResult(source, mutants, asked) {
  const counts = Object.fromEntries(statuses.map((status) => [status, count(mutants, status)]))
  const left = mutants.filter(isLeft).map((mutant) => toSurvivor(source, mutant))
  return { source: toDigest(source), asked, counts, left }
}

/**
 * @param results What is kept, by path. That of a file that has changed since counts for nothing.
 * @param present All that there is to try.
 */
export async function describeResults({ folders, present, results, read, document }) {
  const tried = present.filter((path) => results.get(path)?.source === toDigest(read(path)))
  const untried = present.filter((path) => !tried.includes(path))
  const under = (folder) =>
    tried.filter((path) => path.startsWith(`${folder}/`)).map((path) => results.get(path).counts)
  const left = tried.flatMap((path) => results.get(path).left.map((survivor) => explain(path, survivor)))
  const scores = new Map(
    folders.filter((folder) => validIn(under(folder)) > 0).map((folder) => [folder, scoreOf(under(folder))]),
  )
  const unexplained = left
    .filter(({ why }) => !why)
    .map(({ path, from, to }) => `${path}: ${from} → ${to} is not explained`)
  const idle = Object.entries(survivors)
    .filter(([path]) => tried.includes(path))
    .flatMap(([path, all]) =>
      all
        .filter((known) => !left.some((each) => each.path === path && isOf(known, each)))
        .map(({ from }) => `${path}: ${from} survives no more`),
    )
  const lines = [
    '# Mutation testing',
    '',
    '`npm run mutation` lets [StrykerJS](https://stryker-mutator.io) change one thing after another in `src/lib`, `src/session`,',
    '`src/tabs` and `src/flow`, and expects a test to fail for each; this is what came of it. It takes long, and is not part of',
    '`npm test`. `npm run mutation -- flow/turn.ts` tries one file, and says anew what came of that one.',
    '',
    'A score is the share of mutants that a test noticed, by failing or by not ending. Only the tests of the folders that are',
    'named are asked, loaded once and run again and again, the fastest first; without those that `test/mutation/all.ts` leaves',
    'out, and any that takes long. So what survives here may well fall in `test/races`, `test/sim` or a browser:',
    '[guarding lines](mutants.md) are taken away before those, too. The texts of errors are not mutated, for they are no',
    'promise; nothing else is left out.',
    '',
    ...table(
      ['folder', 'files', ...columns],
      folders.map((folder) => [
        `\`${folder}\``,
        `${countIn(tried, folder)} of ${countIn(present, folder)}`,
        ...figures(under(folder)),
      ]),
    ),
    '',
    untried.length === 0
      ? 'Every file was tried as it is now.'
      : `Flows without a test of their own are known by the stories of \`test/promises\` and \`test/tabs\` alone, which take much longer. Not tried as they are now: ${untried.map((path) => `\`${path}\``).join(', ')}.`,
    '',
    '## By file',
    '',
    ...table(
      ['file', 'asked', ...columns],
      tried
        .map((path) => [path, results.get(path)])
        .filter(([, { counts }]) => validIn([counts]) + counts.Ignored > 0)
        .map(([path, { asked, counts }]) => [
          `\`${path}\``,
          asked.replace(/\w+/g, '`test/$&`').replaceAll(',', ', '),
          ...figures([counts]),
        ]),
    ),
    '',
    '## What survives, and why',
    '',
    ...tried.flatMap((path) => {
      const here = left.filter((each) => each.path === path)
      if (here.length === 0) return []
      const rows = here.map(({ from, to, why }) => [code(from), code(to), why ?? '**not explained**'])
      return [`### \`${path}\``, '', ...table(['instead of', 'stands', 'nothing fails, because'], rows), '']
    }),
  ]
  const text = await format(lines.join('\n'), { ...(await resolveConfig(document)), parser: 'markdown' })
  return { text, scores, unexplained, idle }
}

const columns = ['mutants', 'killed', 'never end', 'survive', 'not reached', 'not mutated', 'score']

/** As Stryker calls what may come of a mutant, in the order of the columns. */
const statuses = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'Ignored']

function figures(all) {
  const score = validIn(all) > 0 ? `${scoreOf(all).toFixed(1)} %` : '–'
  return [validIn(all), ...statuses.map((status) => sum(all, status)), score]
}

function scoreOf(all) {
  return (100 * (sum(all, 'Killed') + sum(all, 'Timeout'))) / validIn(all)
}

function validIn(all) {
  return statuses.filter((status) => status !== 'Ignored').reduce((valid, status) => valid + sum(all, status), 0)
}

function sum(all, status) {
  return all.reduce((total, counts) => total + counts[status], 0)
}

function count(mutants, status) {
  return mutants.filter((mutant) => statusOf(mutant) === status).length
}

function isLeft(mutant) {
  return /Survived|NoCoverage/.test(statusOf(mutant))
}

/** Whatever else may come of a mutant, no test has noticed it. */
function statusOf({ status }) {
  return statuses.includes(status) ? status : 'Survived'
}

function countIn(paths, folder) {
  return paths.filter((path) => path.startsWith(`${folder}/`)).length
}

function toDigest(source) {
  return createHash('sha256').update(source).digest('hex').slice(0, 16)
}

function toSurvivor(source, { location: { start, end }, replacement }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  const onOneLine = (text) => text.replace(/\s+/g, ' ')
  return { from: onOneLine(lines.join('\n')), to: onOneLine(replacement) }
}

function explain(path, survivor) {
  return { path, ...survivor, why: survivors[path]?.find((known) => isOf(known, survivor))?.why }
}

/** Lines move; what stands on them says more. Without `to`, whatever stands there instead. */
function isOf({ from, to }, survivor) {
  return from === survivor.from && (to === undefined || to === survivor.to)
}

function table(head, rows) {
  return [head, head.map(() => '-'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

function code(text) {
  const short = text.length > 120 ? `${text.slice(0, 117)}...` : text
  return `\`\`${short.startsWith('`') || short.endsWith('`') ? ` ${short} ` : short}\`\``.replaceAll('|', '\\|')
}
