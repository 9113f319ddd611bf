import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { valueOf } from '../scan/sets/values.ts'
import { tokenward, terminal } from './cli.ts'

const opaque = valueOf('opaque', 'cli')
const leak = `GET /feed?access_token=${opaque} 200\n`
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenward-cli-'))
  await mkdir(join(folder, 'logs/node_modules/x'), { recursive: true })
  await writeFile(join(folder, 'logs/a.log'), leak)
  await writeFile(join(folder, 'logs/b.log.gz'), gzipSync(`clean\n${leak}`))
  await writeFile(join(folder, 'logs/clean.txt'), 'nothing here\n')
  await writeFile(join(folder, 'logs/image.png'), leak)
  await writeFile(join(folder, 'logs/node_modules/x/other.log'), leak)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('scan', () => {
  test('clean input exits with 0, a finding with 1', async () => {
    expect(await tokenward(['scan', '-'], { input: 'nothing' })).toMatchObject({ code: 0, err: '' })
    const { code, out } = await tokenward(['scan', '-'], { input: leak })
    expect(code).toBe(1)
    expect(out).toContain('-:1:24 high L1 token-in-url')
    expect(out).not.toContain(opaque)
  })

  test('a folder is read with all that is text in it, compressed logs too, and not what others wrote', async () => {
    const { out } = await tokenward(['scan', '--format', 'json', join(folder, 'logs')])
    const files = JSON.parse(out).findings.map(({ where }: { where: { file: string } }) => where.file.split('/').at(-1))
    expect(files).toEqual(['a.log', 'b.log.gz'])
  })

  test('--fail-on lets what is less pass, and tells of it all the same', async () => {
    const input = 'GET /cb?code=Zx81mQpL0vT3sY7nB1zL5p&state=abc 302\n'
    const { code, out } = await tokenward(['scan', '--fail-on', 'high', '-'], { input })
    expect([code, out.includes('L1')]).toEqual([0, true])
    expect((await tokenward(['scan', '--fail-on', 'medium', '-'], { input })).code).toBe(1)
  })

  test('reports go where they are asked to, several at once, whole or not at all', async () => {
    const path = (name: string): string => join(folder, name)
    const args = ['--sarif', path('r.sarif'), '--junit', path('r.xml'), '--html', path('r.html'), '-o', path('r.txt')]
    expect(await tokenward(['scan', ...args, '-'], { input: leak })).toMatchObject({ code: 1, out: '' })
    const written = await Promise.all(
      ['r.sarif', 'r.xml', 'r.html', 'r.txt'].map((name) => readFile(path(name), 'utf8')),
    )
    expect(JSON.parse(written[0]!).runs[0].tool.driver.semanticVersion).toBe('1.2.3')
    expect(written[1]).toContain('<testsuites')
    expect(written[2]).toContain('<!doctype html>')
    expect(written[3]).toContain('L1 token-in-url')
    const { code, err } = await tokenward(['scan', '-o', path('no/such/folder/r.txt'), '-'], { input: leak })
    expect([code, err]).toEqual([2, expect.stringContaining('cannot write')])
  })

  test('a baseline silences what was accepted, wherever its line is now, and nothing new', async () => {
    const { out } = await tokenward(['scan', '--format', 'json', '-'], { input: leak })
    await writeFile(join(folder, 'accepted.json'), out)
    const args = ['scan', '--baseline', join(folder, 'accepted.json'), '-']
    expect((await tokenward(args, { input: `\n\n${leak}` })).code).toBe(0)
    expect((await tokenward(args, { input: leak.replace(opaque, valueOf('opaque', 'new')) })).code).toBe(1)
  })

  test('known tokens come from a file, or as fingerprints', async () => {
    await writeFile(join(folder, 'tokens.txt'), 'plain-and-short-1\n\n')
    const input = 'said plain-and-short-1 to all\n'
    expect((await tokenward(['scan', '-'], { input })).code).toBe(0)
    expect((await tokenward(['scan', '--known-tokens', join(folder, 'tokens.txt'), '-'], { input })).code).toBe(1)
  })

  test('colour is on a terminal only, and not where NO_COLOR is set', async () => {
    const escape = '\u001B['
    expect((await tokenward(['scan', '-'], { input: leak })).out).not.toContain(escape)
    expect((await tokenward(['scan', '-'], { input: leak, stdout: terminal })).out).toContain(escape)
    const noColor = { input: leak, stdout: terminal, env: { NO_COLOR: '1' } }
    expect((await tokenward(['scan', '-'], noColor)).out).not.toContain(escape)
  })

  test('progress is on a terminal only, on stderr, and gone at the end', async () => {
    let now = 0
    const clock = { now: () => (now += 300), input: 'x'.repeat(3e6) }
    expect((await tokenward(['scan', '-'], clock)).err).toBe('')
    const { err } = await tokenward(['scan', '-'], { ...clock, stderr: terminal })
    expect(err).toMatch(/Scanning: \d+ MB, \d+ MB\/s/)
    expect(err.endsWith('\r\u001B[K')).toBe(true)
  })

  test('a HAR that is cut off is an input error that names the entry', async () => {
    const { code, err } = await tokenward(['scan', '--as', 'har', '-'], { input: '{"log":{"entries":[{"a":1},{"b"' })
    expect([code, err]).toEqual([2, 'tokenward: -: the file ends within or after entry 1\n'])
  })
})

