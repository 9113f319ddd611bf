import fc from 'fast-check'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { createTokenManager } from 'tokenward'
import { fingerprint, ruleOfAlert, scan, scanRules, type ScanOptions } from 'tokenward/testing'
import { describe, expect, test } from 'vitest'
import { readLeaks } from './sets/leaks.ts'
import { readHistories } from './sets/misuse.ts'
import { setsBeginAt, valueOf } from './sets/values.ts'

const opaque = valueOf('opaque', 'one')
const other = valueOf('opaque', 'two')
const token = valueOf('jwt', 'one')

async function found(text: string, options: ScanOptions = {}): Promise<string[]> {
  const { findings } = await scan(text, options)
  return findings.map(({ rule, where }) => `${rule} ${where.line}:${where.column}`)
}

describe('places', () => {
  test('a finding names the file, the line and the column where the token begins', async () => {
    const { findings } = await scan(`first\r\nGET /feed?access_token=${opaque}&x=1`, { file: 'logs/access.log' })
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      rule: 'L1',
      name: 'token-in-url',
      severity: 'high',
      kind: 'access',
      where: { file: 'logs/access.log', line: 2, column: 24 },
    })
  })

  test('what PowerShell redirects into a file is UTF-16, and read as that', async () => {
    const text = `first\nGET /feed?access_token=${opaque}`
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le')
    for (const bytes of [little, Buffer.from(little).swap16()]) {
      const { findings } = await scan(Readable.from([bytes.subarray(0, 33), bytes.subarray(33)]))
      expect(findings).toMatchObject([{ rule: 'L1', where: { line: 2, column: 24 } }])
    }
  })

  test('in a recording it names the entry and the part of it', async () => {
    const har = readLeaks().find(({ file }) => file === 'firefox.har')!
    const { findings } = await scan(har.text, { file: har.file })
    const places = findings.map(({ where }) => `${where.entry} ${where.part}`)
    expect(places).toContain('0 request.headers.authorization')
    expect(places).toContain('1 response.headers.set-cookie')
    expect(places).toContain('2 response.redirectURL')
  })

  test('a recording may be given as an object', async () => {
    const har = readLeaks().find(({ file }) => file === 'chrome.har')!
    const asText = await scan(har.text, { file: har.file })
    const asObject = await scan(JSON.parse(har.text), { file: har.file })
    const bare = ({ findings }: typeof asText): object[] =>
      findings.map(({ rule, where, fingerprint }) => ({ rule, fingerprint, entry: where.entry, part: where.part }))
    expect(bare(asObject)).toEqual(bare(asText))
  })
})

describe('what no report may hold', () => {
  test('no token of any labelled set is in a report, whole or in part, in the findings, the traces or the messages', async () => {
    for (const { text, file, allowOrigins, labels } of readLeaks()) {
      const report = await scan(text, { file, ...(allowOrigins ? { allowOrigins } : {}) })
      const printed = inspect(report, { depth: 10, maxArrayLength: null, maxStringLength: null })
      const lines = text.split('\n')
      for (const { line, column, length, rules, shape } of labels) {
        const value = lines[line - 1]!.slice(column - 1, column - 1 + length)
        if (rules.length > 0 && length >= 12) expect(printed, shape).not.toContain(value.slice(0, 12))
      }
    }
  })

  test('the same token has the same fingerprint everywhere, another token another', async () => {
    const { findings } = await scan(`token=${opaque}\n{"access_token":"${opaque}"}\ntoken=${other}\n`)
    const [a, b, c] = findings.map(({ fingerprint }) => fingerprint)
    expect(a).toMatch(/^[\w-]{12}$/)
    expect([b, c === a, a]).toEqual([a, false, fingerprint(opaque)])
  })

  test('a password is not fingerprinted: a hash would confirm a guess', async () => {
    const { findings } = await scan('grant_type=password&username=bob&password=Tr0ub4dor%263x')
    expect(findings.map(({ kind, fingerprint }) => [kind, fingerprint])).toEqual([['password', 'password']])
  })
})

