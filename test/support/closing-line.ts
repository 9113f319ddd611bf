import type { Reporter, TestModule } from 'vitest/node'

/** Ends the run with the one line any CI can read: `tests: N passed, N failed, N skipped`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      const failedBefore = count.failed
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        count[state === 'pending' ? 'skipped' : state]++
      }
      // A file that does not load, or whose hook throws, fails without one failed test.
      if (module.state() === 'failed' && count.failed === failedBefore) count.failed++
    }
    const { passed, failed, skipped } = count
    process.stdout.write(`\ntests: ${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  }
}
