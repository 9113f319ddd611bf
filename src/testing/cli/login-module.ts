import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from './command.ts'
import { reasonOf } from './files.ts'

/** Signs a principal (`p1`) in, and gives an access token or a token response. */
export type Login = (principal: string) => unknown

/**
 * The default export of the module at `path`.
 *
 * @throws UsageError There is none, or it is no function. Of the function that is given: it failed.
 */
export async function loadLogin(path: string): Promise<(principal: string) => Promise<unknown>> {
  await access(path).catch((error: unknown) => {
    throw new UsageError(`cannot load ${path}: ${reasonOf(error)}`)
  })
  const loaded: unknown = await import(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
    throw new UsageError(`cannot load ${path}: ${reasonOf(error)}`)
  })
  const { default: login } = loaded as { default?: unknown }
  if (typeof login !== 'function') throw new UsageError(`${path} has no default export that is a function.`)
  return async (principal) => {
    try {
      return await (login as Login)(principal)
    } catch (error) {
      throw new UsageError(`${path} failed for ${principal}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
