import { BroadcastChannel } from 'node:worker_threads'
import { inject, type RunnerTask, type RunnerTestCase, type RunnerTestFile, TestRunner } from 'vitest'

/** One run of some tests. The answer says of each what it took, and stops at the first that fails. */
export interface Order {
  /** `undefined`: none, and all that is covered is marked. */
  readonly mutant: string | undefined
  readonly hitLimit: number | undefined
  /** `undefined`: all tests. */
  readonly tests: readonly { readonly id: string; readonly limitMs: number }[] | undefined
}

export interface Answer {
  readonly ran: readonly { readonly id: string; readonly ms: number }[]
  /** The test that failed, and why. */
  readonly failed: { readonly id: string; readonly why: string; readonly late: boolean } | undefined
  /** The mutant was passed more often than any test has reason to. */
  readonly endless: boolean
  readonly coverage: unknown
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Is active while modules are loaded. Empty: none is. */
    readonly staticMutant: string
  }
}

/** What the instrumented code looks at, and where it leaves its marks. */
interface Instruments {
  activeMutant: string | undefined
  currentTestId: string | undefined
  hitCount: number | undefined
  hitLimit: number | undefined
  mutantCoverage: unknown
}

const LATE = 'the test does not end'
// Tests put other timers in their place.
const { setTimeout: start, clearTimeout: stop } = globalThis
const instruments = ((globalThis as { __stryker__?: Partial<Instruments> }).__stryker__ ??= {})

instruments.activeMutant = inject('staticMutant') || undefined

/**
 * Loads all tests once, and runs them as often as it is told to, each time with another mutant: scripts/mutation/runner.mjs
 * gives the orders.
 */
export default class MutationRunner extends TestRunner {
  /** Vitest calls this when it knows all tests and has run none. */
  async onBeforeRunFiles(files: RunnerTestFile[]): Promise<void> {
    const tests = new Map<string, RunnerTestCase>()
    for (const test of files.flatMap((file) => testsIn(file.tasks))) {
      const name = nameOf(test)
      tests.set(tests.has(name) ? `${name} (${tests.size})` : name, test)
    }
    for (const file of files) {
      await this.onBeforeRunSuite(file)
      await callBeforeAll(file)
    }
    const channel = new BroadcastChannel('mutation')
    await new Promise<void>((resolve) => {
      channel.onmessage = (message) => {
        const { order } = (message as { readonly data: { readonly order?: Order | 'end' } }).data
        if (order === 'end') resolve()
        else if (order) void this.#obey(order, tests).then((answer) => channel.postMessage({ answer }))
      }
      const broken = files.some(isBroken) ? 'the tests could not be loaded' : undefined
      channel.postMessage({ loaded: true, broken })
    })
    channel.close()
    for (const file of files) file.tasks = []
  }

  async #obey({ mutant, hitLimit, tests }: Order, all: ReadonlyMap<string, RunnerTestCase>): Promise<Answer> {
    const ran: { id: string; ms: number }[] = []
    let failed: Answer['failed']
    Object.assign(instruments, { activeMutant: mutant, hitCount: hitLimit && 0, hitLimit })
    for (const { id, limitMs } of tests ?? [...all.keys()].map((id) => ({ id, limitMs: 60_000 }))) {
      const test = all.get(id)
      if (!test) throw new Error(`there is no test "${id}"`)
      if (!mutant) instruments.currentTestId = id
      const startedAt = performance.now()
      const why = await this.#run(test, limitMs)
      ran.push({ id, ms: performance.now() - startedAt })
      if (why !== undefined) failed = { id, why, late: why === LATE }
      if (failed) break
    }
    const endless = hitLimit !== undefined && (instruments.hitCount ?? 0) > hitLimit
    Object.assign(instruments, { activeMutant: undefined, currentTestId: undefined, hitCount: undefined })
    return { ran, failed, endless, coverage: mutant ? undefined : instruments.mutantCoverage }
  }

  /** Why `test` failed, if it did. */
  async #run(test: RunnerTestCase, limitMs: number): Promise<string | undefined> {
    const suites = suitesOf(test)
    const undo: unknown[] = []
    let why: string | undefined
    const attempt = async (task: () => unknown): Promise<void> => {
      let timer: ReturnType<typeof start> | undefined
      const late = new Promise((_, reject) => (timer = start(() => reject(new Error(LATE)), limitMs)))
      try {
        await Promise.race([task(), late])
      } catch (error) {
        why ??= error instanceof Error ? error.message : String(error)
      } finally {
        stop(timer)
      }
    }
    this.onBeforeTryTask(test)
    await attempt(async () => {
      for (const suite of suites) {
        for (const hook of TestRunner.getSuiteHooks(suite).beforeEach) undo.push(await hook(test.context, suite))
      }
      await TestRunner.getTestFn(test)()
      this.onAfterTryTask(test)
    })
    await attempt(async () => {
      for (const suite of suites.toReversed()) {
        for (const hook of TestRunner.getSuiteHooks(suite).afterEach.toReversed()) await hook(test.context, suite)
      }
      for (const task of undo.reverse()) if (typeof task === 'function') await (task as () => unknown)()
    })
    return why
  }
}

function testsIn(tasks: readonly RunnerTask[]): RunnerTestCase[] {
  return tasks.flatMap((task) =>
    task.type === 'suite' ? testsIn(task.tasks) : task.mode === 'run' || task.mode === 'queued' ? [task] : [],
  )
}

/** The outermost suite is named like the file. */
function nameOf(task: RunnerTask): string {
  return task.suite ? `${nameOf(task.suite)} > ${task.name}` : task.name
}

/** Outermost first. */
function suitesOf(test: RunnerTestCase) {
  const suites = []
  for (let suite = test.suite; suite; suite = suite.suite) suites.unshift(suite)
  return suites
}

function isBroken(task: RunnerTask): boolean {
  return task.result?.state === 'fail' || ('tasks' in task && task.tasks.some(isBroken))
}

async function callBeforeAll(task: RunnerTask): Promise<void> {
  if (!('tasks' in task)) return
  for (const hook of TestRunner.getSuiteHooks(task).beforeAll) await hook(task)
  for (const inner of task.tasks) await callBeforeAll(inner)
}
