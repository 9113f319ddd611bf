import { completionFor, shells, type Shell } from './completion.ts'
import { type Command, UsageError } from './command.ts'
import { exportCommand } from './command-export.ts'
import { generateCommand } from './command-generate.ts'
import { importCommand } from './command-import.ts'
import { replayCommand } from './command-replay.ts'
import { sanitizeCommand } from './command-sanitize.ts'
import { scanCommand } from './command-scan.ts'
import { serveCommand } from './command-serve.ts'
import { tokenCommand } from './command-token.ts'

const completionCommand: Command = {
  name: 'completion',
  summary: 'Write a script that lets a shell complete these commands',
  usage: '<bash|zsh|fish>',
  options: {},
  examples: [
    ['source <(tokenward completion bash)', 'for this shell'],
    ['tokenward completion fish > ~/.config/fish/completions/tokenward.fish', 'for every fish'],
  ],
  async run({ positionals: [shell = ''] }, { stdout }) {
    if (!shells.includes(shell as Shell)) throw new UsageError(`tell the shell: ${shells.join(', ')}.`)
    await stdout.write(completionFor(shell as Shell, commands))
    return 0
  },
}

/** Every command there is. One more is one more file, and a line here. */
export const commands: readonly Command[] = [
  serveCommand,
  replayCommand,
  generateCommand,
  exportCommand,
  importCommand,
  scanCommand,
  sanitizeCommand,
  tokenCommand,
  completionCommand,
]
