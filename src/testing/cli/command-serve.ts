import { RecordingError } from '../errors.ts'
import type { Har } from '../har/format.ts'
import { createMockServer } from '../servers/mock-server.ts'
import { type Arguments, type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { withRecording } from './recordings.ts'

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Serve a recording as an API that enforces bearer tokens',
  usage: '[options] <file.har|->',
  details: [
    'Answers as the recording did, and refuses what a real API refuses: no token, an expired one, one of another user, one that was rotated or given back; with the challenges of RFC 6750. Tokens are issued where the recording had them issued. Each recorded origin has a port of its own. Ends with Ctrl-C.',
  ],
  takesFiles: true,
  options: {
    port: { type: 'string', short: 'p', value: '<number>', help: 'of the first origin (default: a free one)' },
    auth: { type: 'string', choices: ['enforce', 'ignore'], help: 'ignore answers everybody (default: enforce)' },
    'print-token': {
      type: 'string',
      value: '<id>',
      help: 'print a fresh token for a placeholder, for what was signed in before the recording began',
    },
  },
  examples: [
    ['tokenward serve app.har --port 4010', 'then: curl -i http://127.0.0.1:4010/orders'],
    ['tokenward serve app.har --auth ignore', 'as other mocks do'],
  ],
  run: runServe,
}

async function runServe(args: Arguments, io: Io): Promise<ExitCode> {
  const port = portOf(args.get('port'))
  return withRecording(args.positionals[0], io, (har) => serveIt(har, { args, io, port }))
}

interface Serving {
  readonly args: Arguments
  readonly io: Io
  readonly port: number
}

async function serveIt(har: Har, { args, io, port }: Serving): Promise<ExitCode> {
  const auth = (args.get('auth') ?? 'enforce') as 'enforce' | 'ignore'
  const mock = await createMockServer(har, { auth, port }).catch((error: unknown) => {
    if (error instanceof RecordingError) throw new UsageError(error.message)
    const { code } = Object(error) as { code?: unknown }
    if (code === 'EADDRINUSE') throw new UsageError(`port ${String(port)} is in use.`)
    throw error
  })
  try {
    for (const [recorded, here] of Object.entries(mock.origins))
      await io.stdout.write(`${recorded} is served at ${here}\n`)
    const id = args.get('print-token')
    if (id !== undefined) await io.stdout.write(`${await mock.token(id)}\n`)
    await io.interrupted()
  } finally {
    await mock.close()
  }
  return 0
}

function portOf(text: string | undefined): number {
  const port = Number(text ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError(`--port ${String(text)} is no port.`)
  return port
}
