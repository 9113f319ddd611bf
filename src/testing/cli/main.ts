#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { WriteStream } from 'node:tty'
import type { Io, Output } from './command.ts'
import { commands } from './commands.ts'
import { run } from './run.ts'

// What `npx tokenward` runs: the only file that touches the process.

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** Waits when the reader is slower than we are. */
function toOutput(stream: WriteStream): Output {
  return {
    isTerminal: stream.isTTY,
    async write(text) {
      if (!stream.write(text)) await once(stream, 'drain')
    },
  }
}

const io: Io = {
  version,
  stdin: process.stdin,
  stdout: toOutput(process.stdout),
  stderr: toOutput(process.stderr),
  env: process.env,
  now: () => Date.now(),
  async interrupted() {
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  },
}

// `tokenward scan big.log | head` closes our output: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  process.exitCode = await run(process.argv.slice(2), commands, io)
} catch (error) {
  process.stderr.write(`tokenward: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 2
}
