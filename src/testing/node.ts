import type * as Files from 'node:fs/promises'

interface Process {
  readonly env: Readonly<Record<string, string | undefined>>
  getBuiltinModule?(name: string): unknown
}

/** What there is in Node and nowhere else. No `import` names it: a bundler for browsers would look for it. */
function nodeProcess(): Process | undefined {
  return (globalThis as { readonly process?: Process }).process
}

/** The environment of the process; empty where there is none. */
export function environment(): Process['env'] {
  return nodeProcess()?.env ?? {}
}

/** @throws TypeError Where there is no Node. */
export function builtin(name: 'node:fs/promises'): typeof Files {
  const found = nodeProcess()?.getBuiltinModule?.(name)
  if (found === undefined)
    throw new TypeError('Files need Node, 20.19 or newer. In a browser, take harText and a Blob.')
  return found as typeof Files
}