describe('sanitize', () => {
  test('writes what scan finds clean, and says what it replaced', async () => {
    const { code, out, err } = await tokenward(['sanitize', '-'], { input: leak })
    expect([code, out, err]).toEqual([0, 'GET /feed?access_token={{access_p1_1}} 200\n', 'Replaced 1 access.\n'])
    expect((await tokenward(['sanitize', '-q', '-'], { input: leak })).err).toBe('')
  })

  test('a HAR from standard input is read twice all the same', async () => {
    const har = JSON.stringify({
      log: { entries: [{ request: { url: `https://a.example/?token=${opaque}` }, note: opaque }] },
    })
    const { out } = await tokenward(['sanitize', '-'], { input: har })
    expect(JSON.parse(out).log.entries[0]).toEqual({
      request: { url: 'https://a.example/?token=%7B%7Baccess_p1_1%7D%7D' },
      note: '{{access_p1_1}}',
    })
  })

  test('nothing is written of a HAR that is cut off', async () => {
    const target = join(folder, 'out.har')
    const args = ['sanitize', '--as', 'har', '-o', target, '-']
    expect((await tokenward(args, { input: '{"log":{"entries":[{"a":1},{"b"' })).code).toBe(2)
    await expect(readFile(target)).rejects.toThrow('ENOENT')
  })
})

describe('token', () => {
  const login = async (code: string): Promise<string> => {
    const path = join(folder, `login-${code.length}.mjs`)
    await writeFile(path, code)
    return path
  }

  test('hands over what a login gives, for its owner only, and never prints it', async () => {
    const module = await login(
      `export default (who) => ({ access_token: who + '-${opaque}', refresh_token: 'r-${opaque}' })`,
    )
    const target = join(folder, 'secret.yaml')
    const refs = ['--ref', 'access_p1_1', '--ref', 'refresh_p1_1', '--ref', 'access_p2_1']
    const { code, out, err } = await tokenward(['token', '--login', module, ...refs, '--write', target])
    expect([code, out, err.includes(opaque)]).toEqual([0, '', false])
    expect(await readFile(target, 'utf8')).toBe(
      `access_p1_1: "p1-${opaque}"\nrefresh_p1_1: "r-${opaque}"\naccess_p2_1: "p2-${opaque}"\n`,
    )
    const { stat } = await import('node:fs/promises')
    expect((await stat(target)).mode & 0o777).toBe(0o600)
    expect((await readFile(join(folder, '.gitignore'), 'utf8')).split('\n')).toContain('/secret.yaml')
    await tokenward(['token', '--login', module, '--write', target])
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toBe('/secret.yaml\n')
  })

  test('writes variables for a shell, and an environment for Postman', async () => {
    const module = await login(`export default async () => "it's-${opaque}"`)
    const env = await tokenward(['token', '--login', module])
    expect(env.out).toBe(`TOKEN_ACCESS_P1_1='it'\\''s-${opaque}'\n`)
    const postman = JSON.parse((await tokenward(['token', '--login', module, '--format', 'postman'])).out)
    expect(postman.values).toEqual([{ key: 'access_p1_1', value: `it's-${opaque}`, type: 'secret', enabled: true }])
  })

  test('writes no token to a terminal', async () => {
    const module = await login(`export default () => '${opaque}'`)
    const { code, out, err } = await tokenward(['token', '--login', module], { stdout: terminal })
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('a token is not written to a terminal')
  })

  test.each([
    ['export default () => { throw new Error("503") }', 'failed for p1: 503'],
    ['export default () => ({})', 'the login gave no access token for access_p1_1'],
    ['export default () => "two words"', 'has letters that no header may have'],
    ['export const login = 1', 'has no default export that is a function'],
    ['export default (', 'cannot load'],
  ])('%s: exit code 2, and a message that says why', async (code, message) => {
    const { code: exit, err } = await tokenward(['token', '--login', await login(code)])
    expect(exit).toBe(2)
    expect(err).toContain(message)
  })

  test('inspects a token without printing it', async () => {
    const token = valueOf('jwt', 'inspect')
    const { code, out } = await tokenward(['token', '--inspect', '-'], { input: `Authorization: Bearer ${token}\n` })
    expect(code).toBe(0)
    expect(out).not.toContain(token.slice(0, 30))
    const said = JSON.parse(out)
    expect(said).toMatchObject({ format: 'JWT', header: { alg: 'RS256' }, claims: { aud: 'https://api.example.com' } })
    expect(said.times.iat).toMatch(/^2026-11-24T07:59:00\.000Z \(60 s ago\)$/)
    const opaqueSaid = JSON.parse((await tokenward(['token', '--inspect'], { input: opaque })).out)
    expect(opaqueSaid).toEqual({ fingerprint: expect.stringMatching(/^[\w-]{12}$/), format: 'opaque', length: 43 })
  })
})
