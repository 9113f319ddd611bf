import { execFileSync } from 'node:child_process'
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import {
  createMockServer,
  fromEnv,
  fromHar,
  harText,
  readHar,
  replay,
  writeHar,
  type Har,
  type HarEntry,
  type RecordingError,
} from 'tokenward/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { entryOf } from './entry.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tokenward-'))))
afterEach(() => rm(folder, { recursive: true }))

const harOf = (...entries: HarEntry[]): Har => ({
  log: { version: '1.2', creator: { name: 'test', version: '1' }, _tokenward: 1, _tokens: [], entries },
})
const tricky = harOf(
  entryOf({ answer: 'a "text" with ]}{[ and \\ and \\" and "entries":[' }),
  entryOf({ body: { log: { entries: [{}] } }, answer: { log: { entries: [1, { a: ']' }] } } }),
  entryOf({ answer: 'é€😀\u2028' }),
)

async function failureOf(work: Promise<unknown>): Promise<Pick<RecordingError, 'code' | 'entry' | 'message'>> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason as RecordingError,
  )
  return { code: error!.code, entry: error!.entry, message: error!.message }
}

describe('a recording is read as it was written', () => {
  test('from a text, an object, a stream of Node and one of the platform', async () => {
    const text = [...harText(tricky)].join('')
    expect(await readHar(text)).toEqual(tricky)
    expect(await readHar(JSON.parse(text) as object)).toEqual(tricky)
    expect(await readHar(Readable.from(Buffer.from(text)))).toEqual(tricky)
    expect(await readHar(new Blob([text]).stream())).toEqual(tricky)
    expect(JSON.parse(text)).toEqual(tricky)
  })

  test('however it is cut into pieces, and however it is indented', async () => {
    const texts = [[...harText(tricky)].join(''), JSON.stringify(tricky, null, 2), JSON.stringify(tricky)].map((text) =>
      Buffer.from(text),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), async (which, cuts) => {
        const bytes = texts[which] ?? Buffer.of()
        async function* pieces(): AsyncGenerator<Uint8Array> {
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const length = cuts[turn % cuts.length] ?? 1
            yield bytes.subarray(at, at + length)
            at += length
          }
        }
        expect(await readHar(pieces())).toEqual(tricky)
      }),
      { numRuns: 40 },
    )
  })

  test('entries that come before the rest, an empty list, and members of other tools', async () => {
    const { entries, ...head } = tricky.log
    const around = { log: { pages: [{ id: 'p' }], entries, ...head, comment: 'x' }, _more: [1] }
    const read = await readHar(JSON.stringify(around))
    expect(read.log.entries).toEqual(entries)
    expect(read.log).toMatchObject({ comment: 'x', version: '1.2' })
    expect(await readHar('{"log":{"entries":[]}}')).toEqual({
      log: { version: '1.2', creator: { name: '', version: '' }, entries: [] },
    })
  })

  test('one entry after another, with what stands before them', async () => {
    const seen: unknown[] = []
    const text = [...harText(tricky)].join('')
    const rest = await readHar(text, {
      onEntry: (entry, index, head) => seen.push([entry, index, head._tokens]),
    })
    expect(seen).toEqual(tricky.log.entries.map((entry, index) => [entry, index, []]))
    expect(rest.log.entries).toEqual([])
  })

  test('a form that a tool keeps as fields only, numbers as values, and what it leaves out', async () => {
    const har = {
      log: {
        version: '1.2',
        entries: [
          {
            request: {
              method: 'POST',
              url: 'https://a.example/',
              postData: {
                mimeType: 'application/x-www-form-urlencoded',
                params: [
                  { name: 'a', value: '1 2' },
                  { name: 'b', value: 3 },
                ],
              },
            },
            response: { status: 200, headers: [{ name: 'x', value: 5 }] },
          },
        ],
      },
    }
    const [entry] = (await readHar(har)).log.entries
    expect(entry?.request).toMatchObject({ headers: [], postData: { text: 'a=1+2&b=3' } })
    expect(entry?.response.headers).toEqual([{ name: 'x', value: '5' }])
    expect(entry?.response.content).toEqual({ size: 0, mimeType: '' })
  })
})

