import { execFileSync } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fingerprint, toKeploy, toPostman, type Har } from 'tokenward/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryOf } from '../entry.ts'
import { story } from '../servers/recording.ts'
import { valueOf } from '../scan/sets/values.ts'
import { tokenward } from './cli.ts'

const opaque = valueOf('opaque', 'convert')
const browser = JSON.stringify({
  log: {
    version: '1.2',
    creator: { name: 'WebInspector', version: '1' },
    entries: [
      entryOf({ headers: { authorization: `Bearer ${opaque}` } }),
      entryOf({ url: 'https://cdn.example.com/app.js', answered: { 'content-type': 'text/javascript' } }),
    ],
  },
})

let folder: string
let orders: string
const path = (...names: readonly string[]): string => join(folder, ...names)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenward-convert-'))
  orders = path('orders.har')
  await writeFile(orders, JSON.stringify(story))
  await writeFile(path('browser.har'), browser)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('generate', () => {
  test('writes a test file beside others, which finds the recording where it is', async () => {
    const ran = await tokenward(['generate', '--to', 'vitest', orders, '-o', path('test/unit/')])
    expect(ran).toMatchObject({ code: 0, out: '', err: `${path('test/unit/orders.test.mjs')} written.\n` })
    const text = await readFile(path('test/unit/orders.test.mjs'), 'utf8')
    expect(text).toContain('new URL("../../orders.har", import.meta.url)')
    expect(text).toContain('authMatrix')
  })

  test.each([
    ['node', 'orders.test.mjs', 'node:test'],
    ['playwright', 'orders.spec.mjs', '@playwright/test'],
    ['msw', 'orders.mock.mjs', 'msw/node'],
  ])('--to %s', async (to, name, module) => {
    await tokenward(['generate', '--to', to, '--no-matrix', '-q', orders, '-o', path(`${to}/`)])
    const text = await readFile(path(to, name), 'utf8')
    expect([text.includes(module), text.includes('authMatrix')]).toEqual([true, false])
  })

  test('a recording from standard input is written beside the test', async () => {
    const input = JSON.stringify(story)
    await tokenward(['generate', '-t', 'node', '-', '-o', path('piped/one.mjs')], { input })
    expect((await readdir(path('piped'))).sort()).toEqual(['one.mjs', 'recording.har'])
    expect(await readFile(path('piped/one.mjs'), 'utf8')).toContain('new URL("./recording.har", import.meta.url)')
    expect((await tokenward(['generate', '-t', 'node', '-'], { input })).out).toContain('node:test')
  })
})

test('a pipe with a name, as bash makes of <(...), is read like standard input', async () => {
  execFileSync('bash', ['-c', 'mkfifo "$@"', 'bash', path('pipe'), path('other')])
  const [sanitized, imported] = await Promise.all([
    tokenward(['sanitize', '-q', path('pipe')]),
    tokenward(['import', '-q', path('other'), '--include', 'https://api.example.com/']),
    ...['pipe', 'other'].map((name) => writeFile(path(name), browser)),
  ])
  for (const { code, out } of [sanitized, imported]) {
    expect([code, out.includes(opaque)]).toEqual([0, false])
    expect(out).toContain('{{access_p1_1}}')
  }
})

