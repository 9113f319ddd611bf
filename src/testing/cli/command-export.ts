import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { toCurl } from '../export/curl.ts'
import { toKeploy } from '../export/keploy.ts'
import { toPostman } from '../export/postman.ts'
import type { Har } from '../har/format.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { told, writeInto } from './outputs.ts'
import { readRecording } from './recordings.ts'

const TOOLS = ['postman', 'keploy', 'curl'] as const

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write a recording for another tool, with no token in it',
  usage: '--to <tool> [options] <file.har|->',
  details: [
    'Postman gets a collection (2.1) and an environment with secret variables that are empty; Keploy test cases, mocks, and a list of what its secret.yaml needs; curl a script for sh, with tokens from environment variables.',
    'A recording that holds a token, such as the HAR of a browser, is refused: take it in with tokenward import first.',
  ],
  takesFiles: true,
  options: {
    to: { type: 'string', short: 't', choices: TOOLS, help: 'for which tool' },
    output: {
      type: 'string',
      short: 'o',
      value: '<path>',
      help: 'a folder; for curl a file (default: standard output)',
    },
    name: { type: 'string', value: '<name>', help: 'of the collection, or the test set (default: that of the file)' },
    third: {
      type: 'string',
      multiple: true,
      value: '<origin>',
      help: 'Keploy: another server, whose answers become mocks. May be repeated',
    },
    'plain-headers': {
      type: 'boolean',
      help: 'Postman: tokens in headers, for programs that ignore its authorization',
    },
    quiet: { type: 'boolean', short: 'q', help: 'do not say what was written' },
  },
  examples: [
    [
      'tokenward export --to postman orders.har -o postman/',
      'then: newman run postman/orders.postman_collection.json -e ...',
    ],
    [
      'tokenward export --to keploy orders.har --third https://pay.example.com -o keploy/',
      'with mocks for another server',
    ],
    ['tokenward export --to curl orders.har -o orders.sh', 'then: TOKEN_ACCESS_P1_1=... sh orders.sh'],
  ],
  run: runExport,
}

async function runExport(args: Arguments, io: Io): Promise<ExitCode> {
  const to = args.get('to') as (typeof TOOLS)[number] | undefined
  if (to === undefined) throw new UsageError(`tell for which tool: --to ${TOOLS.join(', ')}.`)
  const [path = '-', ...more] = args.positionals
  if (more.length > 0) throw new UsageError('export takes one recording at a time.')
  const output = args.get('output')
  if (output === undefined && to !== 'curl') throw new UsageError(`tell a folder for the files of ${to}: -o ${to}/`)
  for (const origin of args.all('third'))
    if (!URL.canParse(origin)) throw new UsageError(`--third ${origin} is no URL.`)
  const har = await readRecording(args.positionals[0], io)
  const name = args.get('name') ?? (path === '-' ? 'recording' : basename(path).replace(/\.har$/i, ''))
  const { files, notes } = told(path, () => filesFor(har, { to, name, args }))
  if (output === undefined) {
    for (const text of files.values()) await io.stdout.write(text)
    return 0
  }
  if (to === 'keploy') await refuseOldTests(join(output, name, 'tests'))
  for (const [file, text] of files) await writeInto(to === 'curl' ? output : join(output, file), [text])
  if (!args.has('quiet')) {
    const written = files.size === 1 ? 'Wrote 1 file' : `Wrote ${String(files.size)} files`
    await io.stderr.write(`${[`${written} to ${output}.`, ...notes].join('\n')}\n`)
  }
  return 0
}

interface Written {
  readonly files: ReadonlyMap<string, string>
  /** For who runs them. */
  readonly notes: readonly string[]
}

function filesFor(
  har: Har,
  { to, name, args }: { readonly to: (typeof TOOLS)[number]; readonly name: string; readonly args: Arguments },
): Written {
  switch (to) {
    case 'curl':
      return { files: new Map([['requests.sh', toCurl(har)]]), notes: [] }
    case 'postman': {
      const { collection, environment } = toPostman(har, { name, plainHeaders: args.has('plain-headers') })
      const files = new Map([
        [`${name}.postman_collection.json`, `${JSON.stringify(collection, null, 2)}\n`],
        [`${name}.postman_environment.json`, `${JSON.stringify(environment, null, 2)}\n`],
      ])
      return { files, notes: [] }
    }
    case 'keploy': {
      const third = args.all('third').map((origin) => new URL(origin).origin)
      const { files, secrets } = toKeploy(har, { set: name, third })
      const note = `${name}/secret.yaml has to hold: ${secrets.join(', ')}. tokenward token --for writes it`
      return { files, notes: secrets.length > 0 ? [note] : [] }
    }
  }
}

/** Test cases of an older, longer export would run with the new ones. */
async function refuseOldTests(folder: string): Promise<void> {
  const found = await readdir(folder).catch(() => [])
  if (found.length > 0) throw new UsageError(`${folder} has test cases already: remove it, or choose another --name.`)
}
