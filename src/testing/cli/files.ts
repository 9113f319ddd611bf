import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { tmpdir } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { placeOf } from '../har/place.ts'
import { chunksOf } from '../scan/lines.ts'
import { type Io, UsageError } from './command.ts'

/** Something to read. */
export interface Input {
  /** As a report names it: `-` for standard input, else relative to the working directory. */
  readonly name: string
  /** In bytes. `undefined`: a stream. */
  readonly size: number | undefined
  /** Can be called again, if it is a file. */
  open(): AsyncIterable<Uint8Array>
}

/** Folders that hold what others wrote, or what is made anew. */
const PASSED = new Set(['node_modules', '.git', '.hg', '.svn', 'dist', 'coverage', '.cache'])
/** Files that hold no text. */
const BINARY =
  /\.(?:png|jpe?g|gif|webp|avif|ico|bmp|tiff?|woff2?|ttf|otf|eot|mp[34]|webm|mov|zip|tar|tgz|bz2|xz|zst|7z|jar|war|class|exe|dll|so|dylib|wasm|pdf|docx?|xlsx?|pptx?|sqlite|db)$/i

/**
 * The inputs that `paths` name: files, folders with all that is in them, and `-` for standard input.
 *
 * @throws UsageError Nothing is named, or something that does not exist or cannot be read.
 */
export async function inputsOf(paths: readonly string[], { stdin }: Io): Promise<Input[]> {
  const inputs = await Promise.all(
    paths.map(async (path) => {
      if (path === '-') return [{ name: '-', size: undefined, open: () => stdin }]
      const found = await stat(path).catch((error: unknown) => {
        throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`)
      })
      if (found.isDirectory()) return (await filesIn(path)).map(toInput)
      return [toInput({ path, size: found.isFile() ? found.size : undefined })]
    }),
  )
  return inputs.flat()
}

function toInput({ path, size }: { readonly path: string; readonly size: number | undefined }): Input {
  const name = (relative('', path) || path).replaceAll('\\', '/')
  return { name, size, open: () => openFile(path) }
}

async function filesIn(folder: string): Promise<{ path: string; size: number }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new UsageError(`cannot read ${folder}: ${reasonOf(error)}`)
  })
  const found = await Promise.all(
    entries
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (entry) => {
        const path = join(folder, entry.name)
        // A link may lead out of the folder, or round in a circle.
        if (entry.isDirectory()) return PASSED.has(entry.name) ? [] : filesIn(path)
        if (!entry.isFile() || BINARY.test(entry.name)) return []
        return [{ path, size: (await stat(path)).size }]
      }),
  )
  return found.flat()
}

async function* openFile(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: 1 << 16 })
  try {
    if (!path.endsWith('.gz')) yield* file as AsyncIterable<Uint8Array>
    else yield* unzipped(file)
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`)
  } finally {
    file.destroy()
  }
}

/** Rotated logs are compressed. */
async function* unzipped(file: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  const done = pipeline(file, gunzip)
  done.catch(() => undefined)
  yield* gunzip as AsyncIterable<Uint8Array>
  await done
}

/**
 * Writes to `path`, which is there when all is written and not before: whoever reads it never sees half of it.
 *
 * @param mode For what only its owner may read: 0o600.
 */
export async function writeWhole(
  path: string,
  content: AsyncIterable<string> | Iterable<string>,
  mode = 0o666,
): Promise<void> {
  const { target, isFile } = await placeOf(resolve(path))
  const part = isFile ? join(dirname(target), `.${basename(target)}.${String(process.pid)}.part`) : target
  try {
    await pipeline(content, createWriteStream(part, { mode }))
    if (isFile && mode !== 0o666) await chmod(part, mode)
    if (isFile) await rename(part, target)
  } catch (error) {
    if (isFile) await rm(part, { force: true })
    if (error instanceof Error && 'syscall' in error) throw new UsageError(`cannot write ${path}: ${reasonOf(error)}`)
    throw error
  }
}

/** @throws UsageError The file cannot be read, or is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`)
  })
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(`${path} is no JSON.`)
  }
}

/** The beginning of an input that can be read again. */
export async function headOf(input: Input): Promise<string> {
  for await (const text of chunksOf(input.open())) return text.slice(0, 4_096)
  return ''
}

/** Keeps what is no file (standard input, a pipe), so that it can be read twice. */
export async function spool(input: Input): Promise<{ readonly input: Input; remove(): Promise<void> }> {
  if (input.size !== undefined) return { input, remove: async () => undefined }
  const folder = await mkdtemp(join(tmpdir(), 'tokenward-'))
  const path = join(folder, 'input')
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await pipeline(input.open(), createWriteStream(path, { mode: 0o600 }))
  } catch (error) {
    await remove()
    throw error
  }
  return { input: { name: input.name, size: undefined, open: () => openFile(path) }, remove }
}

/** Why the system refused, in words. */
export function reasonOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown }
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'it is not allowed'
    case 'EISDIR':
      return 'it is a folder'
    case 'ENOTDIR':
      return 'a part of its path is no folder'
    case 'ENOSPC':
      return 'the disk is full'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
