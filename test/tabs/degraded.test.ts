import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { root } from '../docs/markdown.ts'
import { playDegraded } from './degraded-stories.ts'
import { describeRuns, type Runs } from './degraded-table.ts'
import { combinations, modes } from './degraded-watch.ts'

const DOCUMENT = `${root}docs/degraded.md`

const runs: Runs[number][] = []

test.each(modes)(
  'F31: whatever is missing or hangs, all is bounded, safe in each tab and told once: %s',
  { timeout: 180_000 },
  async (mode) => {
    const breaches: string[] = []
    for (const combination of combinations) {
      const run = await playDegraded(mode, combination)
      runs.push({ mode, combination, run })
      breaches.push(...run.breaches.map((breach) => `${JSON.stringify(combination)} ${breach}`))
      // A lock or a channel that never answers cannot be told from others that are busy, or not there.
      const due = Object.entries(combination).filter(
        ([name, condition]) => condition === 'missing' || (condition === 'hanging' && name === 'records'),
      )
      expect(run.told, JSON.stringify(combination)).toEqual(due.map(([name]) => name).sort())
    }
    expect(breaches).toEqual([])
  },
)

// UPDATE_DOCS=1 npx vitest run --project unit test/tabs/degraded.test.ts
test('docs/degraded.md says what holds between tabs without what', async () => {
  const options = await resolveConfig(DOCUMENT)
  const text = await format(describeRuns(runs), { ...options, parser: 'markdown' })
  if (process.env['UPDATE_DOCS']) writeFileSync(DOCUMENT, text)
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(text)
})
