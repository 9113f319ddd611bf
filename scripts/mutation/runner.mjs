// What Stryker needs of us: a runner of tests that loads them once, where Stryker's own loads them anew for every mutant and
// takes seconds for each; and the rule for what is not mutated.
import { join } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { createVitest } from 'vitest/node'

/** How long a test may take, beside ten times what it took without a mutant, before it counts as one that never ends. */
const patienceMs = 1_000
/** What takes longer is not asked: a mutant that survives would cost as much as hundreds of others. */
const slowestMs = 250

function createRunner() {
  let vitest
  let channel
  let run
  let known = []
  const covering = new Map()
  /** The mutant that is active from the beginning, in the worker that is here. */
  let loadedWith = ''

  /** A worker that has loaded all tests, with `mutant` active from the beginning. What could not be loaded is answered. */
  async function load(mutant = '') {
    loadedWith = mutant
    channel?.postMessage({ order: 'end' })
    await run
    channel?.close()
    channel = new BroadcastChannel('mutation')
    vitest.provide('staticMutant', mutant)
    vitest.state.filesMap.clear()
    const loaded = next('loaded')
    run = vitest.start()
    const { broken } = await loaded
    return broken
  }

  function next(kind) {
    return new Promise((resolve) => {
      channel.onmessage = ({ data }) => {
        if (kind in data) resolve(data)
      }
    })
  }

  async function obey(order) {
    const answered = next('answer')
    channel.postMessage({ order })
    return (await answered).answer
  }

  /** Learns how long each test takes, and which mutants it passes. */
  async function cover() {
    const broken = await load()
    if (broken) return { errorMessage: broken }
    const { ran, failed, coverage } = await obey({})
    if (failed) return { errorMessage: `${failed.id}: ${failed.why}` }
    // The fastest first: most mutants fall at once.
    known = ran
      .filter(({ ms }) => ms <= slowestMs)
      .map(({ id, ms }) => ({ id, ms, limitMs: patienceMs + 10 * ms }))
      .sort((one, other) => one.ms - other.ms)
    for (const { id } of known) {
      for (const mutant of Object.keys(coverage?.perTest[id] ?? {})) {
        if (!covering.has(mutant)) covering.set(mutant, new Set())
        covering.get(mutant).add(id)
      }
    }
    return { coverage, ran }
  }

  async function attempt(id, tests, { hitLimit, confirm }) {
    const { failed, endless, ran } = await obey({ mutant: id, hitLimit, tests })
    if (endless) return { status: 'timeout', reason: 'the mutant was passed without end' }
    if (!failed) return { status: 'survived', nrOfTests: ran.length }
    if (confirm) {
      // What the mutant has left behind may fail a test, now and later: that is not to be blamed on the mutants to come.
      const again = await obey({ tests: tests.filter((test) => test.id === failed.id) })
      if (again.failed) {
        await load()
        return attempt(id, tests, { hitLimit, confirm: false })
      }
    }
    if (failed.late) {
      // The machine may have been busy.
      const slower = tests
        .filter((test) => test.id === failed.id)
        .map(({ id, limitMs }) => ({ id, limitMs: 2 * limitMs }))
      const again = await obey({ mutant: id, hitLimit, tests: slower })
      if (!again.failed && !again.endless)
        return attempt(
          id,
          tests.map(({ id, limitMs }) => ({ id, limitMs: 4 * limitMs })),
          { hitLimit, confirm },
        )
      return { status: 'timeout', reason: failed.id }
    }
    return { status: 'killed', killedBy: [failed.id], failureMessage: failed.why, nrOfTests: ran.length }
  }

  return {
    capabilities: () => ({ reloadEnvironment: true }),
    async init() {
      const test = {
        environment: 'node',
        include: ['test/mutation/all.ts'],
        runner: 'test/mutation/worker.ts',
        pool: 'threads',
        maxWorkers: 1,
        isolate: false,
        testTimeout: 0,
        hookTimeout: 0,
        watch: false,
        reporters: [{}],
        onConsoleLog: () => false,
      }
      // The current folder is by now that of the mutated copy.
      const source = (path) => join(process.cwd(), 'src', path)
      const alias = [
        { find: /^tokenward$/, replacement: source('index.ts') },
        { find: /^tokenward\/(axios|dpop|fetch|oauth|storage|testing)$/, replacement: source('$1/index.ts') },
      ]
      vitest = await createVitest('test', { config: false, ...test }, { resolve: { alias } })
    },
    async dryRun() {
      const { errorMessage, coverage, ran } = await cover()
      if (errorMessage) return { status: 'error', errorMessage }
      const tests = ran.map(({ id, ms }) => ({
        id,
        name: id,
        timeSpentMs: ms,
        status: 0,
        fileName: id.split(' > ')[0],
      }))
      return { status: 'complete', tests, mutantCoverage: coverage }
    },
    async mutantRun({ activeMutant: { id }, hitLimit, mutantActivation }) {
      // Another process may have made the first run.
      if (known.length === 0) await cover()
      const tests = known.filter((test) => covering.get(id)?.has(test.id))
      if (tests.length > 0) {
        if (loadedWith) await load()
        const result = await attempt(id, tests, { hitLimit, confirm: true })
        if (result.status !== 'survived' || mutantActivation !== 'static') return result
      } else if (mutantActivation !== 'static') return { status: 'survived', nrOfTests: 0 }
      // It was passed while modules were loaded.
      const broken = await load(id)
      if (broken) return { status: 'killed', killedBy: [], failureMessage: broken, nrOfTests: 0 }
      return attempt(id, known, { hitLimit: undefined, confirm: false })
    },
    async dispose() {
      channel?.postMessage({ order: 'end' })
      channel?.close()
      await vitest?.close()
    },
  }
}

/** The texts of errors are for people, and nobody relies on them: only what an error is called can be wrong. */
const messages = {
  shouldIgnore({ node, parent, key }) {
    const isText = node.type === 'StringLiteral' || node.type === 'TemplateLiteral'
    return isText && parent && isMessage(parent, key) ? 'the text of an error is no promise' : undefined
  },
}

/** Whether what stands at `key` of `parent`, a text, is what an error says. */
function isMessage({ type, callee, id }, key) {
  // As flow/send.ts makes its errors.
  if (type === 'VariableDeclarator') return id.name === 'SPENT'
  if (type === 'CallExpression') return callee.name === 'notAllowed'
  return type === 'NewExpression' && /Error$/.test(callee.name) && (callee.name !== 'TokenError' || key === 1)
}

export const strykerPlugins = [
  { kind: 'TestRunner', name: 'loaded-once', factory: createRunner },
  { kind: 'Ignore', name: 'messages', value: messages },
]
