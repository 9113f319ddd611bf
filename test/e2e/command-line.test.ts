import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { harText } from 'tokenward/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { valueOf } from '../testing/scan/sets/values.ts'
import { recording } from '../testing/servers/recording.ts'

// The command line as it is built and packed.

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

beforeAll(() => {
  if (!existsSync(cli)) throw new Error('There is no dist/cli.js to run: run `npm run build` first.')
})

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the program with `input` on its standard input, slowly if it reads slowly. */
async function tokenward(
  args: readonly string[],
  input: Iterable<string> = [],
  flags: readonly string[] = [],
): Promise<Ran> {
  const child = spawn(process.execPath, [...flags, cli, ...args])
  const written = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text))
  child.stdin.on('error', () => {})
  for (const piece of input) if (!child.stdin.write(piece)) await once(child.stdin, 'drain')
  child.stdin.end()
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...written }
}

describe('npx tokenward', () => {
  test('says its version and its help, and refuses what it does not know', async () => {
    const [version, help, unknown] = await Promise.all([
      tokenward(['--version']),
      tokenward([]),
      tokenward(['frobnicate']),
    ])
    expect(version).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' })
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('Usage: tokenward <command>')])
    expect([unknown.code, unknown.out]).toEqual([2, ''])
  })

  test('a log of 100 MB passes through a heap of 64 MB, and the token at its end is found', async () => {
    const line = '203.0.113.9 - - [24/Nov/2026:08:12:01 +0000] "GET /a HTTP/1.1" 200 9 "-" "okhttp/4.12.0"\n'
    const block = line.repeat(Math.ceil(1e6 / line.length))
    function* log(): Generator<string> {
      for (let megabyte = 0; megabyte < 100; megabyte++) yield block
      yield `GET /feed?access_token=${valueOf('opaque', 'end')} 200\n`
    }
    const { code, out } = await tokenward(['scan', '--format', 'json', '-'], log(), ['--max-old-space-size=64'])
    expect(code).toBe(1)
    const report = JSON.parse(out)
    expect(report.characters).toBeGreaterThan(100e6)
    expect(report.findings).toMatchObject([
      { rule: 'L1', where: { line: Math.ceil(1e6 / line.length) * 100 + 1, column: 24 } },
    ])
  })

  test('a recording of 24 MB is served, and replayed against that, by two processes with a heap of 18 MB each', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenward-large-'))
    const file = join(folder, 'large.har')
    const [head = '', ...rest] = harText(recording([{ url: 'https://api.example.com/one', answer: {} }], []))
    await pipeline(entriesOf(160), createWriteStream(file))
    function* entriesOf(count: number): Generator<string> {
      yield head
      for (let index = 0; index < count; index++) {
        const answer = { index, text: `${index} `.padEnd(150_000, 'x') }
        const har = recording([{ url: `https://api.example.com/items/${index}`, answer }], [])
        yield `${index === 0 ? '' : ','}${JSON.stringify(har.log.entries[0])}`
      }
      yield rest.at(-1) ?? ''
    }
    const flags = ['--max-old-space-size=18']
    const server = spawn(process.execPath, [...flags, cli, 'serve', file])
    try {
      const [told] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string]
      const { code, out } = await tokenward(['replay', file, '-u', told.trim().split(' ').at(-1) ?? ''], [], flags)
      expect([code, out]).toEqual([0, expect.stringContaining('160 exchanges: 160 as recorded')])
    } finally {
      server.kill()
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('a reader that goes away, as head does, is no failure', async () => {
    const child = spawn('bash', ['-c', `"$0" "$1" scan - | head -n 1; echo "\${PIPESTATUS[0]}"`, process.execPath, cli])
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    for (let index = 0; index < 3_000; index++) child.stdin.write(`token=${valueOf('opaque', `${index}`)}\n`)
    child.stdin.end()
    await once(child, 'close')
    expect(out).toMatch(/L5 token-in-log\n[01]\n$/)
  })
})
