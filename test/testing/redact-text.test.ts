import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldsOfText } from '../../src/testing/har/bodies.ts'
import { layersOf } from '../../src/testing/redact/layers.ts'
import { createTextRedactor } from '../../src/testing/redact/text.ts'

const secret = 'Zq8+tok/en=="\'\\é&<7'
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImp0aSI6ImFiYyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ'

function redactorOf(...values: string[]): { redact(text: string): string; templates: string[] } {
  const templates: string[] = []
  const known = values.map((value, index) => ({ value, id: `access_p1_${index + 1}` }))
  const redactor = createTextRedactor(known, {
    encoded(template, encoding) {
      templates.push(`${encoding} ${template}`)
      return `encoded_p1_${templates.length}`
    },
  })
  return { redact: redactor.redact, templates }
}

const hex = (text: string): string => Buffer.from(text).toString('hex')
const percentAll = (text: string): string => hex(text).replaceAll(/../g, '%$&')
const unicodeAll = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')
const json = (text: string): string => JSON.stringify(text).slice(1, -1)

/** How a secret may be spelled. */
const spellings: Record<string, (text: string) => string> = {
  plain: (text) => text,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in small letters': (text) =>
    encodeURIComponent(text).replaceAll(/%../g, (escape) => escape.toLowerCase()),
  'percent-encoded as a form does': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  'percent-encoded to the last letter': percentAll,
  'percent-encoded here and there': (text) => encodeURIComponent(text).replaceAll('e', '%65'),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'JSON-escaped': json,
  'JSON-escaped with slashes': (text) => json(text).replaceAll('/', '\\/'),
  'JSON-escaped to the last letter': unicodeAll,
  'JSON in JSON': (text) => json(json(text)),
  'percent-encoded in JSON': (text) => json(encodeURIComponent(text)),
  'JSON, percent-encoded': (text) => encodeURIComponent(json(text)),
  'HTML-escaped': html,
  'JSON in HTML': (text) => html(json(text)),
  'percent-encoded in JSON in HTML, percent-encoded': (text) =>
    encodeURIComponent(html(json(encodeURIComponent(text)))),
  'beside a percent sign that is none': (text) => `%FF${percentAll(text)}%C3`,
  'as code points': (text) => Array.from(text, (one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`).join(''),
  'in octal': (text) =>
    Array.from(text, (one) => (one > '\xff' ? one : `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`)).join(''),
  'quoted-printable, in lines': (text) =>
    hex(text).toUpperCase().replaceAll(/../g, '=$&').replaceAll(/.{12}/g, '$&=\r\n'),
}

/** What is around a secret in its spelling, and no part of it. */
const rest = /%FF|%C3|=\r\n/g

describe('a secret is found however it is spelled', () => {
  test.each(Object.entries(spellings))('%s', (_, spell) => {
    const { redact } = redactorOf(secret, jwt)
    const redacted = (text: string): string => redact(text).replaceAll(rest, '')
    for (const value of [secret, jwt]) {
      const id = value === secret ? 'access_p1_1' : 'access_p1_2'
      expect(redacted(`before ${spell(value)} after`)).toBe(`before {{${id}}} after`)
      expect(redacted(spell(value))).toBe(`{{${id}}}`)
      expect(redacted(`x${spell(value)}${spell(value)}`)).toBe(`x{{${id}}}{{${id}}}`)
    }
  })

  test.each<[string, string, string]>([
    ['Latin-1, percent-encoded', 'pass=caf%E9-Cr%E8me&a=%E9', 'pass={{access_p1_1}}&a=%E9'],
    ['UTF-8 that was read as Latin-1', 'a: cafÃ©-CrÃ¨me.', 'a: {{access_p1_1}}.'],
    ['in small letters', 'https://café-crème.example/', 'https://{{access_p1_1}}.example/'],
    ['Latin-1 in base64', Buffer.from('ann:café-Crème', 'latin1').toString('base64'), '{{access_p1_1}}'],
    ['Latin-1 in hex', Buffer.from('café-Crème', 'latin1').toString('hex'), '{{encoded_p1_1}}'],
    ['UTF-16', Buffer.from('a café-Crème b', 'utf16le').toString('latin1'), 'a\0 {{access_p1_1}}\0 \0b\0'],
    [
      'UTF-16, the greater byte first',
      '\0caf\0\xe9'.replace('caf', 'c\0a\0f') + '\0-\0C\0r\0\xe8\0m\0e',
      '{{access_p1_1}}',
    ],
  ])('%s', (_, text, expected) => {
    const { redact } = redactorOf('café-Crème')
    expect(redact(text).replace(/^[\w+/]{1,8}(?=\{)|(?<=\}\})\w{0,2}=*$/g, '')).toBe(expected)
  })

  test('in hex of large and small letters', () => {
    const { redact } = redactorOf(secret)
    const mixed = Array.from(hex(secret), (digit, at) => (at % 3 ? digit : digit.toUpperCase())).join('')
    expect(redact(`id ${mixed}.`)).toBe('id {{encoded_p1_1}}.')
  })

  test.each([2, 3])('in base64, %i times', (times) => {
    const { redact, templates } = redactorOf(secret)
    let text = `{"a":"${secret}"}`
    for (let time = 0; time < times; time++) text = Buffer.from(text).toString('base64')
    expect(redact(`/path/${text}&x=1`)).toMatch(/^\/path\/\{\{encoded_p1_\d\}\}&x=1$/)
    expect(templates[0]).toBe('base64 {"a":"{{access_p1_1}}"}')
    expect(templates).toHaveLength(times)
  })

  test('in base64 in base64 that has no padding, in a path', () => {
    const { redact } = redactorOf('q8Zt3Vb6XkLw0Rf9Yh2Dm5Pj7Ns4Gc1A')
    const text = btoa(btoa('ab:q8Zt3Vb6XkLw0Rf9Yh2Dm5Pj7Ns4Gc1A'))
    expect(text).not.toContain('=')
    expect(redact(`/r/${text}/z`)).toMatch(/^\/r\/\{\{encoded_p1_\d\}\}\/z$/)
  })

  test('in base64 that is broken into lines, also in JSON', () => {
    const { redact, templates } = redactorOf(secret)
    const text = Buffer.from(`before ${secret} and after it`).toString('base64').replaceAll(/.{16}/g, '$&\r\n  ')
    expect(redact(`data:\n${text}\n\nend`)).toBe('data:\n{{encoded_p1_1}}\n\nend')
    expect(redact(JSON.stringify({ text }))).toBe('{"text":"{{encoded_p1_2}}"}')
    expect(templates[1]).toBe(`base64 before {{access_p1_1}} and after it`)
  })

  test('in base64 of UTF-16, as a shell takes it', () => {
    const { redact } = redactorOf(secret, jwt)
    const encoded = (text: string): string => Buffer.from(text, 'utf16le').toString('base64')
    expect(redact(`-enc ${encoded(`login ${jwt}`)}`)).toBe('-enc {{encoded_p1_1}}')
    // Of what is no UTF-8 as bytes nothing can be said but whose it is.
    expect(redact(encoded(`login ${secret}`))).toMatch(/^[\w+/]{14,16}\{\{access_p1_1\}\}\w{0,2}=?$/)
  })

  test.each([0, 1, 2, 3, 4, 5])('in base64, %i bytes after its beginning', (skip) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      for (const value of [secret, jwt, `${secret} and more`]) {
        const { redact, templates } = redactorOf(value)
        const before = 'abcdef'.slice(0, skip)
        const text = Buffer.from(`${before}${value} and the rest`).toString(encoding)
        const redacted = redact(`x-data: ${text}.`)
        expect(redacted).toBe('x-data: {{encoded_p1_1}}.')
        expect(templates[0]).toContain(`${before}{{access_p1_1}}`)
      }
    }
  })

  test('in base64, between bytes that are no text, where nothing can be said of them', () => {
    const { redact } = redactorOf(secret)
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(secret), Buffer.from([0xff, 0x80, 0xff, 0x80])])
    const redacted = redact(bytes.toString('base64'))
    expect(redacted).toContain('{{access_p1_1}}')
    expect(Buffer.from(redacted.replaceAll(/\{\{.*?\}\}/g, ''), 'base64').toString('latin1')).not.toMatch(/tok|en==/)
  })

  test('in hex', () => {
    const { redact, templates } = redactorOf(secret)
    expect(redact(`0x${hex(secret)}00`)).toBe('0x{{encoded_p1_1}}00')
    expect(redact(hex(secret).toUpperCase())).toBe('{{encoded_p1_2}}')
    expect(templates[0]).toBe('hex {{access_p1_1}}')
  })

  test('in base64 that is percent-encoded, and in JSON in base64', () => {
    const { redact, templates } = redactorOf(secret)
    const basic = Buffer.from(`user:${secret}`).toString('base64')
    expect(redact(`?auth=${encodeURIComponent(basic)}&x=1`)).toBe('?auth={{encoded_p1_1}}&x=1')
    const inner = Buffer.from(JSON.stringify({ token: secret })).toString('base64url')
    expect(redact(`state=${inner}`)).toBe('state={{encoded_p1_2}}')
    expect(templates).toEqual([
      'base64 user:{{access_p1_1}}',
      expect.stringMatching(/^base64(url)? \{"token":"\{\{access_p1_1\}\}"\}$/),
    ])
  })

  test('the parts of a JWT by themselves are the business of the vault, and the whole goes first', () => {
    const { redact } = redactorOf(jwt, jwt.split('.')[1] ?? '')
    expect(redact(`${jwt} ${jwt.split('.')[1] ?? ''}`)).toBe('{{access_p1_1}} {{access_p1_2}}')
  })
})

describe('what is no secret stays as it was', () => {
  test('a short secret is replaced only where it is a value of its own', () => {
    const { redact, templates } = redactorOf('demo')
    const text = '{"password":"demo","email":"demo@example.com","demographic":1,"a":["demo"]}'
    expect(redact(text)).toBe(
      '{"password":"{{access_p1_1}}","email":"demo@example.com","demographic":1,"a":["{{access_p1_1}}"]}',
    )
    expect(redact('password=demo&user=demo%40example.com')).toBe('password={{access_p1_1}}&user=demo%40example.com')
    expect(redact('q=%22demo%22')).toBe('q=%22{{access_p1_1}}%22')
    const basic = Buffer.from('demo@example.com:demo').toString('base64')
    expect(redact(`Basic ${basic}`)).toBe('Basic {{encoded_p1_1}}')
    expect(templates).toEqual(['base64 demo@example.com:{{access_p1_1}}'])
    const other = Buffer.from('a democracy').toString('base64')
    expect(redact(other)).toBe(other)
  })

  test('a short secret of letters and digits is one wherever it stands, and the end of a sentence is no part of one', () => {
    const { redact } = redactorOf('x7Kp2q', 'demo')
    expect(redact('v-x7Kp2q_1 X7KP2Q, a demo. (demo!) my-demo demonstrates Demo')).toBe(
      'v-{{access_p1_1}}_1 X7KP2Q, a {{access_p1_2}}. ({{access_p1_2}}!) my-demo demonstrates Demo',
    )
  })

  test('the name of a placeholder may be a secret', () => {
    const { redact } = redactorOf('access_p1_1', 'password')
    expect(redact('access_p1_1 password')).toBe('{{access_p1_1}} {{access_p1_2}}')
    expect(redact('{{password_p1_1}} {{access_p1_1}}')).toBe('{{password_p1_1}} {{access_p1_1}}')
  })

  test('a text without a secret is the same, whatever escapes are in it', () => {
    const { redact } = redactorOf(secret, jwt, '1234')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('1234'))
        expect(redact(`${text} %zz \\q &nope; %C3 ${json(text)}`)).toBe(`${text} %zz \\q &nope; %C3 ${json(text)}`)
      }),
    )
  })
})

test('however escapes are mixed, a text is looked through a dozen times and no more', () => {
  const line = `${encodeURIComponent(json(json('é "q" &')))}\\u0041%2541&amp;quot;\\\\n=20%FF=\n&#x25;41 `
  expect([...layersOf(line.repeat(100))].length).toBeLessThan(13)
})

test('whatever is repeated in a text, the time grows with its length and no faster', () => {
  const { redact } = redactorOf(secret, jwt, '1234', ...Array.from({ length: 50 }, (_, at) => `token-number-${at}`))
  const pieces = ['%', '%41', '\\', '\\u{', '&', '&#', '=', '=\n', '\n ', 'QUJD', '1234', '12', jwt, 'token-number-']
  const bodies = ['<a ', '<a b="', 'a ', 'a:"', '{"a":', '{a:"\\', '--\n', '[', '{}\n', 'data:', 'a=&', '"/?a=', '&#']
  const slow: string[] = []
  for (const piece of [...pieces, ...bodies]) {
    const time = (length: number): number => {
      const text = piece.repeat(length / piece.length)
      const before = process.cpuUsage()
      redact(text)
      for (const start of ['', '<a>', '{', 'query {', '--x\r\n']) fieldsOfText(start + text)
      return process.cpuUsage(before).user / 1_000
    }
    const [small, large] = [time(10_000), time(40_000)]
    // Four times as long may take four times as long, and some for a cold start: sixteen times would be quadratic.
    if (large > 400 && large > small * 10) slow.push(`${piece} ${small.toFixed(0)} ms, ${large.toFixed(0)} ms`)
  }
  expect(slow).toEqual([])
})

test('a long secret that repeats itself costs no more than another', () => {
  for (const secret of ['\\'.repeat(20_000), `${'\\'.repeat(20_000)}a`]) {
    const { redact } = redactorOf(secret)
    const before = process.cpuUsage()
    redact(`${secret} ${'\\'.repeat(40_000)} ${secret}`)
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000)
  }
})