describe('options', () => {
  test('only the rules that are asked for find something', async () => {
    const text = `GET http://api.example.com/a?token=${opaque}\n`
    expect(await found(text, { rules: ['L3'] })).toEqual(['L3 1:36'])
    expect(await found(text, { rules: ['L8'] })).toEqual([])
  })

  test('with allowed origins a token that goes elsewhere is found, by exact origin', async () => {
    const to = (origin: string): string => `curl -H 'Authorization: Bearer ${opaque}' ${origin}/x`
    const options = { allowOrigins: ['https://api.example.com/v1'], rules: ['L4'] as const }
    expect(await found(to('https://api.example.com'), options)).toEqual([])
    expect(await found(to('https://api.example.com.evil.example'), options)).toHaveLength(1)
    expect(await found(to('https://api.example.com:8443'), options)).toHaveLength(1)
    expect(await found(to('https://evil.example'), { rules: ['L4'] })).toEqual([])
  })

  test('a token that has expired is a finding of one degree less', async () => {
    const severities = async (now: number): Promise<string[]> =>
      (await scan(`token: ${token}`, { now })).findings.map(({ severity }) => severity)
    expect(await severities(setsBeginAt)).toEqual(['high'])
    expect(await severities(setsBeginAt + 90 * 86_400_000)).toEqual(['medium'])
  })

  test('a known token is found wherever it stands, percent-encoded and within JSON too', async () => {
    const odd = 'plain words/and "quotes" = a token'
    const text = `nothing ${odd}\nnothing ${encodeURIComponent(odd)}\nnothing ${JSON.stringify(odd)}\nnothing\n`
    expect(await found(text)).toEqual([])
    expect(await found(text, { knownTokens: [odd] })).toEqual(['L5 1:9', 'L5 2:9', 'L5 3:10'])
  })

  test('a known token is found in a recording, too', async () => {
    const entry = { request: { url: 'https://a.example/', postData: { text: '{"note":"say plain-words to me"}' } } }
    const har = JSON.stringify({ log: { entries: [entry] } })
    expect(await found(har)).toEqual([])
    expect(await found(har, { knownTokens: ['plain-words'] })).toEqual(['L8 1:95'])
  })

  test('the tokens of a manager are known, as long as it holds them', async () => {
    const source = { id: 'test', credential: 'cookie', refresh: () => Promise.reject(new Error('never')) } as const
    const manager = createTokenManager({ source, resources: ['https://api.example.com'] })
    await manager.startSession({ access_token: 'nobody-would-guess-that', token_type: 'Bearer', expires_in: 300 })
    const log = 'debug: nobody-would-guess-that\n'
    expect(await found(log)).toEqual([])
    expect(await found(log, { manager })).toEqual(['L5 1:8'])
    await manager.logout()
    expect(await found(log, { manager: [manager] })).toEqual([])
    manager.dispose()
    const stranger = { subscribe: () => () => undefined }
    await expect(found(log, { manager: stranger })).rejects.toThrow('pass them as knownTokens')
  })

  test('a known token is found by its fingerprint alone', async () => {
    const [fingerprint = ''] = (await scan(`token=${opaque}`)).findings.map((one) => one.fingerprint)
    expect(await found(`nothing ${opaque} says so`)).toEqual([])
    expect(await found(`nothing ${opaque} says so`, { knownFingerprints: [fingerprint] })).toEqual(['L5 1:9'])
  })

  test('one token on every line is told twenty times, and counted for the rest', async () => {
    const { findings, counts, dropped } = await scan(`token=${opaque}\n`.repeat(1_000))
    expect([findings.length, counts.L5, dropped]).toEqual([20, 1_000, 980])
  })

  test('not more findings are kept than asked for, and each that is kept is told at once', async () => {
    const text = Array.from({ length: 50 }, (_, index) => `token=${valueOf('opaque', `${index}`)}\n`).join('')
    const told: unknown[] = []
    const { findings, dropped } = await scan(text, { maxFindings: 10, onFinding: (finding) => told.push(finding) })
    expect([findings.length, dropped, told]).toEqual([10, 40, findings])
  })

  test('progress is told about once for each megabyte', async () => {
    const told: number[] = []
    await scan('x'.repeat(3.5e6), { onProgress: (characters) => told.push(characters) })
    expect(told.length).toBeGreaterThanOrEqual(3)
    expect(told).toEqual([...told].sort((a, b) => a - b))
  })
})

