import type { Har } from '../har/format.ts'
import { requestsOf } from '../export/requests.ts'

export type TestRunner = 'vitest' | 'node' | 'playwright'

export interface TestFileOptions {
  readonly runner: TestRunner
  /** Where the recording is, as the test file sees it. Default `./recording.har`. */
  readonly recording?: string
  /** Also test what a token that should not do gets: see `authMatrix`. Default `true`. */
  readonly matrix?: boolean
}

interface Dialect {
  readonly imports: string
  /** What the body of a test is given. */
  readonly context: string
  /** Leaves a test out, for a reason. */
  skip(reason: string): string
}

const DIALECTS: Readonly<Record<TestRunner, Dialect>> = {
  vitest: {
    imports: `import { test } from 'vitest'`,
    context: 'context',
    skip: (reason) => `context.skip(${reason})`,
  },
  node: {
    imports: `import test from 'node:test'`,
    context: 'context',
    skip: (reason) => `context.skip(${reason})`,
  },
  playwright: {
    imports: `import { test } from '@playwright/test'`,
    context: '',
    skip: (reason) => `test.skip(true, ${reason})`,
  },
}

/**
 * A test file that replays a recording: a test for each request, and one for each token that should not do. It runs as it
 * is. Tokens come from the environment (`TOKEN_ACCESS_P1`, see `fromEnv`) or from the logins in the recording, never from
 * the file; `BASE_URL` says where the API is.
 *
 * @throws {@link RecordingError} `invalid_har`.
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
  if (!Object.hasOwn(DIALECTS, runner)) throw new TypeError('toTestFile: runner must be vitest, node or playwright.')
  const { imports, context, skip } = DIALECTS[runner]
  const requests = requestsOf(har)
  const names = ['fromEnv', 'readHar', 'replay']
  if (matrix) names.unshift('authMatrix')
  const body = (call: string): string => `(${context}) => ${call}`
  const given = context === '' ? '' : `, ${context}`
  const tests = requests.map(({ index, name, entry }) => {
    const title = literal(`${index}: ${name} is answered with ${entry.response.status}`)
    return `test(${title}, ${body(`check(report.results[${index}]${given})`)})`
  })
  return `${[
    '// Written from a recording. To change it, record again.',
    `import assert from 'node:assert/strict'`,
    `import { readFile } from 'node:fs/promises'`,
    imports,
    `import { ${names.join(', ')} } from 'tokenward/testing'`,
    '',
    `const har = await readHar(await readFile(new URL(${literal(recording)}, import.meta.url), 'utf8'))`,
    `const options = { tokens: fromEnv(), ...(process.env.BASE_URL && { baseUrl: process.env.BASE_URL }) }`,
    'const report = await replay(har, options)',
    ...(matrix ? ['const matrix = await authMatrix(har, options)'] : []),
    '',
    `function check(result${given}) {`,
    `  if (result.outcome === 'skipped') return ${skip('result.reason')}`,
    `  assert.equal(result.outcome, 'same', JSON.stringify(result.differences, null, 2))`,
    '}',
    '',
    ...tests,
    ...(matrix
      ? [
          '',
          `test('a token that should not do is refused', ${body('assert.ok(matrix.ok, matrix.text)').replace(context === '' ? '' : `(${context})`, '()')})`,
        ]
      : []),
  ].join('\n')}\n`
}

/** As source text, whatever is in it. */
function literal(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16)}`)
}
