import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { toCurl, type Har, type HarEntry } from 'tokenward/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entryOf } from '../entry.ts'

const run = promisify(execFile)
const token = 'abc.$HOME`id`.d-e_f'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curl-'))
  // Writes down what curl would be given: its arguments, and its standard input.
  await writeFile(
    join(folder, 'curl'),
    // Without another program: there are hundreds of them.
    '#!/bin/sh\n{ printf "arguments"; for one in "$@"; do printf " [%s]" "$one"; done; echo; while IFS= read -r line; do printf "%s\\n" "$line"; done; echo ---; } >> "$SEEN"\n',
  )
  await chmod(join(folder, 'curl'), 0o755)
})
afterAll(() => rm(folder, { recursive: true }))

function harOf(...entries: readonly HarEntry[]): Har {
  return { log: { version: '1.2', creator: { name: 'test', version: '1' }, entries } }
}

type Option = readonly [string, string]

/** Runs the script with `sh`, in a folder of its own, and reads what curl was told. */
async function told(har: Har): Promise<{ arguments: string; options: Option[] }[]> {
  const seen = join(folder, 'seen')
  await writeFile(seen, '')
  await writeFile(join(folder, 'script'), toCurl(har))
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`,
    SEEN: seen,
    TOKEN_ACCESS_P1_1: token,
    TOKEN_PASSWORD_P1_1: 'pass word',
  }
  await run('sh', [join(folder, 'script')], { cwd: folder, env })
  expect((await readdir(folder)).sort()).toEqual(['curl', 'script', 'seen'])
  return (await readFile(seen, 'utf8'))
    .split('\n---\n')
    .slice(0, -1)
    .map((text) => {
      const [first = '', ...lines] = text.split('\n')
      return { arguments: first, options: lines.map(optionOf) }
    })
}

/** A line of a file of options, as curl's manual says that it is read. */
function optionOf(line: string): Option {
  const [, name = '', quoted] = /^([a-z-]+)(?: = "((?:[^"\\]|\\.)*)")?$/.exec(line) ?? []
  const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', v: '\v' }
  return [
    name || `not understood: ${line}`,
    (quoted ?? '').replace(/\\(.)/g, (_, letter: string) => letters[letter] ?? letter),
  ]
}

const valueOf = (options: readonly Option[], name: string): string[] =>
  options.filter(([option]) => option === name).map(([, value]) => value)

test('a token comes from the environment, by standard input: no argument holds it, and neither does the script', async () => {
  const har = harOf(
    entryOf({ headers: { authorization: 'Bearer {{access_p1_1}}' } }),
    entryOf({ method: 'POST', body: { email: 'ann', password: '{{password_p1_1}}' } }),
  )
  const [get, post] = await told(har)
  expect(get?.arguments).toBe('arguments [--config] [-]')
  expect(valueOf(get?.options ?? [], 'header')).toContain(`Authorization: Bearer ${token}`)
  expect(valueOf(post?.options ?? [], 'data-raw')).toEqual(['{"email":"ann","password":"pass word"}'])
  expect(toCurl(har)).not.toContain(token)
})

test('a variable that is missing stops the script before anything is sent', async () => {
  await writeFile(
    join(folder, 'script'),
    toCurl(harOf(entryOf({ headers: { authorization: 'Bearer {{access_p9_1}}' } }))),
  )
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, SEEN: join(folder, 'seen') }
  await writeFile(join(folder, 'seen'), '')
  await expect(run('sh', [join(folder, 'script')], { cwd: folder, env })).rejects.toThrow(/TOKEN_ACCESS_P9_1/)
  expect(await readFile(join(folder, 'seen'), 'utf8')).toBe('')
})

const nasty = fc
  .stringMatching(/^[ -~]{0,30}$/)
  .chain((text) =>
    fc.constantFrom(
      text,
      `$(touch pwned)${text}`,
      `\`touch pwned\`${text}`,
      `"; touch pwned; "${text}`,
      `@/etc/passwd${text}`,
      `\\"\noutput = "pwned${text}`,
      `\nEND\ntouch pwned\n${text}`,
      `'${text}'\\`,
      `\${SEEN}${text}`,
      `{a,b}[1-3]${text}`,
    ),
  )

