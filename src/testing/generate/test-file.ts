import type { Har } from '../har/format.ts'
import { requestsOf } from '../export/requests.ts'
import { literal } from './literal.ts'

export const testRunners = ['vitest', 'node', 'playwright'] as const
export type TestRunner = (typeof testRunners)[number]

export interface TestFileOptions {
  readonly runner: TestRunner
  /** Where the recording is, as the test file sees it. Default `./recording.har`. */
  readonly recording?: string
  /** Also test what a token that should not do gets: see `authMatrix`. Default `true`. */
  readonly matrix?: boolean
}

/**
 * A test file that replays a recording: a test for each request (with Playwright a step, since it would begin anew after a
 * test that fails), and one for the tokens that should not do. It runs as it is. Tokens come from the environment (`TOKEN_ACCESS_P1`, see `fromEnv`) or from the logins in the recording, never from
 * the file; `API_URL` says where the API is, as JSON where there are several servers: `{ "https://api.example.com": "http://localhost:4010" }`.
 *
 * @throws {@link RecordingError} `invalid_har`, `secret_survived`: see {@link fromHar}.
 * @throws `TypeError` for a runner that there is not.
 *
 * @example
 *   import { toTestFile, type Har } from 'tokenward/testing'
 *
 *   export const file = (har: Har): string => toTestFile(har, { runner: 'vitest', recording: './orders.har' })
 */
export function toTestFile(
  har: Har,
  { runner, recording = './recording.har', matrix = true }: TestFileOptions,
): string {
  if (!isRunner(runner)) throw new TypeError(`toTestFile: runner must be one of ${testRunners.join(', ')}.`)
  const cases = requestsOf(har).map(({ index, name, entry }) => ({
    index,
    title: literal(`${index}: ${name} is answered with ${entry.response.status}`),
  }))
  const body = runner === 'playwright' ? playwrightFile(cases) : plainFile(cases, runner)
  return `${[
    '// Written from a recording. To change it, record again.',
    `import assert from 'node:assert/strict'`,
    `import { readFile } from 'node:fs/promises'`,
    ...IMPORTS[runner],
    `import { ${matrix ? 'authMatrix, ' : ''}fromEnv, readHar, replay } from 'tokenward/testing'`,
    '',
    `const file = new URL(${literal(recording)}, import.meta.url)`,
    `const har = await readHar(await readFile(file, 'utf8'))`,
    '// Where the API is now: a URL, or JSON with a URL for each recorded origin.',
    `const { API_URL: place = '' } = process.env`,
    `const baseUrl = place.startsWith('{') ? JSON.parse(place) : place`,
    'const options = { tokens: fromEnv(), ...(baseUrl && { baseUrl }) }',
    '',
    ...body,
    ...(matrix ? ['', ...MATRIX[runner]] : []),
  ].join('\n')}\n`
}

function isRunner(runner: string): runner is TestRunner {
  return (testRunners as readonly string[]).includes(runner)
}

const IMPORTS: Readonly<Record<TestRunner, readonly string[]>> = {
  vitest: [`import { beforeAll, test } from 'vitest'`],
  node: [`import { before, test } from 'node:test'`],
  playwright: [`import { expect, test } from '@playwright/test'`],
}

const MATRIX_TEST = [
  `test('a token that should not do is refused', async () => {`,
  '  const { ok, text } = await authMatrix(har, options)',
  '  assert.ok(ok, text)',
]
const MATRIX: Readonly<Record<TestRunner, readonly string[]>> = {
  vitest: [...MATRIX_TEST, '}, 120_000)'],
  node: [...MATRIX_TEST, '})'],
  playwright: [...MATRIX_TEST.toSpliced(1, 0, '  test.setTimeout(120_000)'), '})'],
}

interface Case {
  readonly index: number
  /** As source text. */
  readonly title: string
}

function plainFile(cases: readonly Case[], runner: 'vitest' | 'node'): string[] {
  return [
    'let report',
    ...(runner === 'vitest' ? ['beforeAll(async () => {'] : ['before(async () => {']),
    '  report = await replay(har, options)',
    runner === 'vitest' ? '}, 120_000)' : '})',
    '',
    'function check(entry, context) {',
    '  const { outcome, reason, differences } = report.results[entry]',
    `  if (outcome === 'skipped') return context.skip(reason)`,
    `  assert.equal(outcome, 'same', JSON.stringify(differences, null, 2))`,
    '}',
    '',
    ...cases.map(({ title, index }) => `test(${title}, (context) => check(${index}, context))`),
  ]
}

function playwrightFile(cases: readonly Case[]): string[] {
  return [
    'const titles = {',
    ...cases.map(({ title, index }) => `  ${index}: ${title},`),
    '}',
    '',
    `test('what was recorded is answered as it was', async () => {`,
    '  test.setTimeout(120_000)',
    '  const { results } = await replay(har, options)',
    '  for (const [entry, title] of Object.entries(titles)) {',
    '    const { outcome, reason, differences } = results[entry]',
    '    await test.step(title, (step) => {',
    `      step.skip(outcome === 'skipped', reason)`,
    `      expect.soft(outcome, JSON.stringify(differences, null, 2)).toBe('same')`,
    '    })',
    '  }',
    '})',
  ]
}