describe('export', () => {
  test('for Postman: a collection and an environment', async () => {
    const { code, err } = await tokenward(['export', '--to', 'postman', orders, '-o', path('postman')])
    expect([code, err]).toEqual([0, `Wrote 2 files to ${path('postman')}.\n`])
    const read = async (what: string): Promise<unknown> =>
      JSON.parse(await readFile(path('postman', `orders.postman_${what}.json`), 'utf8')) as unknown
    const { collection, environment } = JSON.parse(JSON.stringify(toPostman(story, { name: 'orders' }))) as object as {
      collection: unknown
      environment: unknown
    }
    expect([await read('collection'), await read('environment')]).toEqual([collection, environment])
  })

  test('for Keploy: the files, what its secrets are called, and never among test cases of an older export', async () => {
    const args = ['export', '--to', 'keploy', '--third', 'https://charges.example.net/', orders, '-o', path('keploy')]
    const { code, err } = await tokenward(args)
    expect(code).toBe(0)
    expect(err).toContain('orders/secret.yaml has to hold: password_p1_1, access_p1_1,')
    const wanted = toKeploy(story, { set: 'orders', third: ['https://charges.example.net'] }).files
    for (const [name, text] of wanted) expect(await readFile(path('keploy', name), 'utf8')).toBe(text)
    expect(await tokenward(args)).toMatchObject({ code: 2, err: expect.stringContaining('has test cases already') })
  })

  test('for curl: a script, to standard output or a file', async () => {
    const { out } = await tokenward(['export', '--to', 'curl', orders])
    expect(out).toMatch(/^#!\/bin\/sh\n/)
    await tokenward(['export', '--to', 'curl', '-q', orders, '-o', path('scripts/orders.sh')])
    expect(await readFile(path('scripts/orders.sh'), 'utf8')).toBe(out)
  })

  test.each(['postman', 'keploy', 'curl'])('a recording with a token in it is refused by --to %s', async (to) => {
    const { code, err } = await tokenward(['export', '--to', to, path('browser.har'), '-o', path('never')])
    expect(code).toBe(2)
    expect(err).toContain(
      'entry 0 (GET https://api.example.com/items): a secret (access) stands where a placeholder should.',
    )
    await expect(readdir(path('never'))).rejects.toThrow('ENOENT')
  })
})

describe('import', () => {
  test('takes a HAR of a browser in, says what it replaced, and what is written can be exported', async () => {
    const { code, out, err } = await tokenward(['import', path('browser.har'), '-o', path('imported.har')])
    expect([code, out, err]).toEqual([0, '', '1 exchange. Replaced 1 access.\n'])
    expect(await readFile(path('imported.har'), 'utf8')).not.toContain(opaque)
    expect((await tokenward(['export', '--to', 'curl', path('imported.har')])).code).toBe(0)
  })

  test('to a named pipe, or behind a link: both stay what they are', async () => {
    execFileSync('bash', ['-c', 'mkfifo "$1"', 'bash', path('named-pipe')])
    const [piped] = await Promise.all([
      readFile(path('named-pipe'), 'utf8'),
      tokenward(['import', '-q', path('browser.har'), '-o', path('named-pipe')]),
    ])
    expect((await lstat(path('named-pipe'))).isFIFO()).toBe(true)
    await symlink('linked.har', path('a-link'))
    await writeFile(path('linked.har'), 'old')
    await tokenward(['import', '-q', path('browser.har'), '-o', path('a-link')])
    expect((await lstat(path('a-link'))).isSymbolicLink()).toBe(true)
    expect(await readFile(path('linked.har'), 'utf8')).toBe(piped)
  })

  test('from standard input to standard output, and with what a page consists of', async () => {
    const { out } = await tokenward(['import', '--assets', '-q', '-'], { input: browser })
    expect((JSON.parse(out) as Har).log.entries).toHaveLength(2)
    const args = ['import', '--assets', '--include', 'https://cdn.example.com/', '-']
    expect((await tokenward(args, { input: browser })).err).toBe('1 exchange. Nothing was found.\n')
  })

  test('a Postman collection with its environment and further values', async () => {
    const { collection, environment } = toPostman(story)
    await writeFile(path('c.json'), JSON.stringify(collection))
    await writeFile(path('e.json'), JSON.stringify(environment))
    await writeFile(path('v.json'), JSON.stringify({ baseUrl2: 'https://elsewhere.example' }))
    const { code, out } = await tokenward([
      'import',
      path('c.json'),
      '-e',
      path('e.json'),
      '--values',
      path('v.json'),
      '-q',
    ])
    const { entries } = (JSON.parse(out) as Har).log
    expect([code, entries.length]).toEqual([0, 15])
    expect(entries[11]?.request.url).toBe('https://elsewhere.example/charges')
  })

  test('a folder of Keploy, and one of its files', async () => {
    const { files } = toKeploy(story)
    for (const [name, text] of files) {
      await mkdir(path('k', name, '..'), { recursive: true })
      await writeFile(path('k', name), text)
    }
    const whole = await tokenward(['import', path('k'), '-q'])
    expect((JSON.parse(whole.out) as Har).log.entries).toHaveLength(15)
    const one = await tokenward(['import', path('k/recording/tests/test-2.yaml')])
    expect(one).toMatchObject({ code: 0, err: '1 exchange. Replaced 1 access.\n' })
  })
})

describe('token --for', () => {
  test('writes all that the test cases of a recording need, and fails where something is missing', async () => {
    await writeFile(
      path('login.mjs'),
      `export default (who) => ({ access_token: who + '-${opaque}', refresh_token: who + '-r' })`,
    )
    await writeFile(
      path('secrets.json'),
      JSON.stringify({ password_p1_1: 'correct-horse-battery', password_p3_1: 'three', other: 'x' }),
    )
    const args = ['token', '--login', path('login.mjs'), '--for', orders, '--write', path('secret.yaml')]
    const without = await tokenward(args)
    expect(without).toMatchObject({
      code: 2,
      err: expect.stringContaining('no login gives password_p1_1, password_p3_1'),
    })
    await expect(readFile(path('secret.yaml'))).rejects.toThrow('ENOENT')
    const { code, out, err } = await tokenward([...args, '--secrets', path('secrets.json')])
    expect([code, out]).toEqual([0, ''])
    // A fingerprint of what a person chose could be guessed.
    expect(err).not.toContain(fingerprint('correct-horse-battery'))
    expect(err).toContain(fingerprint(`p2-${opaque}`))
    const written = await readFile(path('secret.yaml'), 'utf8')
    const keys = written.split('\n').map((line) => line.split(':')[0] ?? '')
    expect(keys.filter(Boolean).sort()).toEqual([...toKeploy(story).secrets].sort())
    expect(written).toContain('password_p1_1: "correct-horse-battery"\n')
    expect(written).toContain(`access_p2_1: "p2-${opaque}"\n`)
  })
})

test.each([
  [['generate', 'x.har'], 'tell for which program: --to vitest, node, playwright, msw.'],
  [['generate', '--to', 'jest', 'x.har'], '--to cannot be "jest". It is one of: vitest, node, playwright, msw.'],
  [['generate', '--to', 'node'], 'tell a recording (HAR), or - for standard input.'],
  [['generate', '--to', 'node', 'package.json', '-o', 'x'], 'package.json: '],
  [['export', '--to', 'postman', '-'], 'tell a folder for the files of postman: -o postman/'],
  [['export', 'x.har'], 'tell for which tool: --to postman, keploy, curl.'],
  [['export', '--to', 'curl', 'a.har', 'b.har'], 'export takes one recording at a time.'],
  [['export', '--to', 'keploy', '--third', 'shop', '-', '-o', 'x'], '--third shop is no URL.'],
  [['import'], 'tell one file or folder to import, or - for standard input.'],
  [['import', 'README.md'], 'README.md is neither a HAR, nor a Postman collection, nor YAML of Keploy.'],
  [['import', 'package.json'], 'package.json: this is no Postman collection: it has no info and item.'],
  [['import', 'test/docs'], 'test/docs: there is no HTTP test case of Keploy in these files.'],
  [['import', '--values', 'README.md', 'package.json'], 'README.md is no JSON.'],
  [['import', 'no/such/file'], 'cannot read no/such/file: there is no such file'],
])('%j: exit code 2, and a message that says what to do', async (args, message) => {
  const { code, out, err } = await tokenward(args)
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(`tokenward: ${message}`)
})

test('a recording of which nothing is wanted is an error, and nothing is written', async () => {
  const { code, err } = await tokenward([
    'import',
    '--include',
    'https://x/',
    path('browser.har'),
    '-o',
    path('none.har'),
  ])
  expect([code, err]).toEqual([2, expect.stringContaining('nothing is left. Is --include right')])
  await expect(readFile(path('none.har'))).rejects.toThrow('ENOENT')
})
