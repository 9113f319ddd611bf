import { builtin } from '../node.ts'

/**
 * Where to write what `path` names. A file is replaced by a whole new one, behind the links that lead to it. What is no
 * file (`/dev/null`, `/dev/stdout`, a named pipe) stays what it is, and is written to.
 */
export async function placeOf(path: string): Promise<{ readonly target: string; readonly isFile: boolean }> {
  const { realpath, stat } = builtin('node:fs/promises')
  try {
    const isFile = (await stat(path)).isFile()
    return { target: isFile ? await realpath(path) : path, isFile }
  } catch {
    // It is not there yet, or writing will say what is in the way.
    return { target: path, isFile: true }
  }
}
