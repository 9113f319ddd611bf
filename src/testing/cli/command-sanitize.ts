import type { TokenReference } from '../har/format.ts'
import { sanitize } from '../scan/sanitize.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { headOf, inputsOf, spool, writeWhole, type Input } from './files.ts'
import { checkForLeaks, summaryOf } from './outputs.ts'
import { createProgress } from './progress.ts'

export const sanitizeCommand: Command = {
  name: 'sanitize',
  summary: 'Replace the tokens of a recording or log by placeholders',
  usage: '[options] <file|->',
  details: [
    'Whatever the rules of scan find is replaced by a placeholder such as {{access_p1_1}}: kind, principal, ordinal. The same token gets the same placeholder. In a HAR, the values of Authorization headers and of cookies go too, whatever they look like, and what is secret by its name or its use; and what was found once is replaced everywhere, however it is spelled; log._tokens then tells what each placeholder was for.',
    'It knows only what it finds: an opaque token in a place that nobody would guess stays. A recording by createRecorder knows its tokens, and misses none.',
  ],
  takesFiles: true,
  options: {
    output: { type: 'string', short: 'o', value: '<file>', help: 'where to (default: standard output)' },
    as: {
      type: 'string',
      choices: ['log', 'file', 'har'],
      help: 'what the input is, where name and content do not tell',
    },
    quiet: { type: 'boolean', short: 'q', help: 'do not say what was replaced' },
  },
  examples: [
    ['tokenward sanitize app.har -o app.clean.har', 'before a recording is sent to somebody'],
    ['tokenward sanitize - < build.log > build.clean.log', 'a log, from one stream to another'],
  ],
  run: runSanitize,
}

async function runSanitize(args: Arguments, io: Io): Promise<ExitCode> {
  const [path, ...more] = args.positionals
  if (path === undefined || more.length > 0) throw new UsageError('tell one file to sanitize, or - for standard input.')
  const inputs = await inputsOf([path], io)
  const [given] = inputs
  if (given === undefined || inputs.length > 1)
    throw new UsageError(`${path} is a folder: sanitize one file at a time.`)
  // A HAR is read twice, so a stream has to be kept.
  const { input, remove } = await spool(given)
  let replaced: readonly TokenReference[] = []
  try {
    // What is no text would come out of it damaged.
    if ((await headOf(input)).includes('\0'))
      throw new UsageError(`${path} is no text: there is nothing to sanitize in it.`)
    const output = args.get('output') ?? '-'
    const pieces = piecesOf(input, { args, io, onDone: (references) => (replaced = references) })
    if (output === '-') for await (const piece of pieces) await io.stdout.write(piece)
    else await writeWhole(output, pieces)
    if (output !== '-') await checkForLeaks(output, io)
  } finally {
    await remove()
  }
  if (!args.has('quiet')) await io.stderr.write(`${summaryOf(replaced)}\n`)
  return 0
}

interface Sanitizing {
  readonly args: Arguments
  readonly io: Io
  readonly onDone: (replaced: readonly TokenReference[]) => void
}

async function* piecesOf(input: Input, { args, io, onDone }: Sanitizing): AsyncGenerator<string> {
  const as = args.get('as') as 'log' | 'file' | 'har' | undefined
  const progress = createProgress(io, 'Sanitizing')
  try {
    yield* sanitize(() => input.open(), {
      file: input.name,
      ...(as === undefined ? {} : { as }),
      onDone,
      onProgress: (characters) => progress.update(characters),
    })
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError)
      throw new UsageError(`${input.name}: ${error.message}`)
    throw error
  } finally {
    progress.end()
  }
}
