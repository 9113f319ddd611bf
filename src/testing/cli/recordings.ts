import { RecordingError } from '../errors.ts'
import { asSound } from '../har/check.ts'
import type { Har, HarEntry } from '../har/format.ts'
import { readHar } from '../har/read.ts'
import { createAside } from './aside.ts'
import { type Io, UsageError } from './command.ts'
import { type Input, inputsOf } from './files.ts'
import { createProgress } from './progress.ts'

/**
 * Reads the recording at `path`, or on standard input (`-`).
 *
 * @throws UsageError It is none, or damaged: the message names the entry.
 */
export async function readRecording(path: string | undefined, io: Io): Promise<Har> {
  return readHarFrom(await recordingAt(path, io), io)
}

/**
 * The same for what needs one entry at a time: entries are not in memory, and `use` may read them until it is over.
 *
 * @throws UsageError It is none, or damaged: the message names the entry.
 */
export async function withRecording<Result>(
  path: string | undefined,
  io: Io,
  use: (har: Har) => Promise<Result>,
): Promise<Result> {
  const input = await recordingAt(path, io)
  const aside = createAside()
  try {
    const { log } = await readHarFrom(input, io, aside.put)
    return await use(asSound({ log: { ...log, entries: aside.entries } }))
  } finally {
    aside.close()
  }
}

async function recordingAt(path: string | undefined, io: Io): Promise<Input> {
  if (path === undefined) throw new UsageError('tell a recording (HAR), or - for standard input.')
  const [input, ...more] = await inputsOf([path], io)
  if (input === undefined || more.length > 0) throw new UsageError(`${path} is a folder: tell one recording.`)
  return input
}

/**
 * The same of an input that is there.
 *
 * @param onEntry Is given each entry; then none is kept.
 */
export async function readHarFrom(input: Input, io: Io, onEntry?: (entry: HarEntry) => void): Promise<Har> {
  const progress = createProgress(io, 'Reading', input.size)
  try {
    return await readHar(input.open(), {
      onProgress: ({ read }) => progress.update(read),
      ...(onEntry && { onEntry }),
    })
  } catch (error) {
    if (error instanceof RecordingError) throw new UsageError(`${input.name}: ${error.message}`)
    throw error
  } finally {
    progress.end()
  }
}
