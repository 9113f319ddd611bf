import { nearest, readArguments } from './arguments.ts'
import { type Command, type ExitCode, type Io, UsageError } from './command.ts'
import { HELP, helpOf, helpOfAll } from './help.ts'

/**
 * Runs a command line, and gives its exit code: 0 clean, 1 something was found or failed, 2 the command line or an input
 * cannot be used. What a person has to know is on stderr, what was asked for on stdout.
 */
export async function run(args: readonly string[], commands: readonly Command[], io: Io): Promise<ExitCode> {
  const [name = '--help', ...rest] = args
  try {
    if (name === '--version' || name === '-V') return await say(io, `${io.version}\n`)
    if (name === '--help' || name === '-h' || name === 'help') return await help(rest[0], commands, io)
    const command = commandOf(name, commands)
    if (rest.some((arg) => arg === '--help' || arg === '-h')) return await say(io, helpOf(command))
    return await command.run(readArguments(withHelp(command), rest), io)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    await io.stderr.write(`tokenward: ${error.message}\n`)
    return 2
  }
}

async function help(name: string | undefined, commands: readonly Command[], io: Io): Promise<ExitCode> {
  return say(io, name === undefined ? helpOfAll(commands, io.version) : helpOf(commandOf(name, commands)))
}

function commandOf(name: string, commands: readonly Command[]): Command {
  const command = commands.find((one) => one.name === name)
  if (command) return command
  const near = nearest(
    name,
    commands.map((one) => one.name),
  )
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  throw new UsageError(`there is no command ${name}.${hint} See: tokenward --help`)
}

const withHelp = (command: Command): Command => ({ ...command, options: { ...command.options, help: HELP } })

async function say({ stdout }: Io, text: string): Promise<ExitCode> {
  await stdout.write(text)
  return 0
}
