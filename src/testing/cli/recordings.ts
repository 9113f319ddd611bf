import { RecordingError } from '../errors.ts'
import type { Har } from '../har/format.ts'
import { readHar } from '../har/read.ts'
import { type Io, UsageError } from './command.ts'
import { type Input, inputsOf } from './files.ts'
import { createProgress } from './progress.ts'

/**
 * Reads the recording at `path`, or on standard input (`-`).
 *
 * @throws UsageError It is none, or damaged: the message names the entry.
 */
export async function readRecording(path: string | undefined, io: Io): Promise<Har> {
  if (path === undefined) throw new UsageError('tell a recording (HAR), or - for standard input.')
  const [input, ...more] = await inputsOf([path], io)
  if (input === undefined || more.length > 0) throw new UsageError(`${path} is a folder: tell one recording.`)
  return readHarFrom(input, io)
}

/** The same of an input that is there. */
export async function readHarFrom(input: Input, io: Io): Promise<Har> {
  const progress = createProgress(io, 'Reading', input.size)
  try {
    return await readHar(input.open(), { onProgress: ({ read }) => progress.update(read) })
  } catch (error) {
    if (error instanceof RecordingError) throw new UsageError(`${input.name}: ${error.message}`)
    throw error
  } finally {
    progress.end()
  }
}
