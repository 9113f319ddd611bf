import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMockServer, toMockFile, toTestFile, type Har, type TestRunner } from 'tokenward/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPackage } from '../support/installed.ts'
import { testRunners } from '../../src/testing/generate/test-file.ts'
import { recording, reference, story } from './servers/recording.ts'

// What is generated runs as it is, in a folder of its own, with the package as it would be installed there.

const root = fileURLToPath(new URL('../../', import.meta.url))
const api = 'https://api.example.com'

/** `base` in the place of the API: a replay goes where the recording was made, unless `API_URL` says something else. */
function harAt(base: string): Har {
  return recording(
    [
      {
        ...{ url: `${base}/login`, send: { email: 'ann@example.com', password: '{{password_p1_1}}' } },
        ...{ answer: { access_token: '{{access_p1_1}}', expires_in: 60 }, kind: 'login', principal: 'p1' },
      },
      { url: `${base}/me`, token: 'access_p1_1', answer: { name: 'Ann' } },
      { url: `${base}/orders'"\`\${1}?q=*/`, token: 'access_p1_1', answer: { orders: [1] } },
    ],
    [reference('password_p1_1'), reference('access_p1_1', { claims: { ttl: 60 }, issuedBy: 0 })],
  )
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(folder: string, args: readonly string[], given: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { NODE_OPTIONS: _, ...rest } = process.env
  const env: Record<string, string | undefined> = { TOKEN_PASSWORD_P1: 'demo', NO_COLOR: '1', CI: '1', ...given }
  for (const [name, value] of Object.entries(rest))
    if (!/^(VITEST|TEST|FORCE_COLOR|NODE_TEST|API_URL)/.test(name)) env[name] ??= value
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out: stdout, err: stderr }),
    )
  })
}

/** How many passed and failed of each file, by the report of the runner. */
const reporter = `export default async function* report(source) {
  for await (const { type, data } of source)
    if (/^test:(pass|fail)$/.test(type))
      yield JSON.stringify({ file: data.file, ok: type === 'test:pass', why: data.details.error?.cause?.message }) + '\\n'
}`
const runners: Readonly<
  Record<TestRunner, { readonly args: readonly string[]; count(report: string, file: string): readonly number[] }>
> = {
  vitest: {
    args: [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=json', 'vitest'],
    count(report, file) {
      const { testResults } = JSON.parse(report) as {
        testResults: { name: string; assertionResults: { status: string }[] }[]
      }
      const all = testResults.find(({ name }) => name.endsWith(file))?.assertionResults ?? []
      return ['passed', 'failed'].map((wanted) => all.filter(({ status }) => status === wanted).length)
    },
  },
  node: {
    args: ['--test', '--test-reporter=./reporter.mjs', 'good.node.mjs', 'bad.node.mjs'],
    count(report, file) {
      const all = report
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { file: string; ok: boolean })
        .filter((one) => one.file.endsWith(file))
      return [true, false].map((wanted) => all.filter(({ ok }) => ok === wanted).length)
    },
  },
  playwright: {
    args: [join(root, 'node_modules/playwright/cli.js'), 'test', '--reporter=json', '-c', 'playwright.config.mjs'],
    count(report, file) {
      const { suites } = JSON.parse(report) as { suites: { file: string; specs: { ok: boolean }[] }[] }
      const all = suites.find((one) => one.file === file)?.specs ?? []
      return [true, false].map((wanted) => all.filter(({ ok }) => ok === wanted).length)
    },
  },
}

let folder: string
let good: Awaited<ReturnType<typeof createMockServer>>
let bad: Server
const ran = new Map<TestRunner, Ran>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generated-'))
  good = await createMockServer(harAt(api))
  // It forgets to look at the token, and has renamed a member.
  bad = createServer((request, response) => {
    const answers: Readonly<Record<string, object>> = {
      '/login': { access_token: 'opaque-1234', expires_in: 60 },
      '/me': { fullName: 'Ann' },
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answers[request.url ?? ''] ?? { orders: [1] }))
  }).listen(0, '127.0.0.1')
  await once(bad, 'listening')

  const modules = join(folder, 'node_modules')
  await installPackage(folder)
  await mkdir(join(modules, '@playwright/test'), { recursive: true })
  for (const name of ['vitest', 'playwright', 'msw'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  // As the package of that name does.
  const exports = { '.': './index.mjs' }
  await writeFile(join(modules, '@playwright/test/package.json'), JSON.stringify({ exports }))
  await writeFile(join(modules, '@playwright/test/index.mjs'), `export * from 'playwright/test'\n`)
  await writeFile(
    join(folder, 'playwright.config.mjs'),
    `export default { testMatch: '*.playwright.mjs', workers: 2 }\n`,
  )
  await writeFile(join(folder, 'reporter.mjs'), reporter)
  const include = ['*.vitest.mjs']
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    `export default ${JSON.stringify({ test: { include, pool: 'threads' } })}\n`,
  )
  await writeFile(join(folder, 'package.json'), '{}')

  for (const [kind, origin] of [
    // It is not there any more.
    ['good', api],
    ['bad', `http://127.0.0.1:${(bad.address() as AddressInfo).port}`],
  ] as const) {
    const har = harAt(origin)
    await writeFile(join(folder, `${kind}.har`), JSON.stringify(har))
    for (const runner of testRunners)
      await writeFile(join(folder, `${kind}.${runner}.mjs`), toTestFile(har, { runner, recording: `./${kind}.har` }))
  }
  await writeFile(join(folder, 'mock.mjs'), toMockFile(harAt(api), { recording: './good.har' }))
  const moved = { API_URL: JSON.stringify({ [api]: good.origin }) }
  await Promise.all(testRunners.map(async (runner) => ran.set(runner, await run(folder, runners[runner].args, moved))))
}, 90_000)
afterAll(async () => {
  await good.close()
  bad.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(testRunners)('a test file for %s', (runner) => {
  test('is green against the right server', () => {
    const { out } = ran.get(runner)!
    expect(runners[runner].count(out, `good.${runner}.mjs`), out).toEqual([runner === 'playwright' ? 2 : 4, 0])
  })

  test('is red against a server that lets everybody in and answers with something else, and says so', () => {
    const { code, out } = ran.get(runner)!
    expect(runners[runner].count(out, `bad.${runner}.mjs`), out).toEqual([runner === 'playwright' ? 0 : 2, 2])
    expect([code, out.includes('body.name')]).toEqual([1, true])
  })

  test('has a title for each request, whatever is in it, and no token', () => {
    const text = toTestFile(story, { runner, matrix: false })
    expect(text).toContain('"1: GET /me is answered with 200"')
    expect(text).not.toContain('{{')
    expect(text).not.toContain('authMatrix')
  })
})

test('a runner that there is not is refused', () => {
  expect(() => toTestFile(story, { runner: 'jest' as TestRunner })).toThrow(
    'runner must be one of vitest, node, playwright.',
  )
})

test('a module for Mock Service Worker serves the recording, and enforces the bearer', async () => {
  expect(await readFile(join(folder, 'mock.mjs'), 'utf8')).not.toContain('{{')
  const script = `
    import { mock, server } from './mock.mjs'
    server.listen({ onUnhandledRequest: 'error' })
    const url = '${api}/me'
    const status = async (token) => (await fetch(url, { headers: { authorization: 'Bearer ' + token } })).status
    console.log((await fetch(url)).status, await status('garbage'), await status(await mock.token('access_p1_1')))
    server.close()`
  await writeFile(join(folder, 'use.mjs'), script)
  expect(await run(folder, ['use.mjs'])).toEqual({ code: 0, out: '401 401 200\n', err: '' })
})
