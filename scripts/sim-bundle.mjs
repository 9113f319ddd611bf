// Bundles the simulator for plain Node, which plays seeds faster than a test runner does.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** @param mutant Takes a guarding line out of one file. Throws when its text is not there exactly once. */
export async function bundleSimulator(name, mutant) {
  const folder = join(root, 'node_modules/.cache/sim')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${name}.mjs`)
  const plugins = mutant ? [mutate(mutant)] : []
  const entryPoints = [join(root, 'scripts/sim-entry.mjs')]
  const options = { bundle: true, format: 'esm', platform: 'node', logLevel: 'silent', external: ['oauth4webapi'] }
  await build({ ...options, entryPoints, outfile, plugins })
  return outfile
}

function mutate({ name, file, find, replace }) {
  const path = join(root, file)
  const text = readFileSync(path, 'utf8')
  const found = text.split(find).length - 1
  if (found !== 1) throw new Error(`"${name}": its text is ${found} times in ${file}, not once`)
  const contents = text.replace(find, () => replace)
  return {
    name: 'mutate',
    setup: (to) =>
      to.onLoad({ filter: /\.ts$/ }, (args) => (args.path === path ? { contents, loader: 'ts' } : undefined)),
  }
}
