/** What a command has of the outside world. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array>
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of this package. */
  readonly version: string
  /** Epoch milliseconds. */
  now(): number
  /** Settles when the user asks to stop (Ctrl-C): for what runs until then. */
  interrupted(): Promise<void>
}

export interface Output {
  /** Settles when more can be written. */
  write(text: string | Uint8Array): Promise<void>
  readonly isTerminal: boolean
}

/** 0: clean. 1: something was found, or failed. 2: the command, or its input, cannot be used. */
export type ExitCode = 0 | 1 | 2

/** An option of a command, as `util.parseArgs` knows it, and what it does. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  /** What stands for its value in the help: `<file>`. */
  readonly value?: string
  /** The only values that it may have. */
  readonly choices?: readonly string[]
  readonly help: string
}

/** What was written on the command line. */
export interface Arguments {
  readonly positionals: readonly string[]
  /** Whether a flag is there. */
  has(name: string): boolean
  /** The value of an option, the last one if there are several. */
  get(name: string): string | undefined
  /** All the values of an option. */
  all(name: string): readonly string[]
}

/** A command of the command line. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** What follows the name: `[options] <file>...`. */
  readonly usage: string
  /** More to know, as paragraphs. */
  readonly details?: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  /** Command lines, and what they do. */
  readonly examples: readonly (readonly [string, string])[]
  /** The positional arguments are files: for completion. */
  readonly takesFiles?: boolean
  run(args: Arguments, io: Io): Promise<ExitCode>
}

/** The command line cannot be understood, or an input not be used. Its message says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
