// What a worker of scripts/sim.mjs and scripts/sim-mutants.mjs runs, bundled: plays seeds, and says what came of them.
export { explain, playSeed } from '../src/testing/sim/explore.ts'
export { playCorpus } from '../test/sim/corpus/index.ts'
