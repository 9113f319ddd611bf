// What docs/mutation.md says, from what Stryker has reported.
import { format, resolveConfig } from 'prettier'
import { survivors } from './survivors.mjs'

/**
 * @param files The results by path, as Stryker writes them. Those of a file that has changed since are left out.
 * @param present All that there is to try.
 */
export async function describeResults({ folders, present, files, read, document }) {
  const tried = present.filter((path) => files[path]?.source === read(path))
  const untried = present.filter((path) => !tried.includes(path))
  const results = new Map(tried.map((path) => [path, files[path].mutants]))
  const under = (folder) => tried.filter((path) => path.startsWith(`${folder}/`)).flatMap((path) => results.get(path))
  const left = tried.flatMap((path) =>
    results
      .get(path)
      .filter(isLeft)
      .map((mutant) => toSurvivor(path, mutant, files)),
  )
  const scores = new Map(
    folders.filter((folder) => under(folder).length > 0).map((folder) => [folder, scoreOf(under(folder))]),
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
    '`npm test`. `npm run mutation -- flow/turn.ts` tries one file.',
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
        .filter((path) => results.get(path).length > 0)
        .map((path) => [
          `\`${path}\``,
          files[path].tests.replace(/\w+/g, '`test/$&`').replaceAll(',', ', '),
          ...figures(results.get(path)),
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

function figures(mutants) {
  const count = (status) => mutants.filter((mutant) => mutant.status === status).length
  const { length } = mutants.filter(({ status }) => status !== 'Ignored')
  const score = length > 0 ? `${scoreOf(mutants).toFixed(1)} %` : '–'
  return [length, ...['Killed', 'Timeout', 'Survived', 'NoCoverage', 'Ignored'].map(count), score]
}

function scoreOf(mutants) {
  const valid = mutants.filter(({ status }) => status !== 'Ignored')
  return (100 * valid.filter((mutant) => !isLeft(mutant)).length) / valid.length
}

function isLeft({ status }) {
  return status !== 'Killed' && status !== 'Timeout' && status !== 'Ignored'
}

function countIn(paths, folder) {
  return paths.filter((path) => path.startsWith(`${folder}/`)).length
}

function toSurvivor(path, { mutatorName, location: { start, end }, replacement }, files) {
  const lines = files[path].source.split('\n').slice(start.line - 1, end.line)
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1)
  lines[0] = lines[0].slice(start.column - 1)
  const onOneLine = (text) => text.replace(/\s+/g, ' ')
  const survivor = { path, mutator: mutatorName, from: onOneLine(lines.join('\n')), to: onOneLine(replacement) }
  return { ...survivor, why: survivors[path]?.find((known) => isOf(known, survivor))?.why }
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
