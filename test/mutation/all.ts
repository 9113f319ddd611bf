/// <reference types="vite/client" />
import { describe } from 'vitest'

/**
 * All tests that are fast enough to be run for each of thousands of mutants, as one file: it is loaded once. What is left
 * out takes seconds each and knows little that these do not.
 */
const files = import.meta.glob([
  '../{fetch,flow,lib,promises,session,sources,storage,tabs}/*.test.ts',
  '../token.test.ts',
  '!../promises/{purity,quiet}.test.ts',
  '!../tabs/{degraded,narrow-plans}.test.ts',
])

/** `MUTATION_TESTS=lib,token`: of these folders alone. */
const folders = process.env['MUTATION_TESTS']?.split(',')

for (const [path, load] of Object.entries(files)) {
  if (folders?.every((folder) => !path.startsWith(`../${folder}`))) continue
  describe(path.replace('..', 'test'), async () => {
    await load()
  })
}