describe('streams', () => {
  async function* pieces(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(text)
    const at = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
    for (let index = 1; index < at.length; index++) yield bytes.subarray(at[index - 1], at[index])
  }

  test('however a text is cut into pieces, the same is found', async () => {
    const documents = readLeaks()
    const whole = await Promise.all(documents.map(({ text, file }) => scan(text, { file })))
    await fc.assert(
      fc.asyncProperty(
        fc.nat(documents.length - 1),
        fc.array(fc.nat(100_000), { maxLength: 12 }),
        async (index, cuts) => {
          const { text, file } = documents[index]!
          const { findings, characters } = await scan(pieces(text, cuts), { file })
          expect({ findings, characters }).toEqual({
            findings: whole[index]!.findings,
            characters: whole[index]!.characters,
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a token is found at any place of a line that is longer than what is held', async () => {
    for (const at of [10, (1 << 20) - 5_000, (1 << 20) - 20, 1 << 20, (1 << 20) + 5, 3_000_000]) {
      const line = `${'x '.repeat(at / 2)}token=${opaque} ${'y '.repeat(100_000)}`
      expect(await found(line), `${at}`).toEqual([`L5 1:${line.indexOf(opaque) + 1}`])
    }
  })

  test('bytes that are no text are passed', async () => {
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 256))
    const { findings } = await scan([noise.toString('latin1'), `\ntoken=${opaque}\n`])
    expect(findings).toHaveLength(1)
  })

  test('a recording that ends too early is an error that names the entry', async () => {
    const { text } = readLeaks().find(({ file }) => file === 'chrome.har')!
    await expect(scan(text.slice(0, text.length / 2))).rejects.toThrow(/entry \d/)
    await expect(scan('{"log":{"entries":[')).rejects.toThrow('before its entries')
  })
})

describe('placeholders', () => {
  test('no rule of leaks finds a placeholder, in any notation', async () => {
    const kinds = ['access', 'refresh', 'id', 'code', 'password', 'secret', 'verifier']
    const lines = kinds.flatMap((kind) => [
      `Authorization: Bearer {{${kind}_p1_1}}`,
      `GET /a?${kind}_token=%7B%7B${kind}_p1_1%7D%7D&x=1`,
      `{"${kind}_token":"{{${kind}_p12_30}}"}`,
      `grant_type=refresh_token&refresh_token={{${kind}_p1_1}}`,
      `set-cookie: ${kind}_token={{${kind}_p1_1}}; Path=/`,
    ])
    expect(await found(lines.join('\n'))).toEqual([])
  })
})

describe('rules', () => {
  test('every rule has a name of its own, says what to do and where that is written', () => {
    expect(scanRules.map(({ id }) => id)).toEqual([
      ...['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'L8'],
      ...['M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M7', 'M8', 'M9', 'M10', 'M11'],
    ])
    expect(new Set(scanRules.map(({ name }) => name)).size).toBe(scanRules.length)
    for (const { advice, title, see } of scanRules) {
      expect(advice).toMatch(/\.$/)
      expect(title.length).toBeGreaterThan(10)
      expect(see).toMatch(/^https:\/\/www\.rfc-editor\.org\/rfc\/rfc\d+\.html#section-[\d.]+$/)
    }
  })

  test('what a manager raises as an alert is counted under the same rule', () => {
    expect(ruleOfAlert('token-in-url')).toMatchObject({ id: 'L1', name: 'token-in-url' })
    expect(ruleOfAlert('used-after-end')).toMatchObject({ id: 'M2', name: 'used-after-end' })
    expect(ruleOfAlert('refresh-token-reused')).toMatchObject({ id: 'M3', name: 'refresh-token-reused' })
    expect(ruleOfAlert('clock-off')).toBeUndefined()
    expect(ruleOfAlert('refresh-storm')).toMatchObject({ id: 'M8', name: 'refresh-storm' })
    expect(ruleOfAlert('scope-grew')).toMatchObject({ id: 'M10', name: 'scope-grew' })
    expect(ruleOfAlert('subject-changed')).toMatchObject({ id: 'M11', name: 'subject-changed' })
    expect(ruleOfAlert('fresh-token-refused')).toMatchObject({ id: 'M5' })
    expect(ruleOfAlert('odd-token')).toBeUndefined()
  })
})

describe('misuse', () => {
  test('limits decide what counts as misuse', async () => {
    const history = readHistories().find(({ id }) => id === 'm9-06')!
    const counts = async (maxLifetimeMs: number): Promise<object> =>
      (await scan(history.text, { file: history.file, limits: { maxLifetimeMs } })).counts
    expect(await counts(13 * 3_600_000)).toEqual({ L5: 1 })
    expect(await counts(3_600_000)).toEqual({ L5: 1, M9: 1 })
  })

  test('each rule tells of a token once, however often it happens', async () => {
    const history = readHistories().find(({ id }) => id === 'm7-01')!
    const { findings } = await scan(history.text, { file: history.file, rules: ['M7'] })
    expect(findings).toHaveLength(1)
  })

  test('the life of a token is told without it: when, what, where to, and how it was answered', async () => {
    const history = readHistories().find(({ id }) => id === 'm2-04')!
    const { tokens, findings } = await scan(history.text, { file: history.file })
    const misused = tokens.find(({ id }) =>
      findings.some(({ rule, fingerprint }) => rule === 'M2' && fingerprint === id),
    )
    expect(misused?.steps.map(({ what, to, status }) => `${what} ${to} ${status}`)).toEqual([
      'issued id.example.com/token 200',
      'bearer api.example.com/orders 200',
      'bearer api.example.com/orders 200',
    ])
  })
})
