import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entryOf } from '../testing/entry.ts'
import { valueOf } from '../testing/scan/sets/values.ts'
import { installedCli, installPackage } from '../support/installed.ts'
import { readText } from './markdown.ts'

// docs/guide.md, done as it says: the files written, the commands run, in their order, in an empty folder.

/** A file to write, or a command to run. */
type Step = { readonly file: string; readonly text: string } | { readonly command: string }

function stepsOf(path: string): Step[] {
  const blocks = readText(path).matchAll(/(?:^`([\w.]+)`[^\n]*:\n\n)?^```(\w+)\n(.*?)^```$/gms)
  return [...blocks].flatMap(([, file, language, text = '']): Step[] => {
    if (file !== undefined) return [{ file, text }]
    if (language !== 'sh') throw new Error(`a block of ${language} has no name of a file before it`)
    return text
      .trimEnd()
      .split('\n')
      .map((command) => ({ command }))
  })
}

let folder: string
const left: ChildProcess[] = []
const said = new Map<string, { readonly code: number | null; readonly out: string; readonly err: string }>()

/** Runs a command as a shell would, or leaves it running as soon as it has said something. */
async function run(command: string): Promise<void> {
  const words = command.replace(/ &$/, '').split(' ')
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '' }
  while (/^\w+=/.test(words[0] ?? '')) {
    const [name = '', value = ''] = words.shift()?.split('=') ?? []
    env[name] = value
  }
  const [program, ...rest] = words
  const args = program === 'npx' && rest[0] === 'tokenward' ? [installedCli, ...rest.slice(1)] : rest
  expect(['node', 'npx']).toContain(program)
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const written = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text))
  if (command.endsWith(' &') || command.includes(' serve ')) {
    left.push(child)
    await once(child.stdout, 'data')
  } else await once(child, 'close')
  said.set(command, Object.assign(written, { code: child.exitCode }))
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guide-'))
  await installPackage(folder)
  // What a browser would have exported.
  const entries = [entryOf({ headers: { authorization: `Bearer ${valueOf('opaque', 'guide')}` } })]
  const har = { log: { version: '1.2', creator: { name: 'WebInspector', version: '1' }, entries } }
  await writeFile(join(folder, 'browser.har'), JSON.stringify(har))
  for (const step of stepsOf('docs/guide.md')) {
    if ('file' in step) await writeFile(join(folder, step.file), step.text)
    else await run(step.command)
  }
}, 60_000)
afterAll(async () => {
  for (const child of left) {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  }
  await rm(folder, { recursive: true, force: true })
})

function outputOf(part: string): { readonly code: number | null; readonly out: string; readonly err: string } {
  const found = [...said].filter(([command]) => command.includes(part))
  if (found[0] === undefined) throw new Error(`the guide has no command with ${part}`)
  return found[0][1]
}

test('every command of the guide for a newcomer succeeds', () => {
  const failed = [...said].filter(([, { code }]) => code !== 0 && code !== null)
  expect(failed).toEqual([])
  expect(said.size).toBeGreaterThan(8)
})

test('what it says of the recording is so: placeholders, no token, no password', async () => {
  const text = await readFile(join(folder, 'orders.har'), 'utf8')
  expect(text).toContain('Bearer {{access_p1_1}}')
  expect(text).toContain('{{password_p1_1}}')
  expect(text).not.toContain('"demo"')
  expect(text).not.toContain('eyJ')
  expect(outputOf('import').err).toBe('1 exchange. Replaced 1 access.\n')
})

test('the replay, the matrix and the generated test do what it says', () => {
  expect(outputOf('replay').out).toContain('3 exchanges: 3 as recorded, 0 different, 0 skipped')
  expect(outputOf('--matrix').out).toMatch(/ok .* none: 401\n/)
  expect(outputOf('--matrix').out).toMatch(/ok .* tampered: 401\n/)
  expect(outputOf('node --test').out).toMatch(/pass 4\n/)
})

test('the mock refuses whom the API refuses', async () => {
  const origins = (): string[] =>
    Array.from(outputOf('tokenward serve').out.matchAll(/ is served at (\S+)/g), ([, one = '']) => one)
  await expect.poll(origins).toHaveLength(2)
  const statuses = await Promise.all(origins().map(async (one) => (await fetch(`${one}/orders`)).status))
  expect(statuses.sort()).toEqual([401, 404])
})
