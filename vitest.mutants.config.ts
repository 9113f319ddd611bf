import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'
import { mutants } from './test/mutants/mutants.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Runs the race tests with one guarding line taken away: that of mutant number $MUTANT. */
export default defineConfig({
  plugins: [mutate(process.env['MUTANT'])],
  resolve: {
    alias: [
      { find: /^tokenward$/, replacement: at('src/index.ts') },
      { find: /^tokenward\/storage$/, replacement: at('src/storage/index.ts') },
      { find: /^tokenward\/(axios|dpop|fetch)$/, replacement: at('src/$1/index.ts') },
    ],
  },
  test: {
    environment: 'node',
    include: ['test/{dpop,flow,oauth,promises,races,session,sim,storage,tabs}/*.test.ts'],
    testTimeout: 60_000,
    bail: 1,
  },
})

function mutate(number: string | undefined): Plugin {
  const mutant = mutants[Number(number)]
  if (number !== undefined && number !== '' && !mutant) throw new Error(`there is no mutant ${number}`)
  if (mutant) {
    const found = readFileSync(at(mutant.file), 'utf8').split(mutant.find).length - 1
    if (found !== 1) throw new Error(`"${mutant.name}": its text is ${String(found)} times in ${mutant.file}, not once`)
  }
  return {
    name: 'mutate',
    enforce: 'pre',
    transform(code, id) {
      return mutant && id === at(mutant.file) ? code.replace(mutant.find, () => mutant.replace) : undefined
    },
  }
}