describe('what cannot be read says where, and quotes nothing', () => {
  const text = [...harText(tricky)].join('')
  const secret = 'a-secret-that-is-quoted'

  test.each([
    ['nothing', '', 'invalid_har', 'the file is empty'],
    ['white space', ' \n', 'invalid_har', 'the file is empty'],
    ['another JSON', '[1, 2]', 'invalid_har', 'this is no HAR: it has no log'],
    ['no JSON', `<html>${secret}`, 'invalid_har', 'the file is not JSON'],
    ['entries that are no list', '{"log":{"entries":{}}}', 'invalid_har', 'log.entries is not a list'],
    [
      'another version',
      '{"log":{"version":"2.0","entries":[]}}',
      'unsupported_version',
      'HAR 2.0 is not supported: 1.2 is',
    ],
    [
      'a newer recording',
      '{"log":{"version":"1.2","_tokenward":2,"entries":[]}}',
      'unsupported_version',
      'this recording was made by a newer version (2; this one knows 1)',
    ],
  ])('%s', async (_, input, code, message) => {
    const failure = await failureOf(readHar(input))
    expect(failure).toMatchObject({ code, message })
    expect(failure.message).not.toContain(secret)
  })

  test.each<[string, object, string]>([
    ['params that are no list', { postData: { params: {} } }, 'request.postData.params is not a list'],
    ['a param that is none', { postData: { params: [null] } }, 'request.postData.params.0 is not a name and a value'],
    ['a body that is no object', { postData: 5 }, 'request.postData is not an object'],
    ['a body that is no text', { postData: { text: 5 } }, 'request.postData.text is not a text'],
    ['a bad body', { postData: { text: 'a=b=', _encoding: 'base64' } }, 'request.postData.text is not base64'],
    ['content that is no object', { content: 'a' }, 'response.content is not an object'],
    ['content that is no text', { content: { text: {} } }, 'response.content.text is not a text'],
    ['bad content', { content: { text: '?', encoding: 'base64' } }, 'response.content.text is not base64'],
    ['headers that are no list', { headers: {} }, 'request.headers is not a list of names and values'],
  ])('%s', async (_, { content, ...more }: { content?: unknown }, what) => {
    const request = { method: 'POST', url: 'https://a.example/', ...more }
    const good = { request: { method: 'GET', url: 'https://a.example/' }, response: { status: 200 } }
    const entries = [good, { request, response: { status: 200, ...(content === undefined ? {} : { content }) } }]
    const message = `entry 1 (POST https://a.example/): ${what}`
    for (const input of [{ log: { entries } }, JSON.stringify({ log: { entries } })]) {
      expect(await failureOf(readHar(input))).toEqual({ code: 'invalid_har', entry: 1, message })
    }
    const har = { log: { version: '1.2', creator: { name: '', version: '' }, entries } } as never
    expect(await failureOf(replay(har, { tokens: fromEnv({}) }))).toMatchObject({ message })
    expect(await failureOf(createMockServer(har))).toMatchObject({ message })
  })

  test('null where there is nothing is nothing', async () => {
    const har = await readHar('{"log":{"entries":[],"_tokens":null,"_noise":null}}')
    expect(har.log).toEqual({ version: '1.2', creator: { name: '', version: '' }, entries: [] })
    expect(fromHar({ log: { entries: [], _tokens: null } }).log.entries).toEqual([])
  })

  test.each([
    ['_tokens', 'log._tokens.0 is not a reference to a token'],
    ['_noise', 'log._noise.0 names no place'],
  ])('%s with something else in it', async (name, message) => {
    for (const one of [null, 5, {}, { id: 5, kind: 'access' }, { id: 'a', kind: 'access', principal: 'p1' }]) {
      expect(await failureOf(readHar({ log: { entries: [], [name]: [one] } }))).toMatchObject({
        code: 'invalid_har',
        message,
      })
    }
  })

  test.each([
    ['an entry that is damaged', `{"log":{"entries":[{"a":1},{"b":"${secret}",}]}}`, 0, 'entry 0: there is no request'],
    ['JSON that is damaged within an entry', text.replace('"url"', secret), 0, 'entry 0 is not JSON'],
    [
      'a file that is cut off in an entry',
      text.slice(0, text.lastIndexOf('"response"')),
      2,
      'the file is cut off in entry 2',
    ],
    [
      'a file that is cut off between entries',
      text.slice(0, text.lastIndexOf(',\n')),
      2,
      'the file is cut off after 2 entries',
    ],
    [
      'an entry without a URL',
      JSON.stringify(harOf(entryOf(), { ...entryOf(), request: { ...entryOf().request, url: `/a?${secret}` } })),
      1,
      'entry 1 (GET /a): request.url is not an absolute URL',
    ],
    [
      'a method that is none',
      JSON.stringify(harOf({ ...entryOf(), request: { ...entryOf().request, method: 'a-token-of-some-length' } })),
      0,
      'entry 0 (https://api.example.com/items): request.method is not a method',
    ],
    [
      'what a terminal would obey',
      JSON.stringify(harOf({ ...entryOf(), request: { ...entryOf().request, url: 'https://a.example\u001B[2J/' } })),
      0,
      'entry 0 (GET https://a.example?[2J/): request.url is not an absolute URL',
    ],
    ...[
      [`https://ann:${secret}@api.example.com/v1/orders`, 'https://api.example.com/v1/orders'],
      [`https://api.example.com/reset-password/Zk3Qd82hLw/now`, 'https://api.example.com/reset-password/\u2026/now'],
      [`https://api.example.com/orders;jsessionid=${secret}/1`, 'https://api.example.com/orders'],
    ].map(([url, told]): [string, string, number, string] => [
      `whatever its URL holds: ${url}`,
      JSON.stringify(harOf({ ...entryOf(), request: { ...entryOf().request, url: url ?? '', postData: [] as never } })),
      0,
      `entry 0 (GET ${told}): request.postData is not an object`,
    ]),
    [
      'headers of another kind',
      JSON.stringify(harOf({ ...entryOf(), response: { ...entryOf().response, headers: { a: secret } as never } })),
      0,
      'entry 0 (GET https://api.example.com/items): response.headers is not a list of names and values',
    ],
  ])('%s', async (_, input, entry, message) => {
    expect(await failureOf(readHar(input))).toEqual({ code: 'invalid_har', entry, message })
  })

  test('a version of HTTP that is none is not told', async () => {
    const foreign = { ...entryOf(), request: { ...entryOf().request, httpVersion: 'a-token-of-some-length' } }
    const { log } = await readHar(JSON.stringify(harOf(foreign)))
    expect(log.entries[0]?.request.httpVersion).toBe('HTTP/1.1')
  })

  test('an entry that is larger than it may be', async () => {
    const big = JSON.stringify(harOf(entryOf(), entryOf({ answer: 'x'.repeat(3_000_000) })))
    expect(await failureOf(readHar(big, { maxEntryLength: 1_000_000 }))).toMatchObject({ code: 'too_large', entry: 1 })
  })

  test('nobody waits for a file that is not wanted any more', async () => {
    const stop = new AbortController()
    const reading = readHar(text, { signal: stop.signal, onEntry: () => stop.abort(new Error('enough')) })
    await expect(readHar(text, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    await reading
  })
})

describe('a file is the old one or the new one', () => {
  test('it is written as it is read', async () => {
    const path = join(folder, 'a.har')
    await writeHar(path, tricky)
    expect(await readHar(createReadStream(path))).toEqual(tricky)
    await writeHar(path, harOf())
    expect(await readHar(createReadStream(path))).toEqual(harOf())
    expect(await readdir(folder)).toEqual(['a.har'])
  })

  test('when it cannot be written to the end, the old one stays, and nothing beside it', async () => {
    const path = join(folder, 'a.har')
    await writeFile(path, 'old')
    const fail = (): never => {
      throw new Error('broken')
    }
    const broken = { ...entryOf(), toJSON: fail }
    await expect(writeHar(path, harOf(entryOf(), broken))).rejects.toThrow('broken')
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['a.har'])
  })
})

test('behind a link the file is replaced, and what is no file is written to and stays what it is', async () => {
  const [file, link, pipe] = ['a.har', 'link', 'pipe'].map((name) => join(folder, name)) as [string, string, string]
  await writeFile(file, 'old')
  await symlink('a.har', link)
  await writeHar(link, harOf())
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  expect(await readHar(createReadStream(file))).toEqual(harOf())
  execFileSync('bash', ['-c', 'mkfifo "$1"', 'bash', pipe])
  const [read] = await Promise.all([readHar(createReadStream(pipe)), writeHar(pipe, tricky)])
  expect(read).toEqual(tricky)
  expect((await lstat(pipe)).isFIFO()).toBe(true)
  expect((await readdir(folder)).sort()).toEqual(['a.har', 'link', 'pipe'])
})

test('a recording of 200 MB is read in bounded memory, and tells how far it is', { timeout: 60_000 }, async () => {
  const [head = '', first = '', ...end] = harText(harOf(entryOf({ answer: 'x'.repeat(100_000) })))
  const count = 2_000
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const [one, other] = [Buffer.from(first), Buffer.from(`,${first}`)]
    yield Buffer.from(head)
    for (let index = 0; index < count; index++) yield index === 0 ? one : other
    yield Buffer.from(end.join(''))
  }
  let seen = 0
  let most = 0
  // Other tests of this process may have left what nobody has collected yet.
  const before = process.memoryUsage().heapUsed
  let last = { read: 0, entries: 0 }
  await readHar(pieces(), {
    onEntry: () => seen++,
    onProgress(progress) {
      last = progress
      most = Math.max(most, process.memoryUsage().heapUsed)
    },
  })
  expect(seen).toBe(count)
  expect(last.entries).toBe(count)
  expect(last.read).toBeGreaterThan(200_000_000)
  expect((most - before) / 1e6).toBeLessThan(150)
})