test('whatever a recording holds, curl is told just that, and the shell does nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ header: nasty, body: nasty, path: nasty }), { minLength: 8, maxLength: 8 }),
      async (all) => {
        const entries = all.map(({ header, body, path }) =>
          entryOf({
            method: 'POST',
            url: `https://api.example.com/${encodeURI(path)}?q=$(touch%20pwned)'&r={1,2}`,
            headers: { 'x-note': header.replace(/[\r\n]/g, ' '), '@/etc/passwd': 'x', 'x-empty': '' },
            body,
          }),
        )
        const calls = await told(harOf(...entries))
        expect(calls).toHaveLength(all.length)
        for (const [at, { options }] of calls.entries()) {
          const { header, body } = all[at] ?? { header: '', body: '' }
          const note = header.replace(/[\r\n]/g, ' ')
          expect(options.map(([name]) => name)).toEqual([
            'proto',
            'globoff',
            'path-as-is',
            'silent',
            'show-error',
            'request',
            'url',
            'header',
            'header',
            'header',
            'data-raw',
          ])
          expect(valueOf(options, 'data-raw')).toEqual([body])
          expect(valueOf(options, 'url')).toEqual([new URL(entries[at]?.request.url ?? '').href])
          expect(valueOf(options, 'header')).toEqual([
            note.trim() === '' ? 'x-note;' : `x-note: ${note}`,
            'x-empty;',
            'content-type: application/json',
          ])
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('what cannot be told is said: a file of a form, and a body that is not in the recording', () => {
  const form = entryOf({ method: 'POST', body: 'x' })
  const har = harOf(
    {
      ...form,
      request: {
        ...form.request,
        postData: {
          mimeType: 'multipart/form-data; boundary=b',
          params: [
            { name: 'title', value: '@home' },
            { name: 'photo', fileName: 'a.png' },
          ],
        },
      },
    },
    { ...form, request: { ...form.request, postData: { mimeType: 'image/png', _omitted: 'too-large' } } },
  )
  const script = toCurl(har)
  expect(script).toContain('form-string = "title=@home"')
  expect(script).toContain('# the file of photo is not in the recording')
  expect(script).toContain('# the body is not in the recording')
})

test('a recording that names another protocol, or no method, is refused with its entry', () => {
  const entry = entryOf()
  const of = (request: Partial<HarEntry['request']>): Har =>
    harOf(entry, { ...entry, request: { ...entry.request, ...request } })
  expect(() => toCurl(of({ url: 'file:///etc/passwd' }))).toThrow(/entry 1/)
  expect(() => toCurl(of({ method: 'GET"\noutput = "x' }))).toThrow(/entry 1/)
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

test.runIf(hasCurl)('curl itself sends what was recorded, to the letter', async () => {
  const got: {
    readonly method?: string | undefined
    readonly url?: string | undefined
    readonly headers: IncomingHttpHeaders
    readonly body: string
  }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      got.push({
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      })
      response.end('answered\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const bodies = ['@/etc/passwd', '{"a":"\\\\ \\" $(touch pwned) `touch pwned` ${HOME}"}', "it's\nEND\n--next\ttab"]
  const har = harOf(
    ...bodies.map((body) =>
      entryOf({
        method: 'PUT',
        url: `${base}/a/../b?q=[1-3]{x,y}`,
        headers: { 'x-note': `"$(id)" \\ 'x'`, 'x-empty': '' },
        body,
      }),
    ),
    entryOf({ url: `${base}/me`, headers: { authorization: 'Bearer {{access_p1_1}}' } }),
  )
  await writeFile(join(folder, 'real'), toCurl(har))
  const { stdout } = await run('sh', [join(folder, 'real')], { env: { ...process.env, TOKEN_ACCESS_P1_1: 'abc.def' } })
  server.close()
  expect(stdout).toBe('answered\n'.repeat(4))
  expect(got.map(({ method, url, body }) => [method, url, body])).toEqual([
    ...bodies.map((body) => ['PUT', new URL(`${base}/a/../b?q=[1-3]{x,y}`).href.slice(base.length), body]),
    ['GET', '/me', ''],
  ])
  expect(got[0]?.headers).toMatchObject({
    'x-note': `"$(id)" \\ 'x'`,
    'x-empty': '',
    'content-type': 'application/json',
  })
  expect(got[3]?.headers.authorization).toBe('Bearer abc.def')
})
