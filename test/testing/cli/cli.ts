import type { Io } from '../../../src/testing/cli/command.ts'
import { commands } from '../../../src/testing/cli/commands.ts'
import { run } from '../../../src/testing/cli/run.ts'
import { setsBeginAt } from '../scan/sets/values.ts'

/** What a command line did. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `tokenward` within this process, with streams and a clock of its own. */
export async function tokenward(
  args: readonly string[],
  given: Partial<Io> & { readonly input?: string } = {},
): Promise<Ran> {
  const written = { out: '', err: '' }
  const output = (name: 'out' | 'err', isTerminal = false): Io['stdout'] => ({
    isTerminal,
    write: async (text) => void (written[name] += typeof text === 'string' ? text : new TextDecoder().decode(text)),
  })
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(given.input ?? '')
  }
  const io: Io = {
    version: '1.2.3',
    stdin: stdin(),
    env: {},
    now: () => setsBeginAt,
    interrupted: async () => undefined,
    ...given,
    stdout: output('out', given.stdout?.isTerminal),
    stderr: output('err', given.stderr?.isTerminal),
  }
  const code = await run(args, commands, io)
  return { code, ...written }
}

/** A stream that says it is a terminal. */
export const terminal: Io['stdout'] = { isTerminal: true, write: async () => undefined }
