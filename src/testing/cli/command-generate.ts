import { basename, dirname, join, relative } from 'node:path'
import { toMockFile } from '../generate/mock-file.ts'
import { type TestRunner, testRunners, toTestFile } from '../generate/test-file.ts'
import type { Har } from '../har/format.ts'
import { harText } from '../har/write.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { isFolder, told, writeInto } from './outputs.ts'
import { readRecording } from './recordings.ts'

export const generateCommand: Command = {
  name: 'generate',
  summary: 'Write a test file, or a module with mocks, from a recording',
  usage: '--to <runner> [options] <file.har|->',
  details: [
    'The test file replays the recording: is each request answered as it was, and is every token refused that should be? It runs as it is. Passwords and tokens come from the environment (TOKEN_PASSWORD_P1, TOKEN_ACCESS_P1), and API_URL says where the API is: a URL, or JSON with one for each recorded origin.',
    'With --to msw it is a module that serves the recording with Mock Service Worker, and enforces the bearer.',
    'The recording stays a file of its own, which is read from there. One from standard input is written beside the test.',
  ],
  takesFiles: true,
  options: {
    to: { type: 'string', short: 't', choices: [...testRunners, 'msw'], help: 'for which program' },
    output: { type: 'string', short: 'o', value: '<path>', help: 'a file or a folder (default: standard output)' },
    'no-matrix': { type: 'boolean', help: 'leave the test with wrong tokens out' },
    quiet: { type: 'boolean', short: 'q', help: 'do not say what was written' },
  },
  examples: [
    ['tokenward generate --to vitest orders.har -o test/', 'writes test/orders.test.mjs'],
    ['tokenward generate --to msw orders.har -o test/', 'writes test/orders.mock.mjs'],
  ],
  run: runGenerate,
}

const ENDINGS: Readonly<Record<TestRunner | 'msw', string>> = {
  vitest: '.test.mjs',
  node: '.test.mjs',
  playwright: '.spec.mjs',
  msw: '.mock.mjs',
}

async function runGenerate(args: Arguments, io: Io): Promise<ExitCode> {
  const to = args.get('to') as TestRunner | 'msw' | undefined
  if (to === undefined) throw new UsageError(`tell for which program: --to ${[...testRunners, 'msw'].join(', ')}.`)
  const [path = '-', ...more] = args.positionals
  if (more.length > 0) throw new UsageError('generate takes one recording at a time.')
  const har = await readRecording(args.positionals[0], io)
  const isStream = path === '-'
  const output = args.get('output')
  if (output === undefined) {
    await io.stdout.write(
      fileOf(har, { to, args, name: path, recording: isStream ? './recording.har' : near(path, '.') }),
    )
    return 0
  }
  const stem = isStream ? 'recording' : basename(path).replace(/\.har$/i, '')
  const target = (await isFolder(output)) ? join(output, stem + ENDINGS[to]) : output
  const recording = isStream ? join(dirname(target), 'recording.har') : path
  const text = fileOf(har, { to, args, name: path, recording: near(recording, dirname(target)) })
  await writeInto(target, [text])
  if (isStream) await writeInto(recording, harText(har))
  if (!args.has('quiet')) await io.stderr.write(`${target} written${isStream ? `, and ${recording}` : ''}.\n`)
  return 0
}

interface Wanted {
  readonly to: TestRunner | 'msw'
  readonly args: Arguments
  /** For messages. */
  readonly name: string
  readonly recording: string
}

function fileOf(har: Har, { to, args, name, recording }: Wanted): string {
  return told(name, () =>
    to === 'msw'
      ? toMockFile(har, { recording })
      : toTestFile(har, { runner: to, recording, matrix: !args.has('no-matrix') }),
  )
}

/** The path of a file as a module in `folder` imports it. */
function near(path: string, folder: string): string {
  const from = relative(folder, path).replaceAll('\\', '/')
  return from.startsWith('.') ? from : `./${from}`
}
