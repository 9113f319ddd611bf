import { extname } from 'node:path'
import type { Har } from '../har/format.ts'
import { harText } from '../har/write.ts'
import { fromHar } from '../import/har.ts'
import { fromKeploy } from '../import/keploy.ts'
import { fromPostman } from '../import/postman.ts'
import type { ImportOptions } from '../import/recording.ts'
import { looksLikeHar } from '../scan/input-kind.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { headOf, inputsOf, type Input, readJson, spool } from './files.ts'
import { checkForLeaks, summaryOf, told, writeInto } from './outputs.ts'
import { readHarFrom } from './recordings.ts'

const TOOLS = ['har', 'postman', 'keploy'] as const
type Tool = (typeof TOOLS)[number]

export const importCommand: Command = {
  name: 'import',
  summary: 'Take in what a browser, Postman or Keploy recorded, and leave its tokens out',
  usage: '[options] <file|folder|->',
  details: [
    'What is a token shows in how it is used; what the rules of scan find goes as well. It is replaced by a placeholder such as {{access_p1_1}}, and the recording tells which login or refresh brought it.',
    'Reads HAR (in Chrome: "Export HAR (with sensitive data)"), Postman collections 2.1 and 2.0, and the folder of a Keploy test set, with its secret.yaml if there is one. A variable that is no token needs a value: --environment, --values.',
  ],
  takesFiles: true,
  options: {
    from: { type: 'string', short: 'f', choices: TOOLS, help: 'what it is, where it does not tell itself' },
    output: { type: 'string', short: 'o', value: '<file.har>', help: 'where to (default: standard output)' },
    include: {
      type: 'string',
      multiple: true,
      value: '<url>',
      help: 'only what begins so: https://api.example.com/. May be repeated',
    },
    assets: { type: 'boolean', help: 'HAR: also documents, scripts, styles, images' },
    environment: {
      type: 'string',
      short: 'e',
      value: '<file.json>',
      help: 'Postman: the environment of the collection',
    },
    values: { type: 'string', value: '<file.json>', help: 'values of variables, by name' },
    quiet: { type: 'boolean', short: 'q', help: 'do not say what was replaced' },
  },
  examples: [
    ['tokenward import app.har --include https://api.example.com/ -o orders.har', 'what a browser has recorded'],
    [
      'tokenward import orders.postman_collection.json -e staging.postman_environment.json -o orders.har',
      'from Postman',
    ],
    ['tokenward import keploy/test-set-0 -o orders.har', 'a test set of Keploy'],
  ],
  run: runImport,
}

async function runImport(args: Arguments, io: Io): Promise<ExitCode> {
  const [path, ...more] = args.positionals
  if (path === undefined || more.length > 0)
    throw new UsageError('tell one file or folder to import, or - for standard input.')
  const inputs = await inputsOf([path], io)
  const har = await readAny(inputs, { path, args, io })
  if (har.log.entries.length === 0)
    throw new UsageError(`${path}: nothing is left. Is --include right, or is it --assets that is wanted?`)
  const output = args.get('output') ?? '-'
  if (output === '-') for (const piece of harText(har)) await io.stdout.write(piece)
  else {
    await writeInto(output, harText(har))
    await checkForLeaks(output, io)
  }
  if (!args.has('quiet')) {
    const { entries, _tokens = [] } = har.log
    await io.stderr.write(
      `${String(entries.length)} exchange${entries.length === 1 ? '' : 's'}. ${summaryOf(_tokens)}\n`,
    )
  }
  return 0
}

interface Reading {
  readonly path: string
  readonly args: Arguments
  readonly io: Io
}

async function readAny(inputs: readonly Input[], { path, args, io }: Reading): Promise<Har> {
  const [first] = inputs
  if (first === undefined) throw new UsageError(`${path} is an empty folder.`)
  const include = args.all('include')
  const options: ImportOptions = include.length > 0 ? { include } : {}
  const values = await valuesOf(args)
  const said = args.get('from') as Tool | undefined
  if ((said ?? (inputs.length > 1 || isYaml(first) ? 'keploy' : undefined)) === 'keploy') {
    const files = new Map<string, string>()
    for (const input of inputs)
      if (isOfKeploy(input) || input.name === '-') files.set(nameOf(input), await textOf(input))
    return told(path, () => fromKeploy(files, { ...options, values }))
  }
  if (inputs.length > 1) throw new UsageError(`${path} is a folder: only test sets of Keploy are.`)
  // What kind it is shows in its first lines, and then it is read.
  const { input, remove } = await spool(first)
  try {
    if ((said ?? (looksLikeHar(await headOf(input), undefined) ? 'har' : 'postman')) === 'har') {
      const har = await readHarFrom(input, io)
      return told(path, () => fromHar(har, { ...options, assets: args.has('assets') }))
    }
    const collection = parse(await textOf(input), path)
    const environment = args.get('environment')
    const given = environment === undefined ? undefined : await readJson(environment)
    return told(path, () => fromPostman(collection, { ...options, values, environment: given }))
  } finally {
    await remove()
  }
}

const isOfKeploy = (input: Input): boolean => isYaml(input) || extname(input.name).toLowerCase() === '.json'
const isYaml = ({ name }: Input): boolean => /^\.ya?ml$/i.test(extname(name))
const nameOf = ({ name }: Input): string => (name === '-' ? 'standard input.yaml' : name)

async function textOf(input: Input): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of input.open()) text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(
      `${path} is neither a HAR, nor a Postman collection, nor YAML of Keploy. Tell what it is: --from.`,
    )
  }
}

async function valuesOf(args: Arguments): Promise<Record<string, string>> {
  const path = args.get('values')
  if (path === undefined) return {}
  const values = await readJson(path)
  if (typeof values !== 'object' || values === null || Object.values(values).some((value) => typeof value !== 'string'))
    throw new UsageError(`${path} is no object of names and texts, such as {"orderId": "7"}.`)
  return values as Record<string, string>
}
