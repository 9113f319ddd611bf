import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { TokenReference } from '../har/format.ts'
import { scan } from '../scan/scan.ts'
import { RecordingError } from '../errors.ts'
import { type Io, UsageError } from './command.ts'
import { inputsOf, reasonOf, writeWhole } from './files.ts'

/** Whether `path` means a folder: it is one, or it ends as one does. */
export async function isFolder(path: string): Promise<boolean> {
  if (/[\\/]$/.test(path)) return true
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** Writes to `path`, and makes the folders that it is in. */
export async function writeInto(path: string, content: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw new UsageError(`cannot write ${path}: ${reasonOf(error)}`)
  })
  await writeWhole(path, content)
}

/** What a file of tokens would say is wrong with it, as an error of the command line. */
export function told<Value>(name: string, make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    if (error instanceof RecordingError || error instanceof TypeError) throw new UsageError(`${name}: ${error.message}`)
    throw error
  }
}

/** What was written is scanned once more: whoever sends it away relies on it. */
export async function checkForLeaks(path: string, io: Io): Promise<void> {
  const [written] = await inputsOf([path], io)
  // What went into a pipe is gone, as on standard output.
  if (written?.size === undefined) return
  const { findings } = await scan(written.open(), { file: written.name })
  const left = findings.filter(({ rule }) => rule.startsWith('L'))
  const [first] = left
  if (first === undefined) return
  throw new UsageError(
    `${String(left.length)} findings are left in ${path}, the first in line ${String(first.where.line)}: do not share it.`,
  )
}

/** How many of each kind. */
export function summaryOf(replaced: readonly TokenReference[]): string {
  if (replaced.length === 0) return 'Nothing was found.'
  const counts = new Map<string, number>()
  for (const { kind } of replaced) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return `Replaced ${[...counts].map(([kind, count]) => `${String(count)} ${kind}`).join(', ')}.`
}
