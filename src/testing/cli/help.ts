import type { Command, Option } from './command.ts'

/** The help of the whole: what there is, and how to begin. */
export function helpOfAll(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    `tokenward ${version}: test APIs behind bearer tokens, and find tokens where they should not be`,
    '',
    'Usage: tokenward <command> [options]',
    '',
    'Commands',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Examples',
    ...commands.flatMap(({ examples }) => examples.slice(0, 1)).flatMap(exampleLines),
    '',
    'tokenward <command> --help explains a command. Exit codes: 0 clean, 1 found something or failed, 2 cannot be used.',
    '',
  ].join('\n')
}

/** The help of a command, with all its options and examples. */
export function helpOf({ name, summary, usage, details = [], options, examples }: Command): string {
  const rows = [...Object.entries(options), ['help', HELP] as const].map(
    ([option, descriptor]) => [synopsisOf(option, descriptor), descriptor] as const,
  )
  const width = Math.max(...rows.map(([synopsis]) => synopsis.length))
  return [
    `${summary}.`,
    '',
    `Usage: tokenward ${name} ${usage}`,
    ...details.flatMap((detail) => ['', wrap(detail, 0)]),
    '',
    'Options',
    ...rows.map(([synopsis, { help }]) => `  ${synopsis.padEnd(width)}  ${wrap(help, width + 4)}`),
    '',
    'Examples',
    ...examples.flatMap(exampleLines),
    '',
  ].join('\n')
}

export const HELP: Option = { type: 'boolean', short: 'h', help: 'show this' }

const synopsisOf = (name: string, { short, type, value, choices }: Option): string => {
  const argument = type === 'boolean' ? '' : ` ${choices ? choices.join('|') : (value ?? '<value>')}`
  return `${short === undefined ? '   ' : `-${short},`} --${name}${argument}`
}

const exampleLines = ([line, what]: readonly [string, string]): string[] => [`  # ${what}`, `  ${line}`, '']

/** Breaks `text` at 96 columns; all lines but the first begin `indent` further. */
function wrap(text: string, indent: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line.length + word.length > Math.max(40, 96 - indent)) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()].join(`\n${' '.repeat(indent)}`)
}