test('no secret survives in any place and any spelling', () => {
  const value = fc.oneof(
    fc.string({
      minLength: 8,
      maxLength: 60,
      unit: fc.constantFrom(...Array.from('abcXYZ0189-._~+/="\\\'%&<>{}é€😀 \n')),
    }),
    fc.string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' }),
    fc.uint8Array({ minLength: 12, maxLength: 48 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  )
  const spelling = fc.constantFrom(...Object.values(spellings), (text: string) => Buffer.from(text).toString('base64'))
  const around = fc.string({ maxLength: 12, unit: fc.constantFrom(...Array.from('abc "\\:=&?/{}[],')) })
  fc.assert(
    fc.property(
      fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(around, fc.nat(2), spelling), { minLength: 1, maxLength: 6 }),
      (values, pieces) => {
        const { redact } = redactorOf(...values)
        const text = pieces
          .map(([before, at, spell]) => `${before}|${spell(values[at % values.length] ?? '')}|`)
          .join('')
        const redacted = redact(text).replaceAll(/\{\{\w+\}\}/g, '\u0000')
        for (const hidden of values) {
          for (const spell of Object.values(spellings)) expect(redacted).not.toContain(spell(hidden))
        }
        expect(redact(redacted)).toBe(redacted)
      },
    ),
    { numRuns: 300 },
  )
})
