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

/** What it has of the outside world, where that matters. */
export interface Given extends Partial<Io> {
  /** On standard input. */
  readonly input?: string
  /** Is told what is written to standard output, at once. */
  readonly onOut?: (text: string) => void
}

/** Runs `tokenward` within this process, with streams and a clock of its own. */
export async function tokenward(args: readonly string[], given: Given = {}): Promise<Ran> {
  const written = { out: '', err: '' }
  const output = (name: 'out' | 'err', isTerminal = false): Io['stdout'] => ({
    isTerminal,
    write: async (chunk) => {
      const text = typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)
      written[name] += text
      if (name === 'out') given.onOut?.(text)
    },
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
