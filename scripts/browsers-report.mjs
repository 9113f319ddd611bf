import { cpus } from 'node:os'
import { format } from 'prettier'

/** The figures that are worth a comparison. */
const worthwhile = /^ms until (one tab|8|50|the last tab)/

/** What ran where, and what came of it, as docs/browsers.md has it. */
export function toMarkdown(scenarios, results) {
  const notes = []
  const failures = []

  function cellOf({ name }, place) {
    const { verdict, reason, error } = place.outcomes.get(name)
    if (verdict === 'ok') return 'ok'
    if (verdict === 'FAIL') {
      failures.push(`- ${place.name}, “${name}”: ${escape(error.split('\n')[0])}`)
      return '**FAIL**'
    }
    const note = `${place.name}: ${reason}.`
    if (!notes.includes(note)) notes.push(note)
    return `not possible here (${notes.indexOf(note) + 1})`
  }

  const columns = results.map(({ name, version }) => `${name} ${version}`)
  const verdicts = scenarios.map((scenario) => [scenario.name, ...results.map((place) => cellOf(scenario, place))])
  const figures = scenarios.flatMap(({ name }) => {
    const found = results.map(({ outcomes }) => new Map(outcomes.get(name).figures))
    const whats = [...new Set(found.flatMap((map) => [...map.keys()]))].filter((what) => worthwhile.test(what))
    return whats.map((what) => [what, name, ...found.map((map) => map.get(what) ?? '')])
  })
  const text = `# Many tabs in real browsers

Written by \`npm run browsers\` on ${new Date().toISOString().slice(0, 10)}: the scenarios of \`test/support/tabs-*.ts\`, each
in a profile of its own, with real servers, nothing repeated. Processors: ${cpus().length}.

${table(['scenario', ...columns], verdicts)}

${notes.map((note, index) => `${index + 1}. ${note}`).join('\n')}

${failures.length > 0 ? `## Failures\n\n${failures.join('\n')}\n` : ''}
## Figures

${table(['what', 'scenario', ...results.map(({ name }) => name)], figures)}
`
  return format(text, { parser: 'markdown', printWidth: 120 })
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => escape(String(cell))).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function escape(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
