import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { readArguments } from '../../../src/testing/cli/arguments.ts'
import { scanCommand } from '../../../src/testing/cli/command-scan.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly if?: string
  readonly with?: Readonly<Record<string, unknown>>
}

test('the example for GitHub Actions is a workflow whose scan the command line understands', () => {
  const text = readFileSync(new URL('../../../examples/github-actions/scan.yml', import.meta.url), 'utf8')
  const { permissions, jobs } = parse(text) as {
    permissions: Record<string, string>
    jobs: { scan: { steps: readonly Step[] } }
  }
  const { steps } = jobs.scan
  const scan = steps.find(({ run }) => run?.startsWith('npx tokenward scan'))
  const args = readArguments(scanCommand, scan!.run!.trim().split(/\s+/).slice(3))
  expect(args.positionals).toEqual(['build.log', 'test/recordings/'])
  expect(args.get('fail-on')).toBe('medium')
  // A build that failed is scanned too, and what was found is shown though the step failed.
  expect(scan!.if).toBe('always()')
  const upload = steps.find(({ uses }) => uses?.startsWith('github/codeql-action/upload-sarif@'))
  expect([upload?.with?.['sarif_file'], upload?.if]).toEqual([args.get('sarif'), expect.stringContaining('always()')])
  expect(permissions['security-events']).toBe('write')
})
